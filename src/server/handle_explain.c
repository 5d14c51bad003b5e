/* SPDX-License-Identifier: Apache-2.0 */
/* Why an offer ranks where it does, for who searches; and for a host, where its own rank and what
 * would move them (market/explain.h). */
#include <string.h>

#include "base/json.h"
#include "flow/machines.h"
#include "flow/offers.h"
#include "market/catalog_search.h"
#include "market/explain.h"
#include "market/query_parse.h"
#include "server/app.h"
#include "server/catalog_feed.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { EXPLAIN_REPLY_MAX = 4 << 20, TOP = 10 };

/* A search with all that it found, for as long as the catalog is held. */
struct found {
    struct query query;
    struct query_caller asker;
    struct catalog_hit *hits; /* owned */
    size_t count;
};

static bool is_by_score(const struct query *query)
{
    return query->order_count == 1 && query->order[0].field == QUERY_SCORE &&
           query->order[0].is_descending;
}

static bool is_by_price(const struct query *query)
{
    return query->order_count == 1 && query->order[0].field == QUERY_DPH_TOTAL &&
           !query->order[0].is_descending;
}

/* All that the query finds, up to the most that any search may. */
static void find(struct found *found, const struct catalog *catalog)
{
    found->query.limit = QUERY_LIMIT_MAX;
    found->hits = calloc(QUERY_LIMIT_MAX, sizeof *found->hits);
    if (found->hits == NULL)
        abort();
    found->count = catalog_search(catalog, &found->query, &found->asker, found->hits);
}

static size_t place_of(const struct found *found, int64_t offer_id)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->hits[i].offer->id == offer_id)
            return i;
    }
    return SIZE_MAX;
}

static void encode_operand(struct encoder *json, const struct query_value *value)
{
    if (value->kind == QUERY_VALUE_NUMBER)
        encode_real(json, value->number);
    else if (value->kind == QUERY_VALUE_TEXT)
        encode_text(json, value->text);
    else
        encode_null(json);
}

static void encode_miss(struct encoder *json, const struct query_condition *condition,
                        const struct query_value *value)
{
    bool is_list = condition->relation == QUERY_IN || condition->relation == QUERY_NOTIN;

    encode_object(json);
    encode_field_text(json, "field", query_field_name(condition->field));
    encode_field_text(json, "operator", query_relation_name(condition->relation));
    encode_key(json, "wanted");
    if (is_list)
        encode_array(json);
    for (size_t i = 0; i < condition->count; i++)
        encode_operand(json, &condition->values[i]);
    if (is_list)
        encode_end(json);
    encode_key(json, "value");
    encode_operand(json, value);
    encode_end(json);
}

/* The conditions that do not hold; none for what is found. */
static void encode_misses(struct encoder *json, const struct found *found,
                          const struct query_subject *subject)
{
    struct explain_misses misses = explain_misses(&found->query, subject, &found->asker);

    encode_key(json, "misses");
    encode_array(json);
    for (size_t i = 0; i < misses.count; i++) {
        const struct query_condition *condition = &found->query.conditions[misses.conditions[i]];
        struct query_value value = query_field_value(condition->field, subject, &found->asker);

        encode_miss(json, condition, &value);
    }
    encode_end(json);
    encode_field_bool(json, "has_small_disk", misses.has_small_disk);
    encode_field_bool(json, "is_rented", misses.is_rented);
}

static void encode_factors(struct encoder *json, const struct found *found,
                           const struct query_subject *subject)
{
    struct explain_factors it = explain_factors(subject->offer, &found->query.ask);

    encode_field_real(json, "score", it.score);
    encode_field_real(json, "speed", it.speed);
    encode_field_bool(json, "is_measured", it.is_measured);
    encode_field_real(json, "memory", it.memory);
    encode_field_real(json, "network", it.network);
    encode_field_real(json, "reliability", it.reliability);
    encode_field_real(json, "price", it.price);
}

static void encode_ranked(struct encoder *json, const struct found *found,
                          const struct query_subject *subject)
{
    const struct offer *offer = subject->offer;
    size_t place = place_of(found, offer->id);

    encode_object(json);
    encode_field_int(json, "id", offer->id);
    encode_field_int(json, "machine_id", offer->machine->id);
    encode_field_int(json, "num_gpus", offer->terms.num_gpus);
    field_known_text(json, "gpu_name", offer->machine->gpu_name);
    encode_field_money(json, "dph_total", subject->quote->total);
    field_known_int(json, "rank", place == SIZE_MAX ? 0 : (int64_t)place + 1);
    encode_factors(json, found, subject);
    encode_misses(json, found, subject);
    encode_end(json);
}

static void encode_hit_at(struct encoder *json, const char *key, const struct found *found,
                          size_t place)
{
    encode_key(json, key);
    if (place >= found->count)
        return encode_null(json);
    const struct offer *offer = found->hits[place].offer;
    const struct quote quote = offer_quote(offer, &found->query.ask);

    encode_ranked(json, found, &(struct query_subject){ offer, &quote });
}

static void encode_search(struct encoder *json, const struct found *found)
{
    const struct query_order *first = &found->query.order[0];

    encode_field_int(json, "count", (int64_t)found->count);
    encode_field_text(json, "order", query_field_name(first->field));
    encode_field_bool(json, "is_descending", first->is_descending);
}

/* Whether the call's query is one; else it is refused. */
static bool read_found(struct call *call, struct found *ret)
{
    struct error err;

    *ret = (struct found){ .asker = { .now = clock_now(call->app->clock),
                                      .user_id = call->caller.user_id } };
    if (query_parse(json_member(call->body, "q"), call->request->arena, &ret->query, &err))
        return true;
    reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    return false;
}

void handle_offers_explain(struct call *call)
{
    auto_buf struct buf body = buf_of(EXPLAIN_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct found found;
    int64_t id = 0;
    struct error err;

    if (!json_opt_int(call->body, "id", (struct json_bounds){ 1, INT64_MAX }, &id, &err))
        return reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    if (!read_found(call, &found))
        return;
    auto_catalog_side struct catalog_side *side = catalog_feed_take(call->app->catalog);
    const struct catalog *catalog = catalog_side_catalog(side);
    const struct offer *offer = id != 0 ? catalog_offer(catalog, id) : NULL;
    if (id != 0 && offer == NULL)
        return reply_refuse(call, 404, "no_such_ask", "no_such_ask %lld: there is no such offer.",
                            (long long)id);
    find(&found, catalog);
    auto_free struct catalog_hit *hits = found.hits;
    size_t place = id != 0 ? place_of(&found, id) : 0;
    encode_object(&json);
    encode_search(&json, &found);
    encode_key(&json, "offer");
    if (offer == NULL && found.count > 0)
        offer = hits[0].offer;
    if (offer == NULL) {
        encode_null(&json);
    } else {
        struct quote quote = offer_quote(offer, &found.query.ask);

        encode_ranked(&json, &found, &(struct query_subject){ offer, &quote });
    }
    /* Of one that is not found, the best is what to compare it with. */
    encode_hit_at(&json, "above", &found, place == SIZE_MAX ? 0 : place - 1);
    encode_hit_at(&json, "below", &found, place == SIZE_MAX ? SIZE_MAX : place + 1);
    encode_end(&json);
    reply_json(call, &body);
}

/* A little more than theirs: an equal score leaves the order to price and id. */
static double score_above(const struct found *found, const struct catalog_hit *hit)
{
    return offer_quote(hit->offer, &found->query.ask).score * (1 + 1e-12);
}

/* The price of a GPU and hour with which the offer would be before that hit; null where none would.
 */
static void encode_price_to(struct encoder *json, const char *key, const struct found *found,
                            const struct offer *offer, const struct catalog_hit *hit)
{
    const struct offer_ask *ask = &found->query.ask;
    int64_t parts = offer->terms.num_gpus > 0 ? offer->terms.num_gpus : 1;
    struct money price = { -1 };

    if (hit != NULL && hit->offer->id != offer->id && is_by_score(&found->query)) {
        if (!explain_price_for(offer, ask, score_above(found, hit), &price))
            price.nanodollars = -1;
    } else if (hit != NULL && hit->offer->id != offer->id && is_by_price(&found->query) &&
               ask->type != OFFER_BID) {
        struct quote own = offer_quote(offer, ask);

        price.nanodollars = (hit->total.nanodollars - own.storage.nanodollars - 1) / parts;
        price.nanodollars -= price.nanodollars % 100000;
    }
    if (price.nanodollars >= 0)
        encode_field_money(json, key, price);
    else
        field_null(json, key);
}

static void encode_reliability_to(struct encoder *json, const struct found *found,
                                  const struct offer *offer, const struct catalog_hit *hit)
{
    int64_t ppm;

    if (hit != NULL && hit->offer->id != offer->id && is_by_score(&found->query) &&
        explain_reliability_for(offer, &found->query.ask, score_above(found, hit), &ppm))
        field_fixed(json, "reliability_to_lead", ppm, 6);
    else
        field_null(json, "reliability_to_lead");
}

static void encode_own(struct encoder *json, const struct found *found, const struct offer *offer)
{
    struct quote quote = offer_quote(offer, &found->query.ask);
    const struct catalog_hit *first = found->count > 0 ? &found->hits[0] : NULL;
    const struct catalog_hit *tenth = found->count >= TOP ? &found->hits[TOP - 1] : NULL;
    int64_t parts = offer->terms.num_gpus > 0 ? offer->terms.num_gpus : 1;

    encode_object(json);
    encode_key(json, "offer");
    encode_ranked(json, found, &(struct query_subject){ offer, &quote });
    encode_field_money(json, "price_gpu",
                       (struct money){ offer->terms.gpu_hour.nanodollars / parts });
    encode_price_to(json, "price_to_lead", found, offer, first);
    encode_price_to(json, "price_to_top_ten", found, offer, tenth);
    encode_reliability_to(json, found, offer, first);
    encode_end(json);
}

void handle_machine_rank(struct call *call)
{
    auto_buf struct buf body = buf_of(EXPLAIN_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    int64_t id = call->params[0].id;
    struct machine_view *views;
    struct offer *offers;
    struct found found;
    size_t count, offer_count;
    struct error err;

    if (!read_found(call, &found))
        return;
    if (!flow_machines(&call->app->flow, &call->caller, id, call->request->arena, &views, &count,
                       &err))
        return reply_error(call, &err);
    if (count == 0)
        return reply_refuse(call, 404, "no_such_machine", "No machine %lld on this account.",
                            (long long)id);
    if (!flow_offers_of_machine(&call->app->flow, id, call->request->arena, &offers, &offer_count,
                                &err))
        return reply_error(call, &err);
    auto_catalog_side struct catalog_side *side = catalog_feed_take(call->app->catalog);
    find(&found, catalog_side_catalog(side));
    auto_free struct catalog_hit *hits = found.hits;
    encode_object(&json);
    encode_search(&json, &found);
    encode_hit_at(&json, "first", &found, 0);
    encode_key(&json, "offers");
    encode_array(&json);
    for (size_t i = 0; i < offer_count && hits != NULL; i++)
        encode_own(&json, &found, &offers[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rent without naming the one offer (api.md 2.4.5): several by their numbers, or the first that a
 * query finds. Each is a rental of its own; what one is refused for stops no other. */
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "market/catalog_search.h"
#include "market/query_parse.h"
#include "server/app.h"
#include "server/catalog_feed.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/rental_read.h"
#include "server/reply.h"

enum {
    BULK_OFFERS_MAX = 64,   /* as many as clients send at once */
    LAUNCH_OFFERS_MAX = 16, /* tried in turn: others may be faster */
    LAUNCH_SEARCHES_MAX = 3,
    LAUNCH_PAUSE_MS = 100,
    LAUNCH_REPLY_MAX = 256 * 1024,
};

struct bulk {
    size_t count, made;
    int64_t offers[BULK_OFFERS_MAX];
    struct rental_reply done[BULK_OFFERS_MAX];
};

static bool read_offers(const json_t *body, struct bulk *bulk, struct error *err)
{
    const json_t *ids;

    if (!json_need_array(body, "ids", BULK_OFFERS_MAX, &ids, err))
        return false;
    bulk->count = json_array_size(ids);
    for (size_t i = 0; i < bulk->count; i++) {
        const json_t *id = json_array_get(ids, i);

        if (!json_is_integer(id) || json_integer_value(id) <= 0)
            return error_set(err, ERROR_INVALID, "ids[%zu] is not the number of an offer", i);
        bulk->offers[i] = json_integer_value(id);
    }
    return bulk->count > 0 || error_set(err, ERROR_INVALID, "ids must name an offer");
}

static const char *why_not(const struct rental_reply *done)
{
    return done->outcome == RENTAL_REFUSED ? rent_outcome_sentence(done->refusal)
                                           : "It could not be rented.";
}

static void encode_failed(struct encoder *json, const struct bulk *bulk)
{
    encode_key(json, "failed");
    encode_array(json);
    for (size_t i = 0; i < bulk->count; i++) {
        if (rental_is_made(&bulk->done[i]))
            continue;
        encode_object(json);
        encode_field_int(json, "id", bulk->offers[i]);
        encode_field_text(json, "msg", why_not(&bulk->done[i]));
        encode_end(json);
    }
    encode_end(json);
}

/* A client that asks again after an error would rent again: where one was made, it is none. */
static void reply_bulk(struct call *call, const struct bulk *bulk)
{
    auto_buf struct buf body = buf_of(LAUNCH_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", bulk->made == bulk->count);
    encode_key(&json, "new_contracts");
    encode_array(&json);
    for (size_t i = 0; i < bulk->count; i++) {
        if (rental_is_made(&bulk->done[i]))
            encode_int(&json, bulk->done[i].instance_id);
    }
    encode_end(&json);
    encode_failed(&json, bulk);
    encode_end(&json);
    reply_json(call, &body);
}

/* False where the world failed before there was anything. */
static bool rent_all(struct call *call, struct rental_request *request, struct bulk *bulk,
                     struct error *err)
{
    for (size_t i = 0; i < bulk->count; i++) {
        request->offer_id = bulk->offers[i];
        if (rental_rent(call, request, &bulk->done[i], err)) {
            bulk->made += rental_is_made(&bulk->done[i]);
            continue;
        }
        if (bulk->made == 0)
            return false;
        log_failure(&call->app->log, "bulk rental", err);
        bulk->done[i].outcome = RENTAL_ORDER_OVER;
    }
    return true;
}

void handle_instances_create(struct call *call)
{
    auto_json json_t *completed = NULL;
    struct rental_request request = { 0 };
    struct error err;
    auto_arena struct arena arena = arena_of(sizeof(struct bulk) * 2);
    struct bulk *bulk = arena_alloc(&arena, 1, sizeof *bulk);

    if (bulk == NULL)
        abort();
    if (!read_offers(call->body, bulk, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!rental_request_read(call, &request, &completed))
        return;
    if (!rent_all(call, &request, bulk, &err))
        return reply_error(call, &err);
    if (bulk->made == 0)
        return rental_reply_refusal(call, bulk->offers[0], &bulk->done[0]);
    reply_bulk(call, bulk);
}

/* Another offer may do where this one does not. */
static bool is_worth_another(const struct rental_reply *done)
{
    switch (done->refusal) {
    case RENT_NO_SUCH_OFFER:
    case RENT_OFFER_TAKEN:
    case RENT_OFFER_OVER:
    case RENT_MACHINE_OFFLINE:
    case RENT_MACHINE_DEVERIFIED:
    case RENT_UNREACHABLE:
    case RENT_NO_ENCRYPTION:
    case RENT_DISK_TOO_LARGE:
    case RENT_OWN_MACHINE:
    case RENT_BID_TOO_LOW:
    case RENT_BID_TOO_HIGH:
    case RENT_BID_WOULD_WAIT:
        return done->outcome == RENTAL_REFUSED;
    case RENT_OK:
    case RENT_ACCOUNT_BARRED:
    case RENT_TOO_MANY_CONTRACTS:
    case RENT_BAD_DISK:
    case RENT_BAD_WORKSPACE:
    case RENT_NO_CREDIT:
    case RENT_SPEND_CAP:
    case RENT_OTHER_RULES:
        break;
    }
    return false;
}

/* Offers of the query that can be rented now, best first. The catalog is not held while they are.
 */
static size_t find_offers(struct call *call, const struct query *query, int64_t *ids)
{
    auto_catalog_side struct catalog_side *side = catalog_feed_take(call->app->catalog);
    struct query_caller asker = { clock_now(call->app->clock), call->caller.user_id };
    struct catalog_hit hits[LAUNCH_OFFERS_MAX];
    size_t found = 0;

    size_t count = catalog_search(catalog_side_catalog(side), query, &asker, hits);
    for (size_t i = 0; i < count; i++) {
        if (offer_is_rentable(hits[i].offer, asker.now))
            ids[found++] = hits[i].offer->id;
    }
    return found;
}

static void reply_launched(struct call *call, struct rental_reply *done)
{
    auto_buf struct buf body = buf_of(LAUNCH_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "new_contract", done->instance_id);
    field_known_text(&json, "instance_api_key", done->api_key);
    encode_end(&json);
    crypto_wipe(done->api_key, sizeof done->api_key);
    reply_json(call, &body);
}

/* One search, and what it finds tried in turn. `*ret_found` is false where it found nothing. */
static bool rent_first(struct call *call, const struct query *query, struct rental_request *request,
                       struct rental_reply *done, bool *ret_found, struct error *err)
{
    int64_t ids[LAUNCH_OFFERS_MAX];
    size_t count = find_offers(call, query, ids);

    *ret_found = count > 0;
    for (size_t i = 0; i < count && is_worth_another(done); i++) {
        request->offer_id = ids[i];
        if (!rental_rent(call, request, done, err))
            return false;
    }
    return true;
}

/* The catalog follows a rental by some milliseconds: what others took is looked for once more. */
static bool rent_any(struct call *call, const struct query *query, struct rental_request *request,
                     struct rental_reply *done, struct error *err)
{
    static const struct timespec pause = { .tv_nsec = LAUNCH_PAUSE_MS * 1000000L };
    bool has_found = true;

    for (int i = 0; i < LAUNCH_SEARCHES_MAX && has_found && is_worth_another(done); i++) {
        if (i > 0)
            (void)nanosleep(&pause, NULL);
        if (!rent_first(call, query, request, done, &has_found, err))
            return false;
    }
    return true;
}

void handle_instance_launch(struct call *call)
{
    auto_json json_t *completed = NULL;
    struct rental_request request = { 0 };
    struct rental_reply done = { .outcome = RENTAL_REFUSED, .refusal = RENT_NO_SUCH_OFFER };
    struct query query;
    struct error err;

    if (!query_parse(json_member(call->body, "q"), call->request->arena, &query, &err))
        return reply_refuse(call, 400, "invalid_request", "q: %s.", err.text);
    if (!rental_request_read(call, &request, &completed))
        return;
    query.ask.disk_milligb = request.spec.disk_gb * 1000;
    if (query.limit > LAUNCH_OFFERS_MAX)
        query.limit = LAUNCH_OFFERS_MAX;
    if (!rent_any(call, &query, &request, &done, &err))
        return reply_error(call, &err);
    if (rental_is_made(&done))
        reply_launched(call, &done);
    else if (request.offer_id == 0)
        reply_refuse(call, 404, "no_such_ask", "No offer that can be rented matches.");
    else
        rental_reply_refusal(call, request.offer_id, &done);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Search for offers (api.md 2.3): a query, the catalog in memory, and rows of JSON. No SQL here. */
#include <string.h>

#include "base/json.h"
#include "market/catalog_search.h"
#include "market/query_parse.h"
#include "server/app.h"
#include "server/catalog_feed.h"
#include "server/coding.h"
#include "server/columns.h"
#include "server/handlers.h"
#include "server/offer_gzip.h"
#include "server/offer_json.h"
#include "server/reply.h"

/* One search under way. */
struct search {
    struct query query;
    struct query_caller asker;
    const json_t *columns; /* NULL: all */
};

/* One hit with the members that were asked for. */
static void encode_hit(struct encoder *json, const struct search *search,
                       const struct catalog_hit *hit)
{
    const struct offer_ask *ask = &search->query.ask;

    if (search->columns == NULL) {
        offer_encode(json, hit->offer, ask, &search->asker);
        return;
    }
    auto_buf struct buf text = buf_of(HTTP_REPLY_MAX);
    struct encoder whole = encoder_of(&text);
    auto_json json_t *row = NULL;
    struct error ignored;

    offer_encode(&whole, hit->offer, ask, &search->asker);
    /* What the encoder wrote always parses. */
    if (json_parse(text.bytes, text.length, &row, &ignored))
        columns_encode(json, row, search->columns);
}

/* The offers are looked at here for the first time, and lie all over memory: what is read of them
 * is asked for at once, not one after the other. */
static void fetch_ahead(const struct catalog_hit *hits, size_t count)
{
    enum { CACHE_LINE = 64 };

    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < sizeof *hits[i].offer; at += CACHE_LINE)
            __builtin_prefetch((const char *)hits[i].offer + at);
    }
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(&hits[i].offer->machine->is_connected);
        __builtin_prefetch(hits[i].offer->memo);
        __builtin_prefetch(hits[i].offer->json);
    }
}

/* Room for all of the reply at once: it is large, and would be copied as it grows. */
static void make_room(struct buf *body, const struct catalog_hit *hits, size_t count)
{
    size_t size = OFFER_ASKED_MAX;

    for (size_t i = 0; i < count; i++)
        size += hits[i].offer->json_length + OFFER_ASKED_MAX;
    (void)buf_make_room(body, size);
}

static void write_plain(struct buf *body, const struct search *search,
                        const struct catalog_hit *hits, size_t count)
{
    struct encoder json = encoder_of(body);

    if (search->columns == NULL)
        make_room(body, hits, count);
    encode_object(&json);
    encode_key(&json, "offers");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_hit(&json, search, &hits[i]);
    encode_end(&json);
    encode_end(&json);
}

static void reply_hits(struct call *call, const struct search *search)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    auto_catalog_side struct catalog_side *side = catalog_feed_take(call->app->catalog);
    auto_free struct catalog_hit *hits = calloc(search->query.limit + 1, sizeof *hits);

    if (hits == NULL)
        abort();
    size_t count = catalog_search(catalog_side_catalog(side), &search->query, &search->asker, hits);
    metrics_add(call->app->metrics, METRICS_SEARCHES, 1);
    fetch_ahead(hits, count);
    http_set_header(call->exchange, "Vary", "Accept-Encoding");
    if (count > 0 && search->columns == NULL && coding_takes_gzip(call->request)) {
        http_set_header(call->exchange, "Content-Encoding", "gzip");
        offer_gzip(&body, hits, count, &search->query.ask, &search->asker);
    } else {
        write_plain(&body, search, hits, count);
    }
    reply_json(call, &body);
}

static void answer(struct call *call, const json_t *object, const json_t *columns)
{
    struct search search = { .columns = columns };
    struct error err;

    if (!query_parse(object, call->request->arena, &search.query, &err))
        return reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    search.asker = (struct query_caller){ .now = clock_now(call->app->clock),
                                          .user_id = call->caller.user_id };
    reply_hits(call, &search);
}

void handle_offers_search(struct call *call)
{
    answer(call, call->body, NULL);
}

void handle_offers_search_query(struct call *call)
{
    const char *text = http_query(call->request, "q");
    auto_json json_t *object = NULL;
    struct error err;

    if (text != NULL && !json_parse(text, strlen(text), &object, &err))
        return reply_refuse(call, 400, "invalid_request", "q: %s.", err.text);
    answer(call, object, NULL);
}

void handle_offers_search_asks(struct call *call)
{
    const json_t *columns = json_member(call->body, "select_cols");
    bool is_all;
    struct error err;

    if (!columns_check(columns, &is_all, &err))
        return reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    answer(call, json_member(call->body, "q"), is_all ? NULL : columns);
}

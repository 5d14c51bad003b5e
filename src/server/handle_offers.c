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
#include "server/offer_pages.h"
#include "server/reply.h"

/* One search under way. */
struct search {
    struct query query;
    struct query_caller asker;
    const json_t *columns; /* NULL: all */
    const struct catalog *catalog;
    struct offer_page_key key;
    bool is_wanted; /* as a page: server/offer_pages.h */
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

static void reply_body(struct call *call, const struct search *search, struct buf *body,
                       bool is_packed)
{
    static const struct http_pair headers[] = { { "Vary", "Accept-Encoding" },
                                                { "Content-Encoding", "gzip" } };
    const size_t count = is_packed ? 2 : 1;

    if (search->is_wanted && !body->has_overflowed && body->length <= PAGE_BYTES_MAX) {
        struct http_page *page = http_page_of("application/json", headers, count, body);

        offer_pages_keep(call->app->offer_pages, &search->key, page);
        http_reply_page(call->exchange, page);
        http_page_release(&page);
        return;
    }
    for (size_t i = 0; i < count; i++)
        http_set_header(call->exchange, headers[i].name, headers[i].value);
    reply_json(call, body);
}

static void reply_hits(struct call *call, const struct search *search)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    auto_free struct catalog_hit *hits = calloc(search->query.limit + 1, sizeof *hits);

    if (hits == NULL)
        abort();
    size_t count = catalog_search(search->catalog, &search->query, &search->asker, hits);
    bool is_packed = count > 0 && search->columns == NULL && search->key.takes_gzip;

    metrics_add(call->app->metrics, METRICS_SEARCHES, 1);
    fetch_ahead(hits, count);
    if (is_packed)
        offer_gzip(&body, hits, count, &search->query.ask, &search->asker);
    else
        write_plain(&body, search, hits, count);
    reply_body(call, search, &body, is_packed);
}

/* With a reply that was kept for just that, if there is one. A body with somebody's key in it is
 * not kept. */
static bool reply_known(struct call *call, struct search *search)
{
    if (json_member(call->body, "api_key") != NULL)
        return false;
    struct http_page *page =
        offer_pages_find(call->app->offer_pages, &search->key, &search->is_wanted);
    if (page == NULL)
        return false;
    metrics_add(call->app->metrics, METRICS_SEARCHES, 1);
    metrics_add(call->app->metrics, METRICS_SEARCHES_KEPT, 1);
    http_reply_page(call->exchange, page);
    http_page_release(&page);
    return true;
}

/* A query in words of JSON, as they came and as they were read. */
struct words {
    const char *text;
    size_t length;
    const json_t *object, *columns;
};

static void answer(struct call *call, const struct words *words)
{
    auto_catalog_side struct catalog_side *side = catalog_feed_take(call->app->catalog);
    struct search search = { .columns = words->columns, .catalog = catalog_side_catalog(side) };
    struct error err;

    search.asker = (struct query_caller){ .now = clock_now(call->app->clock),
                                          .user_id = call->caller.user_id };
    search.key = (struct offer_page_key){ .route = call->route,
                                          .query = words->text,
                                          .query_length = words->length,
                                          .takes_gzip = coding_takes_gzip(call->request),
                                          .user_id = search.asker.user_id,
                                          .edition = catalog_side_edition(side),
                                          .now = search.asker.now };
    if (reply_known(call, &search))
        return;
    if (!query_parse(words->object, call->request->arena, &search.query, &err))
        return reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    reply_hits(call, &search);
}

void handle_offers_search(struct call *call)
{
    answer(call,
           &(struct words){ call->request->body, call->request->body_length, call->body, NULL });
}

void handle_offers_search_query(struct call *call)
{
    const char *text = http_query(call->request, "q");
    auto_json json_t *object = NULL;
    struct error err;

    if (text != NULL && !json_parse(text, strlen(text), &object, &err))
        return reply_refuse(call, 400, "invalid_request", "q: %s.", err.text);
    answer(call, &(struct words){ text != NULL ? text : "", text != NULL ? strlen(text) : 0, object,
                                  NULL });
}

void handle_offers_search_asks(struct call *call)
{
    const json_t *columns = json_member(call->body, "select_cols");
    bool is_all;
    struct error err;

    if (!columns_check(columns, &is_all, &err))
        return reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    answer(call, &(struct words){ call->request->body, call->request->body_length,
                                  json_member(call->body, "q"), is_all ? NULL : columns });
}

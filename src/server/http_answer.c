/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_page.h"

static const char json_type[] = "application/json";

void exchange_drop_response(struct http_exchange *exchange)
{
    if (exchange->page == NULL && exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    http_page_release(&exchange->page);
    exchange->response = NULL;
}

static void count_answer(struct http_exchange *exchange, int status)
{
    struct http *http = exchange->http;
    struct http_counters *counters = &http->counters;

    atomic_fetch_add(status >= 500   ? &counters->replies_5xx
                     : status >= 400 ? &counters->replies_4xx
                                     : &counters->replies_2xx,
                     1);
    const struct http_answered answered = {
        .tag = exchange->tag,
        .status = status,
        .duration_us = http_now_us() - exchange->started_us,
        .was_held = exchange->hold_until_us != NEVER,
        .request_id = exchange->id,
    };
    if (http->options.observer != NULL)
        http->options.observer(http->options.observer_context, &answered);
}

struct decided {
    struct MHD_Response *response;
    struct http_page *page; /* whose response it is, held for the exchange; or NULL */
    size_t length;
};

static bool decide(struct http_exchange *exchange, int status, const struct decided *decided)
{
    (void)pthread_mutex_lock(&exchange->lock);
    bool is_owed = exchange->state != EXCHANGE_ANSWERED;

    if (is_owed) {
        exchange->state = EXCHANGE_ANSWERED;
        exchange->status = status;
        exchange->response = decided->response;
        exchange->page = decided->page;
        exchange->reply_length = decided->length;
        count_answer(exchange, status);
        if (exchange->is_suspended) {
            exchange->is_suspended = false;
            MHD_resume_connection(exchange->mhd);
        }
    }
    (void)pthread_mutex_unlock(&exchange->lock);
    return is_owed;
}

void exchange_add_header(struct MHD_Response *response, const char *name, const char *value)
{
    enum MHD_Result is_added = MHD_add_response_header(response, name, value);

    /* Names and values are ours, or were checked by http_set_header(). */
    assert(is_added == MHD_YES);
}

/* A page that many get is nobody's own, and says no request's name. */
bool exchange_answer(struct http_exchange *exchange, int status, struct MHD_Response *response,
                     size_t length)
{
    exchange_add_header(response, "X-Request-Id", exchange->id);
    bool is_owed = decide(exchange, status, &(struct decided){ response, NULL, length });

    if (!is_owed)
        MHD_destroy_response(response);
    return is_owed;
}

struct MHD_Response *exchange_response(const char *content_type, const void *bytes, size_t length,
                                       bool is_ours)
{
    /* The library's interface lacks a const: it does not write to persistent memory. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        length, (void *)(uintptr_t)bytes, is_ours ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);

    if (response == NULL)
        abort();
    if (content_type != NULL)
        exchange_add_header(response, "Content-Type", content_type);
    exchange_add_header(response, "Cache-Control", "no-store");
    exchange_add_header(response, "X-Content-Type-Options", "nosniff");
    return response;
}

/* The same with the headers that the handler has set. */
static struct MHD_Response *make_response(struct http_exchange *exchange, const char *content_type,
                                          const void *bytes, size_t length, bool is_ours)
{
    struct MHD_Response *response = exchange_response(content_type, bytes, length, is_ours);

    for (size_t i = 0; i < exchange->reply_header_count; i++) {
        /* Replies are nobody's to keep, unless their handler says otherwise. */
        if (strcmp(exchange->reply_headers[i].name, "Cache-Control") == 0)
            (void)MHD_del_response_header(response, "Cache-Control", "no-store");
        exchange_add_header(response, exchange->reply_headers[i].name,
                            exchange->reply_headers[i].value);
    }
    return response;
}

bool exchange_refuse(struct http_exchange *exchange, int status, const char *code, const char *text)
{
    struct buf body = buf_of(1024);

    buf_printf(&body, "{\"success\":false,\"error\":\"%s\",\"msg\":\"%s\"}", code, text);
    size_t length = body.length;
    return exchange_answer(exchange, status,
                           make_response(exchange, json_type, buf_take(&body), length, true),
                           length);
}

void exchange_answer_nothing(struct http_exchange *exchange)
{
    (void)exchange_answer(exchange, 204, make_response(exchange, NULL, "", 0, false), 0);
}

void http_set_header(struct http_exchange *exchange, const char *name, const char *value)
{
    assert(exchange->reply_header_count < REPLY_HEADERS_MAX);
    assert(strpbrk(value, "\r\n") == NULL);
    struct http_pair *pair = &exchange->reply_headers[exchange->reply_header_count];

    pair->name = arena_text(&exchange->arena, name);
    pair->value = arena_text(&exchange->arena, value);
    /* A handler that has used up the arena does without the header. */
    if (pair->name != NULL && pair->value != NULL)
        exchange->reply_header_count++;
}

void http_reply(struct http_exchange *exchange, int status, const char *content_type,
                struct buf *body)
{
    if (body->has_overflowed) {
        buf_release(body);
        (void)exchange_refuse(exchange, 500, "internal_error", "The reply is too long.");
    } else {
        size_t length = body->length;
        struct MHD_Response *response =
            make_response(exchange, content_type, buf_take(body), length, true);

        (void)exchange_answer(exchange, status, response, length);
    }
    exchange_release(exchange);
}

void http_reply_static(struct http_exchange *exchange, int status, const char *content_type,
                       const void *bytes, size_t length)
{
    (void)exchange_answer(exchange, status,
                          make_response(exchange, content_type, bytes, length, false), length);
    exchange_release(exchange);
}

void http_reply_page(struct http_exchange *exchange, struct http_page *page)
{
    const struct decided decided = { page->response, http_page_hold(page), page->length };

    assert(exchange->reply_header_count == 0);
    if (!decide(exchange, 200, &decided))
        http_page_release(&page);
    exchange_release(exchange);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_page.h"

#include <assert.h>
#include <stdlib.h>

#include "server/http_answer.h"

struct http_page *http_page_of(const char *content_type, const struct http_pair *headers,
                               size_t count, struct buf *body)
{
    struct http_page *page = malloc(sizeof *page);

    if (page == NULL)
        abort(); /* As base/buf.h says. */
    assert(!body->has_overflowed);
    page->length = body->length;
    page->response = exchange_response(content_type, buf_take(body), page->length, true);
    for (size_t i = 0; i < count; i++)
        exchange_add_header(page->response, headers[i].name, headers[i].value);
    atomic_init(&page->holders, 1);
    return page;
}

struct http_page *http_page_hold(struct http_page *page)
{
    atomic_fetch_add(&page->holders, 1);
    return page;
}

void http_page_release(struct http_page **address)
{
    struct http_page *page = *address;

    *address = NULL;
    if (page == NULL || atomic_fetch_sub(&page->holders, 1) > 1)
        return;
    MHD_destroy_response(page->response);
    free(page);
}

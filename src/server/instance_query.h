/* SPDX-License-Identifier: Apache-2.0 */
/* select_filters, order_by, select_cols and pages over rows that are JSON objects (api.md 1.8,
 * 1.9). An account has few instances, so they are judged one by one, as clients see them: a filter
 * can never disagree with what is shown. */

#ifndef BERTH_SERVER_INSTANCE_QUERY_H
#define BERTH_SERVER_INSTANCE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "server/http.h"

enum {
    PAGE_LIMIT_MAX = 25,
    PAGE_LIMIT_LEAST = 5, /* what a limit of 0 or below means */
    PAGE_ORDER_MAX = 8,
    PAGE_TOKEN_SIZE = 64,
};

struct page_order {
    const char *column;
    bool is_descending;
};

struct page_query {
    json_t *filters; /* owned; NULL: none */
    json_t *order;   /* owned; NULL: by id */
    json_t *columns; /* owned; NULL: all */
    size_t limit;
    int64_t after_id; /* 0: from the first */
    size_t after_index;
};
#define auto_page_query __attribute__((cleanup(page_query_release)))
void page_query_release(struct page_query *query);

/* From the query string. `names` is an object that has every column. ERROR_INVALID names what is
 * wrong; `*ret_is_token` says whether it was the token. */
NODISCARD bool page_query_parse(const struct http_request *request, const json_t *names,
                                struct page_query *ret, bool *ret_is_token, struct error *err);

/* Whether all filters hold for the row. */
bool page_query_matches(const struct page_query *query, const json_t *row);

/* Sort what matched, in place. */
void page_query_sort(const struct page_query *query, const json_t **rows, size_t count);

/* Where the page begins among the sorted rows. */
size_t page_query_start(const struct page_query *query, const json_t *const *rows, size_t count);

/* The token for the page behind `rows[last]`. Returns `token`. */
char *page_token(const json_t *const *rows, size_t last, char token[static PAGE_TOKEN_SIZE]);

#endif

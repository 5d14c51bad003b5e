/* SPDX-License-Identifier: Apache-2.0 */
/* Bills for people: what a position was, in words, and as comma-separated values. And what the
 * billing routes share of reading a query: ranges of time, and pages. */

#ifndef BERTH_SERVER_BILL_TEXT_H
#define BERTH_SERVER_BILL_TEXT_H

#include "base/json.h"
#include "flow/statement.h"
#include "server/http.h"

enum { BILL_TEXT_SIZE = 160, BILL_LIMIT_MAX = 500, BILL_ROWS_MAX = 100000 };

/* "2.000 hours at $0.70/hour". */
char *bill_text(const struct statement_item *item, char text[static BILL_TEXT_SIZE]);

/* The same in two: "2.000" of what costs "0.70". */
void bill_quantity(const struct statement_item *item, char text[static BILL_TEXT_SIZE]);
void bill_rate(const struct statement_item *item, char text[static BILL_TEXT_SIZE]);

/* A cell, quoted where it must be. What a spreadsheet would compute is made plain text. */
void bill_cell(struct buf *out, const char *text);

/* All positions, a line that rounds the sum to cents, and the total. */
void bill_csv(struct buf *out, const struct statement *statement);

/* What select_filters says of a time and a kind. */
struct bill_filter {
    bool has_range;
    int64_t from_s, until_s; /* both included */
    json_t *kinds;           /* owned; NULL: all */
};
#define auto_bill_filter __attribute__((cleanup(bill_filter_release)))
void bill_filter_release(struct bill_filter *filter);

/* `time` and `kind` are the names of the columns. ERROR_INVALID says what is wrong. */
NODISCARD bool bill_filter_parse(const struct http_request *request, const char *time,
                                 const char *kind, struct bill_filter *ret, struct error *err);
bool bill_filter_wants(const struct bill_filter *filter, const char *kind);

/* Which of `count` rows, by their ids in rising order of time, are on the page. */
struct bill_page {
    bool is_latest_first;
    size_t limit, start;
    char next[32]; /* "" behind the last */
};

/* ERROR_INVALID; `*ret_is_token` says whether it was the token. */
NODISCARD bool bill_page_parse(const struct http_request *request, size_t count,
                               size_t limit_default, struct bill_page *ret, bool *ret_is_token,
                               struct error *err);

/* The i-th row of the page, as an index into all rows; false: there is none. */
bool bill_page_row(const struct bill_page *page, size_t count, size_t i, size_t *ret_index);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts and statements as pages that a browser prints: no scripts, nothing from elsewhere, and
 * nobody's text but as text. */

#ifndef BERTH_SERVER_BILL_HTML_H
#define BERTH_SERVER_BILL_HTML_H

#include "flow/statement.h"
#include "store/deposit.h"
#include "store/user.h"

/* What such a page may do, for the header Content-Security-Policy: be looked at. */
#define BILL_HTML_POLICY "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/* Who it is for, and on which market. */
struct bill_head {
    const char *email, *name, *market; /* market "": not said */
    int64_t user_id;
    const char *const *address; /* by enum address_part; "" where it says nothing */
};

/* Of one that has arrived. */
void bill_html_receipt(struct buf *out, const struct bill_head *head,
                       const struct deposit_row *deposit);

/* A month, as "2026-11": every position, a line that rounds the sum to cents, and the total. */
void bill_html_statement(struct buf *out, const struct bill_head *head, const char *month,
                         const struct statement *statement);

/* Text of somebody's, for HTML. */
void bill_html_text(struct buf *out, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a reply may be compressed: Accept-Encoding (RFC 9110, 12.5.3).
 *
 * Only replies without a secret are ever compressed, here those to searches for offers: how long a
 * compressed reply is tells who can read its length, and can have some of its text chosen, of the
 * rest. */

#ifndef BERTH_SERVER_CODING_H
#define BERTH_SERVER_CODING_H

#include <stdbool.h>

#include "server/http.h"

/* What was asked for, in thousandths; -1: not spoken of. */
struct coding_wish {
    int gzip, identity, any;
};
struct coding_wish coding_nothing_said(void);

/* One header's value more. What is malformed in it is not said; of what is said twice, the last
 * counts. */
void coding_read(const char *value, struct coding_wish *wish);

/* Whether gzip is wanted at least as much as the plain text. */
bool coding_wants_gzip(const struct coding_wish *wish);

/* The same of all headers of a request. */
bool coding_takes_gzip(const struct http_request *request);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One POST to an address that a stranger named: libcurl, and nothing that a stranger could use it
 * for.
 *
 * The address that a connection is about to go to is looked at when the socket is made, after names
 * were resolved; so a name that means another address from one moment to the next wins nothing.
 * Only https, only public addresses, no proxy, no redirect, no login in the URL, TLS verified; an
 * end to the time and to what is read of the answer. */

#ifndef BERTH_SYS_OUTBOUND_H
#define BERTH_SYS_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

enum {
    OUTBOUND_URL_MAX = 2048,
    OUTBOUND_TIMEOUT_MS = 10000,   /* for all of it */
    OUTBOUND_READ_MAX = 64 * 1024, /* of an answer's body; then it counts as read */
};

/* Whether one may be sent there, as far as its text says: ERROR_INVALID says what is wrong.
 * `allows_local`: http and any address as well, for an operator who tries things. */
NODISCARD bool outbound_check(const char *url, bool allows_local, struct error *err);

struct outbound {
    const char *url;
    const char *const *headers; /* "Name: value" lines, NULL-terminated */
    const struct buf *body;
    bool allows_local;
};

/* Any status is an answer; redirects are, too. `response` takes what fits of the body.
 * ERROR_FORBIDDEN: it would have gone to an address that is not public. ERROR_TIMEOUT,
 * ERROR_UNREACHABLE. */
NODISCARD bool outbound_post(const struct outbound *request, int *ret_status, struct buf *response,
                             struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is called, in logs here and wherever it went: X-Request-Id. Who sends one keeps
 * it, if it is a plain word; else it gets one. The answer says it again. */

#ifndef BERTH_SERVER_REQUEST_ID_H
#define BERTH_SERVER_REQUEST_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum { REQUEST_ID_SIZE = 65 };

/* The one of that number: each has its own. Who begins at a random one and counts on makes some
 * that nobody has had, without asking the kernel each time. */
void request_id_make(char id[static REQUEST_ID_SIZE], uint64_t number);

/* Letters, digits and "._-", one at least and as many as fit. */
NODISCARD bool request_id_is_good(const char *text);

/* Become `given`, if there is one and it is good. */
void request_id_take(char id[static REQUEST_ID_SIZE], const char *given);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* When the line to the server is tried again, and what it was that failed. */

#ifndef BERTH_AGENT_LINK_RETRY_H
#define BERTH_AGENT_LINK_RETRY_H

#include <stddef.h>
#include <stdint.h>

#include "agent/web.h"

/* Twice as long with every failure in a row, from half to one and a half of that. */
int64_t link_backoff_ms(int failure_count);

/* The same between any two bounds: twice as long with each failure, from half of it to one and a
 * half, so that not all come back at once. */
int64_t retry_backoff_ms(int64_t first_ms, int64_t max_ms, unsigned failures);

/* Whether it says that the session is over, or that its key is not good. */
bool link_is_over(const struct web_answer *answer);

/* What a refusal says, for the log. */
void link_refusal(const struct web_answer *answer, char *text, size_t size);

#endif

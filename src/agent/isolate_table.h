/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that put up the walls (agent/isolate.h), as nft reads them: text, and nothing done.
 */

#ifndef BERTH_AGENT_ISOLATE_TABLE_H
#define BERTH_AGENT_ISOLATE_TABLE_H

#include <stdint.h>

#include "agent/isolate.h"
#include "base/buf.h"

/* The table, whole; guests that it has stay in it. */
void isolate_table(struct buf *out, const struct isolate *isolate);

/* Name a guest, with its limits; take one out, there or not. */
void isolate_guest(struct buf *out, const struct isolate *isolate, int64_t slot);
void isolate_no_guest(struct buf *out, const struct isolate *isolate, int64_t slot);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent did for an instance, a line each with its time: for its renter, who asks for the
 * daemon's log. Kept beside the instance's record, and bounded: old lines give way. */

#ifndef BERTH_AGENT_DIARY_H
#define BERTH_AGENT_DIARY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

enum { DIARY_MAX = 64 * 1024 };

/* Into <id>.log below `dir`. What cannot be written is lost: it is only a diary. */
void diary_write(int dir, int64_t id, const char *format, ...) PRINTF_LIKE(3, 4);

/* All of it. No diary yet is an empty one. */
NODISCARD bool diary_read(int dir, int64_t id, struct buf *text, struct error *err);
void diary_remove(int dir, int64_t id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of numbers: what is hashed of every journal is made of them, a hundred numbers each. */

#ifndef BERTH_BASE_BUF_INTS_H
#define BERTH_BASE_BUF_INTS_H

#include "base/buf.h"

/* Each in decimal with the byte of `after` behind it that is at its place. At most BUF_INTS_MAX of
 * them. */
enum { BUF_INTS_MAX = 16 };
void buf_ints(struct buf *buf, const int64_t *numbers, const char *after);

#endif

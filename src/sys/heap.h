/* SPDX-License-Identifier: Apache-2.0 */
/* How the C library keeps memory that was given back, in a process with many threads that runs for
 * years.
 *
 * As it comes, each thread may have a heap of its own, and the size from which a block is the
 * system's own mapping grows with what was freed: so large blocks move into the heaps, and what a
 * busy moment took stays there in pieces. Nothing is lost, but the process grows for days. */

#ifndef BERTH_SYS_HEAP_H
#define BERTH_SYS_HEAP_H

#include "base/compiler.h"

enum {
    HEAP_ARENAS = 4,             /* threads share as many */
    HEAP_MAPPED_FROM = 64 << 10, /* bytes of a block that goes back to the system at once */
};

/* Once, before threads. */
void heap_settle(void);

/* Now and then: pages of which every block was given back go to the system, also from between
 * blocks that stay. For as long as it takes, threads that share a heap wait. */
void heap_trim(void);

#endif

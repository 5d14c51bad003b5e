/* SPDX-License-Identifier: Apache-2.0 */
/* How the C library keeps memory that was given back, in a process with many threads that runs for
 * years.
 *
 * As it comes, each thread may have a heap of its own, and the size from which a block is the
 * system's own mapping grows with what was freed: so large blocks move into the heaps, and what a
 * busy moment took stays there in pieces. Nothing is lost, but the process grows for days.
 *
 * Each thread also keeps blocks that it freed, some of each size, and a page with one of them in it
 * cannot go back: with some fifty threads that is the growth of the first hours. No call turns it
 * off; the environment of the units does (deploy/systemd/, GLIBC_TUNABLES; docs/capacity.md). */

#ifndef BERTH_SYS_HEAP_H
#define BERTH_SYS_HEAP_H

#include "base/compiler.h"

enum {
    HEAP_ARENAS = 1,             /* that all threads share */
    HEAP_MAPPED_FROM = 64 << 10, /* bytes of a block that goes back to the system at once */
};

/* Once, before threads. */
void heap_settle(void);

/* Now and then: pages of which every block was given back go to the system, also from between
 * blocks that stay. For as long as it takes, threads that share a heap wait. */
void heap_trim(void);

#endif

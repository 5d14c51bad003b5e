/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/heap.h"

#include <malloc.h>

/* Where a library has other ideas of a heap (sanitizers), it is as it is. */
void heap_settle(void)
{
    (void)mallopt(M_ARENA_MAX, HEAP_ARENAS);
    (void)mallopt(M_MMAP_THRESHOLD, HEAP_MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, 2 * HEAP_MAPPED_FROM);
}

void heap_trim(void)
{
    (void)malloc_trim(0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams of many flows, in one stream between two programs: each behind a head of six bytes, the
 * number of its flow and its length, big-endian.
 *
 * Nothing here waits and nothing piles up: a datagram that the stream has no room for is lost, as
 * datagrams may be, and the next one is as good as any. What is kept is one that was written in
 * part, and one that was read in part. */

#ifndef BERTH_SYS_DATAGRAMS_H
#define BERTH_SYS_DATAGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum {
    DATAGRAMS_HEAD = 6,
    DATAGRAMS_SIZE_MAX = 65507,   /* of one: what UDP has over IPv4 */
    DATAGRAMS_QUEUE = 256 * 1024, /* bytes on their way, asked of the kernel */
};

struct datagrams {
    int fd;      /* owned, a stream that does not block; -1: closed */
    uint8_t *in; /* owned, both; NULL: nothing has come, or has to wait */
    uint8_t *out;
    size_t in_at, in_count, out_at, out_count;
    uint64_t lost; /* datagrams that there was no room for */
};

#define DATAGRAMS_CLOSED ((struct datagrams){ .fd = -1 })

/* A stream within this program: `ret` takes one end, `*ret_other` is the other. */
NODISCARD bool datagrams_pair(struct datagrams *ret, int *ret_other);
void datagrams_close(struct datagrams *datagrams);

/* False: the stream has failed. Longer ones than DATAGRAMS_SIZE_MAX are lost. */
NODISCARD bool datagrams_write(struct datagrams *datagrams, uint32_t flow, const uint8_t *bytes,
                               size_t count);

enum datagrams_read {
    DATAGRAMS_ONE,
    DATAGRAMS_NONE,  /* until the stream has more */
    DATAGRAMS_ENDED, /* or it says what is none */
};

/* The next one, in this struct's memory until the next call. */
enum datagrams_read datagrams_read(struct datagrams *datagrams, uint32_t *ret_flow,
                                   const uint8_t **ret_bytes, size_t *ret_count);

#endif

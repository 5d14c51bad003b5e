/* SPDX-License-Identifier: Apache-2.0 */
/* Two sockets, each carried over to the other until both have ended.
 *
 * What arrives in small pieces is read and written once; what flows in bulk goes through a pipe by
 * splice(2) and is never copied into this process. Where one end is TLS, everything is copied.
 *
 * Nothing is read that cannot be put somewhere, so a slow reader slows its writer down through the
 * kernel's own buffers, and a pump holds one pipe or PUMP_COPY bytes at most, each way. The end of
 * one way is passed on as the end of that way; the other goes on. When either socket fails, both
 * are done.
 *
 * The owner's loop watches both sockets edge-triggered (PUMP_EVENTS), tells the pump what became
 * ready, and runs it. Pumps of one thread share a bed of pipes. */

#ifndef BERTH_SYS_PUMP_H
#define BERTH_SYS_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/compiler.h"

enum {
    PUMP_COPY = 64 * 1024,
    PUMP_PIPE = 1 << 20, /* asked of the kernel, which may give less */
    PUMP_PIPES_KEPT = 32,
    PUMP_BUDGET = 4 << 20, /* bytes of one run: then it is the next one's turn */
};

#define PUMP_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

struct tls;

/* What the pumps of a thread share. */
struct pump_bed {
    uint8_t *copy; /* owned, PUMP_COPY bytes */
    int pipes[PUMP_PIPES_KEPT][2];
    size_t pipe_count;
};

void pump_bed_open(struct pump_bed *ret);
void pump_bed_close(struct pump_bed *bed);

struct pump_end {
    int fd;          /* owned, non-blocking */
    struct tls *tls; /* owned; NULL: plain */
    bool can_read, can_write;
    bool is_ending; /* its peer has said so, behind what may still be there */
};

/* From ends[i] to ends[1 - i]. */
struct pump_way {
    int pipe[2];    /* -1: none */
    size_t in_pipe; /* bytes */
    uint8_t *rest;  /* owned: what was read and could not be written */
    size_t rest_at, rest_end;
    uint64_t bytes; /* carried */
    bool is_bulk;   /* it flows: splice */
    bool has_ended; /* at its source */
    bool is_done;   /* and was passed on */
};

struct pump {
    struct pump_end ends[2];
    struct pump_way ways[2];
};

/* Takes both sockets over. What they are ready for is found out by trying. */
void pump_open(struct pump *ret, struct pump_end a, struct pump_end b);

/* The sockets too. `is_failed`: with a reset, so that nobody takes a part for the whole. */
void pump_close(struct pump *pump, struct pump_bed *bed, bool is_failed);

/* What epoll says of ends[end]. */
void pump_ready(struct pump *pump, int end, uint32_t events);

enum pump_state {
    PUMP_WAITS, /* for a socket */
    PUMP_GOES_ON,
    PUMP_ENDED, /* both ways, in order */
    PUMP_FAILED,
};

/* Carry what there is, up to the budget. */
enum pump_state pump_run(struct pump *pump, struct pump_bed *bed);

/* No small packet waits for the next; a peer that is gone without a word is noticed within three
 * minutes, but a line that is cut for one is not taken for that. */
void pump_set_patience(int socket);

#endif

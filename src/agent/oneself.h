/* SPDX-License-Identifier: Apache-2.0 */
/* This program again, as a process beside the agent that speaks with strangers in its place: the
 * SSH broker, the tunnel to relays.
 *
 * It starts with nothing of the agent's but one end of a socket pair (descriptor ONESELF_FD) and,
 * where one is given, a file (the next); standard input and output are /dev/null, standard error is
 * the log. It ends when its socket does. What it has to know is a table, which is handed over as a
 * memory file, since it may be larger than a datagram. */

#ifndef BERTH_AGENT_ONESELF_H
#define BERTH_AGENT_ONESELF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "sys/log.h"

enum { ONESELF_FD = 3, ONESELF_ARGUMENTS_MAX = 8, ONESELF_NUMBERS = 5 };

struct oneself {
    const char *what;         /* "the tunnel": for errors */
    const char *verb;         /* the first argument */
    const char *const *texts; /* the next, NULL-terminated; NULL: none */
    uid_t uid;                /* and the last ones: whom it becomes, and how it logs */
    gid_t gid;
    const struct log *log;
    int file; /* to be inherited; -1: none */
};

/* `*ret_socket` is the caller's, of datagrams, and does not block. */
NODISCARD bool oneself_start(const struct oneself *oneself, pid_t *ret_pid, int *ret_socket,
                             struct error *err);

/* Send `head` and, with it, a memory file that holds `table`. False: its socket is full or closed.
 */
bool oneself_deliver(int socket, const void *head, size_t size, const struct buf *table);

#endif

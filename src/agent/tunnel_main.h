/* SPDX-License-Identifier: Apache-2.0 */
/* The tunnel's process: its loop, its table, and what its files share. */

#ifndef BERTH_AGENT_TUNNEL_MAIN_H
#define BERTH_AGENT_TUNNEL_MAIN_H

#include "agent/tunnel_inside.h"

int64_t tunnel_now_ms(void);
bool tunnel_watch(struct tunnel_process *tunnel, int fd, struct tunnel_watch *watch);

/* The same, but told of input again and again for as long as there is some. */
bool tunnel_watch_input(struct tunnel_process *tunnel, int fd, struct tunnel_watch *watch);

/* Connecting, or -1. `address` must outlive nothing. */
int tunnel_dial(const struct sockaddr_storage *address, socklen_t size);

/* 0: connected; EINPROGRESS: not yet; else why not. */
int tunnel_dialled(int fd);

#endif

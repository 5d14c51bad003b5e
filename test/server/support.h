/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the HTTP layer share: a server on a free port, and sockets that may misbehave. */

#ifndef BERTH_TEST_SERVER_SUPPORT_H
#define BERTH_TEST_SERVER_SUPPORT_H

#include "check.h"
#include "server/http.h"

enum { ANSWER_MAX = 256 * 1024, WAIT_MS = 5000 };

/* A connection to "127.0.0.1:port". */
int socket_to(const char *address);

void socket_send(int fd, const char *bytes, size_t length);

/* All that comes until the other side closes or `wait_ms` are over; NUL-terminated in `text`. Says
 * whether it closed. */
bool socket_read(int fd, char *text, size_t size, int wait_ms);

/* One whole reply of a connection that stays open: head and as many bytes as it announces.
 * Returns its status, 0 where none came. */
int socket_reply(int fd, char *text, size_t size);

/* Send one request on a connection of its own, and return the status of what came; 0: closed
 * without a word; -1: no answer. `text` takes the reply. */
int exchange_bytes(const char *address, const char *bytes, size_t length, char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the HTTP layer share: a server on a free port, and sockets that may misbehave.
 *
 * The server echoes what arrived, except for /work?ms=N, which a worker answers after N ms,
 * /hold?ms=N, which nobody answers until the test takes it, /stream, and /big. */

#ifndef BERTH_TEST_SERVER_SUPPORT_H
#define BERTH_TEST_SERVER_SUPPORT_H

#include "check.h"
#include "server/http.h"

enum { ANSWER_MAX = 256 * 1024, WAIT_MS = 5000 };

/* The server of the test that runs, and the last answer it gave. */
extern struct http *http;
extern char text[ANSWER_MAX];

/* Short timeouts, two workers, a queue of two. */
struct http_options options_of_tests(void);
void server_open(const struct http_options *options);

/* For cmocka_unit_test_setup_teardown(). */
int server_setup(void **state);
int server_teardown(void **state);
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)

/* Send one request on a connection of its own; its status, and the reply in `text`. */
int ask(const char *request);
bool says(const char *part); /* whether `text` has it */

/* The exchange or stream that the server has; waits for it. */
struct http_exchange *take_held(void);
struct http_stream *take_stream(void);

void pause_ms(long ms);

/* A connection to "127.0.0.1:port". */
int socket_to(const char *address);

void socket_send(int fd, const char *bytes, size_t length);

/* All that comes until the other side closes or `wait_ms` are over; NUL-terminated in `reply`. Says
 * whether it closed. */
bool socket_read(int fd, char *reply, size_t size, int wait_ms);

/* One whole reply of a connection that stays open: head and as many bytes as it announces.
 * Returns its status, 0 where none came. */
int socket_reply(int fd, char *reply, size_t size);

/* Send one request on a connection of its own, and return the status of what came; 0: closed
 * without a word; -1: no answer. `reply` takes what came. */
int exchange_bytes(const char *address, const char *bytes, size_t length, char *reply, size_t size);

#endif

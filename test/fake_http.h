/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server inside a test: one thread, connections kept alive, answers from a function.
 *
 * It is as dumb as can be, so that a test can make it answer anything at all, or nothing. */

#ifndef BERTH_TEST_FAKE_HTTP_H
#define BERTH_TEST_FAKE_HTTP_H

#include <stddef.h>

#include "base/buf.h"

struct fake_http;

struct fake_request {
    const char *method;
    const char *target; /* path and query */
    const char *head;   /* the header lines, as they came */
    const char *body;   /* ends in a NUL that `body_length` leaves out */
    size_t body_length;
};

/* Write the whole response, status line and all: fake_http_reply() does. Nothing written: the
 * client is left to wait. Runs in the server's thread. */
typedef void fake_answer(void *context, const struct fake_request *request, struct buf *response);

/* On a port of its own of 127.0.0.1, or on the unix socket of that path, where not NULL. */
struct fake_http *fake_http_open(const char *unix_socket, fake_answer *answer, void *context);
void fake_http_close(struct fake_http **server);
#define auto_fake_http __attribute__((cleanup(fake_http_close)))

/* Before a request, and after its answer: what the test has written is there for the answer to
 * read, and what the answer has written for the test. A socket between two threads promises
 * neither. */
void fake_http_meet(struct fake_http *server);

int fake_http_port(const struct fake_http *server);

/* How many connections there have been. */
int fake_http_connection_count(const struct fake_http *server);

/* A response with a length; the connection stays. */
void fake_http_reply(struct buf *response, int status, const char *body);

#endif

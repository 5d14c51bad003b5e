/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server on the loop of the test, which answers what the test says: in one thread, so that
 * a test sees every step. */

#ifndef BERTH_TEST_AGENT_SUPPORT_SCRIPTED_H
#define BERTH_TEST_AGENT_SUPPORT_SCRIPTED_H

#include <stdbool.h>

#include "agent/loop.h"
#include "support_http.h"

struct scripted;

/* Answer on `fd`, or not. False: close the connection. */
typedef bool scripted_respond(void *context, int fd, const struct http_got *request);

/* At a path, or, where it is NULL, at a port of 127.0.0.1. */
struct scripted *scripted_open(struct loop *loop, const char *path, scripted_respond *respond,
                               void *context);
void scripted_close(struct scripted **scripted);

/* "http://127.0.0.1:PORT". */
const char *scripted_url(const struct scripted *scripted);

/* An answer of that status and body; true. */
bool scripted_say(int fd, int status, const char *body);

/* And when to come again. */
bool scripted_say_later(int fd, int status, int64_t retry_after_s, const char *body);

#endif

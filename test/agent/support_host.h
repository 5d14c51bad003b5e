/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host as a program, with a real Docker Engine and the server's side of its line. For
 * programs that have called engine_enter(). */

#ifndef BERTH_TEST_AGENT_SUPPORT_HOST_H
#define BERTH_TEST_AGENT_SUPPORT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "proto/desired.h"
#include "support_market.h"

enum { HOST_SECONDS = 30, HOST_STEP_US = 5000 };

extern struct market *host_market;
extern pid_t host_agent;
extern const char *host_clouds; /* --private-clouds of host_start(); NULL: without it */

/* For cmocka: engine, market and agent. BERTH_SHOW_LOG shows the agent's log in the end. */
int host_setup(void **state);
int host_teardown(void **state);

void host_start(void);
void host_end(int signal);

/* bb:1, by SSH; absent has no spec. */
struct desired_instance host_instance(int64_t id, int64_t gen, enum desired_state state);

/* That one is wanted, and nothing else. */
void host_want(const struct desired_instance *instance);

/* What the engine says of its container. False: there is none. */
bool host_inspect(int64_t id, json_t **ret_root);

/* The first line of what a command in the instance prints. */
void host_run(int64_t id, const char *command, char *output, size_t size);

/* With the server's signature, and until it is gone. */
void host_destroy(int64_t id, int64_t gen);

#endif

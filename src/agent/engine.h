/* SPDX-License-Identifier: Apache-2.0 */
/* A Docker Engine of our own (--private-engine), for hosts where none runs.
 *
 *   DATA/engine/docker.sock, docker.pid, docker.log, data/, exec/, daemon.json
 *
 * It outlives the agent, as instances do: the next agent finds it and goes on with it. It keeps
 * containers running while it is itself restarted. When it dies it is started again, at most three
 * times in ten minutes. It has no bridge of its own: every instance brings one. */

#ifndef BERTH_AGENT_ENGINE_H
#define BERTH_AGENT_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/loop.h"
#include "base/error.h"
#include "sys/log.h"

enum { ENGINE_STARTS_MAX = 4, ENGINE_WINDOW_SECONDS = 600, ENGINE_PATH_MAX = 64 };

struct engine;

/* Below folder `data`, which is absolute. Starts the engine, or finds it running. */
NODISCARD bool engine_open(struct loop *loop, const char *data, const struct log *log,
                           struct engine **ret, struct error *err);

/* Stops looking after it; it runs on. */
void engine_close(struct engine **engine);

const char *engine_socket(const struct engine *engine);

/* Whether it was given up; why. NULL: it was not. */
const char *engine_failure(const struct engine *engine);

/* End all of its containers, then itself. One that does not run is fine. */
NODISCARD bool engine_stop(const char *data, struct error *err);

/* The process in the engine's pidfile, if it is an engine of that folder. 0: none. */
int64_t engine_find(const char *data);

#endif

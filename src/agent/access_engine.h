/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the helper in a container: the one thing that SSH asks the engine for.
 *
 * Once a container start, not once a login: the helper then starts processes itself, under the
 * container's own limits, filters and capabilities, since it is an exec of the engine. */

#ifndef BERTH_AGENT_ACCESS_ENGINE_H
#define BERTH_AGENT_ACCESS_ENGINE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

struct access_engine {
    const char *socket;       /* path */
    const char *container_id; /* running */
    const char *name;         /* that the helper shall serve: access_netns.h connects to it */
};

/* Returns once it serves; takes up to some seconds, so this runs in a child. ERROR_UNAVAILABLE:
 * the container does not run. Errors are sentences for the person who logs in. */
NODISCARD bool access_engine_start(const struct access_engine *engine, pid_t *ret_pid,
                                   struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Jupyter in instances that were rented with it: whether the image has one, asked before it is
 * started at all, so that who took the wrong image is told so and pays nothing; and whether it
 * answers, asked of every run until it does.
 *
 * It is guest code like any other. That it is slow to come is told, but changes no charge: a
 * container that runs costs what it costs, and could pretend anything. */

#ifndef BERTH_AGENT_JUPYTER_H
#define BERTH_AGENT_JUPYTER_H

#include <stdbool.h>

#include "agent/docker.h"
#include "agent/instance.h"
#include "base/error.h"
#include "proto/desired.h"

struct agent;

/* Runtype names it. */
bool jupyter_is_wanted(const struct instance_spec *spec);

/* Whether a container that does not run has one in its PATH. ERROR_UNAVAILABLE, with a sentence for
 * its renter: it has none. */
NODISCARD bool jupyter_need(struct docker *docker, const char *container, struct error *err);

/* Look after those that have just begun to run. */
void jupyter_tend(struct agent *agent);

/* What to tell of one that runs: JUPYTER_* of proto/heartbeat.h; "" once it answers, or where it is
 * none of ours. */
const char *jupyter_message(const struct instance *instance);

#endif

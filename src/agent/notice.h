/* SPDX-License-Identifier: Apache-2.0 */
/* What instances are told of their notices: the same text in the container's file and at its
 * metadata address, whenever it is asked for. */

#ifndef BERTH_AGENT_NOTICE_H
#define BERTH_AGENT_NOTICE_H

#include "base/instant.h"

struct agent;
struct instance;

/* By when it will be killed, by the wall clock, for people and programs to read. */
struct instant notice_deadline(const struct instance *instance);

/* Serve what runs, as it stands now. */
void notice_update(struct agent *agent);

#endif

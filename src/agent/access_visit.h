/* SPDX-License-Identifier: Apache-2.0 */
/* Visits: one for each connection, its process, its rights, its bytes. */

#ifndef BERTH_AGENT_ACCESS_VISIT_H
#define BERTH_AGENT_ACCESS_VISIT_H

#include "agent/access_broker.h"

/* Take over a connection: `tcp` is ours whatever happens. */
void visit_begin(struct broker *broker, size_t door, int tcp, struct limit_key from);

/* Its session asks something; its session has ended. */
void visit_handle(struct broker *broker, size_t index);
void visit_end(struct broker *broker, size_t index);

/* Every second: count bytes, end what takes too long. */
void visits_tend(struct broker *broker);

/* A door's helper is ready ("" for `why`), or will not be. */
void visits_helper(struct broker *broker, size_t door, const char *why);

/* Kill the sessions of an instance; they end when their processes have. */
void visits_kill(struct broker *broker, int64_t instance_id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Doors: one for each instance, its port and the helper in its container. */

#ifndef BERTH_AGENT_ACCESS_DOOR_H
#define BERTH_AGENT_ACCESS_DOOR_H

#include "agent/access_broker.h"

/* The table changed: open, move and close doors. */
void doors_update(struct broker *broker);

/* Listen again where that failed. */
void doors_tend(struct broker *broker);

/* A connection came in. */
void door_accept(struct broker *broker, size_t index);

/* The helper's starter has said something. */
void door_started(struct broker *broker, size_t index);

/* Get the helper ready if it is not; visits_helper() follows when it is. */
void door_prepare(struct broker *broker, struct door *door);

/* The row behind a door; NULL where the table has none any more. */
const struct access_row *door_row(const struct broker *broker, const struct door *door);

#endif

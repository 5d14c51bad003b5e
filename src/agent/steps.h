/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the plan decided: writes down what must be known before the deed, starts the
 * worker, and takes in its account. */

#ifndef BERTH_AGENT_STEPS_H
#define BERTH_AGENT_STEPS_H

#include <stddef.h>

#include "agent/instance.h"

enum { STEPS_AT_ONCE_MAX = 16 };

enum steps_done {
    STEPS_NONE,
    STEPS_SOME,     /* something was begun or cancelled */
    STEPS_AND_MORE, /* and one is ready for its next step already: plan again, and carry on */
};

/* Begin, or cancel, as the verdicts say. */
enum steps_done steps_carry_out(struct instances *instances);

/* How many are under way. */
size_t steps_under_way(const struct instances *instances);

/* Whether an image of that name in full was fetched with somebody's login. For struct
 * stock_options: the context is the agent. */
bool steps_is_secret(void *context, const char *image);

#endif

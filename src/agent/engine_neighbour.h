/* SPDX-License-Identifier: Apache-2.0 */
/* Another Docker Engine in the same network.
 *
 * Engines in one network namespace share Docker's chains, the policy of FORWARD and the switch for
 * forwarding. The private engine that ends first must leave them to the other one; if that is a
 * private one too, it inherits the note of what was there before (agent/engine_rules.h), and
 * clears up when it ends. */

#ifndef BERTH_AGENT_ENGINE_NEIGHBOUR_H
#define BERTH_AGENT_ENGINE_NEIGHBOUR_H

#include <stdbool.h>
#include <stdint.h>

enum { NEIGHBOUR_DIR_SIZE = 512 };

/* A process named dockerd, other than `own_pid` (0: none), in this process's network namespace; 0:
 * there is none. `dir` becomes the folder "X/engine" of a private one, otherwise "". */
int64_t engine_neighbour_find(int64_t own_pid, char dir[static NEIGHBOUR_DIR_SIZE]);

#endif

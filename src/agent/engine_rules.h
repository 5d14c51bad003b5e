/* SPDX-License-Identifier: Apache-2.0 */
/* What a private engine changes in the machine's network, and how it is taken back.
 *
 * An engine makes chains of its own in iptables, sets the policy of FORWARD to DROP, switches
 * forwarding on, and leaves all of that and the bridges of its networks behind when it ends. A
 * machine that lent itself for an hour should be afterwards as it was. So the first start notes
 * what was there, and the end removes the rest: Docker's chains, the rules that lead to them or
 * name our bridges, the bridges, and the two settings. Where another engine's chains were there
 * already, nothing is noted and nothing is removed; where another engine is there at the end, all
 * is left to it (agent/engine_neighbour.h). */

#ifndef BERTH_AGENT_ENGINE_RULES_H
#define BERTH_AGENT_ENGINE_RULES_H

#include "base/error.h"

/* Before the first start of the engine in folder `dir`; later ones keep the first note. */
NODISCARD bool engine_rules_note(const char *dir, struct error *err);

/* After its end. What cannot be removed is left, and the first such thing is the error. */
NODISCARD bool engine_rules_undo(const char *dir, struct error *err);

/* Whether a line of `iptables -S` is a rule of Docker's for us: it leads to a chain of Docker's or
 * names a bridge bt<N>. A rule inside a chain of Docker's is not: that goes with its chain. */
bool engine_rules_is_ours(const char *line);

#endif

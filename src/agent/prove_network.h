/* SPDX-License-Identifier: Apache-2.0 */
/* Shows this machine's network (sys/proof_slice.h), over several connections at once: one alone
 * waits for each answer. */

#ifndef BERTH_AGENT_PROVE_NETWORK_H
#define BERTH_AGENT_PROVE_NETWORK_H

#include "agent/prover.h"

NODISCARD bool prove_network(const struct prove *prove, char ret_verdict[static 16],
                             struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Shows this machine's disk (sys/proof_disk.h): in the folder where the agent keeps its things,
 * past the page cache. Where the file system cannot do that, or has no room, nothing is shown. */

#ifndef BERTH_AGENT_PROVE_DISK_H
#define BERTH_AGENT_PROVE_DISK_H

#include "agent/prover.h"

NODISCARD bool prove_disk(const struct prove *prove, char ret_verdict[static 16],
                          struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What takes long to measure, or may only be measured once, is kept: the size of the disk would
 * shrink with every rental. */

#ifndef BERTH_AGENT_MEASURED_H
#define BERTH_AGENT_MEASURED_H

#include <stdbool.h>

#include "market/machine.h"
#include "sys/log.h"

/* False: nothing was kept in that folder. */
bool measured_load(int dir, struct machine_facts *facts);
void measured_save(int dir, const struct log *log, const struct machine_facts *facts);

#endif

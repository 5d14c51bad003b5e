/* SPDX-License-Identifier: Apache-2.0 */
/* What of this machine nobody has an instance on. */

#ifndef BERTH_AGENT_VACANCY_H
#define BERTH_AGENT_VACANCY_H

#include <stdbool.h>

#include "market/machine.h"

struct vacancy {
    bool is_idle;        /* all of it */
    bool gpus[GPUS_MAX]; /* as the facts have them */
};

/* All of it. */
struct vacancy vacancy_of(const struct machine_facts *facts);

/* An instance is on these: uuids with a comma behind each, as struct seen has them. None: nobody
 * knows on which, so on all. */
void vacancy_take(struct vacancy *vacancy, const struct machine_facts *facts, const char *uuids);

/* Of that GPU; "", or one that is not in the facts: of all of the machine. */
bool vacancy_has(const struct vacancy *vacancy, const struct machine_facts *facts,
                 const char *uuid);

/* Any GPU; or all of the machine. */
bool vacancy_has_any(const struct vacancy *vacancy, const struct machine_facts *facts);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a machine, looked at from time to time: who is verified, who is taken off the
 * market, and who is back (market/requirement.h). */

#ifndef BERTH_FLOW_REQUIREMENT_H
#define BERTH_FLOW_REQUIREMENT_H

#include "base/arena.h"
#include "flow/flow.h"
#include "market/requirement.h"
#include "store/machine.h"

enum { REQUIREMENT_BATCH_MAX = 50 };

/* The machine's lines as of `now`. */
struct requirement_list {
    struct machine_row machine;
    struct requirement_line lines[REQUIREMENTS];
    struct instant now;
};

/* For everybody to read. `*ret_has` false: there is no such machine. */
NODISCARD bool flow_requirements(const struct flow *flow, int64_t machine_id, struct arena *arena,
                                 struct requirement_list *ret, bool *ret_has, struct error *err);

/* Look at machines whose turn it is, and let what is seen decide. */
NODISCARD bool flow_requirements_look(const struct flow *flow, size_t *ret_count,
                                      struct error *err);

#endif

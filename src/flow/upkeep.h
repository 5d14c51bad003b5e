/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a machine in order: reports by those who rent it, for its host to read; data whose
 * time is over, for its host to clear away; and offers that are cut anew. */

#ifndef BERTH_FLOW_UPKEEP_H
#define BERTH_FLOW_UPKEEP_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/machine_report.h"

enum {
    UPKEEP_PROBLEM_MAX = 64,
    UPKEEP_MESSAGE_MAX = 2000,
    UPKEEP_REPORTS_MAX = 200,
    UPKEEP_RECENT_DAYS = 30,
};

enum upkeep_outcome {
    UPKEEP_DONE,
    UPKEEP_NO_MACHINE,
    UPKEEP_BAD_REPORT,
    UPKEEP_TOO_SOON, /* one report a day of a machine */
};

/* By whoever has an instance on the machine. */
NODISCARD bool flow_report_machine(const struct flow *flow, const struct caller *caller,
                                   int64_t machine_id, const char *problem, const char *message,
                                   enum upkeep_outcome *ret, struct error *err);

/* For its host. */
NODISCARD bool flow_machine_reports(const struct flow *flow, const struct caller *caller,
                                    int64_t machine_id, struct arena *arena,
                                    struct machine_report_row **ret, size_t *ret_count,
                                    enum upkeep_outcome *ret_outcome, struct error *err);

/* Destroy stopped instances whose data need not be kept any more (lifetime_retention()). */
NODISCARD bool flow_clean_up(const struct flow *flow, const struct caller *caller,
                             int64_t machine_id, int64_t *ret_deleted, enum upkeep_outcome *ret,
                             struct error *err);

/* Its offers from nothing, of what is free now. */
NODISCARD bool flow_recut(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                          enum upkeep_outcome *ret, struct error *err);

#endif

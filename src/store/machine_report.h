/* SPDX-License-Identifier: Apache-2.0 */
/* What renters report of machines, as rows. Who reported is for the operator, not for the host. */

#ifndef BERTH_STORE_MACHINE_REPORT_H
#define BERTH_STORE_MACHINE_REPORT_H

#include "base/arena.h"
#include "store/db.h"

struct machine_report_row {
    int64_t id, machine_id, user_id;
    const char *problem, *message;
    struct instant created;
    const char *reply; /* its host's; "" none */
    struct instant replied;
};

NODISCARD bool machine_report_insert(struct db *db, const struct machine_report_row *report,
                                     struct error *err);

/* Newest first, at most `max`. */
NODISCARD bool machine_report_list(struct db *db, int64_t machine_id, size_t max,
                                   struct arena *arena, struct machine_report_row **ret,
                                   size_t *ret_count, struct error *err);

/* What that account has reported, likewise. */
NODISCARD bool machine_report_list_by(struct db *db, int64_t user_id, size_t max,
                                      struct arena *arena, struct machine_report_row **ret,
                                      size_t *ret_count, struct error *err);

/* The answer to one about a machine of that host. `*ret_count` 0: there is none. */
NODISCARD bool machine_report_reply(struct db *db, int64_t host_id, int64_t id, const char *reply,
                                    struct instant now, int64_t *ret_count, struct error *err);

/* How many there are, and how many of them since then. */
NODISCARD bool machine_report_count(struct db *db, int64_t machine_id, struct instant since,
                                    int64_t *ret_all, int64_t *ret_recent, struct error *err);

/* Whether that account has reported the machine since then. */
NODISCARD bool machine_report_has(struct db *db, int64_t user_id, int64_t machine_id,
                                  struct instant since, bool *ret_has, struct error *err);

#endif

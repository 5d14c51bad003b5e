/* SPDX-License-Identifier: Apache-2.0 */
/* What renters owe, by its age, and what of it was written off; as the books have it. */

#ifndef BERTH_STORE_DEBT_H
#define BERTH_STORE_DEBT_H

#include "base/arena.h"
#include "store/db.h"

/* What a renter owes now, and what of all that it ever owed was posted after `since`, paid or not.
 */
NODISCARD bool debt_load(struct db *db, int64_t user_id, struct instant since,
                         struct money *ret_owed, struct money *ret_young, struct error *err);

/* Whose debt is older than that, all of it, or by `part_min` or more. */
struct debt_due {
    struct instant since;
    struct money part_min;
};
NODISCARD bool debt_due(struct db *db, const struct debt_due *due, int64_t *ret_ids, size_t max,
                        size_t *ret_count, struct error *err);

/* What was written off, in order of the journals' ids, above `after`. */
struct debt_row {
    int64_t journal_id, user_id;
    struct money amount;
    struct instant at;
};
NODISCARD bool debt_list_written_off(struct db *db, int64_t after, size_t max, struct arena *arena,
                                     struct debt_row **ret, size_t *ret_count, struct error *err);

#endif

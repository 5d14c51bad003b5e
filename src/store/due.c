/* SPDX-License-Identifier: Apache-2.0 */
#include "store/due.h"

#include <assert.h>

/* Those of store/contract.c and the like that are due are found in the same order. */
static const char *const queries[] = {
    [DUE_HEARTBEAT] = "SELECT last_heartbeat_us FROM agent_session WHERE is_online = 1 "
                      "ORDER BY last_heartbeat_us LIMIT 1",
    [DUE_CREDIT_END] = "SELECT t_zero_us FROM users ORDER BY t_zero_us LIMIT 1",
    [DUE_DEPOSIT_END] = "SELECT ends_us FROM reservation WHERE closed_us = 0 "
                        "ORDER BY ends_us LIMIT 1",
    [DUE_END] = "SELECT end_us FROM contract WHERE destroyed_us = 0 "
                "AND state IN (1, 2, 3, 4, 5, 10) ORDER BY end_us LIMIT 1",
    [DUE_WARNING] = "SELECT warn_us FROM contract WHERE warn_us < 9223372036854775807 "
                    "ORDER BY warn_us LIMIT 1",
    [DUE_STOPPED] = "SELECT destroy_due_us FROM contract "
                    "WHERE destroy_due_us < 9223372036854775807 ORDER BY destroy_due_us LIMIT 1",
    [DUE_POST_RUNS] = "SELECT posted_us FROM contract WHERE is_charged = 1 AND destroyed_us = 0 "
                      "AND started_us > 0 AND kind <> 4 ORDER BY posted_us LIMIT 1",
    [DUE_POST_EXISTS] = "SELECT posted_us FROM contract WHERE destroyed_us = 0 "
                        "AND started_us > 0 AND kind <> 4 ORDER BY posted_us LIMIT 1",
    [DUE_OP_EXPIRES] = "SELECT expires_us FROM op WHERE progress = 0 "
                       "ORDER BY expires_us LIMIT 1",
    [DUE_DECISION] = "SELECT decide_us FROM machine WHERE decide_us < 9223372036854775807 "
                     "ORDER BY decide_us LIMIT 1",
    [DUE_OP_CREATED] = "SELECT created_us FROM op ORDER BY created_us LIMIT 1",
};

static bool read_instant(struct db_rows *row, void *context, struct error *err)
{
    struct instant *ret = context;

    (void)err;
    *ret = db_column_instant(row, 0);
    return true;
}

bool due_next(struct db *db, enum due_row row, struct instant *ret, struct error *err)
{
    struct instant found = INSTANT_NEVER;
    bool has;

    assert((size_t)row < sizeof queries / sizeof queries[0]);
    if (!db_query_one(db, queries[row], DB_NO_ARGS, read_instant, &found, &has, err))
        return error_context(err, "look for what is due next");
    *ret = has ? found : INSTANT_NEVER;
    return true;
}

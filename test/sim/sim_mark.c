/* SPDX-License-Identifier: Apache-2.0 */
/* Whether anything was stored between two looks, for little. SQLite counts for each connection the
 * changes of the log that it comes to see: where there was none, every row is what it was. Where
 * there was one it need not be (a log that begins anew counts, too), so the seed is played again,
 * and all rows are read at each look. To see that it counts right, some seeds read them anyway. */
#include <unistd.h>

#include "sim.h"

enum { READ_IN = 16 };

static bool read_version(struct db *db, void *context, struct error *err)
{
    struct sim_mark *mark = context;
    auto_db_rows struct db_rows rows = db_query(db, "PRAGMA data_version", DB_NO_ARGS);

    if (db_next(&rows, err))
        mark->version = db_column_int(&rows, 0);
    mark->connection = db;
    return !rows.has_failed;
}

struct sim_mark sim_mark(struct sim *sim)
{
    struct sim_mark mark = { .has_rows = sim->reads_rows || sim->seed % READ_IN == 0 };

    support_read(&sim->support, read_version, &mark);
    if (mark.has_rows)
        mark.rows = world_dump(&sim->world);
    return mark;
}

void sim_check_unchanged(struct sim *sim, const struct sim_mark *before)
{
    struct sim_mark now = { 0 };

    if (before->has_rows) {
        CHECK_UNCHANGED(&sim->world, before->rows);
        return;
    }
    support_read(&sim->support, read_version, &now);
    if (now.connection != before->connection || now.version != before->version)
        _exit(SIM_PLAY_AGAIN);
}

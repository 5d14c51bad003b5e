/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine_image.h"

bool machine_images_put(struct db *db, int64_t machine_id, const struct machine_image_row *images,
                        size_t count, struct error *err)
{
    if (!db_exec(db, "DELETE FROM machine_image WHERE machine_id = $1", DB_ARGS(db_int(machine_id)),
                 err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!db_exec(
                db,
                "INSERT INTO machine_image (machine_id, image, pull_bytes) "
                "VALUES ($1, $2, $3)",
                DB_ARGS(db_int(machine_id), db_text(images[i].image), db_int(images[i].pull_bytes)),
                err))
            return false;
    return true;
}

bool machine_start_put(struct db *db, int64_t machine_id, int64_t pull_rate, int64_t start_ms,
                       struct error *err)
{
    return db_exec(db,
                   "INSERT INTO machine_start (machine_id, pull_rate, start_ms) "
                   "VALUES ($1, $2, $3) ON CONFLICT (machine_id) DO UPDATE SET "
                   "pull_rate = excluded.pull_rate, start_ms = excluded.start_ms",
                   DB_ARGS(db_int(machine_id), db_int(pull_rate), db_int(start_ms)), err);
}

bool machine_start_load(struct db *db, int64_t machine_id, const char *image,
                        struct machine_start_row *ret, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT COALESCE(MAX(s.pull_rate), -1), COALESCE(MAX(s.start_ms), -1), "
                 "(SELECT COUNT(*) FROM machine_image i WHERE i.machine_id = $1 AND i.image = $2) "
                 "FROM machine_start s WHERE s.machine_id = $1",
                 DB_ARGS(db_int(machine_id), db_text(image)));

    if (!db_next(&rows, err))
        return false;
    *ret = (struct machine_start_row){ .pull_rate = db_column_int(&rows, 0),
                                       .start_ms = db_column_int(&rows, 1),
                                       .has_image = db_column_int(&rows, 2) > 0 };
    return true;
}

bool machine_image_bytes(struct db *db, const char *image, int64_t *ret, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT COALESCE(MAX(pull_bytes), -1) FROM machine_image WHERE image = $1",
                 DB_ARGS(db_text(image)));

    if (!db_next(&rows, err))
        return false;
    *ret = db_column_int(&rows, 0);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/quiet_beat.h"

#include <assert.h>
#include <inttypes.h>

#include "store/array.h"

enum { FIELDS = 6, FIELD_TEXT_MAX = QUIET_BEATS_MAX * 22 };

static void write_field(const void *items, size_t item, int field, struct buf *out)
{
    const struct quiet_beat *beat = (const struct quiet_beat *)items + item;
    const int64_t fields[FIELDS] = { beat->machine_id,   beat->epoch,
                                     beat->seq,          beat->now.microseconds,
                                     beat->disk_free_gb, beat->quarantined_count };

    buf_printf(out, "%" PRId64, fields[field]);
}

/* Of two heartbeats of one machine a statement takes one: the number says which. */
static void mark_taken(struct quiet_beat *beats, size_t count, struct db_rows *row)
{
    for (size_t i = 0; i < count; i++)
        if (beats[i].machine_id == db_column_int(row, 0) && beats[i].seq == db_column_int(row, 1)) {
            beats[i].is_taken = true;
            beats[i].desired_rev = db_column_int(row, 2);
            return;
        }
}

/* The conditions are those of machine_is_quiet() and session_take_beat(). */
static const char take_all[] =
    "UPDATE agent_session SET heartbeat_seq = b.seq, last_heartbeat_us = b.now_us "
    "FROM (SELECT * FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), "
    "CAST($4 AS BIGINT[]), CAST($5 AS BIGINT[]), CAST($6 AS BIGINT[])) "
    "AS t(machine_id, epoch, seq, now_us, disk_free_gb, quarantined_count)) b "
    "JOIN machine m ON m.id = b.machine_id "
    "WHERE agent_session.machine_id = b.machine_id AND agent_session.epoch = b.epoch "
    "AND agent_session.heartbeat_seq < b.seq AND m.is_online = 1 AND m.is_engine_ok = 1 "
    "AND m.engine_message = '' AND m.disk_free_gb = b.disk_free_gb "
    "AND m.quarantined_count = b.quarantined_count AND NOT EXISTS "
    "(SELECT 1 FROM contract c WHERE c.machine_id = m.id AND c.state <> 9) "
    "RETURNING b.machine_id, b.seq, m.desired_rev";

bool quiet_beat_take(struct db *db, struct quiet_beat *beats, size_t count, struct error *err)
{
    auto_buf struct buf buf = buf_of(FIELDS * (FIELD_TEXT_MAX + 2));
    struct db_value values[FIELDS];

    assert(db->is_postgres && count <= QUIET_BEATS_MAX);
    if (count == 0)
        return true;
    array_values(&buf, write_field, beats, count, values, FIELDS);
    for (size_t i = 0; i < count; i++)
        beats[i].is_taken = false;

    auto_db_rows struct db_rows rows = db_query(db, take_all, (struct db_args){ values, FIELDS });
    while (db_next(&rows, err))
        mark_taken(beats, count, &rows);
    if (rows.has_failed)
        return error_context(err, "take heartbeats");
    return true;
}

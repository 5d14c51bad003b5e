/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include <assert.h>
#include <inttypes.h>

#include "store/array.h"
#include "store/rows.h"

static bool session_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct session_row *session = item;

    session->opened = db_column_instant(row, 6);
    session->last_heartbeat = db_column_instant(row, 7);
    for (int stream = 0; stream < SESSION_STREAMS; stream++)
        session->seq[stream] = db_column_int(row, 8 + stream);
    session->twins.since = db_column_instant(row, 13);
    return rows_number(row, 0, 1, INT64_MAX, &session->machine_id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &session->epoch, err) &&
           rows_text(row, 2, arena, &session->server_proc, err) &&
           rows_text(row, 3, arena, &session->boot_id, err) &&
           rows_text(row, 11, arena, &session->boot_before, err) &&
           rows_number(row, 12, 0, TWINS_TURNS, &session->twins.turns, err) &&
           rows_number(row, 4, 0, INT64_MAX, &session->agent_incarnation, err) &&
           rows_bytes(row, 5, session->fingerprint, sizeof session->fingerprint, err);
}

static const struct rows_reader reader = { "session", sizeof(struct session_row), session_read };

bool session_load(struct db *db, int64_t machine_id, struct arena *arena, struct session_row *ret,
                  bool *ret_has, struct error *err)
{
    return rows_load_one(
        db, &reader,
        "SELECT machine_id, epoch, server_proc, boot_id, agent_incarnation, "
        "fingerprint, opened_us, last_heartbeat_us, heartbeat_seq, poll_seq, "
        "op_seq, boot_before, turns, turns_since_us FROM agent_session WHERE machine_id = $1",
        DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}

bool session_replace(struct db *db, const struct session_row *session, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO agent_session (machine_id, epoch, server_proc, boot_id, "
                   "agent_incarnation, fingerprint, opened_us, last_heartbeat_us, boot_before, "
                   "turns, turns_since_us) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
                   "ON CONFLICT (machine_id) DO UPDATE SET epoch = excluded.epoch, "
                   "server_proc = excluded.server_proc, boot_id = excluded.boot_id, "
                   "agent_incarnation = excluded.agent_incarnation, "
                   "fingerprint = excluded.fingerprint, opened_us = excluded.opened_us, "
                   "last_heartbeat_us = excluded.last_heartbeat_us, "
                   "boot_before = excluded.boot_before, turns = excluded.turns, "
                   "turns_since_us = excluded.turns_since_us, heartbeat_seq = 0, "
                   "poll_seq = 0, op_seq = 0",
                   DB_ARGS(db_int(session->machine_id), db_int(session->epoch),
                           db_text(session->server_proc), db_text(session->boot_id),
                           db_int(session->agent_incarnation),
                           db_bytes(session->fingerprint, sizeof session->fingerprint),
                           db_instant(session->opened), db_instant(session->last_heartbeat),
                           db_text(session->boot_before != NULL ? session->boot_before : ""),
                           db_int(session->twins.turns), db_instant(session->twins.since)),
                   err);
}

bool session_take(struct db *db, int64_t machine_id, int64_t epoch, enum session_stream stream,
                  int64_t seq, int64_t *ret_count, struct error *err)
{
    static const char *const take[SESSION_STREAMS] = {
        [STREAM_HEARTBEAT] = "UPDATE agent_session SET heartbeat_seq = $3 "
                             "WHERE machine_id = $1 AND epoch = $2 AND heartbeat_seq < $3",
        [STREAM_POLL] = "UPDATE agent_session SET poll_seq = $3 "
                        "WHERE machine_id = $1 AND epoch = $2 AND poll_seq < $3",
        [STREAM_OP] = "UPDATE agent_session SET op_seq = $3 "
                      "WHERE machine_id = $1 AND epoch = $2 AND op_seq < $3",
    };

    return db_count(db, take[stream], DB_ARGS(db_int(machine_id), db_int(epoch), db_int(seq)),
                    ret_count, err);
}

bool session_take_beat(struct db *db, int64_t machine_id, int64_t epoch, int64_t seq,
                       struct instant now, int64_t *ret_count, struct error *err)
{
    return db_count(db,
                    "UPDATE agent_session SET heartbeat_seq = $3, last_heartbeat_us = $4 "
                    "WHERE machine_id = $1 AND epoch = $2 AND heartbeat_seq < $3",
                    DB_ARGS(db_int(machine_id), db_int(epoch), db_int(seq), db_instant(now)),
                    ret_count, err);
}

bool session_beat(struct db *db, int64_t machine_id, int64_t epoch, struct instant now,
                  struct error *err)
{
    return db_exec(db,
                   "UPDATE agent_session SET last_heartbeat_us = $3 "
                   "WHERE machine_id = $1 AND epoch = $2",
                   DB_ARGS(db_int(machine_id), db_int(epoch), db_instant(now)), err);
}

bool session_end(struct db *db, int64_t machine_id, struct error *err)
{
    return db_exec(db, "UPDATE agent_session SET epoch = epoch + 1 WHERE machine_id = $1",
                   DB_ARGS(db_int(machine_id)), err);
}

bool session_forget_hardware(struct db *db, int64_t machine_id, struct error *err)
{
    static const uint8_t unknown[32];

    return db_exec(db, "UPDATE agent_session SET fingerprint = $2 WHERE machine_id = $1",
                   DB_ARGS(db_int(machine_id), db_bytes(unknown, sizeof unknown)), err);
}

bool session_expired(struct db *db, struct instant before, int64_t *ret_ids, size_t max,
                     size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT machine_id FROM agent_session "
                         "WHERE is_online = 1 AND last_heartbeat_us <= $1 "
                         "ORDER BY last_heartbeat_us, machine_id LIMIT $2",
                         DB_ARGS(db_instant(before), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

static bool identity_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct session_identity *identity = item;

    (void)arena;
    identity->former_until = db_column_instant(row, 3);
    return rows_bytes(row, 0, identity->public_key, sizeof identity->public_key, err) &&
           rows_number(row, 1, 0, INT64_MAX, &identity->epoch, err) &&
           rows_bytes(row, 2, identity->former_key, sizeof identity->former_key, err);
}

bool session_identity_load(struct db *db, int64_t machine_id, struct session_identity *ret,
                           bool *ret_has, struct error *err)
{
    static const struct rows_reader identity = { "machine's key", sizeof *ret, identity_read };

    return rows_load_one(db, &identity,
                         "SELECT m.public_key, COALESCE(s.epoch, 0), "
                         "COALESCE(m.former_key, m.public_key), m.former_until_us FROM machine m "
                         "LEFT JOIN agent_session s ON s.machine_id = m.id "
                         "WHERE m.id = $1 AND m.removed_us = 0 AND m.key_revoked_us = 0",
                         DB_ARGS(db_int(machine_id)), NULL, ret, ret_has, err);
}

enum { POLL_FIELDS = 4, POLL_TEXT_MAX = POLL_FIELDS * (SESSION_POLLS_MAX * 22 + 2) };

static void write_poll(const void *items, size_t item, int field, struct buf *out)
{
    const struct session_poll *poll = (const struct session_poll *)items + item;
    const int64_t fields[POLL_FIELDS] = { poll->machine_id, poll->epoch, poll->seq, (int64_t)item };

    buf_printf(out, "%" PRId64, fields[field]);
}

bool session_take_polls(struct db *db, struct session_poll *polls, size_t count, struct error *err)
{
    auto_buf struct buf buf = buf_of(POLL_TEXT_MAX);
    struct db_value values[POLL_FIELDS];

    assert(db->is_postgres && count <= SESSION_POLLS_MAX);
    array_values(&buf, write_poll, polls, count, values, POLL_FIELDS);
    for (size_t i = 0; i < count; i++)
        polls[i].is_taken = false;

    auto_db_rows struct db_rows rows =
        db_query(db,
                 "UPDATE agent_session SET poll_seq = p.seq FROM unnest(CAST($1 AS BIGINT[]), "
                 "CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), CAST($4 AS BIGINT[])) "
                 "AS p(machine_id, epoch, seq, position) "
                 "WHERE agent_session.machine_id = p.machine_id AND agent_session.epoch = p.epoch "
                 "AND agent_session.poll_seq < p.seq RETURNING p.position",
                 (struct db_args){ values, POLL_FIELDS });
    while (db_next(&rows, err)) {
        int64_t position = db_column_int(&rows, 0);

        assert(position >= 0 && (size_t)position < count);
        polls[position].is_taken = true;
    }
    if (rows.has_failed)
        return error_context(err, "take polls");
    return true;
}

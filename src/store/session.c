/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include <stdint.h>

#include "store/rows.h"

static bool session_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct session_row *session = item;

    session->opened = db_column_instant(row, 6);
    session->last_heartbeat = db_column_instant(row, 7);
    for (int stream = 0; stream < SESSION_STREAMS; stream++)
        session->seq[stream] = db_column_int(row, 8 + stream);
    return rows_number(row, 0, 1, INT64_MAX, &session->machine_id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &session->epoch, err) &&
           rows_text(row, 2, arena, &session->server_proc, err) &&
           rows_text(row, 3, arena, &session->boot_id, err) &&
           rows_number(row, 4, 0, INT64_MAX, &session->agent_incarnation, err) &&
           rows_bytes(row, 5, session->fingerprint, sizeof session->fingerprint, err);
}

static const struct rows_reader reader = { "session", sizeof(struct session_row), session_read };

bool session_load(struct db *db, int64_t machine_id, struct arena *arena, struct session_row *ret,
                  bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT machine_id, epoch, server_proc, boot_id, agent_incarnation, "
                         "fingerprint, opened_us, last_heartbeat_us, heartbeat_seq, poll_seq, "
                         "op_seq FROM agent_session WHERE machine_id = $1",
                         DB_ARGS(db_int(machine_id)), arena, ret, ret_has, err);
}

bool session_replace(struct db *db, const struct session_row *session, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO agent_session (machine_id, epoch, server_proc, boot_id, "
                   "agent_incarnation, fingerprint, opened_us, last_heartbeat_us) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                   "ON CONFLICT (machine_id) DO UPDATE SET epoch = excluded.epoch, "
                   "server_proc = excluded.server_proc, boot_id = excluded.boot_id, "
                   "agent_incarnation = excluded.agent_incarnation, "
                   "fingerprint = excluded.fingerprint, opened_us = excluded.opened_us, "
                   "last_heartbeat_us = excluded.last_heartbeat_us, heartbeat_seq = 0, "
                   "poll_seq = 0, op_seq = 0",
                   DB_ARGS(db_int(session->machine_id), db_int(session->epoch),
                           db_text(session->server_proc), db_text(session->boot_id),
                           db_int(session->agent_incarnation),
                           db_bytes(session->fingerprint, sizeof session->fingerprint),
                           db_instant(session->opened), db_instant(session->last_heartbeat)),
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
                         "SELECT s.machine_id FROM agent_session s "
                         "JOIN machine m ON m.id = s.machine_id "
                         "WHERE m.is_online = 1 AND s.last_heartbeat_us <= $1 "
                         "ORDER BY s.last_heartbeat_us, s.machine_id LIMIT $2",
                         DB_ARGS(db_instant(before), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool nonce_insert(struct db *db, int64_t machine_id, const uint8_t nonce[static 32],
                  struct instant expires, struct error *err)
{
    return db_exec(db, "INSERT INTO nonce (machine_id, nonce, expires_us) VALUES ($1, $2, $3)",
                   DB_ARGS(db_int(machine_id), db_bytes(nonce, 32), db_instant(expires)), err);
}

bool nonce_forget(struct db *db, int64_t machine_id, struct instant now, struct error *err)
{
    /* The newest few may be in use; anyone can ask for a nonce, so they must not pile up. */
    return db_exec(db,
                   "DELETE FROM nonce WHERE machine_id = $1 AND (expires_us <= $2 OR nonce NOT IN "
                   "(SELECT n.nonce FROM nonce n WHERE n.machine_id = $1 "
                   " ORDER BY n.expires_us DESC LIMIT 8))",
                   DB_ARGS(db_int(machine_id), db_instant(now)), err);
}

bool nonce_take(struct db *db, int64_t machine_id, const uint8_t nonce[static 32],
                struct instant now, int64_t *ret_count, struct error *err)
{
    return db_count(
        db, "DELETE FROM nonce WHERE machine_id = $1 AND nonce = $2 AND expires_us > $3",
        DB_ARGS(db_int(machine_id), db_bytes(nonce, 32), db_instant(now)), ret_count, err);
}

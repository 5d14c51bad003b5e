/* SPDX-License-Identifier: Apache-2.0 */
#include "store/quiet_hello.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "store/array.h"

enum { FIELDS = 8, FIELD_TEXT_MAX = QUIET_HELLOS_MAX * (2 * HASH_SIZE + QUIET_HELLO_BOOT_MAX) };

static void write_hex(struct buf *out, const void *bytes, size_t count)
{
    char text[HEX_SIZE(HASH_SIZE + QUIET_HELLO_BOOT_MAX)];

    assert(HEX_SIZE(count) <= sizeof text);
    buf_printf(out, "%s", hex_format(bytes, count, text));
}

/* Hexadecimal: nothing that an array's text would need quotes for. */
static void write_field(const void *items, size_t item, int field, struct buf *out)
{
    const struct quiet_hello *hello = (const struct quiet_hello *)items + item;

    switch (field) {
    case 0:
        return buf_printf(out, "%" PRId64, hello->machine_id);
    case 1:
        return buf_printf(out, "%" PRId64, hello->epoch);
    case 2:
        return buf_printf(out, "%" PRId64, hello->now.microseconds);
    case 3:
        return buf_printf(out, "%" PRId64, hello->agent_incarnation);
    case 4:
        /* An empty one would be no element; a prefix is what all have. */
        buf_printf(out, "x");
        return write_hex(out, hello->boot_id, strlen(hello->boot_id));
    case 5:
        return write_hex(out, hello->fingerprint.bytes, sizeof hello->fingerprint.bytes);
    case 6:
        return write_hex(out, hello->facts.bytes, sizeof hello->facts.bytes);
    case 7:
        return write_hex(out, hello->gpus.bytes, sizeof hello->gpus.bytes);
    default:
        abort();
    }
}

/* The conditions are those under which open_work() of flow/session.c changes nothing else: the GPUs
 * that it has in the books are those of its facts, which nobody else can have then. */
#define BOOT_ID "convert_from(decode(substr(h.boot_id, 2), 'hex'), 'UTF8')"
static const char take_all[] =
    "UPDATE agent_session SET epoch = h.epoch + 1, server_proc = $9, boot_id = " BOOT_ID ", "
    "boot_before = CASE WHEN agent_session.boot_id <> " BOOT_ID " THEN agent_session.boot_id "
    "ELSE agent_session.boot_before END, "
    "agent_incarnation = h.incarnation, opened_us = h.now_us, heartbeat_seq = 0, poll_seq = 0, "
    "op_seq = 0 "
    "FROM (SELECT * FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), "
    "CAST($4 AS BIGINT[]), CAST($5 AS TEXT[]), CAST($6 AS TEXT[]), CAST($7 AS TEXT[]), "
    "CAST($8 AS TEXT[])) WITH ORDINALITY "
    "AS t(machine_id, epoch, now_us, incarnation, boot_id, fingerprint, facts, gpus, position)) h "
    "JOIN machine m ON m.id = h.machine_id "
    "WHERE agent_session.machine_id = h.machine_id AND agent_session.epoch = h.epoch "
    /* A boot that was over, and comes back, is counted (market/twins.h). */
    "AND (agent_session.boot_before <> " BOOT_ID " OR " BOOT_ID " = '') "
    "AND agent_session.fingerprint = decode(h.fingerprint, 'hex') "
    "AND m.removed_us = 0 AND m.key_revoked_us = 0 AND m.is_quarantined = 0 "
    "AND encode(sha256(convert_to(m.facts, 'UTF8')), 'hex') = h.facts "
    "AND encode(sha256(convert_to(COALESCE((SELECT string_agg(g.uuid || chr(10), '' "
    "ORDER BY g.uuid COLLATE \"C\") FROM gpu g WHERE g.machine_id = m.id "
    "AND g.retired_us IS NULL), ''), 'UTF8')), 'hex') = h.gpus "
    "RETURNING h.position, EXISTS (SELECT 1 FROM relay_port p JOIN contract c "
    "ON c.id = p.contract_id WHERE c.machine_id = m.id AND c.state <> 9), "
    /* As it was when this began. */
    "CAST((SELECT s.boot_id <> " BOOT_ID " "
    "FROM agent_session s WHERE s.machine_id = m.id) AS INTEGER)";

static void mark_taken(struct quiet_hello *hellos, size_t count, struct db_rows *row)
{
    int64_t position = db_column_int(row, 0);

    assert(position >= 1 && (size_t)position <= count);
    hellos[position - 1].is_taken = true;
    hellos[position - 1].is_relayed = db_column_int(row, 1) != 0;
    hellos[position - 1].has_rebooted = db_column_int(row, 2) != 0;
}

bool quiet_hello_take(struct db *db, const char *server_proc, struct quiet_hello *hellos,
                      size_t count, struct error *err)
{
    auto_buf struct buf buf = buf_of(FIELDS * (FIELD_TEXT_MAX + 2));
    struct db_value values[FIELDS + 1];

    assert(db->is_postgres && count <= QUIET_HELLOS_MAX);
    if (count == 0)
        return true;
    array_values(&buf, write_field, hellos, count, values, FIELDS);
    values[FIELDS] = db_text(server_proc);
    for (size_t i = 0; i < count; i++)
        hellos[i].is_taken = false;

    auto_db_rows struct db_rows rows =
        db_query(db, take_all, (struct db_args){ values, FIELDS + 1 });
    while (db_next(&rows, err))
        mark_taken(hellos, count, &rows);
    if (rows.has_failed)
        return error_context(err, "open sessions");
    return true;
}

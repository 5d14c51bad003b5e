/* SPDX-License-Identifier: Apache-2.0 */
#include "store/burn.h"

#include <stdint.h>

#include "store/driver.h"
#include "store/rows.h"

#define BURN_SELECT                                                                                \
    "SELECT c.id, c.host_id, c.machine_id, "                                                       \
    "CASE WHEN c.pause_us < c.end_us THEN c.pause_us ELSE c.end_us END, "                          \
    "c.disk_metered_us, c.up_unmetered, "                                                          \
    "c.down_unmetered, i.metered_us, COALESCE(s.last_heartbeat_us, 0), h.is_online, "              \
    "h.offline_since_us, m.comp, m.denom, m.fee_bps, m.rate, m.qty, m.total, m.posted_total, "     \
    "m.rem, m.split_rem, m.gross_posted, m.host_posted, c.disk_offline_us, c.destroyed_us, "       \
    "CASE WHEN c.kind = 3 THEN 1 ELSE 0 END "                                                      \
    "FROM contract c "                                                                             \
    "JOIN meter m ON m.instance_id = c.id JOIN machine h ON h.id = c.machine_id "                  \
    "LEFT JOIN agent_session s ON s.machine_id = c.machine_id "                                    \
    "LEFT JOIN run_interval i ON i.contract_id = c.id AND i.end_us IS NULL "

/* The columns, in order. */
enum {
    BURN_CONTRACT,
    BURN_HOST,
    BURN_MACHINE,
    BURN_END,
    BURN_DISK_METERED,
    BURN_UP,
    BURN_DOWN,
    BURN_METERED,
    BURN_LAST_HEARTBEAT,
    BURN_IS_ONLINE,
    BURN_OFFLINE_SINCE,
    BURN_METER, /* and the next ten */
    BURN_DISK_OFFLINE = BURN_METER + 11,
    BURN_DESTROYED,
    BURN_RESERVED,
    BURN_COLUMNS,
};

/* No time and no number of a meter. */
#define BURN_NULL INT64_MIN

static bool burn_meter_read(const int64_t *at, struct meter *ret, struct error *err)
{
    *ret = (struct meter){
        .component = (enum component)at[0],
        .fee_bps = at[2],
        .rate = { at[3] },
        .quantity = at[4],
        .total = at[5],
        .posted_total = at[6],
        .remainder = at[7],
        .fee_remainder = at[8],
        .gross_posted = { at[9] },
        .host_posted = { at[10] },
    };
    if ((uint64_t)at[0] - COMPONENT_GPU >= COMPONENT_COUNT ||
        at[1] != component_denominator(ret->component) || !meter_is_valid(ret))
        return error_set(err, ERROR_CORRUPT, "a meter that does not add up");
    return true;
}

/* All columns at once: whoever has many instances has many rows, at every event of theirs. */
static bool burn_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct burn_row *burn = item;
    int64_t at[BURN_COLUMNS];

    (void)arena;
    db_column_ints(row, BURN_COLUMNS, BURN_NULL, at);
    if (at[BURN_CONTRACT] < 1 || at[BURN_HOST] < 1 || at[BURN_MACHINE] < 1 ||
        at[BURN_DISK_OFFLINE] < 0)
        return error_set(err, ERROR_CORRUPT, "what runs is of nobody");
    if (!burn_meter_read(at + BURN_METER, &burn->meter, err))
        return false;
    burn->contract_id = at[BURN_CONTRACT];
    burn->host_id = at[BURN_HOST];
    burn->machine_id = at[BURN_MACHINE];
    burn->disk_offline_us = at[BURN_DISK_OFFLINE];
    burn->is_destroyed = at[BURN_DESTROYED] != 0;
    burn->is_reserved = at[BURN_RESERVED] != 0 && burn->meter.component <= COMPONENT_DISK;
    burn->end.microseconds = at[BURN_END];
    burn->disk_metered.microseconds = at[BURN_DISK_METERED];
    burn->unmetered = burn->meter.component == COMPONENT_UP     ? at[BURN_UP]
                      : burn->meter.component == COMPONENT_DOWN ? at[BURN_DOWN]
                                                                : 0;
    burn->is_open = at[BURN_METERED] != BURN_NULL;
    burn->metered.microseconds = burn->is_open ? at[BURN_METERED] : 0;
    burn->last_heartbeat.microseconds = at[BURN_LAST_HEARTBEAT];
    burn->is_online = at[BURN_IS_ONLINE] != 0;
    burn->offline_since.microseconds = at[BURN_OFFLINE_SINCE];
    return true;
}

static const struct rows_reader reader = { "meter", sizeof(struct burn_row), burn_read };

bool burn_list(struct db *db, int64_t owner_id, struct arena *arena, struct burn_row **ret,
               size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     BURN_SELECT "WHERE c.owner_id = $1 AND c.destroyed_us = 0 AND (m.comp <= 2 "
                                 "OR m.total > m.posted_total "
                                 "OR (m.comp = 3 AND c.up_unmetered > 0) "
                                 "OR (m.comp = 4 AND c.down_unmetered > 0)) "
                                 "ORDER BY c.id, m.comp",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

bool burn_list_of(struct db *db, int64_t contract_id, struct arena *arena, struct burn_row **ret,
                  size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, BURN_SELECT "WHERE c.id = $1 ORDER BY m.comp",
                     DB_ARGS(db_int(contract_id)), arena, ret, ret_count, err);
}

bool burn_list_hosted(struct db *db, int64_t host_id, struct arena *arena, struct burn_row **ret,
                      size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     BURN_SELECT "WHERE c.host_id = $1 AND c.destroyed_us = 0 "
                                 "ORDER BY c.id, m.comp",
                     DB_ARGS(db_int(host_id)), arena, ret, ret_count, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/burn.h"

#include <stdint.h>

#include "store/rows.h"

#define BURN_SELECT                                                                                \
    "SELECT c.id, c.host_id, c.machine_id, "                                                       \
    "CASE WHEN c.pause_us < c.end_us THEN c.pause_us ELSE c.end_us END, "                          \
    "c.disk_metered_us, c.up_unmetered, "                                                          \
    "c.down_unmetered, i.metered_us, COALESCE(s.last_heartbeat_us, 0), h.is_online, "              \
    "h.offline_since_us, m.comp, m.denom, m.fee_bps, m.rate, m.qty, m.total, m.posted_total, "     \
    "m.rem, m.split_rem, m.gross_posted, m.host_posted, c.disk_offline_us FROM contract c "        \
    "JOIN meter m ON m.instance_id = c.id JOIN machine h ON h.id = c.machine_id "                  \
    "LEFT JOIN agent_session s ON s.machine_id = c.machine_id "                                    \
    "LEFT JOIN run_interval i ON i.contract_id = c.id AND i.end_us IS NULL "

static bool burn_meter_read(struct db_rows *row, int column, struct meter *ret, struct error *err)
{
    int64_t component, denominator;

    if (!rows_number(row, column, COMPONENT_GPU, COMPONENT_DOWN, &component, err) ||
        !rows_number(row, column + 1, 1, INT64_MAX, &denominator, err))
        return false;
    *ret = (struct meter){
        .component = (enum component)component,
        .fee_bps = db_column_int(row, column + 2),
        .rate = db_column_money(row, column + 3),
        .quantity = db_column_int(row, column + 4),
        .total = db_column_int(row, column + 5),
        .posted_total = db_column_int(row, column + 6),
        .remainder = db_column_int(row, column + 7),
        .fee_remainder = db_column_int(row, column + 8),
        .gross_posted = db_column_money(row, column + 9),
        .host_posted = db_column_money(row, column + 10),
    };
    if (denominator != component_denominator(ret->component) || !meter_is_valid(ret))
        return error_set(err, ERROR_CORRUPT, "a meter that does not add up");
    return true;
}

static bool burn_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct burn_row *burn = item;

    (void)arena;
    if (!rows_number(row, 0, 1, INT64_MAX, &burn->contract_id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &burn->host_id, err) ||
        !rows_number(row, 2, 1, INT64_MAX, &burn->machine_id, err) ||
        !burn_meter_read(row, 11, &burn->meter, err) ||
        !rows_number(row, 22, 0, INT64_MAX, &burn->disk_offline_us, err))
        return false;
    burn->end = db_column_instant(row, 3);
    burn->disk_metered = db_column_instant(row, 4);
    if (burn->meter.component == COMPONENT_UP)
        burn->unmetered = db_column_int(row, 5);
    if (burn->meter.component == COMPONENT_DOWN)
        burn->unmetered = db_column_int(row, 6);
    burn->is_open = !db_column_is_null(row, 7);
    burn->metered = db_column_instant(row, 7);
    burn->last_heartbeat = db_column_instant(row, 8);
    burn->is_online = db_column_int(row, 9) != 0;
    burn->offline_since = db_column_instant(row, 10);
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

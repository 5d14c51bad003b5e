/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bill_run.h"

#include <stdlib.h>

#include "store/ledger.h"
#include "store/machine.h"
#include "store/rows.h"
#include "store/user.h"

#define RANGE          "m.owner_id BETWEEN $1 AND $2 AND m.billed_us < $3 "
#define RANGE_ARGS(of) db_int((of)->first), db_int((of)->last), db_instant((of)->cut)
#define UNPOSTED                                                                                   \
    "FROM machine m JOIN contract c ON c.machine_id = m.id WHERE " RANGE                           \
    "AND c.state <> 9 AND c.destroyed_us = 0 AND c.posted_us < $3 AND c.started_us > 0 "           \
    "AND c.kind <> 4 "

static bool unposted_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    (void)err;
    *(struct bill_unposted *)item =
        (struct bill_unposted){ db_column_int(row, 0), db_column_int(row, 1),
                                db_column_int(row, 2) };
    return true;
}

bool bill_run_unposted(struct db *db, const struct bill_range *range, struct arena *arena,
                       struct bill_unposted **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "unposted contract", sizeof(struct bill_unposted),
                                               unposted_read };

    return rows_load(db, &reader, "SELECT c.id, m.id, c.owner_id " UNPOSTED "ORDER BY m.id, c.id",
                     DB_ARGS(RANGE_ARGS(range)), arena, ret, ret_count, err);
}

struct machine_of {
    int64_t id, owner_id;
};

static bool machine_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    (void)err;
    *(struct machine_of *)item =
        (struct machine_of){ db_column_int(row, 0), db_column_int(row, 1) };
    return true;
}

static int compare_hosts(const void *a, const void *b)
{
    const struct bill_host *left = a, *right = b;

    return (left->id > right->id) - (left->id < right->id);
}

/* Machines first and then people, each in the order of their ids, as everybody does. */
static bool lock_hosts(struct db *db, const struct bill_range *range, struct arena *arena,
                       struct bill_host **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "machine", sizeof(struct machine_of), machine_read };
    struct machine_of *machines;
    size_t machine_count, count = 0;

    if (!rows_load(db, &reader,
                   "SELECT m.id, m.owner_id FROM machine m WHERE " RANGE "ORDER BY m.id",
                   DB_ARGS(RANGE_ARGS(range)), arena, &machines, &machine_count, err))
        return false;
    struct bill_host *hosts = arena_alloc(arena, machine_count + 1, sizeof *hosts);
    if (hosts == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the hosts");
    for (size_t i = 0; i < machine_count; i++) {
        if (!machine_lock(db, machines[i].id, err))
            return false;
        hosts[i] = (struct bill_host){ .id = machines[i].owner_id };
    }
    qsort(hosts, machine_count, sizeof *hosts, compare_hosts);
    for (size_t i = 0; i < machine_count; i++)
        if (count == 0 || hosts[count - 1].id != hosts[i].id)
            hosts[count++] = hosts[i];
    for (size_t i = 0; i < count; i++)
        if (!user_lock(db, hosts[i].id, err))
            return false;
    *ret = hosts;
    *ret_count = count;
    return true;
}

struct hosts {
    struct bill_host *items;
    size_t count;
};

/* NULL: of the range by its id, but not of those that are due. */
static struct bill_host *host_with(const struct hosts *hosts, int64_t id)
{
    const struct bill_host key = { .id = id };

    return bsearch(&key, hosts->items, hosts->count, sizeof key, compare_hosts);
}

static bool load_unposted(struct db *db, const struct bill_range *range, const struct hosts *hosts,
                          struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT DISTINCT m.owner_id " UNPOSTED, DB_ARGS(RANGE_ARGS(range)));

    while (db_next(&rows, err)) {
        struct bill_host *host = host_with(hosts, db_column_int(&rows, 0));

        if (host != NULL)
            host->is_unposted = true;
    }
    return !rows.has_failed;
}

static bool load_last(struct db *db, const struct bill_range *range, const struct hosts *hosts,
                      struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db,
                                                "SELECT host_id, MAX(until_us) FROM host_invoice "
                                                "WHERE host_id BETWEEN $1 AND $2 GROUP BY host_id",
                                                DB_ARGS(db_int(range->first), db_int(range->last)));

    while (db_next(&rows, err)) {
        struct bill_host *host = host_with(hosts, db_column_int(&rows, 0));

        if (host != NULL)
            host->last = db_column_instant(&rows, 1);
    }
    return !rows.has_failed;
}

static bool load_balances(struct db *db, const struct bill_range *range, const struct hosts *hosts,
                          struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT owner_id, code, dr_posted, cr_posted, dr_pending, cr_pending FROM account "
                 "WHERE code IN ($3, $4) AND owner_id BETWEEN $1 AND $2 AND sub_id = 0",
                 DB_ARGS(db_int(range->first), db_int(range->last), db_int(LEDGER_HOST_RECEIVABLE),
                         db_int(LEDGER_HOST_PAYABLE)));

    while (db_next(&rows, err)) {
        struct bill_host *host = host_with(hosts, db_column_int(&rows, 0));
        enum ledger_code code = (enum ledger_code)db_column_int(&rows, 1);
        struct ledger_sums sums = { db_column_money(&rows, 2), db_column_money(&rows, 3),
                                    db_column_money(&rows, 4), db_column_money(&rows, 5) };

        if (host != NULL)
            *(code == LEDGER_HOST_PAYABLE ? &host->payable : &host->owed) =
                ledger_free(code, &sums);
    }
    return !rows.has_failed;
}

static bool load_payouts(struct db *db, const struct bill_range *range, const struct hosts *hosts,
                         struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT host_id FROM payout WHERE host_id BETWEEN $1 AND $2 AND cut_us = $3",
                 DB_ARGS(RANGE_ARGS(range)));

    while (db_next(&rows, err)) {
        struct bill_host *host = host_with(hosts, db_column_int(&rows, 0));

        if (host != NULL)
            host->has_payout = true;
    }
    return !rows.has_failed;
}

static bool load_methods(struct db *db, const struct bill_range *range, const struct hosts *hosts,
                         struct arena *arena, struct error *err)
{
    struct payout_method_row *methods;
    size_t count;

    if (!payout_method_list(db, range->first, range->last, arena, &methods, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct bill_host *host = host_with(hosts, methods[i].user_id);

        if (host != NULL) {
            host->has_method = true;
            host->method = methods[i];
        }
    }
    return true;
}

bool bill_run_hosts(struct db *db, const struct bill_range *range, struct arena *arena,
                    struct bill_host **ret, size_t *ret_count, struct error *err)
{
    struct hosts hosts = { .count = 0 };

    if (!lock_hosts(db, range, arena, &hosts.items, &hosts.count, err) ||
        !load_unposted(db, range, &hosts, err) || !load_last(db, range, &hosts, err) ||
        !load_balances(db, range, &hosts, err) || !load_payouts(db, range, &hosts, err) ||
        !load_methods(db, range, &hosts, arena, err))
        return error_context(err, "load the hosts to bill");
    *ret = hosts.items;
    *ret_count = hosts.count;
    return true;
}

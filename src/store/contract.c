/* SPDX-License-Identifier: Apache-2.0 */
#include "store/contract.h"

#include <stdint.h>

#include "market/reserved.h"
#include "store/offer.h"
#include "store/rows.h"

/* Of states that should run: market/rental_states.def. */
#define RUNS "state IN (1, 2, 3, 4, 5, 10)"

/* INSTANT_NEVER, as the partial indexes of schema/ have it. */
#define NEVER "9223372036854775807"

/* By a renter, as an instance: neither the host's idle job nor a volume. */
#define RENTED "kind < 4"

/* The same, for which its renter's credit pays: of what is reserved its deposit does. */
#define ON_CREDIT "kind < 3"

bool contract_is_on_host(const struct contract_row *contract)
{
    return contract->started.microseconds != 0;
}

bool contract_is_metered(const struct contract_row *contract)
{
    return contract->kind != KIND_IDLE && contract_is_on_host(contract);
}

struct money contract_disk_month(const struct contract_row *contract)
{
    return reserved_rate(contract->terms.disk_month, contract->discount_ppm);
}

struct money contract_disk_hour(const struct contract_row *contract)
{
    return offer_storage_hour(contract_disk_month(contract), contract->share.disk_gb * 1000);
}

static bool agreed_read(struct db_rows *row, struct arena *arena, struct contract_row *contract,
                        struct error *err)
{
    int64_t kind = db_column_int(row, 49);

    if (!rental_kind_is_valid(kind))
        return error_set(err, ERROR_CORRUPT, "a contract of kind %lld", (long long)kind);
    contract->kind = (enum rental_kind)kind;
    contract->list_hour = db_column_money(row, 50);
    contract->terms.start = db_column_instant(row, 12);
    contract->terms.end = db_column_instant(row, 13);
    return rows_number(row, 0, 1, INT64_MAX, &contract->id, err) &&
           rows_number(row, 1, 1, INT64_MAX, &contract->owner_id, err) &&
           rows_number(row, 2, 1, INT64_MAX, &contract->host_id, err) &&
           rows_number(row, 3, 1, INT64_MAX, &contract->machine_id, err) &&
           rows_number(row, 4, 1, INT64_MAX, &contract->offer_id, err) &&
           offer_terms_read(row, 5, &contract->terms, err) &&
           rows_number(row, 11, 0, INT64_MAX, &contract->terms.disk_gb, err) &&
           rows_number(row, 14, 0, INT64_MAX, &contract->share.cpu_millis, err) &&
           rows_number(row, 15, 0, INT64_MAX, &contract->share.ram_mb, err) &&
           rows_number(row, 16, 1, INT64_MAX, &contract->share.disk_gb, err) &&
           rows_number(row, 17, 0, 10000, &contract->fee_bps, err) &&
           rows_number(row, 59, 0, INT64_MAX, &contract->disk_offline_us, err) &&
           rows_number(row, 65, 0, RESERVED_PPM, &contract->discount_max_ppm, err) &&
           rows_number(row, 66, 0, RESERVED_PPM, &contract->discount_ppm, err) &&
           rows_text(row, 18, arena, &contract->spec, err) &&
           rows_text(row, 19, arena, &contract->image, err) &&
           rows_text(row, 20, arena, &contract->runtype, err) &&
           rows_bytes(row, 21, contract->request_hash.bytes, sizeof contract->request_hash.bytes,
                      err);
}

static bool standing_read(struct db_rows *row, struct arena *arena, struct contract_row *contract,
                          struct error *err)
{
    int64_t state = db_column_int(row, 23), reason = db_column_int(row, 24);

    if (!rental_state_is_valid(state) || !rental_reason_is_valid(reason))
        return error_set(err, ERROR_CORRUPT, "state %lld for reason %lld", (long long)state,
                         (long long)reason);
    contract->state = (enum rental_state)state;
    contract->reason = (enum rental_reason)reason;
    contract->state_at = db_column_instant(row, 26);
    contract->destroyed = db_column_instant(row, 29);
    contract->disk_metered = db_column_instant(row, 30);
    contract->posted = db_column_instant(row, 31);
    contract->started = db_column_instant(row, 51);
    contract->ran = db_column_instant(row, 52);
    contract->pause = db_column_instant(row, 53);
    contract->automation = (struct automation){ .idle_stop_s = db_column_int(row, 54),
                                                .idle_since = db_column_instant(row, 55),
                                                .destroy_after_s = db_column_int(row, 56),
                                                .destroy_due = db_column_instant(row, 57),
                                                .traffic_cap_bytes = db_column_int(row, 61),
                                                .moved_bytes = db_column_int(row, 62),
                                                .limit_up_mbit = db_column_int(row, 63),
                                                .limit_down_mbit = db_column_int(row, 64) };
    contract->warn = db_column_instant(row, 58);
    contract->disk_warned = db_column_instant(row, 60);
    return rows_text_or_null(row, 22, arena, &contract->label, err) &&
           rows_text(row, 25, arena, &contract->reason_detail, err) &&
           rows_number(row, 27, 1, INT64_MAX, &contract->gen, err) &&
           rows_number(row, 28, 0, INT64_MAX, &contract->restart_nonce, err);
}

static bool contract_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct contract_row *contract = item;

    contract->counted = db_column_instant(row, 35);
    contract->exit_code = db_column_int(row, 36);
    contract->nonce_done = db_column_int(row, 37);
    contract->disk_used_mb = db_column_int(row, 38);
    contract->cpu_permille = db_column_int(row, 39);
    contract->ram_used_mb = db_column_int(row, 40);
    contract->gpu_permille = db_column_int(row, 41);
    contract->gauged = db_column_instant(row, 48);
    return agreed_read(row, arena, contract, err) && standing_read(row, arena, contract, err) &&
           rows_number(row, 32, 0, INT64_MAX, &contract->counter_epoch, err) &&
           rows_number(row, 33, 0, INT64_MAX, &contract->bytes_up, err) &&
           rows_number(row, 34, 0, INT64_MAX, &contract->bytes_down, err) &&
           rows_text(row, 42, arena, &contract->message, err) &&
           rows_number(row, 43, 0, 65535, &contract->ssh_port, err) &&
           rows_text(row, 44, arena, &contract->ports, err) &&
           rows_number(row, 45, 0, INT64_MAX, &contract->usage_count, err) &&
           rows_number(row, 46, 0, INT64_MAX, &contract->up_unmetered, err) &&
           rows_number(row, 47, 0, INT64_MAX, &contract->down_unmetered, err);
}

const struct rows_reader contract_reader = { "contract", sizeof(struct contract_row),
                                             contract_read };

bool contract_insert(struct db *db, const struct contract_row *contract, int64_t *ret_id,
                     struct error *err)
{
    const struct offer_terms *terms = &contract->terms;
    const struct machine_share *share = &contract->share;

    return db_insert(
        db,
        "INSERT INTO contract (owner_id, host_id, machine_id, offer_id, num_gpus, gpu_hour, "
        "min_bid_hour, disk_month, up_tb, down_tb, offer_disk_gb, created_us, end_us, cpu_millis, "
        "ram_mb, disk_gb, fee_bps, spec, image, runtype, request_hash, label, state, reason, "
        "state_us, disk_metered_us, posted_us, counted_us, kind, list_hour, started_us, "
        "warn_us, disk_offline_us, discount_max_ppm) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
        "$18, $19, $20, $21, $22, $23, $24, $12, $12, $12, $12, $25, $26, $27, $28, $29, $30) "
        "RETURNING id",
        DB_ARGS(db_int(contract->owner_id), db_int(contract->host_id), db_int(contract->machine_id),
                db_int(contract->offer_id), db_int(terms->num_gpus), db_money(terms->gpu_hour),
                db_money(terms->min_bid_hour), db_money(terms->disk_month), db_money(terms->up_tb),
                db_money(terms->down_tb), db_int(terms->disk_gb), db_instant(terms->start),
                db_instant(terms->end), db_int(share->cpu_millis), db_int(share->ram_mb),
                db_int(share->disk_gb), db_int(contract->fee_bps), db_text(contract->spec),
                db_text(contract->image), db_text(contract->runtype),
                db_bytes(contract->request_hash.bytes, sizeof contract->request_hash.bytes),
                db_text(contract->label), db_int(contract->state), db_int(contract->reason),
                db_int(contract->kind), db_money(contract->list_hour),
                db_instant(contract->started), db_instant(contract->warn),
                db_int(contract->disk_offline_us), db_int(contract->discount_max_ppm)),
        ret_id, err);
}

bool contract_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                         struct contract_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &contract_reader,
                         "SELECT " CONTRACT_COLUMNS " FROM contract "
                         "WHERE owner_id = $1 AND id = $2 AND destroyed_us = 0 AND " RENTED,
                         DB_ARGS(db_int(owner_id), db_int(id)), arena, ret, ret_has, err);
}

static bool owner_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 1, INT64_MAX, item, err);
}

bool contract_find_owner(struct db *db, int64_t id, int64_t *ret_owner_id, bool *ret_has,
                         struct error *err)
{
    static const struct rows_reader owner = { "contract's owner", sizeof(int64_t), owner_read };

    return rows_load_one(db, &owner, "SELECT owner_id FROM contract WHERE id = $1",
                         DB_ARGS(db_int(id)), NULL, ret_owner_id, ret_has, err);
}

bool contract_load(struct db *db, int64_t id, struct arena *arena, struct contract_row *ret,
                   bool *ret_has, struct error *err)
{
    return rows_load_one(db, &contract_reader,
                         "SELECT " CONTRACT_COLUMNS " FROM contract WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool contract_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                         struct contract_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &contract_reader,
                     "SELECT " CONTRACT_COLUMNS
                     " FROM contract WHERE owner_id = $1 AND destroyed_us = 0 AND " RENTED
                     " ORDER BY id",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

bool contract_list_charged(struct db *db, int64_t owner_id, struct arena *arena,
                           struct contract_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &contract_reader,
                     "SELECT " CONTRACT_COLUMNS
                     " FROM contract WHERE owner_id = $1 AND destroyed_us = 0 AND kind <> 4"
                     " ORDER BY id",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

static bool count_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

static const struct rows_reader count_reader = { "contract", sizeof(int64_t), count_read };

static bool read_hours(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct contract_hours *)context =
        (struct contract_hours){ db_column_money(row, 0), db_column_money(row, 1) };
    return true;
}

bool contract_coming_hours(struct db *db, int64_t owner_id, struct contract_hours *ret,
                           struct error *err)
{
    bool has;

    return db_query_one(
        db,
        "SELECT CAST(COALESCE(SUM(CASE state WHEN 5 THEN 0 ELSE gpu_hour END), 0) AS BIGINT), "
        "CAST(COALESCE(SUM(CASE state WHEN 5 THEN gpu_hour ELSE 0 END), 0) AS BIGINT) "
        "FROM contract WHERE owner_id = $1 AND destroyed_us = 0 AND state IN (1, 2, 4, 5) "
        "AND " ON_CREDIT,
        DB_ARGS(db_int(owner_id)), read_hours, ret, &has, err);
}

bool contract_count_owned(struct db *db, int64_t owner_id, int64_t *ret_count, struct error *err)
{
    bool has;

    return rows_load_one(db, &count_reader,
                         "SELECT COUNT(*) FROM contract WHERE owner_id = $1 "
                         "AND destroyed_us = 0 AND " RENTED,
                         DB_ARGS(db_int(owner_id)), NULL, ret_count, &has, err);
}

bool contract_count_running(struct db *db, int64_t owner_id, int64_t *ret_count, struct error *err)
{
    bool has;

    return rows_load_one(db, &count_reader,
                         "SELECT COUNT(*) FROM contract WHERE owner_id = $1 "
                         "AND destroyed_us = 0 AND " ON_CREDIT " AND " RUNS,
                         DB_ARGS(db_int(owner_id)), NULL, ret_count, &has, err);
}

bool contract_machines_of(struct db *db, int64_t owner_id, struct arena *arena, int64_t **ret,
                          size_t *ret_count, struct error *err)
{
    return rows_load(db, &count_reader,
                     "SELECT DISTINCT machine_id FROM contract WHERE owner_id = $1 "
                     "AND destroyed_us = 0 AND " RENTED " AND " RUNS " ORDER BY machine_id",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

bool contract_find_request(struct db *db, int64_t owner_id, const struct hash *hash,
                           struct instant since, int64_t *ret_id, bool *ret_has, struct error *err)
{
    return rows_load_one(
        db, &count_reader,
        "SELECT id FROM contract WHERE owner_id = $1 AND destroyed_us = 0 "
        "AND request_hash = $2 AND created_us > $3 AND " RENTED " ORDER BY id DESC LIMIT 1",
        DB_ARGS(db_int(owner_id), db_bytes(hash->bytes, sizeof hash->bytes), db_instant(since)),
        NULL, ret_id, ret_has, err);
}

bool contract_list_on(struct db *db, int64_t machine_id, struct arena *arena,
                      struct contract_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &contract_reader,
                     "SELECT " CONTRACT_COLUMNS " FROM contract "
                     "WHERE machine_id = $1 AND state <> 9 AND started_us > 0 ORDER BY id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

bool contract_list_for(struct db *db, int64_t machine_id, struct arena *arena,
                       struct contract_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &contract_reader,
                     "SELECT " CONTRACT_COLUMNS " FROM contract "
                     "WHERE machine_id = $1 AND state <> 9 ORDER BY id",
                     DB_ARGS(db_int(machine_id)), arena, ret, ret_count, err);
}

bool contract_disk_on(struct db *db, int64_t machine_id, int64_t *ret_disk_gb, struct error *err)
{
    bool has;

    return rows_load_one(db, &count_reader,
                         "SELECT CAST(COALESCE(SUM(disk_gb), 0) AS BIGINT) FROM contract "
                         "WHERE machine_id = $1 AND state <> 9 AND started_us > 0",
                         DB_ARGS(db_int(machine_id)), NULL, ret_disk_gb, &has, err);
}

bool contract_update(struct db *db, const struct contract_row *contract, int64_t gen_before,
                     struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE contract SET label = $3, state = $4, reason = $5, reason_detail = $6, "
                  "state_us = $7, gen = $8, restart_nonce = $9, destroyed_us = $10, end_us = $11, "
                  "gpu_hour = $12, started_us = $13, ran_us = $14, pause_us = $15, "
                  "idle_stop_s = $16, idle_since_us = $17, destroy_after_s = $18, "
                  "destroy_due_us = $19, warn_us = $20, traffic_cap_bytes = $21, "
                  "moved_bytes = $22, limit_up_mbit = $23, limit_down_mbit = $24 "
                  "WHERE id = $1 AND gen = $2",
                  DB_ARGS(db_int(contract->id), db_int(gen_before), db_text(contract->label),
                          db_int(contract->state), db_int(contract->reason),
                          db_text(contract->reason_detail), db_instant(contract->state_at),
                          db_int(contract->gen), db_int(contract->restart_nonce),
                          db_instant(contract->destroyed), db_instant(contract->terms.end),
                          db_money(contract->terms.gpu_hour), db_instant(contract->started),
                          db_instant(contract->ran), db_instant(contract->pause),
                          db_int(contract->automation.idle_stop_s),
                          db_instant(contract->automation.idle_since),
                          db_int(contract->automation.destroy_after_s),
                          db_instant(contract->automation.destroy_due), db_instant(contract->warn),
                          db_int(contract->automation.traffic_cap_bytes),
                          db_int(contract->automation.moved_bytes),
                          db_int(contract->automation.limit_up_mbit),
                          db_int(contract->automation.limit_down_mbit)),
                  &count, err))
        return false;
    if (count != 1)
        return error_set(err, ERROR_CONFLICT, "contract %lld has changed", (long long)contract->id);
    return true;
}

bool contract_idle(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db, "UPDATE contract SET idle_since_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_instant(contract->automation.idle_since)), err);
}

bool contract_disk_warned(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db, "UPDATE contract SET disk_warned_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_instant(contract->disk_warned)), err);
}

bool contract_resize(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db, "UPDATE contract SET disk_gb = $2 WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_int(contract->share.disk_gb)), err);
}

bool contract_respec(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db, "UPDATE contract SET spec = $2, image = $3, runtype = $4 WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_text(contract->spec), db_text(contract->image),
                           db_text(contract->runtype)),
                   err);
}

bool contract_report(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db,
                   "UPDATE contract SET counter_epoch = $2, bytes_up = $3, bytes_down = $4, "
                   "counted_us = $5, exit_code = $6, nonce_done = $7, disk_used_mb = $8, "
                   "cpu_permille = $9, ram_used_mb = $10, gpu_permille = $11, message = $12, "
                   "ssh_port = $13, ports = $14, up_unmetered = $15, down_unmetered = $16, "
                   "gauged_us = $17, moved_bytes = $18 "
                   "WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_int(contract->counter_epoch),
                           db_int(contract->bytes_up), db_int(contract->bytes_down),
                           db_instant(contract->counted), db_int(contract->exit_code),
                           db_int(contract->nonce_done), db_int(contract->disk_used_mb),
                           db_int(contract->cpu_permille), db_int(contract->ram_used_mb),
                           db_int(contract->gpu_permille), db_text(contract->message),
                           db_int(contract->ssh_port), db_text(contract->ports),
                           db_int(contract->up_unmetered), db_int(contract->down_unmetered),
                           db_instant(contract->gauged), db_int(contract->automation.moved_bytes)),
                   err);
}

bool contract_meter(struct db *db, const struct contract_row *contract, struct error *err)
{
    return db_exec(db,
                   "UPDATE contract SET disk_metered_us = $2, posted_us = $3, usage_count = $4, "
                   "up_unmetered = $5, down_unmetered = $6 WHERE id = $1",
                   DB_ARGS(db_int(contract->id), db_instant(contract->disk_metered),
                           db_instant(contract->posted), db_int(contract->usage_count),
                           db_int(contract->up_unmetered), db_int(contract->down_unmetered)),
                   err);
}

/* Each by an index of its own, and no more than are asked for. */
#define UNPOSTED(which, name)                                                                      \
    "SELECT id, posted_us FROM (SELECT id, posted_us FROM contract WHERE destroyed_us = 0 "        \
    "AND started_us > 0 AND kind <> 4 AND " which " ORDER BY posted_us, id LIMIT $3) AS " name

bool contract_unposted(struct db *db, struct instant running, struct instant stopped,
                       int64_t *ret_ids, size_t max, size_t *ret_count, struct error *err)
{
    return rows_load_ids(
        db,
        UNPOSTED("is_charged = 1 AND posted_us <= $1", "charged") " UNION " UNPOSTED(
            "posted_us <= $2", "others") " ORDER BY posted_us, id LIMIT $3",
        DB_ARGS(db_instant(running), db_instant(stopped), db_int((int64_t)max)), ret_ids, max,
        ret_count, err);
}

bool contract_overdue(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                      size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM contract WHERE end_us <= $1 AND destroyed_us = 0 "
                         "AND " RUNS " ORDER BY end_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool contract_stopped_long(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                           size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM contract WHERE destroy_due_us <= $1 "
                         "AND destroy_due_us < " NEVER " ORDER BY destroy_due_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool contract_to_warn(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                      size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM contract WHERE warn_us <= $1 AND warn_us < " NEVER
                         " ORDER BY warn_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool contract_unfunded(struct db *db, int64_t after, int64_t *ret_ids, size_t max,
                       size_t *ret_count, struct error *err)
{
    /* 2010 and 2020: what renters have. One without any of it cannot pay for an hour. */
    return rows_load_ids(db,
                         "SELECT c.id FROM contract c JOIN bid b ON b.contract_id = c.id "
                         "JOIN users u ON u.id = c.owner_id "
                         "WHERE c.kind = 2 AND c.state = 7 AND c.reason = 2 AND b.resumes = 1 "
                         "AND c.id > $2 "
                         "AND (u.credit_limit > 0 OR EXISTS (SELECT 1 FROM account a "
                         "WHERE a.code IN (2010, 2020) AND a.owner_id = c.owner_id "
                         "AND a.cr_posted > a.dr_posted + a.dr_pending)) ORDER BY c.id LIMIT $1",
                         DB_ARGS(db_int((int64_t)max), db_int(after)), ret_ids, max, ret_count,
                         err);
}

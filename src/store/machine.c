/* SPDX-License-Identifier: Apache-2.0 */
#include "store/machine.h"

#include <stdint.h>
#include <stdio.h>

#include "market/auction.h"
#include "store/predictor.h"
#include "store/rows.h"

#define MACHINE_COLUMNS                                                                            \
    "id, owner_id, public_key, facts, hostname, geolocation, verification, is_simulated, "         \
    "is_quarantined, created_us, desired_rev, is_listed, gpu_hour, min_bid_hour, "                 \
    "disk_month, up_tb, down_tb, min_chunk, discount_max_ppm, listing_start_us, "                  \
    "listing_end_us, is_online, offline_since_us, is_engine_ok, engine_message, "                  \
    "disk_free_gb, quarantined_count, inet_up_kbps, inet_down_kbps, changed_us, "                  \
    "listing_roll_us, promised, decide_us, grace_max_s, removed_us, lost_ppm, up_us, "             \
    "away_us, counted_us, tf32_gflops, f32_gflops, f16_gflops, bf16_gflops, memory_mbs, "          \
    "pcie_mbs, disk_mbs, bench_us, audit_us, audit_id, audit_debt, audit_before, verify_set, "     \
    "verify_failed_us, verify_us, hardware_us, audit_suspicion, rtt_us, rtt_at_us, "               \
    "predecessor_id, audit_claims, shown_disk_mbs, shown_down_kbps, shown_up_kbps, bench_driver, " \
    "bench_model, nvlink_mbs, bench_gpu_gb, bench_learned, bench_fit, key_since_us, "              \
    "key_revoked_us"

enum {
    DRIVER_COLUMN = 63,
    MODEL_COLUMN,
    NVLINK_COLUMN,
    GPU_GB_COLUMN,
    LEARNED_COLUMN,
    FIT_COLUMN,
    KEY_SINCE_COLUMN,
    KEY_REVOKED_COLUMN
};

static bool listing_read(struct db_rows *row, int column, struct listing *ret, struct error *err)
{
    ret->start = db_column_instant(row, column + 7);
    ret->end = db_column_instant(row, column + 8);
    return rows_number(row, column, 0, INT64_MAX, &ret->gpu_hour.nanodollars, err) &&
           rows_number(row, column + 1, 0, INT64_MAX, &ret->min_bid_hour.nanodollars, err) &&
           rows_number(row, column + 2, 0, INT64_MAX, &ret->disk_month.nanodollars, err) &&
           rows_number(row, column + 3, 0, INT64_MAX, &ret->up_tb.nanodollars, err) &&
           rows_number(row, column + 4, 0, INT64_MAX, &ret->down_tb.nanodollars, err) &&
           rows_number(row, column + 5, 1, GPUS_MAX, &ret->min_chunk, err) &&
           rows_number(row, column + 6, 0, 1000000, &ret->discount_max_ppm, err);
}

/* Columns stand in the order of enum dlperf_rate. */
static bool bench_read(struct db_rows *row, int column, struct machine_bench *ret,
                       struct error *err)
{
    for (int i = 0; i < DLPERF_RATES; i++) {
        if (!rows_number(row, column + i, 0, INT64_MAX, &ret->rates.of[i], err))
            return false;
    }
    ret->measured = db_column_instant(row, column + DLPERF_RATES + 2);
    return rows_number(row, column + DLPERF_RATES, 0, INT64_MAX, &ret->pcie_mbs, err) &&
           rows_number(row, column + DLPERF_RATES + 1, 0, INT64_MAX, &ret->disk_mbs, err);
}

static bool machine_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct machine_row *machine = item;
    int64_t verification;

    const char *driver, *model, *learned;

    if (!rows_number(row, 0, 1, INT64_MAX, &machine->id, err) ||
        !rows_number(row, 1, 1, INT64_MAX, &machine->owner_id, err) ||
        !rows_bytes(row, 2, machine->public_key, sizeof machine->public_key, err) ||
        !rows_text(row, 3, arena, &machine->facts, err) ||
        !rows_text(row, 4, arena, &machine->hostname, err) ||
        !rows_text(row, 5, arena, &machine->geolocation, err) ||
        !rows_number(row, 6, VERIFICATION_UNVERIFIED, VERIFICATION_DEVERIFIED, &verification,
                     err) ||
        !listing_read(row, 12, &machine->listing, err) ||
        !bench_read(row, 39, &machine->bench, err) ||
        !rows_text(row, DRIVER_COLUMN, arena, &driver, err) ||
        !rows_text(row, MODEL_COLUMN, arena, &model, err) ||
        !rows_text(row, LEARNED_COLUMN, arena, &learned, err) ||
        !rows_number(row, NVLINK_COLUMN, -1, INT64_MAX, &machine->bench.nvlink_mbs, err) ||
        !rows_number(row, GPU_GB_COLUMN, 0, INT64_MAX, &machine->bench.gpu_gb, err) ||
        !rows_text(row, 24, arena, &machine->engine_message, err))
        return false;
    (void)snprintf(machine->bench.driver, sizeof machine->bench.driver, "%s", driver);
    (void)snprintf(machine->bench.model, sizeof machine->bench.model, "%s", model);
    learned_read(learned, machine->bench.learned_ppm);
    machine->bench.fit = db_column_int(row, FIT_COLUMN);
    machine->verification = (enum verification)verification;
    machine->is_simulated = db_column_int(row, 7) != 0;
    machine->is_quarantined = db_column_int(row, 8) != 0;
    machine->created = db_column_instant(row, 9);
    machine->key_since = db_column_instant(row, KEY_SINCE_COLUMN);
    machine->key_revoked = db_column_instant(row, KEY_REVOKED_COLUMN);
    machine->desired_rev = db_column_int(row, 10);
    machine->is_listed = db_column_int(row, 11) != 0;
    machine->is_online = db_column_int(row, 21) != 0;
    machine->offline_since = db_column_instant(row, 22);
    machine->is_engine_ok = db_column_int(row, 23) != 0;
    machine->disk_free_gb = db_column_int(row, 25);
    machine->quarantined_count = db_column_int(row, 26);
    machine->inet_up_kbps = db_column_int(row, 27);
    machine->inet_down_kbps = db_column_int(row, 28);
    machine->changed = db_column_instant(row, 29);
    machine->listing.roll_us = db_column_int(row, 30);
    machine->promised = db_column_int(row, 31);
    machine->decide = db_column_instant(row, 32);
    machine->removed = db_column_instant(row, 34);
    machine->reliability.counted = db_column_instant(row, 38);
    machine->audit_at = db_column_instant(row, 47);
    machine->audit_id = db_column_int(row, 48);
    machine->standing.debt = db_column_int(row, 49);
    machine->standing.before = (enum verification)db_column_int(row, 50);
    machine->is_verification_set = db_column_int(row, 51) != 0;
    machine->failed = db_column_instant(row, 52);
    machine->look_at = db_column_instant(row, 53);
    machine->hardware_since = db_column_instant(row, 54);
    machine->standing.suspicion =
        db_column_int(row, 55) + db_column_int(row, 59) * AUDIT_CLAIM_FIRST;
    machine->shown = (struct machine_shown){ db_column_int(row, 60), db_column_int(row, 61),
                                             db_column_int(row, 62) };
    machine->rtt_us = db_column_int(row, 56);
    machine->rtt_at = db_column_instant(row, 57);
    machine->predecessor_id = db_column_int(row, 58);
    return rows_number(row, 33, 0, AUCTION_GRACE_S_MAX, &machine->listing.grace_max_s, err) &&
           rows_number(row, 35, 0, INT64_MAX, &machine->reliability.lost_ppm, err) &&
           rows_number(row, 36, 0, INT64_MAX / 2, &machine->reliability.up_us, err) &&
           rows_number(row, 37, 0, INT64_MAX, &machine->reliability.away_us, err);
}

static const struct rows_reader reader = { "machine", sizeof(struct machine_row), machine_read };

bool machine_insert(struct db *db, const struct machine_row *machine, int64_t *ret_id,
                    struct error *err)
{
    return db_insert(db,
                     "INSERT INTO machine (owner_id, public_key, facts, hostname, geolocation, "
                     "verification, is_simulated, created_us, inet_up_kbps, inet_down_kbps, "
                     "verify_set, hardware_us) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $8) RETURNING id",
                     DB_ARGS(db_int(machine->owner_id),
                             db_bytes(machine->public_key, sizeof machine->public_key),
                             db_text(machine->facts), db_text(machine->hostname),
                             db_text(machine->geolocation), db_int(machine->verification),
                             db_int(machine->is_simulated), db_instant(machine->created),
                             db_int(machine->inet_up_kbps), db_int(machine->inet_down_kbps),
                             db_int(machine->is_verification_set)),
                     ret_id, err);
}

bool machine_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                        struct machine_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " MACHINE_COLUMNS " FROM machine WHERE owner_id = $1 AND id = $2 "
                         "AND removed_us = 0",
                         DB_ARGS(db_int(owner_id), db_int(id)), arena, ret, ret_has, err);
}

bool machine_load(struct db *db, int64_t id, struct arena *arena, struct machine_row *ret,
                  bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " MACHINE_COLUMNS " FROM machine WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool machine_find(struct db *db, const uint8_t public_key[static 32], struct arena *arena,
                  struct machine_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader,
                         "SELECT " MACHINE_COLUMNS " FROM machine "
                         "WHERE public_key = $1 OR former_key = $1",
                         DB_ARGS(db_bytes(public_key, 32)), arena, ret, ret_has, err);
}

bool machine_turn_key(struct db *db, const struct machine_turn *turn, struct error *err)
{
    return db_exec(db,
                   "UPDATE machine SET former_key = public_key, public_key = $2, "
                   "key_since_us = $3, former_until_us = $4 WHERE id = $1",
                   DB_ARGS(db_int(turn->machine_id), db_bytes(turn->key, sizeof turn->key),
                           db_instant(turn->since), db_instant(turn->former_until)),
                   err);
}

bool machine_set_key_revoked(struct db *db, int64_t id, struct instant revoked, struct error *err)
{
    return db_exec(db, "UPDATE machine SET key_revoked_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(revoked)), err);
}

bool machine_list(struct db *db, int64_t owner_id, struct arena *arena, struct machine_row **ret,
                  size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " MACHINE_COLUMNS " FROM machine WHERE owner_id = $1 "
                     "AND removed_us = 0 ORDER BY id",
                     DB_ARGS(db_int(owner_id)), arena, ret, ret_count, err);
}

bool machine_has_any(struct db *db, int64_t owner_id, bool *ret, struct error *err)
{
    int64_t id;
    size_t count;

    if (!rows_load_ids(db, "SELECT id FROM machine WHERE owner_id = $1 LIMIT 1",
                       DB_ARGS(db_int(owner_id)), &id, 1, &count, err))
        return false;
    *ret = count > 0;
    return true;
}

bool machine_list_all(struct db *db, int64_t after, size_t max, struct arena *arena,
                      struct machine_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " MACHINE_COLUMNS " FROM machine WHERE id > $1 "
                     "AND removed_us = 0 ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(after), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool machine_lock(struct db *db, int64_t id, struct error *err)
{
    return db_take(db, "UPDATE machine SET desired_rev = desired_rev WHERE id = $1", id, err);
}

bool machine_set_changed(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE machine SET changed_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

bool machine_bump(struct db *db, int64_t id, struct error *err)
{
    return db_exec(db, "UPDATE machine SET desired_rev = desired_rev + 1 WHERE id = $1",
                   DB_ARGS(db_int(id)), err) &&
           db_notify(db, TOPIC_MACHINE, id, err);
}

static bool rev_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

static const struct rows_reader rev_reader = { "machine", sizeof(int64_t), rev_read };

bool machine_is_quiet(struct db *db, const struct machine_row *told, int64_t *ret_rev,
                      bool *ret_is_quiet, struct error *err)
{
    return rows_load_one(db, &rev_reader,
                         "SELECT m.desired_rev FROM machine m WHERE m.id = $1 AND m.is_online = 1 "
                         "AND m.is_engine_ok = $2 AND m.engine_message = $3 "
                         "AND m.disk_free_gb = $4 AND m.quarantined_count = $5 AND NOT EXISTS "
                         "(SELECT 1 FROM contract c WHERE c.machine_id = m.id AND c.state <> 9)",
                         DB_ARGS(db_int(told->id), db_int(told->is_engine_ok),
                                 db_text(told->engine_message), db_int(told->disk_free_gb),
                                 db_int(told->quarantined_count)),
                         NULL, ret_rev, ret_is_quiet, err);
}

bool machine_rev(struct db *db, int64_t id, int64_t *ret_rev, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &rev_reader,
                         "SELECT desired_rev FROM machine WHERE id = $1 AND removed_us = 0",
                         DB_ARGS(db_int(id)), NULL, ret_rev, ret_has, err);
}

bool machine_set_facts(struct db *db, const struct machine_row *machine, struct error *err)
{
    return db_exec(db,
                   "UPDATE machine SET facts = $2, hostname = $3, inet_up_kbps = $4, "
                   "inet_down_kbps = $5 WHERE id = $1",
                   DB_ARGS(db_int(machine->id), db_text(machine->facts), db_text(machine->hostname),
                           db_int(machine->inet_up_kbps), db_int(machine->inet_down_kbps)),
                   err);
}

bool machine_set_listing(struct db *db, int64_t owner_id, int64_t id, bool is_listed,
                         const struct listing *listing, int64_t *ret_count, struct error *err)
{
    return db_count(
        db,
        "UPDATE machine SET is_listed = $3, gpu_hour = $4, min_bid_hour = $5, "
        "disk_month = $6, up_tb = $7, down_tb = $8, min_chunk = $9, "
        "discount_max_ppm = $10, listing_start_us = $11, listing_end_us = $12, "
        "listing_roll_us = $13, grace_max_s = $14 "
        "WHERE owner_id = $1 AND id = $2",
        DB_ARGS(db_int(owner_id), db_int(id), db_int(is_listed), db_money(listing->gpu_hour),
                db_money(listing->min_bid_hour), db_money(listing->disk_month),
                db_money(listing->up_tb), db_money(listing->down_tb), db_int(listing->min_chunk),
                db_int(listing->discount_max_ppm), db_instant(listing->start),
                db_instant(listing->end), db_int(listing->roll_us), db_int(listing->grace_max_s)),
        ret_count, err);
}

bool machine_listings_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                          size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM machine WHERE is_listed = 1 AND (listing_end_us <= $1 OR "
                         "(listing_roll_us > 0 AND listing_end_us - listing_roll_us <= $2)) "
                         "ORDER BY id LIMIT $3",
                         DB_ARGS(db_instant(now), db_instant(instant_add(now, -LISTING_ROLL_US)),
                                 db_int((int64_t)max)),
                         ret_ids, max, ret_count, err);
}

bool machine_set_unlisted(struct db *db, int64_t id, struct error *err)
{
    return db_exec(db, "UPDATE machine SET is_listed = 0 WHERE id = $1", DB_ARGS(db_int(id)), err);
}

bool machine_set_removed(struct db *db, int64_t id, struct instant now, struct error *err)
{
    return db_exec(db, "UPDATE machine SET removed_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(now)), err);
}

bool machine_set_verification(struct db *db, int64_t id, enum verification verification,
                              int64_t *ret_count, struct error *err)
{
    return db_count(db, "UPDATE machine SET verification = $2 WHERE id = $1",
                    DB_ARGS(db_int(id), db_int(verification)), ret_count, err);
}

bool machine_set_geolocation(struct db *db, int64_t id, const char *geolocation, int64_t *ret_count,
                             struct error *err)
{
    return db_count(db, "UPDATE machine SET geolocation = $2 WHERE id = $1",
                    DB_ARGS(db_int(id), db_text(geolocation)), ret_count, err);
}

bool machine_set_audit(struct db *db, const struct machine_row *machine, struct error *err)
{
    return db_exec(db,
                   "UPDATE machine SET audit_us = $2, audit_id = $3, audit_debt = $4, "
                   "audit_before = $5, audit_suspicion = $6, rtt_us = $7, rtt_at_us = $8, "
                   "audit_claims = $9, shown_disk_mbs = $10, shown_down_kbps = $11, "
                   "shown_up_kbps = $12 WHERE id = $1",
                   DB_ARGS(db_int(machine->id), db_instant(machine->audit_at),
                           db_int(machine->audit_id), db_int(machine->standing.debt),
                           db_int(machine->standing.before),
                           db_int(machine->standing.suspicion % AUDIT_CLAIM_FIRST),
                           db_int(machine->rtt_us), db_instant(machine->rtt_at),
                           db_int(machine->standing.suspicion / AUDIT_CLAIM_FIRST),
                           db_int(machine->shown.disk_mbs), db_int(machine->shown.down_kbps),
                           db_int(machine->shown.up_kbps)),
                   err);
}

bool machine_audits_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                        size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM machine WHERE is_online = 1 AND audit_us <= $1 "
                         "ORDER BY audit_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool machine_audits_idle(struct db *db, int64_t after, int64_t *ret_ids, size_t max,
                         size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM machine WHERE is_online = 1 AND is_simulated = 0 "
                         "AND id > $1 ORDER BY id LIMIT $2",
                         DB_ARGS(db_int(after), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool machine_set_bench(struct db *db, const struct machine_row *machine, struct error *err)
{
    const struct machine_bench *bench = &machine->bench;
    const int64_t *of = bench->rates.of;
    char learned[LEARNED_TEXT_SIZE];

    return db_exec(db,
                   "UPDATE machine SET tf32_gflops = $2, f32_gflops = $3, f16_gflops = $4, "
                   "bf16_gflops = $5, memory_mbs = $6, pcie_mbs = $7, disk_mbs = $8, "
                   "bench_us = $9, bench_driver = $10, bench_model = $11, nvlink_mbs = $12, "
                   "bench_gpu_gb = $13, bench_learned = $14, bench_fit = $15 WHERE id = $1",
                   DB_ARGS(db_int(machine->id), db_int(of[DLPERF_TF32]), db_int(of[DLPERF_F32]),
                           db_int(of[DLPERF_F16]), db_int(of[DLPERF_BF16]),
                           db_int(of[DLPERF_BANDWIDTH]), db_int(bench->pcie_mbs),
                           db_int(bench->disk_mbs), db_instant(bench->measured),
                           db_text(bench->driver), db_text(bench->model), db_int(bench->nvlink_mbs),
                           db_int(bench->gpu_gb),
                           db_text(learned_text(bench->learned_ppm, learned)), db_int(bench->fit)),
                   err);
}

bool machine_set_reliability(struct db *db, const struct machine_row *machine, struct error *err)
{
    const struct reliability *reliability = &machine->reliability;

    return db_exec(db,
                   "UPDATE machine SET lost_ppm = $2, up_us = $3, away_us = $4, counted_us = $5 "
                   "WHERE id = $1",
                   DB_ARGS(db_int(machine->id), db_int(reliability->lost_ppm),
                           db_int(reliability->up_us), db_int(reliability->away_us),
                           db_instant(reliability->counted)),
                   err);
}

bool machine_count_hosts(struct db *db, struct instant since, int64_t *ret_count, struct error *err)
{
    return rows_load_one(db, &rev_reader,
                         "SELECT COUNT(DISTINCT owner_id) FROM machine WHERE removed_us = 0 "
                         "AND (is_online = 1 OR offline_since_us >= $1)",
                         DB_ARGS(db_instant(since)), NULL, ret_count, &(bool){ false }, err);
}

bool machine_set_online(struct db *db, int64_t id, struct error *err)
{
    return db_exec(db, "UPDATE machine SET is_online = 1 WHERE id = $1", DB_ARGS(db_int(id)), err);
}

bool machine_set_offline(struct db *db, int64_t id, struct instant since, struct error *err)
{
    return db_exec(db, "UPDATE machine SET is_online = 0, offline_since_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(since)), err);
}

bool machine_set_quarantined(struct db *db, int64_t id, bool is_quarantined, struct error *err)
{
    return db_exec(db, "UPDATE machine SET is_quarantined = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_int(is_quarantined)), err);
}

bool machine_set_health(struct db *db, const struct machine_row *health, struct error *err)
{
    return db_exec(db,
                   "UPDATE machine SET is_engine_ok = $2, engine_message = $3, "
                   "disk_free_gb = $4, quarantined_count = $5 WHERE id = $1",
                   DB_ARGS(db_int(health->id), db_int(health->is_engine_ok),
                           db_text(health->engine_message), db_int(health->disk_free_gb),
                           db_int(health->quarantined_count)),
                   err);
}

bool machine_set_decided(struct db *db, const struct machine_row *machine, struct error *err)
{
    return db_exec(
        db, "UPDATE machine SET promised = $2, decide_us = $3 WHERE id = $1",
        DB_ARGS(db_int(machine->id), db_int(machine->promised), db_instant(machine->decide)), err);
}

bool machine_decide_at(struct db *db, int64_t id, struct instant at, struct error *err)
{
    return db_exec(db, "UPDATE machine SET decide_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(at)), err);
}

bool machine_undecided(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                       size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM machine WHERE decide_us <= $1 AND "
                         "decide_us < 9223372036854775807 ORDER BY decide_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

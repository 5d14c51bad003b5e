/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_evidence.h"

#include <stddef.h>
#include <string.h>

static bool load_intervals(struct db *db, struct evidence *evidence, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT id, contract_id, machine_id, start_us, metered_us FROM run_interval "
                 "ORDER BY contract_id, id",
                 DB_NO_ARGS);

    evidence->interval_count = 0;
    while (db_next(&rows, err)) {
        CHECK(evidence->interval_count < SIM_ROWS_MAX);
        CHECK(db_column_int(&rows, 0) < SIM_ROWS_MAX);
        evidence->intervals[evidence->interval_count++] = (struct interval){
            db_column_int(&rows, 0), db_column_int(&rows, 1), db_column_int(&rows, 2),
            db_column_int(&rows, 3), db_column_int(&rows, 4),
        };
    }
    return !rows.has_failed;
}

static bool load_contracts(struct db *db, struct evidence *evidence, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(
        db,
        "SELECT id, owner_id, machine_id, created_us, destroyed_us, disk_metered_us, disk_month, "
        "disk_gb, end_us, gpu_hour, started_us FROM contract ORDER BY id",
        DB_NO_ARGS);

    evidence->contract_count = 0;
    while (db_next(&rows, err)) {
        CHECK(evidence->contract_count < SIM_ROWS_MAX);
        evidence->contracts[evidence->contract_count++] = (struct contract){
            db_column_int(&rows, 0), db_column_int(&rows, 1),  db_column_int(&rows, 2),
            db_column_int(&rows, 3), db_column_int(&rows, 4),  db_column_int(&rows, 5),
            db_column_int(&rows, 6), db_column_int(&rows, 7),  db_column_int(&rows, 8),
            db_column_int(&rows, 9), db_column_int(&rows, 10),
        };
    }
    return !rows.has_failed;
}

static bool load_meters(struct db *db, struct evidence *evidence, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(
        db,
        "SELECT instance_id, comp, rate, qty, total, posted_total, rem, gross_posted, denom "
        "FROM meter ORDER BY instance_id, comp",
        DB_NO_ARGS);

    evidence->meter_count = 0;
    while (db_next(&rows, err)) {
        CHECK(evidence->meter_count < SIM_ROWS_MAX);
        evidence->meters[evidence->meter_count++] = (struct meter_evidence){
            db_column_int(&rows, 0), db_column_int(&rows, 1), db_column_int(&rows, 2),
            db_column_int(&rows, 3), db_column_int(&rows, 4), db_column_int(&rows, 5),
            db_column_int(&rows, 6), db_column_int(&rows, 7), db_column_int(&rows, 8),
        };
    }
    return !rows.has_failed;
}

static bool load_epochs(struct db *db, struct evidence *evidence, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT instance_id, comp, rate, qty, from_total, "
                 "COALESCE(to_total, 9223372036854775807), from_us, "
                 "COALESCE(to_us, 9223372036854775807) FROM rate_epoch "
                 "ORDER BY instance_id, comp, epoch",
                 DB_NO_ARGS);

    evidence->epoch_count = 0;
    while (db_next(&rows, err)) {
        CHECK(evidence->epoch_count < SIM_ROWS_MAX);
        evidence->epochs[evidence->epoch_count++] = (struct epoch){
            db_column_int(&rows, 0), db_column_int(&rows, 1), db_column_int(&rows, 2),
            db_column_int(&rows, 3), db_column_int(&rows, 4), db_column_int(&rows, 5),
            db_column_int(&rows, 6), db_column_int(&rows, 7),
        };
    }
    return !rows.has_failed;
}

static bool load_moved(struct db *db, struct evidence *evidence, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT j.id, j.kind, CASE j.kind WHEN 3 THEN c.owner_id ELSE d.owner_id END, "
                 "j.occurred_us, t.amount FROM journal j JOIN transfer t ON t.journal_id = j.id "
                 "JOIN account d ON d.id = t.dr JOIN account c ON c.id = t.cr "
                 "WHERE j.id > $1 AND (j.kind = 3 OR (j.kind = 1 AND t.code IN (31, 41))) "
                 "ORDER BY j.id, t.leg",
                 DB_ARGS(db_int(evidence->journal_id)));

    while (db_next(&rows, err)) {
        CHECK(evidence->moved_count < SIM_ROWS_MAX);
        evidence->journal_id = db_column_int(&rows, 0);
        evidence->moved[evidence->moved_count++] = (struct moved){
            .is_grant = db_column_int(&rows, 1) == 3,
            .owner_id = db_column_int(&rows, 2),
            .at_us = db_column_int(&rows, 3),
            .amount = db_column_int(&rows, 4),
        };
    }
    return !rows.has_failed;
}

/* Journals that GPU time was charged in, in the order in which that was done. */
static bool load_charged(struct db *db, struct evidence *evidence, int64_t journal_id,
                         struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db,
                 "SELECT j.ref_id, j.posted_us, SUM(t.amount) FROM journal j "
                 "JOIN transfer t ON t.journal_id = j.id "
                 "WHERE j.id > $1 AND j.kind = 1 AND t.code = 11 GROUP BY j.id ORDER BY j.id",
                 DB_ARGS(db_int(journal_id)));

    while (db_next(&rows, err)) {
        CHECK(evidence->charged_count < SIM_ROWS_MAX);
        evidence->charged[evidence->charged_count++] =
            (struct charged){ db_column_int(&rows, 0), db_column_int(&rows, 1),
                              db_column_int(&rows, 2) };
    }
    return !rows.has_failed;
}

static bool load_journals(struct db *db, struct evidence *evidence, struct error *err)
{
    int64_t journal_id = evidence->journal_id;

    return load_moved(db, evidence, err) && load_charged(db, evidence, journal_id, err);
}

static bool load_evidence(struct db *db, void *context, struct error *err)
{
    return load_intervals(db, context, err) && load_contracts(db, context, err) &&
           load_meters(db, context, err) && load_epochs(db, context, err) &&
           load_journals(db, context, err);
}

static void forget_journals(struct evidence *evidence)
{
    evidence->moved_count = 0;
    evidence->charged_count = 0;
    evidence->journal_id = 0;
}

void sim_evidence_forget(struct evidence *evidence)
{
    forget_journals(evidence);
    memset(evidence->checked_us, 0, sizeof evidence->checked_us);
}

void sim_evidence_load(struct sim *sim, struct evidence *evidence, bool is_anew)
{
    if (is_anew)
        forget_journals(evidence);
    support_read(&sim->support, load_evidence, evidence);
}

/* The first place whose contract is not before that one. */
static size_t first_of(const void *rows, size_t count, size_t size, int64_t contract_id)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int64_t id;

        memcpy(&id, (const char *)rows + middle * size, sizeof id);
        if (id < contract_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sim_range sim_intervals_of(const struct evidence *evidence, int64_t contract_id)
{
    const char *ids = (const char *)evidence->intervals + offsetof(struct interval, contract_id);
    const size_t count = evidence->interval_count, size = sizeof(struct interval);

    return (struct sim_range){ first_of(ids, count, size, contract_id),
                               first_of(ids, count, size, contract_id + 1) };
}

struct sim_range sim_epochs_of(const struct evidence *evidence, int64_t contract_id)
{
    const char *ids = (const char *)evidence->epochs + offsetof(struct epoch, contract_id);
    const size_t count = evidence->epoch_count, size = sizeof(struct epoch);

    return (struct sim_range){ first_of(ids, count, size, contract_id),
                               first_of(ids, count, size, contract_id + 1) };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of the design, held against what the simulator knows to be true. None of it uses
 * the market's own reckoning: sums are taken in SQL or here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/usage.h"
#include "market/journal.h"
#include "sim.h"
#include "store/interval.h"

/* Each counts what must not be. */
static const struct {
    const char *what, *sql;
} laws[] = {
    { "a cached balance that is not the sum of its transfers",
      "SELECT COUNT(*) FROM account a WHERE (a.flags & 8) = 0 AND (a.dr_posted <> "
      "COALESCE((SELECT SUM(amount) FROM transfer WHERE dr = a.id), 0) OR a.cr_posted <> "
      "COALESCE((SELECT SUM(amount) FROM transfer WHERE cr = a.id), 0))" },
    { "a host share that is not the floor of its part",
      "SELECT COUNT(*) FROM meter WHERE host_posted * 10000 + split_rem <> "
      "gross_posted * (10000 - fee_bps)" },
    { "one on demand that made way",
      "SELECT COUNT(*) FROM contract_event e JOIN contract c ON c.id = e.contract_id "
      "WHERE e.reason IN (12, 13) AND c.kind <> 2" },
    { "a charge for a bid that never ran",
      "SELECT COUNT(*) FROM usage_line u JOIN contract c ON c.id = u.contract_id "
      "WHERE c.started_us = 0" },
    { "a bid above the price on demand", "SELECT COUNT(*) FROM contract WHERE kind = 2 "
                                         "AND gpu_hour > list_hour" },
    { "one that is stopped, and nobody knows why",
      "SELECT COUNT(*) FROM contract WHERE state = 7 AND reason = 0" },
    { "an open price of what is destroyed",
      "SELECT COUNT(*) FROM rate_epoch r JOIN contract c ON c.id = r.instance_id "
      "WHERE r.to_us IS NULL AND c.destroyed_us > 0" },
};

struct interval {
    int64_t contract_id, machine_id, start_us, metered_us;
};

struct contract {
    int64_t id, owner_id, machine_id, created_us, destroyed_us, disk_metered_us, disk_month,
        disk_gb;
    int64_t end_us, gpu_hour, started_us;
};

struct meter_evidence {
    int64_t contract_id, component, rate, quantity, total, posted_total, remainder, gross, denom;
};

/* A price, and what of its meter and of time it is for; INT64_MAX where it goes on. */
struct epoch {
    int64_t contract_id, component, rate, quantity, from_total, to_total, from_us, to_us;
};

/* Everything that the laws over evidence look at. */
struct evidence {
    size_t interval_count, contract_count, meter_count, epoch_count;
    struct interval *intervals;
    struct contract *contracts;
    struct meter_evidence *meters;
    struct epoch *epochs;
};

enum { ROWS_MAX = 32768 };

static bool load_intervals(struct db *db, struct evidence *evidence, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(
        db, "SELECT contract_id, machine_id, start_us, metered_us FROM run_interval ORDER BY id",
        DB_NO_ARGS);

    evidence->interval_count = 0;
    while (db_next(&rows, err)) {
        CHECK(evidence->interval_count < ROWS_MAX);
        evidence->intervals[evidence->interval_count++] =
            (struct interval){ db_column_int(&rows, 0), db_column_int(&rows, 1),
                               db_column_int(&rows, 2), db_column_int(&rows, 3) };
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
        CHECK(evidence->contract_count < ROWS_MAX);
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
        CHECK(evidence->meter_count < ROWS_MAX);
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
        CHECK(evidence->epoch_count < ROWS_MAX);
        evidence->epochs[evidence->epoch_count++] = (struct epoch){
            db_column_int(&rows, 0), db_column_int(&rows, 1), db_column_int(&rows, 2),
            db_column_int(&rows, 3), db_column_int(&rows, 4), db_column_int(&rows, 5),
            db_column_int(&rows, 6), db_column_int(&rows, 7),
        };
    }
    return !rows.has_failed;
}

static bool load_evidence(struct db *db, void *context, struct error *err)
{
    return load_intervals(db, context, err) && load_contracts(db, context, err) &&
           load_meters(db, context, err) && load_epochs(db, context, err);
}

static const struct contract *find_contract(const struct evidence *evidence, int64_t id)
{
    for (size_t i = 0; i < evidence->contract_count; i++)
        if (evidence->contracts[i].id == id)
            return &evidence->contracts[i];
    fail_msg("no contract %" PRId64, id);
    return NULL;
}

static const struct sim_host *find_host(const struct sim *sim, int64_t machine_id)
{
    for (size_t i = 0; i < sim->host_count; i++)
        if (sim->hosts[i].machine.id == machine_id)
            return &sim->hosts[i];
    fail_msg("no machine %" PRId64, machine_id);
    return NULL;
}

/* The first of the host's accepted heartbeats at or after an instant; their count if none is. */
static size_t first_beat(const struct sim_host *host, int64_t at_us)
{
    size_t low = 0, high = host->beat_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (host->beats_us[middle] < at_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whatever is charged, the container ran: all of it within one run. Only a decision to stop may
 * count on the lease, since nobody knows better then, behind the last heartbeat before it. */
static void check_it_ran(const struct sim *sim, const struct interval *interval)
{
    const struct sim_host *host = find_host(sim, interval->machine_id);
    size_t behind = first_beat(host, interval->metered_us + 1);
    int64_t known_us = behind > 0 ? host->beats_us[behind - 1] : 0;
    bool is_within_lease = interval->metered_us - known_us <= CONNECTED_LEASE_US;
    int64_t until_us = is_within_lease ? known_us : interval->metered_us;

    for (size_t i = 0; i < sim->run_count; i++) {
        const struct sim_run *run = &sim->runs[i];

        if (run->contract_id == interval->contract_id && run->from_us <= interval->start_us &&
            until_us <= run->until_us)
            return;
    }
    check_row("instance %" PRId64 ", charged from %" PRId64 " to %" PRId64, interval->contract_id,
              interval->start_us, interval->metered_us);
    for (size_t i = 0; i < sim->run_count; i++)
        if (sim->runs[i].contract_id == interval->contract_id)
            print_error("    it ran from %" PRId64 " to %" PRId64 "\n", sim->runs[i].from_us,
                        sim->runs[i].until_us);
    for (size_t i = behind > 5 ? behind - 5 : 0; i < behind + 3 && i < host->beat_count; i++)
        print_error("    the host was heard of at %" PRId64 "\n", host->beats_us[i]);
    check_true(false, "time is charged in which the container did not run", __FILE__, __LINE__);
}

/* How much of it the server's own absence explains: that, and a lease and a sign of life on
 * either side of it. */
static int64_t outage_us(const struct sim *sim, int64_t from_us, int64_t until_us)
{
    const int64_t edge_us = CONNECTED_LEASE_US + 6 * US_PER_SECOND;
    int64_t sum_us = 0, counted_us = from_us;

    for (size_t i = 0; i < sim->outage_count; i++) {
        int64_t from = sim->outages[i].from.microseconds - edge_us;
        int64_t until = sim->outages[i].until.microseconds + edge_us;

        from = from > counted_us ? from : counted_us;
        until = until < until_us ? until : until_us;
        if (until > from) {
            sum_us += until - from;
            counted_us = until;
        }
    }
    return sum_us;
}

/* At a new price it is a new interval, which begins where the last one ended. */
static bool goes_on(const struct evidence *evidence, const struct interval *interval)
{
    for (size_t i = 0; i < evidence->interval_count; i++) {
        const struct interval *other = &evidence->intervals[i];

        if (other != interval && other->contract_id == interval->contract_id &&
            other->metered_us == interval->start_us)
            return true;
    }
    return false;
}

/* Between heartbeats further apart than a lease, no more is charged than our outage explains; and
 * past the last heartbeat only up to a decision within the lease. */
static void check_it_was_connected(const struct sim *sim, const struct evidence *evidence,
                                   const struct interval *interval)
{
    const struct sim_host *host = find_host(sim, interval->machine_id);
    size_t low = first_beat(host, interval->start_us);

    check_row("instance %" PRId64 ", charged from %" PRId64 " to %" PRId64, interval->contract_id,
              interval->start_us, interval->metered_us);
    if (!goes_on(evidence, interval))
        CHECK(low < host->beat_count && host->beats_us[low] == interval->start_us);
    for (size_t i = low; i < host->beat_count && host->beats_us[i] < interval->metered_us; i++) {
        bool is_last = i + 1 == host->beat_count;
        int64_t from = host->beats_us[i];
        int64_t until = is_last ? interval->metered_us : host->beats_us[i + 1];
        int64_t charged = (until < interval->metered_us ? until : interval->metered_us) - from;

        if (charged > CONNECTED_LEASE_US)
            CHECK(charged <= outage_us(sim, from, until));
        if (is_last)
            break;
    }
}

static int64_t less(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What the posted part of it costs, each price for what was used under it. */
static numerator exact_parts(const struct evidence *evidence, const struct meter_evidence *meter)
{
    numerator exact = 0;

    for (size_t i = 0; i < evidence->epoch_count; i++) {
        const struct epoch *epoch = &evidence->epochs[i];

        if (epoch->contract_id == meter->contract_id && epoch->component == meter->component)
            exact += (numerator)epoch->rate * epoch->quantity *
                     (less(epoch->to_total, meter->posted_total) -
                      less(epoch->from_total, meter->posted_total));
    }
    return exact;
}

/* The exact sum of what the evidence says, in the meter's own parts. */
static void check_meter(const struct sim *sim, const struct evidence *evidence,
                        const struct meter_evidence *meter)
{
    const struct contract *contract = find_contract(evidence, meter->contract_id);
    numerator exact = exact_parts(evidence, meter);

    check_row("instance %" PRId64 ", meter %" PRId64, meter->contract_id, meter->component);
    CHECK((numerator)meter->gross * meter->denom + meter->remainder == exact);
    if (meter->component == COMPONENT_DISK) {
        const struct sim_host *host = find_host(sim, contract->machine_id);
        int64_t lived_us = contract->disk_metered_us - contract->started_us;

        CHECK_INT(meter->quantity, contract->disk_gb);
        CHECK_INT(meter->rate, contract->disk_month);
        CHECK(meter->total <= lived_us);
        if (contract->destroyed_us > 0)
            CHECK(contract->disk_metered_us <= contract->destroyed_us);
        if (host->silent_max_us < USAGE_DISK_OFFLINE_US)
            CHECK_INT(meter->total, lived_us);
    }
    if (meter->component == COMPONENT_GPU)
        CHECK_INT(meter->rate, contract->gpu_hour);
    check_row(" ");
}

struct money_work {
    int64_t owner_id, at_us, known_us, granted, traffic;
};

static bool read_two(struct db_rows *row, void *context, struct error *err)
{
    int64_t *two = context;

    (void)err;
    two[0] = db_column_int(row, 0);
    return true;
}

/* What was given to the renter by the time that was charged, and what traffic was posted before
 * it. */
static bool money_work(struct db *db, void *context, struct error *err)
{
    struct money_work *work = context;
    bool has;

    work->granted = work->traffic = 0;
    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM journal j "
                        "JOIN transfer t ON t.journal_id = j.id JOIN account a ON a.id = t.cr "
                        "WHERE j.kind = 3 AND a.owner_id = $1 AND j.occurred_us <= $2",
                        DB_ARGS(db_int(work->owner_id), db_int(work->known_us)), read_two,
                        &work->granted, &has, err) &&
           db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(t.amount), 0) AS BIGINT) FROM journal j "
                        "JOIN transfer t ON t.journal_id = j.id JOIN account a ON a.id = t.dr "
                        "WHERE j.kind = 1 AND t.code IN (31, 41) AND a.owner_id = $1 "
                        "AND j.occurred_us < $2",
                        DB_ARGS(db_int(work->owner_id), db_int(work->at_us)), read_two,
                        &work->traffic, &has, err);
}

static int64_t overlap_us(int64_t from_us, int64_t until_us, int64_t limit_us)
{
    until_us = until_us < limit_us ? until_us : limit_us;
    return until_us > from_us ? until_us - from_us : 0;
}

/* What an interval costs up to an instant, each price for its time. */
static numerator gpu_parts(const struct evidence *evidence, const struct interval *interval,
                           int64_t at_us)
{
    numerator parts = 0;

    for (size_t i = 0; i < evidence->epoch_count; i++) {
        const struct epoch *epoch = &evidence->epochs[i];
        int64_t from_us = epoch->from_us > interval->start_us ? epoch->from_us : interval->start_us;

        if (epoch->contract_id == interval->contract_id && epoch->component == COMPONENT_GPU)
            parts += (numerator)epoch->rate * METER_GPU_SCALE *
                     overlap_us(from_us, less(epoch->to_us, interval->metered_us), at_us);
    }
    return parts;
}

/* At the end of every interval, the account had not fallen below its floor by more than that
 * last microsecond: GPU time never takes a renter into debt. What nobody could hear of is charged
 * with the next heartbeat, and credit that has come by then pays for it. */
static void check_floor(struct sim *sim, const struct evidence *evidence,
                        const struct interval *interval, const struct sim_user *user)
{
    int64_t at_us = interval->metered_us;
    const struct sim_host *host = find_host(sim, interval->machine_id);
    size_t heard = first_beat(host, at_us);
    int64_t known_us = heard < host->beat_count ? host->beats_us[heard] : at_us;
    struct money_work work = { .owner_id = user->caller.user_id,
                               .at_us = at_us,
                               .known_us = known_us };
    numerator spent = 0, burn = 0;

    support_read(&sim->support, money_work, &work);
    for (size_t i = 0; i < evidence->contract_count; i++) {
        const struct contract *contract = &evidence->contracts[i];
        int64_t until_us = contract->destroyed_us > 0 ? contract->destroyed_us : INT64_MAX;
        numerator disk = (numerator)contract->disk_month * contract->disk_gb;
        numerator gpu = (numerator)contract->gpu_hour * METER_GPU_SCALE;

        if (contract->owner_id != work.owner_id || contract->started_us == 0)
            continue;
        spent += disk * overlap_us(contract->started_us, until_us, at_us);
        burn += disk + gpu;
        burn += 2 * (numerator)METER_DISK_DENOMINATOR; /* each meter is posted in whole parts */
        for (size_t j = 0; j < evidence->interval_count; j++) {
            const struct interval *other = &evidence->intervals[j];

            if (other->contract_id == contract->id)
                spent += gpu_parts(evidence, other, at_us);
        }
    }
    check_row("user %" PRId64 ", at %" PRId64, work.owner_id, at_us);
    numerator left = (numerator)(work.granted - work.traffic) * METER_DISK_DENOMINATOR - spent;
    if (left + burn < 0)
        print_error("    given %" PRId64 ", traffic %" PRId64 ", left %" PRId64 "\n", work.granted,
                    work.traffic, (int64_t)(left / METER_DISK_DENOMINATOR));
    CHECK(left + burn >= 0);
}

static void check_floors(struct sim *sim, const struct evidence *evidence)
{
    for (size_t i = 0; i < sim->host_count; i++)
        if (sim->hosts[i].silent_max_us >= USAGE_DISK_OFFLINE_US)
            return; /* its disks were not charged for all of the time */
    for (size_t i = 0; i < evidence->interval_count; i++) {
        const struct interval *interval = &evidence->intervals[i];
        int64_t owner_id = find_contract(evidence, interval->contract_id)->owner_id;

        for (size_t j = 0; j < sim->user_count; j++)
            if (sim->users[j].caller.user_id == owner_id && !sim->users[j].has_limit &&
                interval->metered_us > interval->start_us)
                check_floor(sim, evidence, interval, &sim->users[j]);
    }
}

void sim_laws_all(struct sim *sim)
{
    static struct interval intervals[ROWS_MAX];
    static struct contract contracts[ROWS_MAX];
    static struct meter_evidence meters[ROWS_MAX];
    static struct epoch epochs[ROWS_MAX];
    struct evidence evidence = {
        .intervals = intervals, .contracts = contracts, .meters = meters, .epochs = epochs
    };

    sim_laws_soon(sim);
    world_check(&sim->world);
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        check_row("%s", laws[i].what);
        CHECK_INT(world_number(&sim->world, laws[i].sql), 0);
    }
    support_read(&sim->support, load_evidence, &evidence);
    for (size_t i = 0; i < evidence.interval_count; i++) {
        if (!find_host(sim, intervals[i].machine_id)->is_liar)
            check_it_ran(sim, &intervals[i]);
        check_it_was_connected(sim, &evidence, &intervals[i]);
    }
    for (size_t i = 0; i < evidence.meter_count; i++)
        check_meter(sim, &evidence, &meters[i]);
    check_floors(sim, &evidence);
    check_row(" ");
}

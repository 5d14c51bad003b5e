/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of the design, held against what the simulator knows to be true. None of it uses
 * the market's own reckoning: sums are taken in SQL or here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/usage.h"
#include "market/journal.h"
#include "sim_evidence.h"

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

/* Whatever is charged, the container ran: all of it within one run, which may have begun when the
 * clock was about to be set. Only a decision to stop may
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

        if (run->contract_id == interval->contract_id &&
            sim_book_before(sim, run->from_us) <= interval->start_us &&
            until_us <= sim_book_of(sim, run->until_us))
            return;
    }
    check_row("instance %" PRId64 ", charged from %" PRId64 " to %" PRId64, interval->contract_id,
              interval->start_us, interval->metered_us);
    for (size_t i = 0; i < sim->run_count; i++)
        if (sim->runs[i].contract_id == interval->contract_id)
            print_error("    it ran from %" PRId64 " to %" PRId64 "\n",
                        sim_book_of(sim, sim->runs[i].from_us),
                        sim_book_of(sim, sim->runs[i].until_us));
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
    struct sim_range range = sim_intervals_of(evidence, interval->contract_id);

    for (size_t i = range.from; i < range.until; i++) {
        const struct interval *other = &evidence->intervals[i];

        if (other != interval && other->metered_us == interval->start_us)
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
    struct sim_range range = sim_epochs_of(evidence, meter->contract_id);
    numerator exact = 0;

    for (size_t i = range.from; i < range.until; i++) {
        const struct epoch *epoch = &evidence->epochs[i];

        if (epoch->component == meter->component)
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

static int64_t overlap_us(int64_t from_us, int64_t until_us, int64_t limit_us)
{
    until_us = until_us < limit_us ? until_us : limit_us;
    return until_us > from_us ? until_us - from_us : 0;
}

/* What an interval costs up to an instant, each price for its time. */
static numerator gpu_parts(const struct evidence *evidence, const struct interval *interval,
                           int64_t at_us)
{
    struct sim_range range = sim_epochs_of(evidence, interval->contract_id);
    numerator parts = 0;

    for (size_t i = range.from; i < range.until; i++) {
        const struct epoch *epoch = &evidence->epochs[i];
        int64_t from_us = epoch->from_us > interval->start_us ? epoch->from_us : interval->start_us;

        if (epoch->component == COMPONENT_GPU)
            parts += (numerator)epoch->rate * METER_GPU_SCALE *
                     overlap_us(from_us, less(epoch->to_us, interval->metered_us), at_us);
    }
    return parts;
}

/* Whether more of it has been charged since it was looked at. */
static bool is_new(const struct evidence *evidence, const struct interval *interval)
{
    return evidence->checked_us[interval->id] != interval->metered_us;
}

/* Up to when an interval counts at an instant, for one who has heard what hosts said by `known_us`.
 * After hours without a server each host tells of its own hours when it is back, and they are paid
 * for by the credit that is there by then, not by what was there when the first one came. */
static int64_t heard_until_us(const struct sim *sim, const struct interval *interval, int64_t at_us,
                              int64_t known_us)
{
    const struct sim_host *host = find_host(sim, interval->machine_id);
    size_t behind = first_beat(host, known_us + 1);
    int64_t until_us = less(interval->metered_us, at_us);

    return behind == 0 ? interval->start_us : less(until_us, host->beats_us[behind - 1]);
}

/* When the contract's GPU time up to an instant had all been charged, to the nanodollar: with the
 * first posting by which that much was. 0: it is not charged by now. */
static int64_t charged_by_us(const struct evidence *evidence, int64_t contract_id, int64_t at_us)
{
    struct sim_range range = sim_intervals_of(evidence, contract_id);
    numerator parts = 0, charged = 0;

    for (size_t i = range.from; i < range.until; i++)
        parts += gpu_parts(evidence, &evidence->intervals[i], at_us);
    for (size_t i = 0; i < evidence->charged_count; i++) {
        const struct charged *posting = &evidence->charged[i];

        charged += posting->contract_id == contract_id ? posting->amount : 0;
        if (posting->contract_id == contract_id && charged >= parts / METER_DISK_DENOMINATOR)
            return posting->at_us;
    }
    return 0;
}

/* At the end of every interval, the account had not fallen below its floor by more than that
 * last microsecond: GPU time never takes a renter into debt. What nobody could hear of is charged
 * with the next heartbeat of its host, and credit that has come by then pays for it. So does
 * credit that came before the timer had stopped anything: time behind the end of credit is charged
 * only then (who pays in time goes on; test/flow/no_credit_test.c), and nothing that came after
 * the time was charged counts. */
static void check_floor(const struct sim *sim, const struct evidence *evidence,
                        const struct interval *interval, const struct sim_user *user)
{
    int64_t at_us = interval->metered_us;
    const struct sim_host *host = find_host(sim, interval->machine_id);
    size_t heard = first_beat(host, at_us);
    int64_t heard_us = heard < host->beat_count ? host->beats_us[heard] : at_us;
    int64_t charged_us = charged_by_us(evidence, interval->contract_id, at_us);
    int64_t known_us = charged_us > heard_us ? charged_us : heard_us;
    int64_t owner_id = user->caller.user_id, granted = 0, traffic = 0;
    numerator spent = 0, burn = 0;

    for (size_t i = 0; i < evidence->moved_count; i++) {
        const struct moved *moved = &evidence->moved[i];

        if (moved->owner_id != owner_id)
            continue;
        granted += moved->is_grant && moved->at_us <= known_us ? moved->amount : 0;
        traffic += !moved->is_grant && moved->at_us < at_us ? moved->amount : 0;
    }
    for (size_t i = 0; i < evidence->contract_count; i++) {
        const struct contract *contract = &evidence->contracts[i];
        int64_t until_us = contract->destroyed_us > 0 ? contract->destroyed_us : INT64_MAX;
        numerator disk = (numerator)contract->disk_month * contract->disk_gb;
        numerator gpu = (numerator)contract->gpu_hour * METER_GPU_SCALE;

        if (contract->owner_id != owner_id || contract->started_us == 0)
            continue;
        spent += disk * overlap_us(contract->started_us, until_us, at_us);
        burn += disk + gpu;
        burn += 2 * (numerator)METER_DISK_DENOMINATOR; /* each meter is posted in whole parts */
        struct sim_range range = sim_intervals_of(evidence, contract->id);
        for (size_t j = range.from; j < range.until; j++)
            spent += gpu_parts(evidence, &evidence->intervals[j],
                               heard_until_us(sim, &evidence->intervals[j], at_us, known_us));
    }
    check_row("user %" PRId64 ", at %" PRId64, owner_id, at_us);
    numerator left = (numerator)(granted - traffic) * METER_DISK_DENOMINATOR - spent;
    if (left + burn < 0)
        print_error("    given %" PRId64 ", traffic %" PRId64 ", left %" PRId64 "\n", granted,
                    traffic, (int64_t)(left / METER_DISK_DENOMINATOR));
    CHECK(left + burn >= 0);
}

static void check_floors(const struct sim *sim, const struct evidence *evidence, bool is_whole)
{
    for (size_t i = 0; i < sim->host_count; i++)
        if (sim->hosts[i].silent_max_us >= USAGE_DISK_OFFLINE_US)
            return; /* its disks were not charged for all of the time */
    for (size_t i = 0; i < evidence->interval_count; i++) {
        const struct interval *interval = &evidence->intervals[i];
        int64_t owner_id = find_contract(evidence, interval->contract_id)->owner_id;

        if (!is_whole && !is_new(evidence, interval))
            continue;
        for (size_t j = 0; j < sim->user_count; j++)
            if (sim->users[j].caller.user_id == owner_id && !sim->users[j].has_limit &&
                interval->metered_us > interval->start_us)
                check_floor(sim, evidence, interval, &sim->users[j]);
    }
}

static struct evidence evidence;

void sim_laws_forget(void)
{
    sim_evidence_forget(&evidence);
}

void sim_laws_all(struct sim *sim, bool is_whole)
{
    sim_laws_soon(sim);
    world_check(&sim->world);
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        check_row("%s", laws[i].what);
        CHECK_INT(world_number(&sim->world, laws[i].sql), 0);
    }
    sim_evidence_load(sim, &evidence, is_whole);
    for (size_t i = 0; i < evidence.interval_count; i++) {
        const struct interval *interval = &evidence.intervals[i];

        if (!is_whole && !is_new(&evidence, interval))
            continue;
        if (!find_host(sim, interval->machine_id)->is_liar)
            check_it_ran(sim, interval);
        check_it_was_connected(sim, &evidence, interval);
    }
    for (size_t i = 0; i < evidence.meter_count; i++)
        check_meter(sim, &evidence, &evidence.meters[i]);
    check_floors(sim, &evidence, is_whole);
    for (size_t i = 0; i < evidence.interval_count; i++)
        evidence.checked_us[evidence.intervals[i].id] = evidence.intervals[i].metered_us;
    check_row(" ");
}

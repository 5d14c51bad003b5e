/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_contracts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "market/auction.h"
#include "market/journal.h"
#include "market/meter.h"
#include "market/rental.h"
#include "store/usage_line.h"

struct contract {
    int64_t id, state, reason, gpu_count, created, destroyed;
    bool is_destroyed, is_metered, is_charged;
    int64_t gpu_hour;
    int64_t gpu_us;                         /* what its meter says */
    numerator charged[COMPONENT_COUNT + 1]; /* by component, as the journals say */
    numerator host_share[COMPONENT_COUNT + 1];
    numerator line_gross[COMPONENT_COUNT + 1]; /* as the lines of the bills say */
    numerator line_host[COMPONENT_COUNT + 1];
};

struct span {
    int64_t from, until; /* INT64_MAX: still */
};

struct streams {
    struct audit_stream contracts, meters, epochs, lines, refunds, intervals, claims;
    struct span *claims_of_one; /* owned; of the contract at hand */
    size_t claim_count, claim_capacity;
};

static void sum_usage(struct check_run *run, struct contract *contract)
{
    struct check_usage_of of = check_usage_take(&run->usage, contract->id);

    memcpy(contract->charged, of.charged, sizeof of.charged);
    memcpy(contract->host_share, of.host_share, sizeof of.host_share);
    if (contract->is_destroyed && of.latest.microseconds > contract->destroyed)
        check_run_find(run, "I-9",
                       "journal %" PRId64 " charges contract %" PRId64 " for time after its end",
                       of.latest_id, contract->id);
}

/* The lines of usage: not of what was taken back. */
static bool sum_lines(struct streams *streams, struct contract *contract, struct error *err)
{
    struct audit_row row;
    bool has;

    do {
        if (!check_run_take(&streams->lines, contract->id, &row, &has, err))
            return false;
        if (!has || row.at[3] != USAGE_USED || row.at[2] < COMPONENT_GPU ||
            row.at[2] > COMPONENT_DOWN)
            continue;
        contract->line_gross[row.at[2]] += row.at[5];
        contract->line_host[row.at[2]] += row.at[6];
    } while (has);
    return true;
}

/* What the meter's rates come to, all its life: rate times quantity times usage. */
static bool sum_epochs(struct check_run *run, struct streams *streams,
                       const struct contract *contract, const struct audit_row *meter,
                       numerator *ret_sum, struct error *err)
{
    const char *name = component_name((enum component)meter->at[1]);
    int64_t reached = 0, open_count = 0;
    const struct audit_row *row;

    for (*ret_sum = 0; audit_see(&streams->epochs, &row, err); audit_take(&streams->epochs)) {
        if (row == NULL || row->at[0] != contract->id || row->at[1] != meter->at[1]) {
            if (open_count != !contract->is_destroyed)
                check_run_find(run, contract->is_destroyed ? "I-9" : "I-6",
                               "meter %s of contract %" PRId64 " has %" PRId64 " open epochs", name,
                               contract->id, open_count);
            if (reached != meter->at[6])
                check_run_find(run, "I-6",
                               "the epochs of meter %s of contract %" PRId64 " end at %" PRId64
                               ", its total is %" PRId64,
                               name, contract->id, reached, meter->at[6]);
            return true;
        }
        int64_t until = row->at[6] == AUDIT_NULL ? meter->at[6] : row->at[6];

        open_count += row->at[6] == AUDIT_NULL;
        if (row->at[5] != reached || until < reached)
            check_run_find(run, "I-6",
                           "epoch %" PRId64 " of meter %s of contract %" PRId64
                           " does not follow the one before",
                           row->at[2], name, contract->id);
        *ret_sum += (numerator)row->at[3] * row->at[4] * (until - row->at[5]);
        reached = until;
    }
    return false;
}

/* What was taken back of one meter: off its numerator, and of what was posted. */
struct taken_back {
    numerator numerator, gross, host;
};

static bool sum_refunds(struct streams *streams, const struct contract *contract,
                        enum component component, struct taken_back *ret, struct error *err)
{
    const struct audit_row *row;

    *ret = (struct taken_back){ 0 };
    for (; audit_see(&streams->refunds, &row, err); audit_take(&streams->refunds)) {
        if (row == NULL || row->at[0] != contract->id || row->at[1] != (int64_t)component)
            return true;
        ret->numerator += (numerator)row->at[3] * row->at[4] * row->at[5];
        ret->gross += row->at[6];
        ret->host += row->at[7];
    }
    return false;
}

/* The lines of the bills are what the journals charged, before anything was taken back. */
static void check_lines(struct check_run *run, const struct contract *contract,
                        enum component component)
{
    numerator gross = contract->line_gross[component], host = contract->line_host[component];

    if (gross != contract->charged[component] || host != contract->host_share[component])
        check_run_find(run, "I-17",
                       "the lines for %s of contract %" PRId64 " are %" PRId64 " and %" PRId64
                       " to the host, its journals %" PRId64 " and %" PRId64,
                       component_name(component), contract->id, (int64_t)gross, (int64_t)host,
                       (int64_t)contract->charged[component],
                       (int64_t)contract->host_share[component]);
}

static bool check_meter(struct check_run *run, struct streams *streams, struct contract *contract,
                        const struct audit_row *row, struct error *err)
{
    enum component component = (enum component)row->at[1];
    const char *name = component_name(component);
    numerator gross = row->at[10], host = row->at[11], sum;
    struct taken_back back;

    if (!sum_epochs(run, streams, contract, row, &sum, err) ||
        !sum_refunds(streams, contract, component, &back, err))
        return false;
    check_lines(run, contract, component);
    numerator unposted = (numerator)row->at[4] * row->at[5] * (row->at[6] - row->at[7]);
    if (row->at[2] != component_denominator(component) ||
        gross * row->at[2] + row->at[8] != sum - unposted - back.numerator)
        check_run_find(run, "I-6",
                       "meter %s of contract %" PRId64 " has posted %" PRId64
                       ", which is not what its rates come to",
                       name, contract->id, row->at[10]);
    if (host * FEE_BPS_MAX + row->at[9] != gross * (FEE_BPS_MAX - row->at[3]))
        check_run_find(run, "I-7",
                       "meter %s of contract %" PRId64 " gives the host %" PRId64 " of %" PRId64,
                       name, contract->id, row->at[11], row->at[10]);
    if (contract->charged[component] - back.gross != gross ||
        contract->host_share[component] - back.host != host)
        check_run_find(run, "I-7",
                       "meter %s of contract %" PRId64 " has posted %" PRId64 " and %" PRId64
                       " to the host, its journals %" PRId64 " and %" PRId64,
                       name, contract->id, row->at[10], row->at[11],
                       (int64_t)contract->charged[component],
                       (int64_t)contract->host_share[component]);
    if (contract->is_destroyed != (row->at[12] != AUDIT_NULL) ||
        (contract->is_destroyed && row->at[6] != row->at[7]))
        check_run_find(run, "I-9", "meter %s of contract %" PRId64 " is %s", name, contract->id,
                       contract->is_destroyed ? "open, though it has ended"
                                              : "closed, though it lives");
    if (component == COMPONENT_GPU && !contract->is_destroyed && row->at[4] != contract->gpu_hour)
        check_run_find(run, "bid",
                       "contract %" PRId64 " is charged %" PRId64
                       " an hour, and its price is %" PRId64,
                       contract->id, row->at[4], contract->gpu_hour);
    if (component == COMPONENT_GPU)
        contract->gpu_us = row->at[6];
    return true;
}

static bool check_meters(struct check_run *run, struct streams *streams, struct contract *contract,
                         struct error *err)
{
    struct audit_row row;
    int64_t count = 0;
    bool has;

    do {
        if (!check_run_take(&streams->meters, contract->id, &row, &has, err))
            return false;
        if (has && !check_meter(run, streams, contract, &row, err))
            return false;
        count += has;
    } while (has);
    if (count != (contract->is_metered ? COMPONENT_COUNT : 0))
        check_run_find(run, "I-6", "contract %" PRId64 " has %" PRId64 " meters", contract->id,
                       count);
    return true;
}

static bool check_claims(struct check_run *run, struct streams *streams,
                         const struct contract *contract, struct error *err)
{
    int64_t held = 0, wanted = contract->gpu_count > 0 ? contract->gpu_count : 1;
    struct audit_row row;
    bool has;

    for (streams->claim_count = 0;; streams->claim_count++) {
        if (!check_run_take(&streams->claims, contract->id, &row, &has, err))
            return false;
        if (!has)
            break;
        if (streams->claim_count == streams->claim_capacity) {
            streams->claim_capacity = 2 * streams->claim_capacity + 16;
            streams->claims_of_one =
                realloc(streams->claims_of_one, streams->claim_capacity * sizeof(struct span));
            if (streams->claims_of_one == NULL)
                abort();
        }
        streams->claims_of_one[streams->claim_count] =
            (struct span){ row.at[3], row.at[4] == AUDIT_NULL ? INT64_MAX : row.at[4] };
        held += row.at[4] == AUDIT_NULL;
    }
    if (!rental_state_is_valid(contract->state))
        return true;
    enum rental_state state = (enum rental_state)contract->state;
    if ((held != 0 && held != wanted) || (held == 0 && rental_must_hold_gpus(state)) ||
        (held != 0 && !rental_may_hold_gpus(state)))
        check_run_find(run, "state",
                       "contract %" PRId64 " is %s and holds %" PRId64 " of %" PRId64 " places",
                       contract->id, rental_state_name(state), held, wanted);
    return true;
}

/* Time counts only while the GPUs are its own; an interval that is open counts up to now. */
static void check_coverage(struct check_run *run, const struct streams *streams,
                           const struct contract *contract, const struct audit_row *interval)
{
    int64_t covering = 0, wanted = contract->gpu_count > 0 ? contract->gpu_count : 1;
    int64_t until = interval->at[4] == AUDIT_NULL ? INT64_MAX : interval->at[3];

    for (size_t i = 0; i < streams->claim_count; i++)
        covering += streams->claims_of_one[i].from <= interval->at[1] &&
                    streams->claims_of_one[i].until >= until;
    if (covering < wanted)
        check_run_find(run, "I-11",
                       "interval %" PRId64 " of contract %" PRId64
                       " runs on GPUs that it does not hold",
                       interval->at[2], contract->id);
}

static bool check_intervals(struct check_run *run, struct streams *streams,
                            const struct contract *contract, struct error *err)
{
    numerator sum = 0;
    int64_t reached = contract->created;
    bool has, is_open = false;
    struct audit_row row;

    for (;;) {
        if (!check_run_take(&streams->intervals, contract->id, &row, &has, err))
            return false;
        if (!has)
            break;
        if (row.at[1] < reached || (contract->is_destroyed && row.at[3] > contract->destroyed))
            check_run_find(run, "I-10",
                           "interval %" PRId64 " of contract %" PRId64
                           " overlaps another, or is outside of its life",
                           row.at[2], contract->id);
        if (row.at[4] == AUDIT_NULL && rental_state_is_valid(contract->state) &&
            rental_intent((enum rental_state)contract->state) != RENTAL_RUN)
            check_run_find(run, "state", "contract %" PRId64 " is %s and its time still runs",
                           contract->id, rental_state_name((enum rental_state)contract->state));
        check_coverage(run, streams, contract, &row);
        sum += row.at[3] - row.at[1];
        reached = row.at[3];
        is_open = is_open || row.at[4] == AUDIT_NULL;
    }
    if (contract->is_charged != is_open)
        check_run_find(run, "state", "contract %" PRId64 " is posted as %s, and its time %s",
                       contract->id, contract->is_charged ? "one that runs" : "one that is stopped",
                       is_open ? "runs" : "is over");
    if (contract->gpu_us > sum)
        check_run_find(run, "I-10",
                       "contract %" PRId64 " is metered for %" PRId64
                       " us of GPU time, and was connected for %" PRId64,
                       contract->id, contract->gpu_us, (int64_t)sum);
    return true;
}

/* Nobody pays more than the list price of the time; a bid is what it says, at least what was taken
 * then, and costs nothing before it runs; an idle job never costs anything. */
static void check_price(struct check_run *run, const struct contract *contract,
                        const struct audit_row *row)
{
    int64_t kind = row->at[6], list_hour = row->at[9], ticks = row->at[10];
    int64_t places = contract->gpu_count > 0 ? contract->gpu_count : 1;

    if (!rental_kind_is_valid(kind) || (kind == KIND_BID) != (ticks != AUDIT_NULL))
        check_run_find(run, "bid", "contract %" PRId64 " of kind %" PRId64 " has %s", contract->id,
                       kind, ticks == AUDIT_NULL ? "no bid" : "a bid");
    if (contract->gpu_hour > list_hour)
        check_run_find(run, "bid",
                       "contract %" PRId64 " costs %" PRId64 " an hour, on demand it was %" PRId64,
                       contract->id, contract->gpu_hour, list_hour);
    if (kind == KIND_IDLE && contract->gpu_hour != 0)
        check_run_find(run, "bid", "idle job %" PRId64 " has a price", contract->id);
    if (ticks == AUDIT_NULL)
        return;
    if (ticks * AUCTION_TICK * places != contract->gpu_hour || ticks < row->at[11])
        check_run_find(run, "bid",
                       "contract %" PRId64 " costs %" PRId64 " an hour, its bid is %" PRId64
                       " ticks over a floor of %" PRId64,
                       contract->id, contract->gpu_hour, ticks, row->at[11]);
}

static void check_state(struct check_run *run, const struct contract *contract)
{
    if (!rental_state_is_valid(contract->state))
        check_run_find(run, "state", "contract %" PRId64 " is in state %" PRId64, contract->id,
                       contract->state);
    else if ((rental_intent((enum rental_state)contract->state) == RENTAL_DESTROY) !=
             contract->is_destroyed)
        check_run_find(run, "state", "contract %" PRId64 " is %s and %s", contract->id,
                       rental_state_name((enum rental_state)contract->state),
                       contract->is_destroyed ? "has ended" : "has not ended");
    if (!rental_reason_is_valid(contract->reason))
        check_run_find(run, "state", "contract %" PRId64 " has reason %" PRId64, contract->id,
                       contract->reason);
}

/* What refers to contracts that do not exist, up to this one. */
static bool skip_all(struct check_run *run, struct streams *streams, int64_t id, struct error *err)
{
    return check_run_skip(run, &streams->epochs, id, "epochs", err) &&
           check_run_skip(run, &streams->lines, id, "lines of bills", err) &&
           check_run_skip(run, &streams->refunds, id, "refunds", err) &&
           check_run_skip(run, &streams->meters, id, "meters", err) &&
           check_run_skip(run, &streams->claims, id, "claims", err) &&
           check_run_skip(run, &streams->intervals, id, "intervals", err);
}

static bool check_contract(struct check_run *run, struct streams *streams,
                           const struct audit_row *row, struct error *err)
{
    struct contract contract = {
        .id = row->at[0],
        .state = row->at[1],
        .reason = row->at[2],
        .gpu_count = row->at[3],
        .created = row->at[4],
        .destroyed = row->at[5],
        .is_destroyed = row->at[5] != 0,
        .is_metered = row->at[7] != 0 && row->at[6] != KIND_IDLE,
        .is_charged = row->at[12] != 0,
        .gpu_hour = row->at[8],
    };

    check_state(run, &contract);
    check_price(run, &contract, row);
    sum_usage(run, &contract);
    return skip_all(run, streams, contract.id, err) && sum_lines(streams, &contract, err) &&
           check_meters(run, streams, &contract, err) &&
           check_claims(run, streams, &contract, err) &&
           check_intervals(run, streams, &contract, err);
}

/* What is charged to contracts that do not exist. */
static void check_left(struct check_run *run)
{
    const struct check_usage_of *of;

    for (size_t at = 0; (of = check_usage_left(&run->usage, &at)) != NULL;)
        check_run_find(run, "I-2",
                       "usage journals belong to contract %" PRId64 ", which does not exist",
                       of->contract_id);
}

static bool check_all(struct check_run *run, struct streams *streams, struct error *err)
{
    const struct audit_row *row;

    while (audit_see(&streams->contracts, &row, err)) {
        if (row == NULL) {
            check_left(run);
            return skip_all(run, streams, INT64_MAX, err);
        }
        if (!check_contract(run, streams, row, err))
            return false;
        audit_take(&streams->contracts);
    }
    return false;
}

bool check_contracts(struct check_run *run, struct error *err)
{
    struct streams streams = {
        .contracts = audit_open(run->db, AUDIT_CONTRACTS),
        .meters = audit_open(run->db, AUDIT_METERS),
        .epochs = audit_open(run->db, AUDIT_EPOCHS),
        .lines = audit_open(run->db, AUDIT_LINES),
        .refunds = audit_open(run->db, AUDIT_REFUNDS),
        .intervals = audit_open(run->db, AUDIT_INTERVALS),
        .claims = audit_open(run->db, AUDIT_CLAIMS),
    };
    bool is_read = check_all(run, &streams, err);

    run->counts.contracts = streams.contracts.taken;
    run->counts.meters = streams.meters.taken;
    run->counts.intervals = streams.intervals.taken;
    audit_close(&streams.contracts);
    audit_close(&streams.meters);
    audit_close(&streams.epochs);
    audit_close(&streams.lines);
    audit_close(&streams.refunds);
    audit_close(&streams.intervals);
    audit_close(&streams.claims);
    free(streams.claims_of_one);
    return is_read;
}

/* On each GPU claims follow one another, and only the last may be held still. */
bool check_gpus(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream claims = audit_open(run->db, AUDIT_GPUS);
    int64_t gpu = 0, free_from = INT64_MIN;
    const struct audit_row *row;

    for (; audit_see(&claims, &row, err); audit_take(&claims)) {
        run->counts.claims = claims.taken;
        if (row == NULL)
            return true;
        int64_t until = row->at[4] == AUDIT_NULL ? INT64_MAX : row->at[4];

        if (row->at[0] == gpu && row->at[3] < free_from)
            check_run_find(run, "I-11",
                           "GPU %" PRId64 " has two holders: contract %" PRId64 " (claim %" PRId64
                           ") before the one before let go",
                           gpu, row->at[2], row->at[1]);
        if (until < row->at[3])
            check_run_find(run, "I-11", "claim %" PRId64 " ends before it begins", row->at[1]);
        free_from = row->at[0] == gpu && free_from > until ? free_from : until;
        gpu = row->at[0];
    }
    return false;
}

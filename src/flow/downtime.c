/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/downtime.h"

#include <inttypes.h>
#include <stdio.h>

#include "market/billing.h"
#include "market/refund.h"
#include "store/ledger.h"
#include "store/usage_line.h"
#include "store/user.h"

/* The time in which it would have run: not past the end of its credit or lifetime. */
static bool missed(struct change *change, const struct contract_row *contract, struct instant since,
                   int64_t *ret_us, struct error *err)
{
    struct instant end;

    if (!change_charge_end(change, contract, &end, err))
        return false;
    end = instant_compare(end, change->now) < 0 ? end : change->now;
    int64_t us = instant_until(since, end);
    *ret_us = us > 0 ? us : 0;
    return true;
}

static bool add_line(struct change *change, const struct contract_row *contract, struct span missed,
                     struct money given, struct error *err)
{
    struct usage_line line = { .contract_id = contract->id,
                               .owner_id = contract->owner_id,
                               .host_id = contract->host_id,
                               .machine_id = contract->machine_id,
                               .day = billing_day(instant_add(change->now, 1)),
                               .component = COMPONENT_GPU,
                               .kind = USAGE_DOWNTIME,
                               .rate = contract->terms.gpu_hour,
                               .quantity = 1,
                               .used = instant_until(missed.from, missed.until),
                               .gross = { -given.nanodollars },
                               .host = { -given.nanodollars },
                               .accrued = { -given.nanodollars },
                               .from = missed.from,
                               .until = missed.until };

    return usage_line_add(change->db, &line, err);
}

bool downtime_pay(struct change *change, const struct contract_row *contract, const char *key,
                  struct span missed, int64_t bps, struct error *err)
{
    int64_t a = contract->owner_id, b = contract->host_id;
    int64_t week = billing_day(instant_add(billing_cut(change->now), 1));
    struct refund_event event = { .key = key,
                                  .contract_id = contract->id,
                                  .renter_id = contract->owner_id,
                                  .host_id = contract->host_id,
                                  .component = COMPONENT_GPU,
                                  .occurred = change->now };
    struct renter_funds funds;
    struct journal journal;
    struct money given;
    enum ledger_outcome outcome;

    if (bps == 0)
        return true;
    if (!user_lock(change->db, a < b ? a : b, err) || !user_lock(change->db, a < b ? b : a, err) ||
        !ledger_load_funds(change->db, contract->owner_id, &funds, err) ||
        !usage_line_accrued(change->db, contract->host_id, week, &event.pending, err))
        return false;
    struct money worth =
        billing_downtime(contract->terms.gpu_hour, instant_until(missed.from, missed.until), bps);
    if (refund_downtime(&event, worth, &funds, &journal, &given) != JOURNAL_BUILT)
        return true;
    return ledger_post(change->db, &journal, change->now, &outcome, err) &&
           (outcome == LEDGER_EXISTS || add_line(change, contract, missed, given, err)) &&
           change_user(change, contract->owner_id, err);
}

bool downtime_credit(struct change *change, const struct contract_row *contract,
                     struct instant since, int64_t bps, struct error *err)
{
    char key[JOURNAL_KEY_SIZE];
    int64_t missed_us;

    /* It ran when the machine went away, and nothing has changed that since. */
    if (bps == 0 || contract->state != RENTAL_RUNNING || since.microseconds == 0 ||
        instant_compare(contract->state_at, since) > 0)
        return true;
    if (!missed(change, contract, since, &missed_us, err))
        return false;
    (void)snprintf(key, sizeof key, "promo:downtime:%" PRId64 ":%" PRId64, contract->id,
                   since.microseconds);
    return downtime_pay(change, contract, key,
                        (struct span){ since, instant_add(since, missed_us) }, bps, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_money.h"

#include <inttypes.h>

#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/liveness.h"
#include "store/deposit.h"
#include "store/liveness.h"
#include "store/user.h"

/* A stop comes within a second of the end of credit, where a server is there to see it. */
#define STOP_LATE_US (60 * US_PER_SECOND)

static bool check_provider(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_PROVIDER);
    static const char *const names[] = { "Stripe", "PayPal" };
    numerator sums[2] = { 0, 0 };
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL) {
            for (int i = 0; i < 2; i++)
                if (sums[i] != run->provider_balance[i])
                    check_run_find(run, "I-12",
                                   "our balance at %s is %" PRId64
                                   ", its transactions say %" PRId64,
                                   names[i], (int64_t)run->provider_balance[i], (int64_t)sums[i]);
            return true;
        }
        sums[row->at[2] == LEDGER_PAYPAL] += row->at[3];
        if (row->at[3] != row->at[4])
            check_run_find(run, "I-12",
                           "transaction %" PRId64 " is of %" PRId64 ", its journal %" PRId64
                           " moves %" PRId64,
                           row->at[0], row->at[3], row->at[1], row->at[4]);
    }
    return false;
}

static bool check_suspense(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_SUSPENSE);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        if (row->at[2] > row->at[3])
            check_run_find(run, "I-12",
                           "suspense account %" PRId64 " holds %" PRId64
                           " that nobody has claimed for a day",
                           row->at[0], row->at[2] - row->at[3]);
    }
    return false;
}

/* While it is on its way, and no longer, all of it is pending. One that a provider has made may not
 * be held yet. */
static void check_pending(struct check_run *run, const struct audit_row *row)
{
    int64_t held = row->at[6];
    bool is_open = row->at[1] == DEPOSIT_MADE || row->at[1] == DEPOSIT_ON_ITS_WAY;

    if (held != (is_open ? row->at[2] : 0) && !(row->at[1] == DEPOSIT_MADE && held == 0))
        check_run_find(run, "I-13",
                       "deposit %" PRId64 " of %" PRId64 " is in state %" PRId64 ", and %" PRId64
                       " is held for it",
                       row->at[0], row->at[2], row->at[1], held);
}

static bool check_deposits(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_DEPOSITS);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        int64_t wanted = row->at[1] == DEPOSIT_ARRIVED ? 1 : 0;

        check_pending(run, row);
        if (row->at[3] != wanted || row->at[5] != wanted)
            check_run_find(run, "I-13",
                           "deposit %" PRId64 " is in state %" PRId64 " and has %" PRId64
                           " journals",
                           row->at[0], row->at[1], row->at[3]);
        else if (wanted == 1 && row->at[4] != row->at[2])
            check_run_find(run, "I-13",
                           "deposit %" PRId64 " is of %" PRId64 ", its journal credits %" PRId64,
                           row->at[0], row->at[2], row->at[4]);
    }
    return false;
}

static bool check_deposited(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_DEPOSITED);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        check_run_find(run, "I-13", "journal %" PRId64 " is of a deposit that does not exist",
                       row->at[0]);
    }
    return false;
}

/* When the books were last looked after, and since when without a break. */
struct watch {
    struct instant now, since;
};

/* What runs, runs on credit: its end lies ahead, and there is something left until then. */
static bool check_runner(struct check_run *run, const struct watch *watch, int64_t user_id,
                         struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    struct credit credit;
    bool has;

    if (!user_load(run->db, user_id, &arena, &user, &has, err))
        return false;
    if (!has) {
        check_run_find(run, "I-16", "something runs for user %" PRId64 ", who does not exist",
                       user_id);
        return true;
    }
    if (!funds_credit(run->db, &user, watch->now, &arena, &credit, err)) {
        if (err->code != ERROR_CORRUPT)
            return false;
        check_run_find(run, "I-16", "the credit of user %" PRId64 " cannot be told: %s", user_id,
                       err->text);
        return true;
    }
    struct instant noticed = instant_max(user.t_zero, watch->since);
    numerator left =
        (numerator)credit_available(&credit, watch->now).nanodollars - credit.floor.nanodollars;
    if (instant_until(noticed, watch->now) > STOP_LATE_US)
        check_run_find(run, "I-16",
                       "credit of user %" PRId64 " ended at %" PRId64 ", and something still runs",
                       user_id, user.t_zero.microseconds);
    else if (instant_compare(user.t_zero, watch->now) > 0 &&
             left + credit_hour(&credit).nanodollars < 0)
        check_run_find(run, "I-16", "user %" PRId64 " runs on %" PRId64 " below what is allowed",
                       user_id, (int64_t)-left);
    return true;
}

static bool check_runners(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_RUNNERS);
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct watch watch = { .now = { INT64_MIN } };
    const struct audit_row *row;
    struct span *alive;
    size_t count;

    if (!liveness_list(run->db, (struct instant){ INT64_MIN }, &arena, &alive, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        watch.now = instant_max(watch.now, alive[i].until);
    if (count == 0)
        return true; /* no server has ever been there to stop anything */
    watch.now = instant_add(watch.now, -LIVENESS_SECONDS * US_PER_SECOND);
    watch.since = liveness_since(alive, count, watch.now);
    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        if (!check_runner(run, &watch, row->at[0], err))
            return false;
    }
    return false;
}

bool check_money(struct check_run *run, struct error *err)
{
    return check_provider(run, err) && check_suspense(run, err) && check_deposits(run, err) &&
           check_deposited(run, err) && check_runners(run, err);
}

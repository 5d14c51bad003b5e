/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/funds.h"

#include <stdio.h>

#include "flow/accrued.h"
#include "flow/limits.h"
#include "flow/usage.h"
#include "store/burn.h"
#include "store/contract.h"
#include "store/deposit.h"
#include "store/hold.h"
#include "store/ledger.h"
#include "store/machine.h"

/* Agents hold when credit ends, to stop by themselves; below this it is not worth telling them. */
#define T_ZERO_TOLD_US US_PER_SECOND

typedef enum journal_outcome journal_maker(const struct journal_credit *credit,
                                           const struct renter_funds *funds,
                                           struct journal *ret_journal,
                                           struct renter_funds *ret_after);

static bool add_credit(struct db *db, const struct journal_credit *credit, journal_maker *make,
                       const struct hold_row *hold, struct error *err)
{
    struct renter_funds funds, after;
    struct journal journal;
    enum ledger_outcome outcome;

    if (!user_lock(db, credit->renter_id, err) ||
        !ledger_load_funds(db, credit->renter_id, &funds, err))
        return false;
    if (make(credit, &funds, &journal, &after) != JOURNAL_BUILT)
        return error_set(err, ERROR_OUT_OF_RANGE, "no such amount can be added");
    if (hold != NULL)
        return hold_capture(db, hold, &journal, credit->occurred, err) &&
               funds_set_t_zero(db, credit->renter_id, credit->occurred, err);
    if (!ledger_post(db, &journal, credit->occurred, &outcome, err))
        return false;
    if (outcome == LEDGER_DIFFERS)
        return error_set(err, ERROR_CONFLICT, "%s was used for another amount", credit->key);
    return funds_set_t_zero(db, credit->renter_id, credit->occurred, err);
}

bool funds_grant(struct db *db, int64_t user_id, struct money amount, const char *key,
                 struct instant now, struct error *err)
{
    struct journal_credit credit = { .key = key,
                                     .renter_id = user_id,
                                     .ref_id = user_id,
                                     .ref_kind = JOURNAL_REF_USER,
                                     .occurred = now,
                                     .amount = amount,
                                     .from = LEDGER_PROMO_GRANTED };

    return add_credit(db, &credit, journal_promo, NULL, err);
}

bool funds_deposit(struct db *db, int64_t user_id, struct money amount, const char *ticket,
                   struct instant now, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char key[JOURNAL_KEY_SIZE];
    struct deposit_row deposit = {
        .user_id = user_id, .provider = "manual", .object_id = ticket, .amount = amount
    };
    struct journal_credit credit = { .key = key,
                                     .renter_id = user_id,
                                     .ref_kind = JOURNAL_REF_DEPOSIT,
                                     .occurred = now,
                                     .amount = amount,
                                     .from = LEDGER_BANK };
    struct hold_row hold;
    bool is_new, is_held;

    if (!deposit_arrive(db, &deposit, now, &is_new, err))
        return false;
    if (!is_new)
        return true;
    if (!deposit_number(db, deposit.id, now, err))
        return false;
    (void)snprintf(key, sizeof key, "dep:%lld", (long long)deposit.id);
    credit.ref_id = deposit.id;
    if (!hold_find(db, key, &arena, &hold, &is_held, err))
        return false;
    /* One that has run out held it no more, and the money has come all the same. */
    return add_credit(db, &credit, journal_deposit,
                      is_held && hold.state == HOLD_OPEN ? &hold : NULL, err);
}

bool funds_paid(struct db *db, const struct journal_credit *credit, struct error *err)
{
    return add_credit(db, credit, journal_deposit, NULL, err);
}

bool funds_expect(struct db *db, struct funds_expected *expected, struct instant now,
                  struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char key[JOURNAL_KEY_SIZE];
    struct deposit_row deposit = { .user_id = expected->user_id,
                                   .provider = "manual",
                                   .object_id = expected->ticket,
                                   .amount = expected->amount };
    struct hold_row before = { .id = 0 }, hold = { .key = key,
                                                   .kind = HOLD_DEPOSIT,
                                                   .user_id = expected->user_id,
                                                   .amount = expected->amount,
                                                   .note = expected->note,
                                                   .created = now,
                                                   .expires = expected->until };
    enum hold_placing placing;
    bool has;

    if (!deposit_expect(db, &deposit, now, &expected->is_new, err))
        return false;
    (void)snprintf(key, sizeof key, "dep:%lld", (long long)deposit.id);
    if (!(expected->is_new ? hold_place(db, &hold, &placing, err)
                           : hold_find(db, key, &arena, &before, &has, err)))
        return false;
    expected->hold_id = expected->is_new ? hold.id : before.id;
    return true;
}

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

/* GPU time counts up to `end`, or the end of its contract. */
static bool credit_until(struct db *db, const struct user_row *user, struct instant end,
                         struct credit *credit, struct arena *arena, struct error *err)
{
    struct renter_funds funds;
    struct burn_row *burns;
    size_t count;

    if (!ledger_load_funds(db, user->id, &funds, err) ||
        !burn_list(db, user->id, arena, &burns, &count, err))
        return false;
    *credit = credit_open(renter_funds_balance(&funds), user->credit_limit, credit->as_of);
    for (size_t i = 0; i < count; i++)
        if (!burns[i].is_reserved)
            usage_add(credit, &burns[i], earlier(end, burns[i].end));
    return true;
}

bool funds_credit(struct db *db, const struct user_row *user, struct instant now,
                  struct arena *arena, struct credit *ret, struct error *err)
{
    struct credit credit = { .as_of = now };

    if (!credit_until(db, user, user->t_zero, &credit, arena, err))
        return false;
    *ret = credit;
    return true;
}

typedef bool find_line(struct db *db, int64_t owner_id, struct instant now, struct arena *arena,
                       struct accrual *ret, struct error *err);

static bool credit_by_line(struct db *db, const struct user_row *user, find_line *find,
                           struct arena *arena, struct credit *credit, struct error *err)
{
    struct instant now = credit->as_of;
    struct renter_funds funds;
    struct accrual line;

    if (!ledger_load_funds(db, user->id, &funds, err) ||
        !find(db, user->id, now, arena, &line, err))
        return false;
    *credit = credit_open(renter_funds_balance(&funds), user->credit_limit, now);
    credit_add_accrual(credit, &line);
    return true;
}

static bool credit_kept(struct db *db, const struct user_row *user, struct instant now,
                        find_line *find, struct arena *arena, struct credit *ret, struct error *err)
{
    struct credit credit = { .as_of = now };

    /* Behind the end of credit GPU time counts no more: that is for the sum. */
    if (instant_compare(user->t_zero, now) <= 0)
        return funds_credit(db, user, now, arena, ret, err);
    if (!credit_by_line(db, user, find, arena, &credit, err))
        return false;
    *ret = credit;
    return true;
}

bool funds_credit_kept(struct db *db, const struct user_row *user, struct instant now,
                       struct arena *arena, struct credit *ret, struct error *err)
{
    return credit_kept(db, user, now, accrued_now, arena, ret, err);
}

bool funds_spend_cap(struct db *db, const struct user_row *user, struct money first,
                     struct instant now, struct money *ret, struct error *err)
{
    struct ledger_sums paid;

    if (!ledger_load_sums(db, (struct ledger_key){ LEDGER_RENTER_PREPAID, user->id, 0 }, &paid,
                          err))
        return false;
    *ret =
        warning_spend_cap(user->spend_cap, first, instant_until(user->created, now), paid.credits);
    return true;
}

/* An end that has come stays where it was, or time behind it would be charged. */
static struct instant zero_of(const struct credit *credit, const struct user_row *user)
{
    struct instant now = credit->as_of, zero;

    if (!credit_zero(credit, &zero))
        return INSTANT_NEVER;
    bool has_ended = instant_compare(zero, now) <= 0 && instant_compare(user->t_zero, now) <= 0;
    return has_ended ? user->t_zero : zero;
}

bool funds_zero(struct db *db, const struct user_row *user, struct instant now, struct arena *arena,
                struct instant *ret_zero, struct error *err)
{
    struct credit credit = { .as_of = now };

    /* What ran on past a predicted end is counted here: who pays in time pays for that, too. */
    if (!credit_until(db, user, INSTANT_NEVER, &credit, arena, err))
        return false;
    *ret_zero = zero_of(&credit, user);
    return true;
}

/* The same by the line that is kept. */
static bool zero_kept(struct db *db, const struct user_row *user, struct instant now,
                      struct arena *arena, struct instant *ret_zero, struct error *err)
{
    struct credit credit = { .as_of = now };

    if (!credit_by_line(db, user, accrued_keep, arena, &credit, err))
        return false;
    *ret_zero = zero_of(&credit, user);
    return true;
}

bool funds_tell_hosts(struct db *db, int64_t user_id, struct arena *arena, struct error *err)
{
    int64_t *machines;
    size_t count;

    if (!contract_machines_of(db, user_id, arena, &machines, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!machine_bump(db, machines[i], err))
            return false;
    return true;
}

bool funds_low(struct db *db, const struct user_row *user, struct instant now, struct arena *arena,
               struct warning_low *ret, struct error *err)
{
    struct credit credit;

    *ret = (struct warning_low){ .at = INSTANT_NEVER };
    if (!user->warns_low)
        return true;
    if (!funds_credit(db, user, now, arena, &credit, err))
        return false;
    *ret = warning_low(&credit, user->low_credit);
    return true;
}

/* When to warn, with `user->t_zero` as it will be. */
static bool set_warned(struct db *db, const struct user_row *user, struct instant now,
                       struct arena *arena, struct error *err)
{
    struct warning_low low = { .at = INSTANT_NEVER };
    struct credit credit;

    if (user->warns_low) {
        if (!credit_kept(db, user, now, accrued_keep, arena, &credit, err))
            return false;
        low = warning_low(&credit, user->low_credit);
    }
    struct warning_state warning =
        warning_plan_low(warning_plan(user->warned, user->t_zero, now), &low);
    return user_set_warned(db, user->id, warning.warned, warning.next, err);
}

typedef bool find_zero(struct db *db, const struct user_row *user, struct instant now,
                       struct arena *arena, struct instant *ret_zero, struct error *err);

static bool set_t_zero(struct db *db, int64_t user_id, struct instant now, find_zero *find,
                       struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct instant t_zero = INSTANT_NEVER;
    struct user_row user;
    int64_t running;
    bool has;

    if (!user_lock(db, user_id, err) || !user_load(db, user_id, &arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "there is no user %lld", (long long)user_id);
    if (!contract_count_running(db, user_id, &running, err))
        return false;
    /* Whoever runs nothing has nothing to be stopped. */
    if (running > 0 && !find(db, &user, now, &arena, &t_zero, err))
        return false;
    struct instant before = user.t_zero;
    bool is_moved = instant_compare(t_zero, before) != 0;
    /* Disk alone takes credit below an amount, too; and one that is turned off is forgotten. */
    if (!is_moved && !user.warns_low && (user.warned & 1 << WARNING_LOW) == 0)
        return true;
    user.t_zero = t_zero;
    if ((is_moved && !user_set_t_zero(db, user_id, t_zero, err)) ||
        !set_warned(db, &user, now, &arena, err))
        return false;
    int64_t moved_us = instant_until(earlier(t_zero, before), instant_max(t_zero, before));
    return moved_us < T_ZERO_TOLD_US || funds_tell_hosts(db, user_id, &arena, err);
}

bool funds_set_t_zero(struct db *db, int64_t user_id, struct instant now, struct error *err)
{
    return set_t_zero(db, user_id, now, zero_kept, err);
}

bool funds_set_t_zero_summed(struct db *db, int64_t user_id, struct instant now, struct error *err)
{
    return set_t_zero(db, user_id, now, funds_zero, err);
}

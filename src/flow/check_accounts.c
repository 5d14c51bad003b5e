/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_accounts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/idmap.h"

/* An account beside what its transfers and its holds add up to. */
struct account {
    int64_t id, code, owner, sub;
    unsigned flags;
    struct money debits, credits, pending_debits, pending_credits; /* as kept */
    numerator sum_debits, sum_credits;                             /* as recomputed */
    numerator granted, used, expired;                              /* of promo, by why */
    struct money hold_debits, hold_credits;
};

/* All of them are in memory, so that the transfers need be read once, in the order in which they
 * were written. */
struct check_accounts {
    struct check_run *run;
    struct account *items; /* owned; by id */
    size_t count, capacity;
    struct idmap places; /* of items, by id */
    numerator total_debits, total_credits;
    numerator debit_balance[LEDGER_EQUITY + 1]; /* by kind */
};

/* What is set aside of each, by id. */
struct holds {
    struct audit_stream debits, credits;
};

/* Why given credit came or went. What is charged and then taken back was not used. */
static void sort_promo(struct account *account, int64_t code, numerator credited)
{
    if (code == LEG_GRANTED)
        account->granted += credited;
    else if (code == LEG_EXPIRED)
        account->expired -= credited;
    else if (code / 10 >= COMPONENT_GPU && code / 10 <= COMPONENT_DOWN)
        account->used -= credited;
}

/* One side of a transfer: sign 1 where the account is credited, -1 where it is debited. */
static struct ledger_key add_side(struct check_accounts *accounts, const struct check_leg *leg,
                                  int sign)
{
    int64_t id = sign > 0 ? leg->credit : leg->debit;
    uint32_t place = idmap_find(&accounts->places, id);

    if (place == IDMAP_NONE) {
        check_run_find(accounts->run, "I-2",
                       "transfers belong to account %" PRId64 ", which does not exist", id);
        return (struct ledger_key){ .code = 0 };
    }
    struct account *account = &accounts->items[place];
    *(sign > 0 ? &account->sum_credits : &account->sum_debits) += leg->amount;
    if (account->code == LEDGER_RENTER_PROMO)
        sort_promo(account, leg->code, sign * (numerator)leg->amount);
    return (struct ledger_key){ (enum ledger_code)account->code, account->owner, account->sub };
}

struct leg check_accounts_add(struct check_accounts *accounts, const struct check_leg *leg)
{
    struct ledger_key debit = add_side(accounts, leg, -1);

    return (struct leg){ debit, add_side(accounts, leg, 1), { leg->amount }, (int)leg->code };
}

static void check_promo(struct check_run *run, const struct account *account)
{
    numerator left = account->sum_credits - account->sum_debits;

    if (account->code == LEDGER_RENTER_PROMO &&
        (account->granted != account->used + account->expired + left || account->expired < 0))
        check_run_find(run, "I-18",
                       "renter %" PRId64 " was granted %" PRId64 ", has used %" PRId64
                       ", lost %" PRId64 " and has %" PRId64 " left",
                       account->owner, (int64_t)account->granted, (int64_t)account->used,
                       (int64_t)account->expired, (int64_t)left);
}

static bool sum_holds(struct check_accounts *accounts, struct audit_stream *stream, int64_t id,
                      struct money *ret_sum, struct error *err)
{
    struct audit_row row;
    bool has = false;

    if (!check_run_skip(accounts->run, stream, id, "holds", err))
        return false;
    bool is_read = check_run_take(stream, id, &row, &has, err);
    *ret_sum = (struct money){ has ? row.at[1] : 0 };
    return is_read;
}

static void check_limits(struct check_run *run, const struct account *account)
{
    const struct ledger_account *chart = ledger_account(account->code);
    struct money all_debits, all_credits;

    if (chart == NULL) {
        check_run_find(run, "I-4",
                       "account %" PRId64 " has code %" PRId64 ", which is not in the chart",
                       account->id, account->code);
        return;
    }
    if ((account->flags & ~(unsigned)LEDGER_CLOSED) != chart->flags)
        check_run_find(run, "I-4", "account %" PRId64 " (%s of %" PRId64 ") has flags %u, not %u",
                       account->id, chart->name, account->owner, account->flags, chart->flags);
    if (!money_add(account->debits, account->pending_debits, &all_debits) ||
        !money_add(account->credits, account->pending_credits, &all_credits) ||
        !ledger_is_within_limits(chart->flags & LEDGER_L, all_debits, account->credits) ||
        !ledger_is_within_limits(chart->flags & LEDGER_A, account->debits, all_credits))
        check_run_find(run, "I-4",
                       "account %" PRId64 " (%s of %" PRId64
                       ") is beyond its limit: debits %" PRId64 " and %" PRId64
                       " pending, credits %" PRId64 " and %" PRId64 " pending",
                       account->id, chart->name, account->owner, account->debits.nanodollars,
                       account->pending_debits.nanodollars, account->credits.nanodollars,
                       account->pending_credits.nanodollars);
}

static void check_sums(struct check_run *run, const struct account *account)
{
    bool is_summed = (account->flags & LEDGER_S) != 0;
    numerator debits = is_summed ? 0 : account->sum_debits;
    numerator credits = is_summed ? 0 : account->sum_credits;

    if (account->debits.nanodollars != debits || account->credits.nanodollars != credits)
        check_run_find(run, "I-2",
                       "account %" PRId64 " keeps debits %" PRId64 " and credits %" PRId64
                       ", its transfers say %" PRId64 " and %" PRId64,
                       account->id, account->debits.nanodollars, account->credits.nanodollars,
                       (int64_t)debits, (int64_t)credits);
    struct money held_debits = is_summed ? (struct money){ 0 } : account->hold_debits;
    struct money held_credits = is_summed ? (struct money){ 0 } : account->hold_credits;
    if (money_compare(account->pending_debits, held_debits) != 0 ||
        money_compare(account->pending_credits, held_credits) != 0)
        check_run_find(run, "I-2",
                       "account %" PRId64 " keeps %" PRId64 " and %" PRId64
                       " pending, its open holds say %" PRId64 " and %" PRId64,
                       account->id, account->pending_debits.nanodollars,
                       account->pending_credits.nanodollars, held_debits.nanodollars,
                       held_credits.nanodollars);
}

static bool check_account(struct check_accounts *accounts, struct holds *holds,
                          struct account *account, struct error *err)
{
    const struct ledger_account *chart = ledger_account(account->code);

    if (!sum_holds(accounts, &holds->debits, account->id, &account->hold_debits, err) ||
        !sum_holds(accounts, &holds->credits, account->id, &account->hold_credits, err))
        return false;
    check_limits(accounts->run, account);
    check_sums(accounts->run, account);
    check_promo(accounts->run, account);
    if (account->code == LEDGER_STRIPE || account->code == LEDGER_PAYPAL)
        accounts->run->provider_balance[account->code == LEDGER_PAYPAL] +=
            account->sum_debits - account->sum_credits;
    accounts->total_debits += account->sum_debits;
    accounts->total_credits += account->sum_credits;
    if (chart != NULL)
        accounts->debit_balance[chart->kind] += account->sum_debits - account->sum_credits;
    return true;
}

static void check_totals(struct check_accounts *accounts)
{
    const numerator *debit = accounts->debit_balance;
    numerator left = debit[LEDGER_ASSET] + debit[LEDGER_LIABILITY];
    numerator right = -debit[LEDGER_EQUITY] - debit[LEDGER_INCOME] - debit[LEDGER_EXPENSE];

    if (accounts->total_debits != accounts->total_credits)
        check_run_find(accounts->run, "I-1", "all debits are %" PRId64 ", all credits %" PRId64,
                       (int64_t)accounts->total_debits, (int64_t)accounts->total_credits);
    if (left != right)
        check_run_find(accounts->run, "I-20",
                       "assets less liabilities are %" PRId64
                       ", equity and income less expenses %" PRId64,
                       (int64_t)left, (int64_t)right);
}

static struct account *push(struct check_accounts *accounts)
{
    if (accounts->count == accounts->capacity) {
        accounts->capacity = 2 * accounts->capacity + 1024;
        accounts->items = realloc(accounts->items, accounts->capacity * sizeof *accounts->items);
        if (accounts->items == NULL || accounts->capacity >= IDMAP_NONE)
            abort();
    }
    return &accounts->items[accounts->count++];
}

static bool load(struct check_accounts *accounts, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(accounts->run->db, AUDIT_ACCOUNTS);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        accounts->run->counts.accounts = rows.taken;
        if (row == NULL)
            return true;
        idmap_put(&accounts->places, row->at[0], (uint32_t)accounts->count);
        *push(accounts) = (struct account){
            .id = row->at[0],
            .code = row->at[1],
            .owner = row->at[2],
            .sub = row->at[8],
            .flags = (unsigned)row->at[3],
            .debits = { row->at[4] },
            .credits = { row->at[5] },
            .pending_debits = { row->at[6] },
            .pending_credits = { row->at[7] },
        };
    }
    return false;
}

bool check_accounts_load(struct check_run *run, struct check_accounts **ret, struct error *err)
{
    struct check_accounts *accounts = calloc(1, sizeof *accounts);

    if (accounts == NULL)
        abort();
    accounts->run = run;
    if (!load(accounts, err)) {
        check_accounts_release(&accounts);
        return false;
    }
    *ret = accounts;
    return true;
}

static bool compare_all(struct check_accounts *accounts, struct holds *holds, struct error *err)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (!check_account(accounts, holds, &accounts->items[i], err))
            return false;
    check_totals(accounts);
    return check_run_skip(accounts->run, &holds->debits, INT64_MAX, "holds", err) &&
           check_run_skip(accounts->run, &holds->credits, INT64_MAX, "holds", err);
}

bool check_accounts_compare(struct check_accounts *accounts, struct error *err)
{
    struct holds holds = { .debits = audit_open(accounts->run->db, AUDIT_HOLD_DEBITS),
                           .credits = audit_open(accounts->run->db, AUDIT_HOLD_CREDITS) };
    bool is_read = compare_all(accounts, &holds, err);

    audit_close(&holds.debits);
    audit_close(&holds.credits);
    return is_read;
}

void check_accounts_release(struct check_accounts **accounts)
{
    if (*accounts == NULL)
        return;
    idmap_release(&(*accounts)->places);
    free((*accounts)->items);
    free(*accounts);
    *accounts = NULL;
}

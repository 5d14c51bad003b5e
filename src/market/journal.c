/* SPDX-License-Identifier: Apache-2.0 */
#include "market/journal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf_ints.h"

static const enum ledger_code gross_codes[COMPONENT_COUNT] = {
    LEDGER_GROSS_GPU,
    LEDGER_GROSS_DISK,
    LEDGER_GROSS_UP,
    LEDGER_GROSS_DOWN,
};
static const enum ledger_code fee_codes[COMPONENT_COUNT] = {
    LEDGER_FEE_GPU,
    LEDGER_FEE_DISK,
    LEDGER_FEE_UP,
    LEDGER_FEE_DOWN,
};

/* Four components with a charge, a share and a fee each, and one more charge where a deposit, given
 * credit or bought credit runs out. */
static_assert(JOURNAL_LEGS_MAX >= COMPONENT_COUNT * 3 + 3, "usage must fit");

bool renter_funds_are_valid(const struct renter_funds *funds)
{
    if (funds->promo.nanodollars < 0 || funds->prepaid.nanodollars < 0 ||
        funds->receivable.nanodollars < 0)
        return false;
    if (funds->promo.nanodollars > INT64_MAX - funds->prepaid.nanodollars)
        return false;
    return funds->receivable.nanodollars == 0 ||
           (funds->promo.nanodollars == 0 && funds->prepaid.nanodollars == 0);
}

struct money renter_funds_balance(const struct renter_funds *funds)
{
    assert(renter_funds_are_valid(funds));
    return (struct money){ funds->promo.nanodollars + funds->prepaid.nanodollars -
                           funds->receivable.nanodollars };
}

static struct ledger_key house(enum ledger_code code)
{
    return (struct ledger_key){ .code = code };
}

static struct ledger_key of(enum ledger_code code, int64_t owner_id)
{
    return (struct ledger_key){ .code = code, .owner_id = owner_id };
}

/* Nothing moved is no leg. */
static void add_leg(struct journal *journal, struct leg leg)
{
    assert(leg.amount.nanodollars >= 0);
    if (leg.amount.nanodollars == 0)
        return;
    assert(journal->leg_count < JOURNAL_LEGS_MAX);
    journal->legs[journal->leg_count++] = leg;
}

/* At most `amount` of what is there, taken off both. */
static struct money draw(struct money *fund, struct money *amount)
{
    struct money drawn = money_compare(*fund, *amount) < 0 ? *fund : *amount;

    fund->nanodollars -= drawn.nanodollars;
    amount->nanodollars -= drawn.nanodollars;
    return drawn;
}

/* Given credit first, then bought credit, then debt. False where the debt outgrows money. */
static bool pay(struct journal *journal, int64_t renter_id, struct renter_funds *funds,
                struct leg leg)
{
    struct money due = leg.amount;

    leg.debit = of(LEDGER_RENTER_PROMO, renter_id);
    leg.amount = draw(&funds->promo, &due);
    add_leg(journal, leg);
    leg.debit = of(LEDGER_RENTER_PREPAID, renter_id);
    leg.amount = draw(&funds->prepaid, &due);
    add_leg(journal, leg);
    leg.debit = of(LEDGER_RENTER_RECEIVABLE, renter_id);
    leg.amount = due;
    add_leg(journal, leg);
    return money_add(funds->receivable, due, &funds->receivable);
}

struct money journal_usage_drawn(const struct journal_usage *usage)
{
    int64_t left = usage->deposit.nanodollars;

    for (int i = 0; i < COMPONENT_DISK; i++)
        left -=
            usage->charges[i].gross.nanodollars < left ? usage->charges[i].gross.nanodollars : left;
    return (struct money){ usage->deposit.nanodollars - left };
}

/* What was paid ahead for GPU time and disk. Returns what is left to pay. */
static struct money pay_ahead(struct journal *journal, const struct journal_usage *usage,
                              struct money *deposit, struct leg leg)
{
    struct money due = leg.amount;

    leg.debit = (struct ledger_key){ LEDGER_RENTER_RESERVED, usage->renter_id, usage->contract_id };
    leg.amount = draw(deposit, &due);
    add_leg(journal, leg);
    return due;
}

enum journal_outcome journal_usage(const struct journal_usage *usage,
                                   const struct renter_funds *funds, struct journal *ret_journal,
                                   struct renter_funds *ret_after)
{
    struct renter_funds after = *funds;
    struct money deposit = usage->deposit;
    struct journal journal = {
        .kind = JOURNAL_USAGE,
        .ref_kind = JOURNAL_REF_CONTRACT,
        .ref_id = usage->contract_id,
        .occurred = usage->occurred,
    };

    assert(renter_funds_are_valid(funds) && deposit.nanodollars >= 0);
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        const struct meter_charge *charge = &usage->charges[i];
        struct ledger_key control = house(gross_codes[i]);
        int code = 10 * (i + 1);

        assert(charge->gross.nanodollars == charge->host.nanodollars + charge->fee.nanodollars);
        struct leg leg = { { 0 }, control, charge->gross, code + LEG_CHARGE };
        if (i < COMPONENT_DISK)
            leg.amount = pay_ahead(&journal, usage, &deposit, leg);
        if (!pay(&journal, usage->renter_id, &after, leg))
            return JOURNAL_TOO_LARGE;
        add_leg(&journal, (struct leg){ control, of(LEDGER_HOST_ACCRUED, usage->host_id),
                                        charge->host, code + LEG_HOST_SHARE });
        add_leg(&journal,
                (struct leg){ control, house(fee_codes[i]), charge->fee, code + LEG_FEE });
    }
    if (journal.leg_count == 0)
        return JOURNAL_EMPTY;

    (void)snprintf(journal.key, sizeof journal.key, "use:%" PRId64 ":%" PRId64, usage->contract_id,
                   usage->number);
    assert(journal_is_balanced(&journal));
    *ret_journal = journal;
    *ret_after = after;
    return JOURNAL_BUILT;
}

/* Settle the debt, and put the rest into `fund`. False where that outgrows money. */
static bool settle(struct journal *journal, struct renter_funds *funds, struct money *fund,
                   struct leg leg)
{
    struct ledger_key rest = leg.credit;
    struct money due = leg.amount;

    leg.credit.code = LEDGER_RENTER_RECEIVABLE;
    leg.amount = draw(&funds->receivable, &due);
    add_leg(journal, leg);
    leg.credit = rest;
    leg.amount = due;
    add_leg(journal, leg);
    return money_add(*fund, due, fund) && renter_funds_are_valid(funds);
}

static struct journal credit_journal(const struct journal_credit *credit, enum journal_kind kind)
{
    struct journal journal = {
        .kind = kind,
        .ref_kind = credit->ref_kind,
        .ref_id = credit->ref_id,
        .occurred = credit->occurred,
    };
    int length = snprintf(journal.key, sizeof journal.key, "%s", credit->key);

    assert(length > 0 && length < JOURNAL_KEY_SIZE);
    assert(credit->amount.nanodollars >= 0);
    return journal;
}

enum journal_outcome journal_deposit(const struct journal_credit *credit,
                                     const struct renter_funds *funds, struct journal *ret_journal,
                                     struct renter_funds *ret_after)
{
    struct renter_funds after = *funds;
    struct journal journal = credit_journal(credit, JOURNAL_DEPOSIT);
    struct ledger_key control = house(LEDGER_DEPOSITS);

    assert(renter_funds_are_valid(funds));
    assert(ledger_account(credit->from)->kind == LEDGER_ASSET || credit->from == LEDGER_SUSPENSE);
    assert(credit->fee.nanodollars >= 0);
    if (credit->amount.nanodollars == 0)
        return JOURNAL_EMPTY;
    add_leg(&journal, (struct leg){ house(credit->from), control, credit->amount, LEG_DEPOSIT });
    add_leg(&journal, (struct leg){ house(LEDGER_PROVIDER_FEES), house(credit->from), credit->fee,
                                    LEG_PROVIDER_FEE });
    if (!settle(&journal, &after, &after.prepaid,
                (struct leg){ control, of(LEDGER_RENTER_PREPAID, credit->renter_id), credit->amount,
                              LEG_CREDITED }))
        return JOURNAL_TOO_LARGE;

    assert(journal_is_balanced(&journal));
    *ret_journal = journal;
    *ret_after = after;
    return JOURNAL_BUILT;
}

enum journal_outcome journal_promo(const struct journal_credit *credit,
                                   const struct renter_funds *funds, struct journal *ret_journal,
                                   struct renter_funds *ret_after)
{
    struct renter_funds after = *funds;
    struct journal journal = credit_journal(credit, JOURNAL_PROMO);

    assert(renter_funds_are_valid(funds));
    assert(ledger_account(credit->from)->kind == LEDGER_EXPENSE);
    if (credit->amount.nanodollars == 0)
        return JOURNAL_EMPTY;
    if (!settle(&journal, &after, &after.promo,
                (struct leg){ house(credit->from), of(LEDGER_RENTER_PROMO, credit->renter_id),
                              credit->amount, LEG_GRANTED }))
        return JOURNAL_TOO_LARGE;

    assert(journal_is_balanced(&journal));
    *ret_journal = journal;
    *ret_after = after;
    return JOURNAL_BUILT;
}

enum journal_outcome journal_moves(const struct journal_moves *moves, struct journal *ret_journal)
{
    struct journal journal = {
        .kind = moves->kind,
        .ref_kind = moves->ref_kind,
        .ref_id = moves->ref_id,
        .occurred = moves->occurred,
    };
    int length = snprintf(journal.key, sizeof journal.key, "%s", moves->key);

    assert(length > 0 && length < JOURNAL_KEY_SIZE);
    assert(moves->leg_count <= JOURNAL_LEGS_MAX);
    for (size_t i = 0; i < moves->leg_count; i++)
        add_leg(&journal, moves->legs[i]);
    if (journal.leg_count == 0)
        return JOURNAL_EMPTY;
    assert(journal_is_balanced(&journal));
    *ret_journal = journal;
    return JOURNAL_BUILT;
}

/* What went into the account less what came out of it. */
static numerator net(const struct journal *journal, enum ledger_code code)
{
    numerator sum = 0;

    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];

        sum += leg->credit.code == code ? leg->amount.nanodollars : 0;
        sum -= leg->debit.code == code ? leg->amount.nanodollars : 0;
    }
    return sum;
}

bool journal_is_balanced(const struct journal *journal)
{
    enum ledger_code settled = 0; /* a control account that is known to be at zero */

    if (journal->leg_count == 0 || journal->leg_count > JOURNAL_LEGS_MAX)
        return false;
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];
        const struct ledger_account *debit = ledger_account(leg->debit.code);
        const struct ledger_account *credit = ledger_account(leg->credit.code);

        if (leg->amount.nanodollars <= 0 || ledger_key_equals(leg->debit, leg->credit))
            return false;
        if (debit == NULL || credit == NULL)
            return false;
        if (debit->kind == LEDGER_CONTROL && debit->code != settled) {
            if (net(journal, debit->code) != 0)
                return false;
            settled = debit->code;
        }
        if (credit->kind == LEDGER_CONTROL && credit->code != settled) {
            if (net(journal, credit->code) != 0)
                return false;
            settled = credit->code;
        }
    }
    return true;
}

/* By why they are there and between whom: which of a renter's accounts paid is left out. */
static int leg_compare(const struct leg *a, const struct leg *b)
{
    const int64_t keys[][2] = {
        { a->code, b->code },
        { a->debit.owner_id, b->debit.owner_id },
        { a->debit.sub_id, b->debit.sub_id },
        { a->credit.owner_id, b->credit.owner_id },
        { a->credit.sub_id, b->credit.sub_id },
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    }
    return 0;
}

/* Put `leg` where it belongs in the sorted `legs`, or add it to the one that is like it. */
static size_t merge_leg(struct leg *legs, size_t count, const struct leg *leg)
{
    size_t at = 0;

    while (at < count && leg_compare(&legs[at], leg) < 0)
        at++;
    if (at < count && leg_compare(&legs[at], leg) == 0 &&
        money_add(legs[at].amount, leg->amount, &legs[at].amount))
        return count;
    memmove(&legs[at + 1], &legs[at], (count - at) * sizeof legs[0]);
    legs[at] = *leg;
    return count + 1;
}

/* How a charge was paid is left out: a deposit's account alone has a name of its own. */
static struct leg as_asked(struct leg leg)
{
    if (leg.debit.code == LEDGER_RENTER_RESERVED && leg.code < LEG_DEPOSIT)
        leg.debit.sub_id = 0;
    return leg;
}

void journal_body(struct buf *out, const struct journal *journal)
{
    static const char head[] = "berth journal 1\n";
    struct leg legs[JOURNAL_LEGS_MAX];
    size_t count = 0;

    assert(journal->leg_count <= JOURNAL_LEGS_MAX);
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg leg = as_asked(journal->legs[i]);

        count = merge_leg(legs, count, &leg);
    }

    buf_append(out, head, sizeof head - 1);
    buf_ints(
        out,
        (const int64_t[]){ journal->kind, journal->ref_kind, journal->ref_id, journal->corrects },
        "   \n");
    for (size_t i = 0; i < count; i++) {
        const struct leg *leg = &legs[i];

        buf_ints(out,
                 (const int64_t[]){ leg->code, leg->debit.owner_id, leg->debit.sub_id,
                                    leg->credit.owner_id, leg->credit.sub_id,
                                    leg->amount.nanodollars },
                 " . . \n");
    }
}

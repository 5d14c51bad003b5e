/* SPDX-License-Identifier: Apache-2.0 */
#include "market/refund.h"

#include <assert.h>

numerator refund_numerator(const struct refund *refund)
{
    assert(meter_rate_is_valid(refund->rate));
    assert(refund->quantity >= 0 && refund->quantity <= METER_QUANTITY_MAX && refund->used >= 0);
    return (numerator)refund->rate.nanodollars * refund->quantity * refund->used;
}

/* C rounds to zero; carries need the number below. */
static numerator floor_divide(numerator value, int64_t by)
{
    return value >= 0 ? value / by : -((-value + by - 1) / by);
}

enum refund_outcome refund_meter(const struct meter *meter, const struct refund *refund,
                                 struct meter *ret_next, struct meter_charge *ret_back)
{
    assert(meter_is_valid(meter));
    assert(meter->posted_total == meter->total);

    int64_t denominator = component_denominator(meter->component);
    numerator left = meter->remainder - refund_numerator(refund);
    numerator gross = floor_divide(left, denominator);
    if (meter->gross_posted.nanodollars + gross < 0)
        return REFUND_TOO_MUCH;

    /* Not below -2^63 now, times 10^4: it fits. */
    numerator share = gross * (FEE_BPS_MAX - meter->fee_bps) + meter->fee_remainder;
    numerator host = floor_divide(share, FEE_BPS_MAX);

    *ret_back = (struct meter_charge){
        .gross = { (int64_t)-gross },
        .host = { (int64_t)-host },
        .fee = { (int64_t)(host - gross) },
    };
    struct meter next = *meter;
    next.remainder = (int64_t)(left - gross * denominator);
    next.fee_remainder = (int64_t)(share - host * FEE_BPS_MAX);
    next.gross_posted.nanodollars += (int64_t)gross;
    next.host_posted.nanodollars += (int64_t)host;
    *ret_next = next;
    return REFUND_OK;
}

static struct money least(struct money a, struct money b)
{
    return money_compare(a, b) < 0 ? a : b;
}

static struct money less(struct money a, struct money b)
{
    return (struct money){ a.nanodollars - b.nanodollars };
}

static struct ledger_key of(enum ledger_code code, int64_t owner_id)
{
    return (struct ledger_key){ .code = code, .owner_id = owner_id };
}

enum journal_outcome refund_journal(const struct refund_event *event,
                                    const struct renter_funds *funds, struct journal *ret_journal,
                                    struct money *ret_accrued)
{
    int code = 10 * (int)event->component;
    enum component component = event->component;
    struct ledger_key control = of(LEDGER_GROSS_GPU + 10 * (component - COMPONENT_GPU), 0);
    struct ledger_key fees = of(LEDGER_FEE_GPU + 10 * (component - COMPONENT_GPU), 0);
    struct money pending = { event->pending.nanodollars > 0 ? event->pending.nanodollars : 0 };
    struct money accrued = least(event->back.host, pending);
    struct money debt = least(funds->receivable, event->back.gross);
    struct money left = less(event->back.gross, debt);
    /* What settles a debt was not paid from given credit either. */
    struct money bought = { event->paid_bought.nanodollars - debt.nanodollars };
    bought = least(left, bought.nanodollars > 0 ? bought : (struct money){ 0 });
    struct leg legs[] = {
        { of(LEDGER_HOST_ACCRUED, event->host_id), control, accrued, code + LEG_HOST_BACK },
        { of(LEDGER_HOST_RECEIVABLE, event->host_id), control, less(event->back.host, accrued),
          code + LEG_HOST_BACK },
        { fees, control, event->back.fee, code + LEG_FEE_BACK },
        { control, of(LEDGER_RENTER_RECEIVABLE, event->renter_id), debt, code + LEG_BACK },
        { control, of(LEDGER_RENTER_PREPAID, event->renter_id), bought, code + LEG_BACK },
        { control, of(LEDGER_RENTER_PROMO, event->renter_id), less(left, bought), code + LEG_BACK },
    };
    struct journal_moves moves = { .key = event->key,
                                   .kind = JOURNAL_CORRECTION,
                                   .ref_kind = JOURNAL_REF_CONTRACT,
                                   .ref_id = event->contract_id,
                                   .occurred = event->occurred,
                                   .legs = legs,
                                   .leg_count = sizeof legs / sizeof legs[0] };

    assert(renter_funds_are_valid(funds));
    assert(event->back.gross.nanodollars ==
           event->back.host.nanodollars + event->back.fee.nanodollars);
    enum journal_outcome outcome = journal_moves(&moves, ret_journal);
    if (outcome == JOURNAL_BUILT)
        *ret_accrued = accrued;
    return outcome;
}

enum journal_outcome refund_downtime(const struct refund_event *event, struct money amount,
                                     const struct renter_funds *funds, struct journal *ret_journal,
                                     struct money *ret_given)
{
    struct ledger_key host = of(LEDGER_HOST_ACCRUED, event->host_id);
    struct money pending = { event->pending.nanodollars > 0 ? event->pending.nanodollars : 0 };
    struct money given = least(amount, pending);
    struct money debt = least(funds->receivable, given);
    struct leg legs[] = {
        { host, of(LEDGER_RENTER_RECEIVABLE, event->renter_id), debt, LEG_GRANTED },
        { host, of(LEDGER_RENTER_PROMO, event->renter_id), less(given, debt), LEG_GRANTED },
    };
    struct journal_moves moves = { .key = event->key,
                                   .kind = JOURNAL_PROMO,
                                   .ref_kind = JOURNAL_REF_CONTRACT,
                                   .ref_id = event->contract_id,
                                   .occurred = event->occurred,
                                   .legs = legs,
                                   .leg_count = 2 };

    assert(amount.nanodollars >= 0);
    enum journal_outcome outcome = journal_moves(&moves, ret_journal);
    if (outcome == JOURNAL_BUILT)
        *ret_given = given;
    return outcome;
}

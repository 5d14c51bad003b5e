/* SPDX-License-Identifier: Apache-2.0 */
#include "market/reserved.h"

#include <assert.h>

/* 20 % for a month, 30 % for three, 40 % for six; straight lines between them. */
static const struct {
    int64_t hours, discount_ppm;
} steps[] = {
    { 0, 0 },
    { 1 * RESERVED_MONTH_HOURS, 200000 },
    { 3 * RESERVED_MONTH_HOURS, 300000 },
    { 6 * RESERVED_MONTH_HOURS, 400000 },
};
enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t reserved_most_ppm(int64_t max_ppm)
{
    assert(max_ppm >= 0 && max_ppm <= RESERVED_PPM);
    return least(max_ppm, steps[STEP_COUNT - 1].discount_ppm);
}

int64_t reserved_discount_ppm(int64_t hours, int64_t max_ppm)
{
    assert(hours >= 0);
    for (size_t i = 1; i < STEP_COUNT; i++) {
        int64_t wide = steps[i].hours - steps[i - 1].hours;
        int64_t high = steps[i].discount_ppm - steps[i - 1].discount_ppm;

        if (hours < steps[i].hours)
            return least(steps[i - 1].discount_ppm + high * (hours - steps[i - 1].hours) / wide,
                         reserved_most_ppm(max_ppm));
    }
    return reserved_most_ppm(max_ppm);
}

struct money reserved_rate(struct money rate, int64_t discount_ppm)
{
    assert(meter_rate_is_valid(rate));
    assert(discount_ppm >= 0 && discount_ppm <= RESERVED_PPM);
    numerator part = (numerator)rate.nanodollars * (RESERVED_PPM - discount_ppm);

    return (struct money){ (int64_t)((part + RESERVED_PPM - 1) / RESERVED_PPM) };
}

/* Of an hour, times RESERVED_MONTH_HOURS: below 1e13 * 720 + 1e13 * 1e6. */
static numerator month_cost(const struct reserved_list *list, int64_t discount_ppm)
{
    struct money gpu = reserved_rate(list->gpu_hour, discount_ppm);
    struct money disk = reserved_rate(list->disk_month, discount_ppm);

    assert(list->disk_gb >= 0 && list->disk_gb <= METER_QUANTITY_MAX);
    return (numerator)gpu.nanodollars * RESERVED_MONTH_HOURS +
           (numerator)disk.nanodollars * list->disk_gb;
}

struct money reserved_cost(const struct reserved_list *list, int64_t hours, int64_t discount_ppm)
{
    assert(hours >= 0 && hours <= RESERVED_HOURS_MAX);
    numerator cost =
        (month_cost(list, discount_ppm) * hours + RESERVED_MONTH_HOURS - 1) / RESERVED_MONTH_HOURS;

    return (struct money){ cost > INT64_MAX ? INT64_MAX : (int64_t)cost };
}

static struct money cost_planned(const struct reserved_list *list, int64_t hours, int64_t max_ppm)
{
    return reserved_cost(list, hours, reserved_discount_ppm(hours, max_ppm));
}

enum reserved_outcome reserved_plan(const struct reserved_list *list, struct money amount,
                                    int64_t hours_max, int64_t max_ppm, struct reserved_plan *ret,
                                    struct money *ret_most)
{
    int64_t covered = 0, beyond = least(hours_max, RESERVED_HOURS_MAX);

    assert(hours_max >= 0 && amount.nanodollars >= 0);
    if (month_cost(list, 0) == 0)
        return RESERVED_FREE;
    struct money most = cost_planned(list, beyond, max_ppm);
    if (money_compare(amount, most) > 0) {
        *ret_most = most;
        return RESERVED_TOO_MUCH;
    }
    /* The discount grows more slowly than the time, so more hours always cost more: `covered` can
     * be paid, `beyond` + 1 cannot or may not be. */
    while (covered < beyond) {
        int64_t middle = covered + (beyond - covered + 1) / 2;

        if (money_compare(cost_planned(list, middle, max_ppm), amount) <= 0)
            covered = middle;
        else
            beyond = middle - 1;
    }
    if (covered == 0)
        return RESERVED_TOO_LITTLE;
    int64_t discount_ppm = reserved_discount_ppm(covered, max_ppm);
    numerator month = month_cost(list, discount_ppm);
    *ret = (struct reserved_plan){
        .hours = covered,
        /* At most a year is covered; and what costs something costs something at any discount. */
        .months_ppm = (int64_t)((numerator)amount.nanodollars * RESERVED_PPM / month),
        .discount_ppm = discount_ppm,
    };
    return RESERVED_OK;
}

struct money reserved_given(enum component component, struct money list,
                            const struct meter_epoch *epochs, size_t count, int64_t from_total,
                            int64_t total)
{
    numerator sum = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t until = epochs[i].to_total < 0 ? total : epochs[i].to_total;
        int64_t from = epochs[i].from_total > from_total ? epochs[i].from_total : from_total;
        int64_t less = list.nanodollars - epochs[i].rate.nanodollars;

        if (until > from && less > 0)
            sum += (numerator)less * epochs[i].quantity * (until - from);
    }
    sum /= component_denominator(component);
    return (struct money){ sum > INT64_MAX ? INT64_MAX : (int64_t)sum };
}

struct reserved_end reserved_end(struct money left, const struct money given[static 2],
                                 bool is_whole, int64_t fee_bps)
{
    struct reserved_end end = { .back = left };

    assert(left.nanodollars >= 0 && fee_bps >= 0 && fee_bps <= FEE_BPS_MAX);
    for (size_t i = 0; i < 2 && !is_whole; i++) {
        assert(given[i].nanodollars >= 0);
        int64_t kept = least(end.back.nanodollars, given[i].nanodollars);
        int64_t host = (int64_t)((numerator)kept * (FEE_BPS_MAX - fee_bps) / FEE_BPS_MAX);

        end.kept[i] = (struct meter_charge){ { kept }, { host }, { kept - host } };
        end.back.nanodollars -= kept;
    }
    return end;
}

static struct ledger_key of(enum ledger_code code, int64_t owner_id)
{
    return (struct ledger_key){ .code = code, .owner_id = owner_id };
}

static struct ledger_key deposit_of(const struct reserved_event *event)
{
    return (struct ledger_key){ LEDGER_RENTER_RESERVED, event->renter_id, event->contract_id };
}

static struct journal_moves moves_of(const struct reserved_event *event, const struct leg *legs,
                                     size_t count)
{
    return (struct journal_moves){ .key = event->key,
                                   .kind = JOURNAL_RESERVATION,
                                   .ref_kind = JOURNAL_REF_CONTRACT,
                                   .ref_id = event->contract_id,
                                   .occurred = event->occurred,
                                   .legs = legs,
                                   .leg_count = count };
}

enum journal_outcome reserved_journal_pay(const struct reserved_event *event, struct money amount,
                                          struct journal *ret_journal)
{
    const struct leg leg = { of(LEDGER_RENTER_PREPAID, event->renter_id), deposit_of(event), amount,
                             LEG_RESERVED };
    const struct journal_moves moves = moves_of(event, &leg, 1);

    return journal_moves(&moves, ret_journal);
}

enum journal_outcome reserved_journal_end(const struct reserved_event *event,
                                          const struct reserved_end *end,
                                          const struct renter_funds *funds,
                                          struct journal *ret_journal)
{
    const struct ledger_key deposit = deposit_of(event);
    const struct ledger_key host = of(LEDGER_HOST_ACCRUED, event->host_id);
    const struct meter_charge *gpu = &end->kept[0], *disk = &end->kept[1];
    int64_t back = end->back.nanodollars;
    int64_t debt = least(funds->receivable.nanodollars, back);
    const struct leg legs[] = {
        { deposit, of(LEDGER_GROSS_GPU, 0), gpu->gross, LEG_KEPT },
        { of(LEDGER_GROSS_GPU, 0), host, gpu->host, LEG_KEPT_SHARE },
        { of(LEDGER_GROSS_GPU, 0), of(LEDGER_FEE_GPU, 0), gpu->fee, LEG_KEPT_FEE },
        { deposit, of(LEDGER_GROSS_DISK, 0), disk->gross, LEG_KEPT },
        { of(LEDGER_GROSS_DISK, 0), host, disk->host, LEG_KEPT_SHARE },
        { of(LEDGER_GROSS_DISK, 0), of(LEDGER_FEE_DISK, 0), disk->fee, LEG_KEPT_FEE },
        { deposit, of(LEDGER_RENTER_RECEIVABLE, event->renter_id), { debt }, LEG_UNRESERVED },
        { deposit, of(LEDGER_RENTER_PREPAID, event->renter_id), { back - debt }, LEG_UNRESERVED },
    };
    const struct journal_moves moves = moves_of(event, legs, sizeof legs / sizeof legs[0]);

    assert(renter_funds_are_valid(funds));
    return journal_moves(&moves, ret_journal);
}

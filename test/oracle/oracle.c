/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the meters, counters and credit of market/ on what test/oracle/oracle.py asks for, line by
 * line, and says what came of it. Both draw the same random ticks from the same generator; nothing
 * else is shared. After every posting all that a meter holds goes into a digest, so one line stands
 * for millions of comparisons. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "market/credit.h"
#include "market/journal.h"
#include "market/meter.h"
#include "market/refund.h"
#include "market/traffic.h"

enum { METERS_MAX = 64 };

static uint64_t state;

static uint64_t draw(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state;
}

static int64_t take(void)
{
    int64_t value;

    if (scanf("%" SCNd64, &value) != 1)
        exit(3);
    return value;
}

static struct money take_money(void)
{
    return (struct money){ take() };
}

static void must(bool is_true)
{
    if (!is_true)
        exit(4);
}

static uint64_t mix(uint64_t digest, const struct meter *meter)
{
    return digest * UINT64_C(11400714819323198485) + (uint64_t)meter->gross_posted.nanodollars +
           3 * (uint64_t)meter->host_posted.nanodollars + 5 * (uint64_t)meter->remainder +
           7 * (uint64_t)meter->fee_remainder;
}

static void say(uint64_t digest, const struct meter *meter)
{
    printf("%" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", digest, meter->total,
           meter->gross_posted.nanodollars, meter->host_posted.nanodollars);
    (void)fflush(stdout);
}

struct schedule {
    uint64_t step, post_mask, price_mask, refund_mask, rate_max;
};

/* One posting, and sometimes a refund of part of it, and a new price. */
static void post(struct meter *meter, const struct schedule *schedule, uint64_t dice)
{
    struct meter_charge charge;
    int64_t used = meter->total - meter->posted_total;

    must(meter_post(meter, meter, &charge) == METER_OK);
    if ((dice & schedule->refund_mask) == schedule->refund_mask) {
        struct refund refund = { meter->rate, meter->quantity, used - used / 3 };

        must(refund_meter(meter, &refund, meter, &charge) == REFUND_OK);
    }
    if ((dice & schedule->price_mask) == 0)
        *meter =
            meter_reprice(meter, (struct money){ (int64_t)((state >> 16) % schedule->rate_max) });
}

/* m COMPONENT RATE QUANTITY FEE SEED TICKS STEP POST_MASK PRICE_MASK REFUND_MASK RATE_MAX */
static void run_meter(void)
{
    enum component component = (enum component)take();
    struct money rate = take_money();
    int64_t quantity = take();
    struct meter meter = meter_open(component, rate, quantity, take());
    uint64_t digest = 0;

    state = (uint64_t)take();
    int64_t ticks = take();
    struct schedule schedule = { .step = (uint64_t)take() };
    schedule.post_mask = (uint64_t)take();
    schedule.price_mask = (uint64_t)take();
    schedule.refund_mask = (uint64_t)take();
    schedule.rate_max = (uint64_t)take();
    for (int64_t i = 0; i < ticks; i++) {
        uint64_t x = draw(), dice = (x >> 20) & 4095;

        must(meter_advance(&meter, meter.total + (int64_t)((x >> 32) % schedule.step)) == METER_OK);
        if ((dice & schedule.post_mask) != 0)
            continue;
        post(&meter, &schedule, dice);
        digest = mix(digest, &meter);
    }
    say(digest, &meter);
}

/* A counter as hosts report it: it grows, is told twice, is told late, begins again. */
static struct traffic_counter report(struct traffic_counter *real, uint64_t x, uint64_t step)
{
    struct traffic_counter told = *real;

    switch ((x >> 20) & 31) {
    case 0: /* the same again */
        return told;
    case 1: /* an old one */
        told.bytes = told.bytes > 7 ? told.bytes - 7 : 0;
        return told;
    case 2: /* from before the last restart */
        told.epoch = told.epoch > 0 ? told.epoch - 1 : 0;
        return told;
    case 3: /* the counter begins again */
        *real = (struct traffic_counter){ real->epoch + 1, (int64_t)((x >> 32) % step) };
        return *real;
    default:
        real->bytes += (int64_t)((x >> 32) % step);
        return *real;
    }
}

/* t RATE FEE SEED TICKS STEP POST_MASK LINK */
static void run_traffic(void)
{
    struct money rate = take_money();
    struct meter meter = meter_open(COMPONENT_UP, rate, 1, take());
    struct traffic_counter real = { 0 }, last = { 0 };
    struct meter_charge charge;
    uint64_t digest = 0;

    state = (uint64_t)take();
    int64_t ticks = take();
    uint64_t step = (uint64_t)take(), post_mask = (uint64_t)take();
    int64_t link = take();
    for (int64_t i = 0; i < ticks; i++) {
        uint64_t x = draw();
        struct traffic_counter told = report(&real, x, step);
        int64_t elapsed_us = (int64_t)((x >> 8) % 10000000);
        struct traffic_step done = traffic_read(last, told, traffic_cap(link, elapsed_us));

        last = done.next;
        must(meter_advance(&meter, meter.total + done.charged) == METER_OK);
        digest = digest * 31 + (uint64_t)done.over + done.is_rewound;
        if (((x >> 25) & post_mask) != 0)
            continue;
        must(meter_post(&meter, &meter, &charge) == METER_OK);
        digest = mix(digest, &meter);
    }
    say(digest, &meter);
}

/* z POSTED LIMIT PROBE COUNT, and for each: COMPONENT RATE QUANTITY POSTED UNPOSTED SINCE (-1:
 * stands still), all as of 0 */
static void run_zero(void)
{
    struct money posted = take_money(), limit = take_money();
    int64_t probe = take(), count = take();
    struct credit credit = credit_open(posted, limit, (struct instant){ 0 });
    struct instant zero = { -1 };

    for (int64_t i = 0; i < count; i++) {
        enum component component = (enum component)take();
        struct money rate = take_money();
        int64_t quantity = take();
        struct meter meter = meter_open(component, rate, quantity, FEE_BPS_DEFAULT);
        struct meter_charge charge;

        must(meter_advance(&meter, take()) == METER_OK);
        must(meter_post(&meter, &meter, &charge) == METER_OK);
        must(meter_advance(&meter, meter.total + take()) == METER_OK);
        int64_t since_us = take();
        struct instant since = { -since_us };
        credit_add(&credit, &meter, since_us < 0 ? NULL : &since);
    }
    if (!credit_zero(&credit, &zero))
        zero.microseconds = -1;
    printf("%" PRId64 " %" PRId64 "\n", zero.microseconds,
           credit_available(&credit, (struct instant){ probe }).nanodollars);
    (void)fflush(stdout);
}

struct month {
    struct meter meters[COMPONENT_COUNT];
    struct renter_funds funds;
    bool runs;
    int64_t now, number;
    numerator host, fee;
};

static void charge(struct month *month)
{
    struct journal_usage usage = { .contract_id = 1, .renter_id = 2, .host_id = 3 };
    struct journal journal;

    usage.number = ++month->number;
    for (int i = 0; i < COMPONENT_COUNT; i++)
        must(meter_post(&month->meters[i], &month->meters[i], &usage.charges[i]) == METER_OK);
    if (journal_usage(&usage, &month->funds, &journal, &month->funds) == JOURNAL_EMPTY)
        return;
    for (size_t i = 0; i < journal.leg_count; i++) {
        const struct leg *leg = &journal.legs[i];

        month->host += leg->credit.code == LEDGER_HOST_ACCRUED ? leg->amount.nanodollars : 0;
        month->fee += leg->code % 10 == LEG_FEE ? leg->amount.nanodollars : 0;
    }
}

/* Time goes on: bytes come and go in proportion. */
static void pass(struct month *month, int64_t until)
{
    int64_t span = until - month->now;
    static const int64_t up_per_ms = 37, down_per_ms = 911;

    month->meters[0].total += month->runs ? span : 0;
    month->meters[1].total += span;
    month->meters[2].total = until / 1000 * up_per_ms;
    month->meters[3].total = until / 1000 * down_per_ms;
    month->now = until;
}

static void happen(struct month *month, int64_t kind, struct money amount)
{
    struct journal_credit credit = { .key = "x", .renter_id = 2, .amount = amount };
    struct journal journal;

    charge(month);
    if (kind == 0)
        month->runs = !month->runs;
    if (kind == 1)
        month->meters[0] = meter_reprice(&month->meters[0], amount);
    credit.from = kind == 2 ? LEDGER_STRIPE : LEDGER_PROMO_GRANTED;
    if (kind == 2)
        must(journal_deposit(&credit, &month->funds, &journal, &month->funds) == JOURNAL_BUILT);
    if (kind == 3)
        must(journal_promo(&credit, &month->funds, &journal, &month->funds) == JOURNAL_BUILT);
}

/* w END INTERVAL GPU DISK GB UP DOWN FEE COUNT, and for each event, by time: AT KIND AMOUNT */
static void run_month(void)
{
    int64_t end = take(), interval = take();
    struct money rates[COMPONENT_COUNT];
    struct month month = { .runs = true };

    rates[0] = take_money();
    rates[1] = take_money();
    int64_t disk_gb = take();
    rates[2] = take_money();
    rates[3] = take_money();
    int64_t fee_bps = take(), count = take();
    for (int i = 0; i < COMPONENT_COUNT; i++)
        month.meters[i] =
            meter_open((enum component)(i + 1), rates[i], i == 1 ? disk_gb : 1, fee_bps);
    for (int64_t i = 0; i <= count; i++) {
        int64_t at = i < count ? take() : end;

        for (int64_t next = (month.now / interval + 1) * interval; next < at; next += interval) {
            pass(&month, next);
            charge(&month);
        }
        pass(&month, at);
        if (i < count) {
            int64_t kind = take();
            happen(&month, kind, take_money());
        }
    }
    charge(&month);
    for (int i = 0; i < COMPONENT_COUNT; i++)
        printf("%" PRId64 " %" PRId64 " ", month.meters[i].gross_posted.nanodollars,
               month.meters[i].host_posted.nanodollars);
    printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
           month.funds.promo.nanodollars, month.funds.prepaid.nanodollars,
           month.funds.receivable.nanodollars, (int64_t)month.host, (int64_t)month.fee);
    (void)fflush(stdout);
}

int main(void)
{
    int kind;

    while ((kind = getchar()) != EOF) {
        if (kind == 'm')
            run_meter();
        else if (kind == 't')
            run_traffic();
        else if (kind == 'z')
            run_zero();
        else if (kind == 'w')
            run_month();
        else if (kind != '\n')
            return 2;
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "flow/change.h"
#include "flow/limits.h"
#include "flow/pay_out.h"
#include "flow/post_usage.h"
#include "flow/usage.h"
#include "market/billing.h"
#include "store/host_invoice.h"
#include "store/ledger.h"
#include "store/payout.h"
#include "store/user.h"

struct bill_work {
    const struct flow *flow;
    struct instant now, cut;
    int64_t host_id;
    size_t count;
    int64_t ids[BILL_HOSTS_MAX];
    const int64_t *batch; /* of them, that one transaction is for */
    size_t batch_count;
    bool were_due; /* nobody else has billed any of the batch meanwhile */
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;

    return host_invoice_due(db, work->cut, work->ids, BILL_HOSTS_MAX, &work->count, err);
}

/* Everything that ran on the host's machines before the cut is in the books after this. */
static bool post_all(struct db *db, const struct bill_work *work, struct arena *arena,
                     struct error *err)
{
    int64_t *machines;
    size_t machine_count;

    if (!host_invoice_machines(db, work->host_id, arena, &machines, &machine_count, err))
        return false;
    for (size_t i = 0; i < machine_count; i++)
        if (!machine_lock(db, machines[i], err))
            return false;
    for (size_t i = 0; i < machine_count; i++) {
        struct change change;
        int64_t *contracts;
        size_t count;
        bool has;

        if (!change_begin(&change, db, machines[i], work->now, arena, &has, err) ||
            !host_invoice_unposted(db, machines[i], work->cut, arena, &contracts, &count, err))
            return false;
        for (size_t k = 0; k < count; k++)
            if (!post_usage_of(&change, contracts[k], err))
                return false;
        if (!change_end(&change, err))
            return false;
    }
    return user_lock(db, work->host_id, err);
}

/* Less what is held of it. */
static bool balance_of(struct db *db, enum ledger_code code, int64_t host_id, struct money *ret,
                       struct error *err)
{
    struct ledger_sums sums;

    if (!ledger_load_sums(db, (struct ledger_key){ code, host_id, 0 }, &sums, err))
        return false;
    *ret = ledger_free(code, &sums);
    return true;
}

static bool add_up(const struct usage_sum *lines, size_t count, struct host_invoice_row *invoice,
                   struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!money_add(invoice->gross, lines[i].gross, &invoice->gross) ||
            !money_add(invoice->total, lines[i].host, &invoice->total) ||
            !money_add(invoice->drawn, lines[i].accrued, &invoice->drawn))
            return error_set(err, ERROR_OUT_OF_RANGE, "a week's bill is too large");
    return invoice->drawn.nanodollars >= 0 ||
           error_set(err, ERROR_CORRUPT, "more was taken from a host's week than it earned");
}

/* From accrued to payable, less what the host owes. */
static bool post_invoice(struct db *db, const struct bill_work *work,
                         const struct host_invoice_row *invoice, int64_t id, struct error *err)
{
    char key[JOURNAL_KEY_SIZE], date[BILLING_DATE_SIZE];
    struct ledger_key accrued = { LEDGER_HOST_ACCRUED, work->host_id, 0 };
    struct leg legs[] = {
        { accrued, { LEDGER_HOST_RECEIVABLE, work->host_id, 0 }, invoice->settled, LEG_INVOICED },
        { accrued,
          { LEDGER_HOST_PAYABLE, work->host_id, 0 },
          { invoice->drawn.nanodollars - invoice->settled.nanodollars },
          LEG_INVOICED },
    };
    struct journal_moves moves = { .key = key,
                                   .kind = JOURNAL_HOST_INVOICE,
                                   .ref_kind = JOURNAL_REF_INVOICE,
                                   .ref_id = id,
                                   .occurred = work->cut,
                                   .legs = legs,
                                   .leg_count = 2 };
    struct journal journal;
    enum ledger_outcome outcome;

    (void)snprintf(key, sizeof key, "hinv:%" PRId64 ":%s", work->host_id,
                   billing_date_format(billing_day(instant_add(work->cut, 1)), date));
    if (journal_moves(&moves, &journal) != JOURNAL_BUILT)
        return true; /* all of it had been taken back: lines, and nothing to move */
    if (!ledger_post(db, &journal, work->now, &outcome, err))
        return false;
    return outcome == LEDGER_POSTED ||
           error_set(err, ERROR_CORRUPT, "%s has been posted before", key);
}

/* The week's lines, as an invoice. None where there is nothing to say. */
static bool make_invoice(struct db *db, const struct bill_work *work, struct arena *arena,
                         struct error *err)
{
    struct host_invoice_row invoice = { .host_id = work->host_id,
                                        .until = work->cut,
                                        .made = work->now };
    char number[BILL_NUMBER_SIZE];
    struct usage_sum *lines;
    struct money owed;
    size_t count;
    int64_t id;

    if (!host_invoice_last(db, work->host_id, &invoice.from, err))
        return false;
    if (instant_compare(invoice.from, work->cut) >= 0)
        return true; /* a machine that came after the week was billed */
    struct usage_range range = { .user_id = work->host_id,
                                 .from_day = billing_day(instant_add(invoice.from, 1)),
                                 .until_day = billing_day(work->cut) };
    if (!usage_line_sum_host(db, &range, false, arena, &lines, &count, err))
        return false;
    if (count == 0)
        return true;
    if (!add_up(lines, count, &invoice, err) ||
        !balance_of(db, LEDGER_HOST_RECEIVABLE, work->host_id, &owed, err) ||
        !bill_number(db, "HINV", billing_date(range.until_day).year, number, err))
        return false;
    /* The first one begins with its week, however long the host has been there. */
    if (invoice.from.microseconds == 0)
        invoice.from = instant_add(work->cut, -BILLING_WEEK_US);
    invoice.number = number;
    invoice.settled = money_compare(owed, invoice.drawn) < 0 ? owed : invoice.drawn;
    if (!host_invoice_insert(db, &invoice, &id, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!host_invoice_add_line(db, id, &lines[i], err))
            return false;
    return post_invoice(db, work, &invoice, id, err);
}

/* Whole cents of what is owed and not held, if that is enough. The rest, or all of it, waits for
 * next week. */
static bool make_payout(struct db *db, const struct bill_work *work, struct arena *arena,
                        struct error *err)
{
    const struct pay pay = { db, work->flow, work->now, arena };
    struct payout_row payout = { .host_id = work->host_id,
                                 .cut = work->cut,
                                 .state = PAYOUT_CREATED,
                                 .provider = "manual",
                                 .reference = "",
                                 .reason = "",
                                 .created = work->now,
                                 .state_at = work->now };
    struct payout_move move = { .host_id = work->host_id, .at = work->now };
    struct journal journal;
    enum ledger_outcome outcome;
    struct money payable;
    bool has, waits;

    if (!pay_out_way(db, work->flow, work->host_id, arena, &payout.provider, &waits, err) ||
        !payout_exists(db, work->host_id, work->cut, &has, err) ||
        !balance_of(db, LEDGER_HOST_PAYABLE, work->host_id, &payable, err))
        return false;
    payout.amount = billing_payout(payable, work->flow->payout_min);
    if (has || waits || payout.amount.nanodollars == 0)
        return true;
    if (!payout_insert(db, &payout, &payout.id, err))
        return false;
    move.payout_id = payout.id;
    move.amount = payout.amount;
    if (payout_make(&move, &journal) != JOURNAL_BUILT)
        return error_set(err, ERROR_CORRUPT, "a payout of nothing");
    if (!ledger_post(db, &journal, work->now, &outcome, err))
        return false;
    if (outcome != LEDGER_POSTED)
        return error_set(err, ERROR_CORRUPT, "%s has been posted before", journal.key);
    return pay_out_start(&pay, &payout, err);
}

/* The batch, less who was billed meanwhile. */
static bool drop_billed(struct db *db, struct bill_work *work, int64_t ret[static BILL_BATCH],
                        size_t *ret_count, struct error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < work->batch_count; i++) {
        bool is_due;

        if (!host_invoice_is_due(db, work->batch[i], work->cut, &is_due, err))
            return false;
        if (is_due)
            ret[count++] = work->batch[i];
    }
    work->were_due = count == work->batch_count;
    *ret_count = count;
    return true;
}

/* What ran is posted for all of them before the first is given a number: from then on nobody else
 * gets one until this is committed. */
static bool bill_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;
    int64_t hosts[BILL_BATCH];
    size_t count;

    if (!drop_billed(db, work, hosts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);

        work->host_id = hosts[i];
        if (!post_all(db, work, &arena, err))
            return false;
    }
    for (size_t i = 0; i < count; i++) {
        auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);

        work->host_id = hosts[i];
        if (!make_invoice(db, work, &arena, err) || !make_payout(db, work, &arena, err) ||
            !host_invoice_set_billed(db, work->host_id, work->cut, err) ||
            !db_notify(db, TOPIC_USER, work->host_id, err))
            return false;
    }
    return true;
}

/* Where a batch fails, each host by itself: one whose books are broken keeps nobody else waiting.
 */
static bool bill_batch(const struct flow *flow, struct bill_work *work, struct error *err)
{
    const int64_t *batch = work->batch;
    size_t count = work->batch_count, failed = 0;

    if (store_write(flow->store, bill_work, work, err))
        return true;
    for (size_t i = 0; i < count && count > 1; i++) {
        work->batch = &batch[i];
        work->batch_count = 1;
        failed += !store_write(flow->store, bill_work, work, err);
    }
    return (failed == 0 && count > 1) ||
           error_context(err, "bill host %lld", (long long)work->host_id);
}

bool flow_bill_hosts(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct bill_work work = { .flow = flow, .now = clock_now(flow->clock) };

    work.cut = billing_cut(work.now);
    *ret_count = 0;
    if (!usage_is_settled(work.now))
        return true;
    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for hosts to bill");
    /* Two servers that go the same way would meet at each host. Whoever comes second goes on from
     * the other end. */
    bool is_backwards = false;
    for (size_t from = 0, until = work.count; from < until;) {
        size_t count = until - from < BILL_BATCH ? until - from : BILL_BATCH;

        work.batch = is_backwards ? &work.ids[until - count] : &work.ids[from];
        work.batch_count = count;
        until -= is_backwards ? count : 0;
        from += is_backwards ? 0 : count;
        if (!bill_batch(flow, &work, err))
            return false;
        is_backwards = is_backwards != !work.were_due;
    }
    *ret_count = work.count;
    return true;
}

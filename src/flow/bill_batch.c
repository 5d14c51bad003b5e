/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill_batch.h"

#include <inttypes.h>
#include <stdio.h>

#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/pay_out.h"
#include "flow/provider.h"
#include "market/billing.h"
#include "store/host_invoice.h"
#include "store/ledger_many.h"
#include "store/payout.h"

enum { MEMBERS_MAX = 1024 };

/* A host's part of it. */
struct bill {
    const struct bill_host *host;
    const struct usage_sum *lines;
    size_t line_count;
    struct host_invoice_row invoice; /* without lines there is none */
    struct payout_row payout;        /* of nothing there is none */
};

struct batch {
    struct db *db;
    const struct flow *flow;
    struct arena *arena;
    struct instant now, cut;
    struct bill *bills;
    size_t count;
    struct journal *journals; /* to be posted; room for two each */
    size_t journal_count;
};

/* The first day that the host's next invoice is for. */
static int64_t first_day(const struct bill_host *host)
{
    return billing_day(instant_add(host->last, 1));
}

/* A machine that came after the week was billed makes its host due again, and there is nothing to
 * bill. */
static bool is_invoiced(const struct batch *batch, const struct bill_host *host)
{
    return instant_compare(host->last, batch->cut) >= 0;
}

/* Nearly all hosts were invoiced up to the same cut: their lines come with one statement, those of
 * the others one by one. */
static bool load_lines(struct batch *batch, struct error *err)
{
    struct usage_hosts range = { .until_day = billing_day(batch->cut) };
    struct usage_sum *lines = NULL, *own;
    size_t count = 0, at = 0;

    for (size_t i = 0; i < batch->count; i++) {
        const struct bill_host *host = batch->bills[i].host;

        if (!is_invoiced(batch, host) && first_day(host) > range.from_day)
            range.from_day = first_day(host);
    }
    range.first = batch->bills[0].host->id;
    range.last = batch->bills[batch->count - 1].host->id;
    if (!usage_line_sum_hosts(batch->db, &range, batch->arena, &lines, &count, err))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        struct bill *bill = &batch->bills[i];
        int64_t id = bill->host->id;
        struct usage_range mine = { id, first_day(bill->host), range.until_day };
        size_t begin;

        while (at < count && lines[at].host_id < id)
            at++;
        for (begin = at; at < count && lines[at].host_id == id;)
            at++;
        if (is_invoiced(batch, bill->host))
            continue;
        bill->lines = &lines[begin];
        bill->line_count = at - begin;
        if (mine.from_day == range.from_day)
            continue;
        if (!usage_line_sum_host(batch->db, &mine, false, batch->arena, &own, &bill->line_count,
                                 err))
            return false;
        bill->lines = own;
    }
    return true;
}

/* What the host owes is taken off. */
static bool plan_invoice(const struct batch *batch, struct bill *bill, struct error *err)
{
    struct host_invoice_row *invoice = &bill->invoice;

    *invoice = (struct host_invoice_row){
        .host_id = bill->host->id, .from = bill->host->last, .until = batch->cut, .made = batch->now
    };
    for (size_t i = 0; i < bill->line_count; i++)
        if (!money_add(invoice->gross, bill->lines[i].gross, &invoice->gross) ||
            !money_add(invoice->total, bill->lines[i].host, &invoice->total) ||
            !money_add(invoice->drawn, bill->lines[i].accrued, &invoice->drawn))
            return error_set(err, ERROR_OUT_OF_RANGE, "a week's bill is too large");
    if (invoice->drawn.nanodollars < 0)
        return error_set(err, ERROR_CORRUPT, "more was taken from a host's week than it earned");
    /* The first one begins with its week, however long the host has been there. */
    if (invoice->from.microseconds == 0)
        invoice->from = instant_add(batch->cut, -BILLING_WEEK_US);
    invoice->settled =
        money_compare(bill->host->owed, invoice->drawn) < 0 ? bill->host->owed : invoice->drawn;
    return true;
}

static bool insert_invoices(struct batch *batch, struct error *err)
{
    const struct bill_series series = { "HINV", billing_date(billing_day(batch->cut)).year };
    int64_t number = 0, count = 0;

    for (size_t i = 0; i < batch->count; i++)
        count += batch->bills[i].line_count > 0;
    if (count > 0 && !bill_number_take(batch->db, &series, count, &number, err))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        struct bill *bill = &batch->bills[i];
        struct host_invoice_row row = bill->invoice;
        char text[BILL_NUMBER_SIZE];

        if (bill->line_count == 0)
            continue;
        row.number = text;
        if (!bill_number_write(&series, number++, text, err) ||
            !host_invoice_insert_later(batch->db, &row, &bill->invoice.id, err))
            return false;
        bill->invoice.number = arena_printf(batch->arena, "%s", text);
    }
    if (!db_settle(batch->db, err))
        return false;
    for (size_t i = 0; i < batch->count; i++)
        for (size_t k = 0; k < batch->bills[i].line_count; k++)
            if (!host_invoice_add_line(batch->db, batch->bills[i].invoice.id,
                                       &batch->bills[i].lines[k], err))
                return false;
    return true;
}

/* From accrued to payable, less what the host owes. */
static void add_invoices(struct batch *batch)
{
    char key[JOURNAL_KEY_SIZE], date[BILLING_DATE_SIZE];

    (void)billing_date_format(billing_day(instant_add(batch->cut, 1)), date);
    for (size_t i = 0; i < batch->count; i++) {
        const struct host_invoice_row *invoice = &batch->bills[i].invoice;
        struct ledger_key accrued = { LEDGER_HOST_ACCRUED, invoice->host_id, 0 };
        struct leg legs[] = {
            { accrued,
              { LEDGER_HOST_RECEIVABLE, invoice->host_id, 0 },
              invoice->settled,
              LEG_INVOICED },
            { accrued,
              { LEDGER_HOST_PAYABLE, invoice->host_id, 0 },
              { invoice->drawn.nanodollars - invoice->settled.nanodollars },
              LEG_INVOICED },
        };
        struct journal_moves moves = { .key = key,
                                       .kind = JOURNAL_HOST_INVOICE,
                                       .ref_kind = JOURNAL_REF_INVOICE,
                                       .ref_id = invoice->id,
                                       .occurred = batch->cut,
                                       .legs = legs,
                                       .leg_count = 2 };

        (void)snprintf(key, sizeof key, "hinv:%" PRId64 ":%s", invoice->host_id, date);
        /* Where all of it had been taken back there are lines, and nothing to move. */
        if (batch->bills[i].line_count > 0)
            batch->journal_count +=
                journal_moves(&moves, &batch->journals[batch->journal_count]) == JOURNAL_BUILT;
    }
}

/* How the host is paid now, and whether it waits, because it has not said all, or has lately said
 * something else. */
static const char *way_of(const struct batch *batch, const struct bill_host *host, bool *ret_waits)
{
    *ret_waits = batch->flow->pay != NULL && (!host->has_method || !host->method.is_ready ||
                                              instant_compare(host->method.held, batch->now) > 0);
    return batch->flow->pay != NULL && host->has_method ? host->method.provider : "manual";
}

/* Whole cents of what is owed and not held, if that is enough. The rest, or all of it, waits for
 * next week. */
static bool insert_payouts(struct batch *batch, struct error *err)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct bill *bill = &batch->bills[i];
        const struct host_invoice_row *invoice = &bill->invoice;
        struct money moved = { invoice->drawn.nanodollars - invoice->settled.nanodollars }, payable;
        bool waits;

        bill->payout = (struct payout_row){ .host_id = bill->host->id,
                                            .cut = batch->cut,
                                            .state = PAYOUT_CREATED,
                                            .provider = way_of(batch, bill->host, &waits),
                                            .reference = "",
                                            .reason = "",
                                            .created = batch->now,
                                            .state_at = batch->now };
        if (!money_add(bill->host->payable, moved, &payable))
            return error_set(err, ERROR_OUT_OF_RANGE, "more is owed to a host than money holds");
        if (!waits && !bill->host->has_payout)
            bill->payout.amount = billing_payout(payable, batch->flow->payout_min);
        if (bill->payout.amount.nanodollars > 0 &&
            !payout_insert_later(batch->db, &bill->payout, &bill->payout.id, err))
            return false;
    }
    return db_settle(batch->db, err);
}

/* The host is told of its week, and of what it is paid. */
static bool tell(const struct batch *batch, const struct bill *bill, struct error *err)
{
    const struct payout_row *payout = &bill->payout;
    struct instant from = instant_add(batch->cut, -BILLING_WEEK_US);
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char text[MONEY_TEXT_SIZE], date[BILLING_DATE_SIZE], key[JOURNAL_KEY_SIZE];

    if (bill->line_count > 0)
        from = bill->invoice.from;
    encode_object(&json);
    encode_field_text(&json, "amount", money_format(payout->amount, text));
    encode_field_text(&json, "from", billing_date_format(billing_day(instant_add(from, 1)), date));
    encode_field_text(&json, "until", billing_date_format(billing_day(batch->cut), date));
    encode_field_text(&json, "invoice",
                      bill->line_count > 0 ? bill->invoice.number : "nothing was earned in it");
    encode_field_text(&json, "method", pay_provider_named(payout->provider)->title);
    encode_field_text(
        &json, "arrives",
        billing_date_format(billing_day(instant_add(batch->cut, BILLING_PAID_WITHIN_US)), date));
    encode_end(&json);
    (void)snprintf(key, sizeof key, "payout:%" PRId64 ":made", payout->id);
    const struct notice_event event = { .user_id = payout->host_id,
                                        .kind = NOTIFICATION_PAYOUT_MADE,
                                        .template = "payout_made",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(batch->db, &event, batch->now, err);
}

static bool add_payouts(struct batch *batch, struct error *err)
{
    const struct pay pay = { batch->db, batch->flow, batch->now, batch->arena };

    for (size_t i = 0; i < batch->count; i++) {
        const struct payout_row *payout = &batch->bills[i].payout;
        const struct payout_move move = { .payout_id = payout->id,
                                          .host_id = payout->host_id,
                                          .amount = payout->amount,
                                          .at = batch->now };

        if (payout->amount.nanodollars == 0)
            continue;
        if (payout_make(&move, &batch->journals[batch->journal_count++]) != JOURNAL_BUILT)
            return error_set(err, ERROR_CORRUPT, "a payout of nothing");
        if (!pay_out_start(&pay, payout, &batch->bills[i].host->method, err) ||
            !tell(batch, &batch->bills[i], err))
            return false;
    }
    return true;
}

/* What moves in and out again is written to the hosts' accounts once. */
static bool post(struct batch *batch, struct error *err)
{
    add_invoices(batch);
    return add_payouts(batch, err) &&
           (batch->journal_count == 0 ||
            ledger_post_many(batch->db, batch->journals, batch->journal_count, batch->now, err));
}

static bool set_billed(const struct batch *batch, struct error *err)
{
    int64_t *ids = arena_alloc(batch->arena, batch->count, sizeof *ids);

    if (ids == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the hosts");
    for (size_t i = 0; i < batch->count; i++) {
        ids[i] = batch->bills[i].host->id;
        if (!db_notify(batch->db, TOPIC_USER, ids[i], err))
            return false;
    }
    return host_invoice_set_billed(batch->db, ids, batch->count, batch->cut, err);
}

bool bill_batch(struct db *db, const struct flow *flow, const struct bill_range *range,
                struct instant now, struct bill_counts *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct batch batch = { .db = db, .flow = flow, .arena = &arena, .now = now, .cut = range->cut };
    struct bill_host *hosts;
    size_t count;

    *ret = (struct bill_counts){ .billed = 0 };
    if (!bill_run_hosts(db, range, &arena, &hosts, &count, err))
        return false;
    batch.bills = arena_alloc(&arena, count + 1, sizeof *batch.bills);
    batch.journals = arena_alloc(&arena, 2 * count + 1, sizeof *batch.journals);
    if (batch.bills == NULL || batch.journals == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the bills");
    for (size_t i = 0; i < count; i++) {
        if (hosts[i].is_unposted) {
            ret->unposted++;
            ret->unposted_id = hosts[i].id;
        } else {
            batch.bills[batch.count++] = (struct bill){ .host = &hosts[i] };
        }
    }
    if (batch.count == 0)
        return true;
    if (!load_lines(&batch, err))
        return false;
    for (size_t i = 0; i < batch.count; i++)
        if (batch.bills[i].line_count > 0 && !plan_invoice(&batch, &batch.bills[i], err))
            return error_context(err, "bill host %" PRId64, batch.bills[i].host->id);
    ret->billed = batch.count;
    return insert_invoices(&batch, err) && insert_payouts(&batch, err) && post(&batch, err) &&
           set_billed(&batch, err);
}

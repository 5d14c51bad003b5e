/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill_renters.h"

#include "flow/usage.h"
#include "market/billing.h"
#include "store/host_invoice.h"
#include "store/renter_invoice.h"
#include "store/user.h"

struct bill_work {
    struct instant now, end; /* of the month */
    int64_t month;           /* the last one that is over */
    int64_t owner_id;
    size_t count;
    int64_t ids[BILL_RENTERS_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;

    return renter_invoice_due(db, work->month, work->end, work->ids, BILL_RENTERS_MAX, &work->count,
                              err);
}

static bool make_invoice(struct db *db, const struct bill_work *work, int64_t month,
                         struct error *err)
{
    struct renter_invoice_row invoice = { .owner_id = work->owner_id,
                                          .month = month,
                                          .made = work->now };
    char number[BILL_NUMBER_SIZE];

    if (!renter_invoice_gross(db, work->owner_id, billing_month_start(month),
                              billing_month_start(month + 1) - 1, &invoice.gross, err) ||
        !bill_number(db, "INV", billing_year_of_month(month), number, err))
        return false;
    invoice.number = number;
    invoice.total = billing_round(invoice.gross);
    return renter_invoice_insert(db, &invoice, err);
}

/* Every month that has lines and no statement yet, were it that no server was there at its end. */
static bool bill_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;
    int64_t billed, day;
    bool is_due;

    if (!user_lock(db, work->owner_id, err) ||
        !renter_invoice_is_due(db, work->owner_id, work->month, work->end, &is_due, &billed, err))
        return false;
    if (!is_due)
        return true;
    for (int64_t month = billed + 1;; month++) {
        if (!renter_invoice_next_day(db, work->owner_id, billing_month_start(month), &day, err))
            return false;
        if (day == INT64_MAX || (month = billing_month(day)) > work->month)
            break;
        if (!make_invoice(db, work, month, err))
            return false;
    }
    return renter_invoice_set_billed(db, work->owner_id, work->month, err);
}

bool flow_bill_renters(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct bill_work work = { .now = clock_now(flow->clock) };

    work.month = billing_month(billing_day(work.now)) - 1;
    work.end = billing_midnight(billing_month_start(work.month + 1));
    *ret_count = 0;
    if (!usage_is_settled(work.now))
        return true;
    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for renters to bill");
    for (size_t i = 0; i < work.count; i++) {
        work.owner_id = work.ids[i];
        if (!store_write(flow->store, bill_work, &work, err))
            return error_context(err, "bill renter %lld", (long long)work.owner_id);
    }
    *ret_count = work.count;
    return true;
}

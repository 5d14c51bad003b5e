/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_bills.h"

#include <inttypes.h>

#include "market/billing.h"
#include "market/payout.h"
#include "store/renter_invoice.h"

static void check_payout(struct check_run *run, const struct audit_row *row)
{
    bool is_known = row->at[2] >= PAYOUT_CREATED && row->at[2] <= PAYOUT_CANCELLED;
    int64_t wanted = is_known && payout_is_open((enum payout_state)row->at[2]) ? row->at[3] : 0;

    if (!is_known || row->at[4] != wanted)
        check_run_find(run, "I-14",
                       "payout %" PRId64 " to host %" PRId64 " is in state %" PRId64
                       ", and %" PRId64 " is in transit for it",
                       row->at[0], row->at[1], row->at[2], row->at[4]);
}

static void check_transit(struct check_run *run, const struct audit_row *row)
{
    check_run_find(run, "I-14",
                   "account %" PRId64 " has %" PRId64 " in transit for payout %" PRId64
                   ", which does not exist",
                   row->at[0], row->at[3], row->at[2]);
}

static void check_paid(struct check_run *run, const struct audit_row *row)
{
    if (row->at[1] > row->at[2])
        check_run_find(run, "I-14", "host %" PRId64 " was paid %" PRId64 " and has earned %" PRId64,
                       row->at[0], row->at[1], row->at[2]);
}

static void check_invoice(struct check_run *run, const struct audit_row *row)
{
    if (row->at[1] != row->at[4] || row->at[2] != row->at[5] || row->at[3] != row->at[6])
        check_run_find(
            run, "I-17",
            "invoice %" PRId64 " is of %" PRId64 " and %" PRId64 " to the host, its lines %" PRId64
            " and %" PRId64 "; it drew %" PRId64 ", its journal %" PRId64,
            row->at[0], row->at[1], row->at[2], row->at[4], row->at[5], row->at[3], row->at[6]);
}

static void check_series(struct check_run *run, const struct audit_row *row)
{
    if (row->at[1] != row->at[2] || row->at[3] != 0)
        check_run_find(run, "I-15",
                       "the last invoice of %" PRId64 " is number %" PRId64
                       ", and there are %" PRId64,
                       row->at[0], row->at[1], row->at[2]);
}

/* What lines are there of that month now is what it was made of. */
static bool check_statement(struct check_run *run, const struct audit_row *row, struct error *err)
{
    struct money lines, gross = { row->at[3] };
    int64_t month = row->at[2];

    if (!renter_invoice_gross(run->db, row->at[1], billing_month_start(month),
                              billing_month_start(month + 1) - 1, &lines, err))
        return false;
    if (money_compare(lines, gross) != 0 || billing_round(gross).nanodollars != row->at[4])
        check_run_find(run, "I-17",
                       "statement %" PRId64 " of user %" PRId64 " is of %" PRId64
                       ", rounded %" PRId64 ", its lines of %" PRId64,
                       row->at[0], row->at[1], row->at[3], row->at[4], lines.nanodollars);
    return true;
}

static bool check_statements(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_RENTER_INVOICES);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        if (!check_statement(run, row, err))
            return false;
    }
    return false;
}

static bool check_each(struct check_run *run, enum audit_table table,
                       void (*check)(struct check_run *run, const struct audit_row *row),
                       struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, table);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        check(run, row);
    }
    return false;
}

bool check_bills(struct check_run *run, struct error *err)
{
    return check_each(run, AUDIT_PAYOUTS, check_payout, err) &&
           check_each(run, AUDIT_TRANSIT, check_transit, err) &&
           check_each(run, AUDIT_PAID, check_paid, err) &&
           check_each(run, AUDIT_INVOICES, check_invoice, err) &&
           check_each(run, AUDIT_SERIES, check_series, err) && check_statements(run, err) &&
           check_each(run, AUDIT_RENTER_SERIES, check_series, err) &&
           check_each(run, AUDIT_RECEIPT_SERIES, check_series, err);
}

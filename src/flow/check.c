/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check.h"

#include "flow/check_accrued.h"
#include "flow/check_bills.h"
#include "flow/check_books.h"
#include "flow/check_contracts.h"
#include "flow/check_money.h"
#include "flow/check_reservations.h"
#include "flow/check_run.h"

static bool check_work(struct db *db, void *context, struct error *err)
{
    struct check_run *run = context;

    run->db = db;
    run->counts = (struct check_counts){ .findings = 0 };
    run->provider_balance[0] = run->provider_balance[1] = 0;
    check_usage_release(&run->usage);
    return check_books(run, err) && check_money(run, err) && check_accrued(run, err) &&
           check_bills(run, err) && check_reservations(run, err) && check_contracts(run, err) &&
           check_gpus(run, err);
}

bool flow_check(struct store *store, check_found *found, void *context,
                struct check_counts *ret_counts, struct error *err)
{
    struct check_run run = { .found = found, .context = context };

    bool is_read = store_read(store, check_work, &run, err);
    check_usage_release(&run.usage);
    if (!is_read)
        return error_context(err, "check");
    *ret_counts = run.counts;
    return true;
}

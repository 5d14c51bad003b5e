/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/trial_balance.h"

#include <assert.h>

#include "market/meter.h"
#include "store/trial.h"

static bool load_work(struct db *db, void *context, struct error *err)
{
    return trial_load(db, context, err);
}

static struct money *total_of(struct trial_balance *trial, enum ledger_kind kind)
{
    switch (kind) {
    case LEDGER_ASSET:
        return &trial->assets;
    case LEDGER_LIABILITY:
    case LEDGER_CONTROL: /* nothing, or we would owe it to somebody */
        return &trial->liabilities;
    case LEDGER_INCOME:
        return &trial->income;
    case LEDGER_EXPENSE:
        return &trial->expenses;
    case LEDGER_EQUITY:
        return &trial->equity;
    }
    return NULL;
}

bool flow_trial_balance(const struct flow *flow, struct trial_balance *ret, struct error *err)
{
    struct ledger_sums sums[TRIAL_LINES_MAX];
    struct trial_balance trial = { .line_count = 0 };
    size_t count;
    const struct ledger_account *chart = ledger_chart(&count);

    assert(count <= TRIAL_LINES_MAX);
    if (!store_read(flow->store, load_work, sums, err))
        return error_context(err, "trial balance");
    for (size_t i = 0; i < count; i++) {
        struct money *total = total_of(&trial, chart[i].kind);
        struct trial_line line = { &chart[i], sums[i].debits, sums[i].credits, { 0 } };

        if (line.debits.nanodollars == 0 && line.credits.nanodollars == 0)
            continue;
        line.balance = ledger_balance(chart[i].kind, line.debits, line.credits);
        if (!money_add(*total, line.balance, total))
            return error_set(err, ERROR_OUT_OF_RANGE, "more than money holds");
        trial.lines[trial.line_count++] = line;
    }
    numerator left = (numerator)trial.assets.nanodollars - trial.liabilities.nanodollars;
    numerator right =
        (numerator)trial.equity.nanodollars + trial.income.nanodollars - trial.expenses.nanodollars;
    trial.is_balanced = left == right;
    *ret = trial;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/ledger.h"

#include <assert.h>

static const struct ledger_account chart[] = {
#define LEDGER_ACCOUNT(name, code, kind, flags, meaning)                                           \
    { LEDGER_##name, #name, LEDGER_##kind, (flags), (meaning) },
#include "market/ledger_accounts.def"
#undef LEDGER_ACCOUNT
};

enum { CHART_COUNT = sizeof chart / sizeof chart[0] };

const struct ledger_account *ledger_chart(size_t *ret_count)
{
    *ret_count = CHART_COUNT;
    return chart;
}

const struct ledger_account *ledger_account(int64_t code)
{
    for (size_t i = 0; i < CHART_COUNT; i++) {
        if (chart[i].code == code)
            return &chart[i];
    }
    return NULL;
}

bool ledger_key_equals(struct ledger_key a, struct ledger_key b)
{
    return a.code == b.code && a.owner_id == b.owner_id && a.sub_id == b.sub_id;
}

struct money ledger_balance(enum ledger_kind kind, struct money debits, struct money credits)
{
    bool is_debit_normal = kind == LEDGER_ASSET || kind == LEDGER_EXPENSE;
    struct money balance;

    /* Neither sum is negative, so their difference always fits. */
    assert(debits.nanodollars >= 0 && credits.nanodollars >= 0);
    bool fits = is_debit_normal ? money_subtract(debits, credits, &balance)
                                : money_subtract(credits, debits, &balance);
    assert(fits);
    return balance;
}

bool ledger_is_within_limits(unsigned flags, struct money debits, struct money credits)
{
    if ((flags & LEDGER_L) != 0 && money_compare(debits, credits) > 0)
        return false;
    return (flags & LEDGER_A) == 0 || money_compare(credits, debits) <= 0;
}

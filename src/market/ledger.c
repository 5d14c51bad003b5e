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

/* Every posting asks for each of its accounts: the row of a code, without a search. */
enum row {
#define LEDGER_ACCOUNT(name, code, kind, flags, meaning) ROW_##name,
#include "market/ledger_accounts.def"
#undef LEDGER_ACCOUNT
};

static const uint8_t rows_from_1[] = {
#define LEDGER_ACCOUNT(name, code, kind, flags, meaning) [code] = ROW_##name + 1,
#include "market/ledger_accounts.def"
#undef LEDGER_ACCOUNT
};

static_assert(CHART_COUNT < UINT8_MAX, "a row is a byte");

const struct ledger_account *ledger_account(int64_t code)
{
    if ((uint64_t)code >= sizeof rows_from_1 || rows_from_1[code] == 0)
        return NULL;
    return &chart[rows_from_1[code] - 1];
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

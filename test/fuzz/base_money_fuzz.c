/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: what money_parse() takes, money_format() gives back; rates never make more of less. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_text(const uint8_t *bytes, size_t size)
{
    auto_free char *text = strndup((const char *)bytes, size);
    struct money amount, again;
    struct error err = { .code = ERROR_NONE };
    char formatted[MONEY_TEXT_SIZE];

    if (!money_parse(text, &amount, &err)) {
        assert(err.code == ERROR_INVALID || err.code == ERROR_OUT_OF_RANGE);
        return;
    }
    bool is_ok = money_parse(money_format(amount, formatted), &again, &err);
    assert(is_ok && amount.nanodollars == again.nanodollars);
}

static void check_rates(const uint8_t *bytes)
{
    struct rate rate;
    uint64_t quantity;
    struct money cost, more;

    memcpy(&rate.price.nanodollars, bytes, 8);
    memcpy(&rate.per, bytes + 8, 8);
    memcpy(&quantity, bytes + 16, 8);
    if (!rate_is_valid(rate) || quantity == UINT64_MAX || !rate_cost(rate, quantity, &cost))
        return;
    assert(cost.nanodollars >= 0);
    assert(!rate_cost(rate, quantity + 1, &more) || money_compare(cost, more) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_text(bytes, size);
    if (size >= 24)
        check_rates(bytes);
    return 0;
}

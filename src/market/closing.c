/* SPDX-License-Identifier: Apache-2.0 */
#include "market/closing.h"

#include <assert.h>

static const struct {
    const char *code;
    enum closing_kind kind;
    const char *where, *advice;
} reasons[] = {
#define CLOSING_REASON(name, code, kind, where, advice)                                            \
    { code, CLOSING_KIND_##kind, where, advice },
#include "market/closing_reasons.def"
#undef CLOSING_REASON
};

const char *closing_code(enum closing_reason reason)
{
    return reasons[reason].code;
}

enum closing_kind closing_kind(enum closing_reason reason)
{
    return reasons[reason].kind;
}

const char *closing_where(enum closing_reason reason)
{
    return reasons[reason].where;
}

const char *closing_advice(enum closing_reason reason)
{
    return reasons[reason].advice;
}

/* Too much to count is as much as can be. */
struct money closing_given(const struct closing_facts *facts)
{
    int64_t sum = 0;

    for (int i = 0; i < CLOSING_REASON_COUNT; i++) {
        int64_t amount = facts->amount[i];

        assert(amount >= 0);
        if (reasons[i].kind == CLOSING_KIND_GIVEN)
            sum = sum > INT64_MAX - amount ? INT64_MAX : sum + amount;
    }
    return (struct money){ sum };
}

bool closing_stands(const struct closing_facts *facts, enum closing_reason reason,
                    struct money given_up)
{
    if (facts->amount[reason] == 0)
        return false;
    return reasons[reason].kind != CLOSING_KIND_GIVEN ||
           money_compare(given_up, closing_given(facts)) < 0;
}

bool closing_may(const struct closing_facts *facts, struct money given_up)
{
    for (int i = 0; i < CLOSING_REASON_COUNT; i++)
        if (closing_stands(facts, (enum closing_reason)i, given_up))
            return false;
    return true;
}

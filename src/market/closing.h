/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an account may be deleted: nothing of it goes on, and no money is lost in silence.
 *
 * All that stands against it is told at once. Bought credit and earnings that are left may be given
 * up, by whoever says how much: as much as there is, or more, so that an amount which has grown
 * since it was shown is not taken. Given credit lapses, as it does by itself. */

#ifndef BERTH_MARKET_CLOSING_H
#define BERTH_MARKET_CLOSING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"

enum closing_reason {
#define CLOSING_REASON(name, code, kind, where, advice) CLOSING_##name,
#include "market/closing_reasons.def"
#undef CLOSING_REASON
    CLOSING_REASON_COUNT
};

enum closing_kind { CLOSING_KIND_COUNT, CLOSING_KIND_MONEY, CLOSING_KIND_GIVEN };

/* Of each reason how much there is of it: things, or nanodollars. None is below zero. */
struct closing_facts {
    int64_t amount[CLOSING_REASON_COUNT];
};

const char *closing_code(enum closing_reason reason);
enum closing_kind closing_kind(enum closing_reason reason);
const char *closing_where(enum closing_reason reason);  /* a page of the console */
const char *closing_advice(enum closing_reason reason); /* without a full stop */

/* What would have to be given up: 0, nothing. */
struct money closing_given(const struct closing_facts *facts);

/* Whether it stands against deleting the account, where so much is given up. */
bool closing_stands(const struct closing_facts *facts, enum closing_reason reason,
                    struct money given_up);

/* Whether nothing does. */
bool closing_may(const struct closing_facts *facts, struct money given_up);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/hold.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
    [HOLD_OPEN] = "open",
    [HOLD_CAPTURED] = "captured",
    [HOLD_RELEASED] = "released",
    [HOLD_EXPIRED] = "expired",
};
enum { STATE_COUNT = sizeof state_names / sizeof state_names[0] };

const char *hold_kind_name(enum hold_kind kind)
{
    switch (kind) {
    case HOLD_DEPOSIT:
        return "deposit";
    case HOLD_CREDIT:
        return "credit";
    case HOLD_EARNINGS:
        return "earnings";
    }
    return NULL;
}

const char *hold_state_name(enum hold_state state)
{
    return (unsigned)state < STATE_COUNT ? state_names[state] : NULL;
}

bool hold_state_parse(const char *name, enum hold_state *ret)
{
    for (int i = 0; i < STATE_COUNT; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *ret = (enum hold_state)i;
            return true;
        }
    }
    return false;
}

struct leg hold_leg(enum hold_kind kind, int64_t user_id, struct money amount)
{
    struct ledger_key bank = { LEDGER_BANK, 0, 0 };
    struct ledger_key prepaid = { LEDGER_RENTER_PREPAID, user_id, 0 };

    if (kind == HOLD_DEPOSIT)
        return (struct leg){ bank, prepaid, amount, LEG_DEPOSIT };
    if (kind == HOLD_CREDIT)
        return (struct leg){ prepaid, bank, amount, LEG_SENT };
    assert(kind == HOLD_EARNINGS);
    return (struct leg){
        { LEDGER_HOST_PAYABLE, user_id, 0 }, { LEDGER_CHARGEBACKS, 0, 0 }, amount, LEG_KEPT_BACK
    };
}

static enum journal_outcome move(int64_t hold_id, const char *what, const struct leg *leg,
                                 struct instant at, struct journal *ret_journal)
{
    char key[JOURNAL_KEY_SIZE];
    struct journal_moves moves = { .key = key,
                                   .kind = JOURNAL_HOLD,
                                   .ref_kind = JOURNAL_REF_HOLD,
                                   .ref_id = hold_id,
                                   .occurred = at,
                                   .legs = leg,
                                   .leg_count = 1 };

    (void)snprintf(key, sizeof key, "hold:%" PRId64 ":%s", hold_id, what);
    return journal_moves(&moves, ret_journal);
}

enum journal_outcome hold_take(int64_t hold_id, const struct leg *taken, struct instant at,
                               struct journal *ret_journal)
{
    return move(hold_id, "taken", taken, at, ret_journal);
}

enum journal_outcome hold_settle(int64_t hold_id, int64_t renter_id,
                                 const struct renter_funds *funds, struct instant at,
                                 struct journal *ret_journal)
{
    struct money free = funds->prepaid, debt = funds->receivable;
    struct leg leg = { { LEDGER_RENTER_PREPAID, renter_id, 0 },
                       { LEDGER_RENTER_RECEIVABLE, renter_id, 0 },
                       money_compare(free, debt) < 0 ? free : debt,
                       LEG_TRANSFER };

    return move(hold_id, "settled", &leg, at, ret_journal);
}

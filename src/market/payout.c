/* SPDX-License-Identifier: Apache-2.0 */
#include "market/payout.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TO(state) (1u << PAYOUT_##state)

static const struct {
    const char *name;
    unsigned next;
} states[PAYOUT_STATE_COUNT + 1] = {
    [PAYOUT_CREATED] = { "created", TO(SUBMITTED) | TO(PAID) | TO(FAILED) | TO(CANCELLED) },
    [PAYOUT_SUBMITTED] = { "submitted", TO(IN_TRANSIT) | TO(PAID) | TO(FAILED) | TO(RETURNED) },
    [PAYOUT_IN_TRANSIT] = { "in_transit", TO(PAID) | TO(FAILED) | TO(RETURNED) },
    [PAYOUT_PAID] = { "paid", TO(RETURNED) },
    [PAYOUT_FAILED] = { "failed", 0 },
    [PAYOUT_RETURNED] = { "returned", 0 },
    [PAYOUT_CANCELLED] = { "cancelled", 0 },
};

const char *payout_state_name(enum payout_state state)
{
    return state >= PAYOUT_CREATED && state <= PAYOUT_CANCELLED ? states[state].name : NULL;
}

bool payout_state_parse(const char *name, enum payout_state *ret)
{
    for (int i = PAYOUT_CREATED; i <= PAYOUT_CANCELLED; i++) {
        if (strcmp(states[i].name, name) == 0) {
            *ret = (enum payout_state)i;
            return true;
        }
    }
    return false;
}

bool payout_may(enum payout_state from, enum payout_state to)
{
    return payout_state_name(from) != NULL && (states[from].next >> to & 1) != 0;
}

bool payout_is_open(enum payout_state state)
{
    return state == PAYOUT_CREATED || state == PAYOUT_SUBMITTED || state == PAYOUT_IN_TRANSIT;
}

/* Two legs, of which one of nothing is none. */
static enum journal_outcome move_money(const struct payout_move *move, const char *state,
                                       const struct leg legs[static 2], struct journal *ret_journal)
{
    char key[JOURNAL_KEY_SIZE];
    struct journal_moves moves = { .key = key,
                                   .kind = JOURNAL_PAYOUT,
                                   .ref_kind = JOURNAL_REF_PAYOUT,
                                   .ref_id = move->payout_id,
                                   .occurred = move->at,
                                   .legs = legs,
                                   .leg_count = 2 };

    (void)snprintf(key, sizeof key, "po:%" PRId64 ":%s", move->payout_id, state);
    return journal_moves(&moves, ret_journal);
}

enum journal_outcome payout_make(const struct payout_move *move, struct journal *ret_journal)
{
    const struct leg legs[2] = { { { LEDGER_HOST_PAYABLE, move->host_id, 0 },
                                   { LEDGER_PAYOUT_TRANSIT, move->host_id, move->payout_id },
                                   move->amount,
                                   LEG_PAYOUT } };

    return move_money(move, "created", legs, ret_journal);
}

enum journal_outcome payout_go(const struct payout_move *move, enum payout_state from,
                               enum payout_state to, struct journal *ret_journal)
{
    struct ledger_key transit = { LEDGER_PAYOUT_TRANSIT, move->host_id, move->payout_id };
    struct ledger_key payable = { LEDGER_HOST_PAYABLE, move->host_id, 0 };
    /* Of a provider's accounts for hosts each host has one. */
    struct ledger_key house = { .code = move->from,
                                .owner_id =
                                    move->from == LEDGER_STRIPE_CONNECTED ? move->host_id : 0 };
    struct ledger_key fees = { .code = LEDGER_PROVIDER_FEES };
    const struct leg sent[2] = { { transit, house, move->amount, LEG_SENT },
                                 { fees, house, move->fee, LEG_PROVIDER_FEE } };
    const struct leg back[2] = { { transit, payable, move->amount, LEG_RETURNED } };
    const struct leg back_from_paid[2] = { { house, payable, move->amount, LEG_RETURNED } };

    assert(payout_may(from, to));
    if (to == PAYOUT_SUBMITTED || to == PAYOUT_IN_TRANSIT)
        return JOURNAL_EMPTY;
    if (to == PAYOUT_PAID)
        return move_money(move, states[to].name, sent, ret_journal);
    return move_money(move, states[to].name, from == PAYOUT_PAID ? back_from_paid : back,
                      ret_journal);
}

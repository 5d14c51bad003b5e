/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to what is on one machine, in one transaction. Inside src/flow/.
 *
 *     struct change change;
 *     bool has;
 *
 *     if (!change_begin(&change, db, machine_id, now, arena, &has, err)) ...
 *     if (!change_contract(&change, &contract, RENTAL_STOP_ASKED, "", &has_changed, err)) ...
 *     return change_end(&change, err);
 *
 * Begin takes the machine's lock, so that nobody else claims its GPUs, cuts its offers or moves
 * its contracts meanwhile; contracts are loaded after it. It also moves `now` up to the last change
 * on the machine: who looked at the clock first need not come first, and times on a machine never
 * run backwards. A contract moves along an arrow of market/rental.h, with everything that the arrow
 * asks for. The end decides who runs (flow/decide.h), cuts offers anew, works out when credit ends
 * for everyone concerned, and wakes the agent. */

#ifndef BERTH_FLOW_CHANGE_H
#define BERTH_FLOW_CHANGE_H

#include "base/arena.h"
#include "market/connected.h"
#include "store/contract.h"
#include "store/db.h"
#include "store/interval.h"
#include "store/machine.h"
#include "store/session.h"

enum { CHANGE_USERS_MAX = 1024 };

struct change {
    struct db *db;
    struct arena *arena;
    struct instant now;
    struct machine_row machine;
    struct session_row session;
    bool has_session;
    bool decides; /* something happened that may change who runs */
    bool cuts_offers;
    bool tells_host;
    const char *cause;   /* what happened, for those whom the decision hurts; NULL: not said yet */
    int64_t decision_id; /* that it came of; 0: none */
    int64_t user_left;   /* whose credit ends as it did, or is worked out by the caller; else 0 */
    bool leaves_users;   /* of all of `users` the caller works out when credit ends */
    size_t user_count;   /* whose balance or burn changed */
    int64_t users[CHANGE_USERS_MAX];
};

/* `*ret_has` is false where there is no such machine: nothing else may be called then. */
NODISCARD bool change_begin(struct change *change, struct db *db, int64_t machine_id,
                            struct instant now, struct arena *arena, bool *ret_has,
                            struct error *err);

/* The same for the machine of a contract, which is loaded under its lock. `*ret_has` is false where
 * there is no such contract. */
NODISCARD bool change_begin_contract(struct change *change, struct db *db, int64_t contract_id,
                                     struct instant now, struct arena *arena,
                                     struct contract_row *ret, bool *ret_has, struct error *err);

/* Let `event` happen to the contract. `*ret_has_changed` is false where it has no arrow in that
 * state, and nothing was done. */
NODISCARD bool change_contract(struct change *change, struct contract_row *contract,
                               enum rental_event event, const char *detail, bool *ret_has_changed,
                               struct error *err);

/* What its owner has happen to it by itself, as it stands now. */
void change_turn_automation(struct contract_row *contract, struct instant now);

/* A new generation without a change of state: who may log in, a later end. */
NODISCARD bool change_touch(struct change *change, struct contract_row *contract,
                            struct error *err);

/* Where GPU time of the contract's open interval ends at the latest: credit or lifetime. */
NODISCARD bool change_charge_end(struct change *change, const struct contract_row *contract,
                                 struct instant *ret_end, struct error *err);

/* End the contract's open interval at `end`, and post. */
NODISCARD bool change_close_interval(struct change *change, struct contract_row *contract,
                                     const struct interval_row *interval, struct instant end,
                                     struct error *err);

/* End it here, and begin the next one at the same place: the price changes. */
NODISCARD bool change_split_interval(struct change *change, struct contract_row *contract,
                                     struct error *err);

/* Whether their owner, who is one, can pay for an hour of everything, these running too. */
NODISCARD bool change_can_pay(struct change *change, const struct contract_row *const *contracts,
                              size_t count, bool *ret_can_pay, struct error *err);

/* Its balance or burn changed: to be looked at in the end. */
NODISCARD bool change_user(struct change *change, int64_t user_id, struct error *err);

/* Whether enough GPUs are free for it, or it holds its own. */
NODISCARD bool change_has_gpus(struct change *change, const struct contract_row *contract,
                               bool *ret_has, struct error *err);

NODISCARD bool change_end(struct change *change, struct error *err);

#endif

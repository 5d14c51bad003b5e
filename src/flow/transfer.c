/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "store/ledger.h"

struct transfer_work {
    int64_t from_id;
    const char *recipient;
    struct money amount;
    struct instant now;
    char key[JOURNAL_KEY_SIZE];
    enum transfer_outcome outcome;
};

static bool find_recipient(struct db *db, const char *text, struct arena *arena,
                           struct user_row *ret, bool *ret_has, struct error *err)
{
    uint64_t id;

    if (parse_u64(text, &id) && id > 0 && id <= INT64_MAX)
        return user_load(db, (int64_t)id, arena, ret, ret_has, err);
    return user_find(db, text, arena, ret, ret_has, err);
}

/* By rising id, as everybody locks. */
bool transfer_lock(struct db *db, int64_t a, int64_t b, struct error *err)
{
    return user_lock_open(db, a < b ? a : b, err) && user_lock_open(db, a < b ? b : a, err);
}

/* What is left must carry what runs: nobody gives away what has been used. */
bool transfer_may(struct db *db, int64_t from_id, struct money amount, struct instant now,
                  bool *ret_may, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct renter_funds funds;
    struct credit credit;
    struct user_row user;
    bool has;

    *ret_may = false;
    if (!user_load(db, from_id, &arena, &user, &has, err) ||
        !funds_credit(db, &user, now, &arena, &credit, err) ||
        !ledger_load_funds(db, from_id, &funds, err))
        return false;
    *ret_may = has && money_compare(funds.prepaid, amount) >= 0 &&
               money_compare(credit_available(&credit, now), amount) >= 0;
    return true;
}

static bool post(struct db *db, const struct transfer *transfer, struct error *err)
{
    struct ledger_key from = { LEDGER_RENTER_PREPAID, transfer->from_id, 0 };
    int64_t to_id = transfer->to_id;
    struct money amount = transfer->amount;
    struct renter_funds funds;
    struct journal journal;
    enum ledger_outcome outcome;

    if (!ledger_load_funds(db, to_id, &funds, err))
        return false;
    /* Whatever credits a renter settles the debt first. */
    struct money settled = money_compare(funds.receivable, amount) < 0 ? funds.receivable : amount;
    struct leg legs[] = {
        { from, { LEDGER_RENTER_RECEIVABLE, to_id, 0 }, settled, LEG_TRANSFER },
        { from,
          { LEDGER_RENTER_PREPAID, to_id, 0 },
          { amount.nanodollars - settled.nanodollars },
          LEG_TRANSFER },
    };
    struct journal_moves moves = { .key = transfer->key,
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = to_id,
                                   .occurred = transfer->now,
                                   .legs = legs,
                                   .leg_count = 2 };
    if (journal_moves(&moves, &journal) != JOURNAL_BUILT)
        return error_set(err, ERROR_CORRUPT, "a transfer of nothing");
    return ledger_post(db, &journal, transfer->now, &outcome, err) &&
           funds_set_t_zero(db, transfer->from_id, transfer->now, err) &&
           funds_set_t_zero(db, to_id, transfer->now, err) &&
           db_notify(db, TOPIC_USER, transfer->from_id, err) &&
           db_notify(db, TOPIC_USER, to_id, err);
}

bool transfer_post(struct db *db, const struct transfer *transfer, enum transfer_outcome *ret,
                   struct error *err)
{
    bool is_enough;

    if (!transfer_may(db, transfer->from_id, transfer->amount, transfer->now, &is_enough, err))
        return false;
    *ret = is_enough ? TRANSFER_DONE : TRANSFER_NO_CREDIT;
    return !is_enough || post(db, transfer, err);
}

static bool transfer_work(struct db *db, void *context, struct error *err)
{
    struct transfer_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct transfer transfer = {
        .from_id = work->from_id, .amount = work->amount, .now = work->now, .key = work->key
    };
    struct user_row to;
    bool has;

    work->outcome = TRANSFER_NOBODY;
    if (!find_recipient(db, work->recipient, &arena, &to, &has, err))
        return false;
    if (!has || to.closed.microseconds != 0)
        return true;
    work->outcome = TRANSFER_SELF;
    if (to.id == work->from_id)
        return true;
    transfer.to_id = to.id;
    return transfer_lock(db, transfer.from_id, to.id, err) &&
           transfer_post(db, &transfer, &work->outcome, err);
}

bool flow_transfer(const struct flow *flow, const struct caller *caller, const char *recipient,
                   struct money amount, enum transfer_outcome *ret, struct error *err)
{
    struct transfer_work work = { .from_id = caller->user_id,
                                  .recipient = recipient,
                                  .amount = amount,
                                  .now = clock_now(flow->clock) };
    char token[TOKEN_TEXT_SIZE];

    *ret = TRANSFER_BAD_AMOUNT;
    if (amount.nanodollars <= 0)
        return true;
    (void)snprintf(work.key, sizeof work.key, "adj:transfer:%.32s", crypto_token(token));
    if (!store_write(flow->store, transfer_work, &work, err))
        return error_context(err, "transfer credit of user %lld", (long long)caller->user_id);
    *ret = work.outcome;
    return true;
}

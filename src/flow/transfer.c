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
static bool lock_both(struct db *db, int64_t a, int64_t b, struct error *err)
{
    return user_lock(db, a < b ? a : b, err) && user_lock(db, a < b ? b : a, err);
}

/* What is left must carry what runs: nobody gives away what has been used. */
static bool is_free(struct db *db, const struct transfer_work *work, struct arena *arena,
                    struct renter_funds *funds, bool *ret_is_free, struct error *err)
{
    struct credit credit;
    struct user_row user;
    bool has;

    *ret_is_free = false;
    if (!user_load(db, work->from_id, arena, &user, &has, err) ||
        !funds_credit(db, &user, work->now, arena, &credit, err) ||
        !ledger_load_funds(db, work->from_id, funds, err))
        return false;
    *ret_is_free = has && money_compare(funds->prepaid, work->amount) >= 0 &&
                   money_compare(credit_available(&credit, work->now), work->amount) >= 0;
    return true;
}

static bool post(struct db *db, const struct transfer_work *work, int64_t to_id, struct error *err)
{
    struct ledger_key from = { LEDGER_RENTER_PREPAID, work->from_id, 0 };
    struct renter_funds funds;
    struct journal journal;
    enum ledger_outcome outcome;

    if (!ledger_load_funds(db, to_id, &funds, err))
        return false;
    /* Whatever credits a renter settles the debt first. */
    struct money settled =
        money_compare(funds.receivable, work->amount) < 0 ? funds.receivable : work->amount;
    struct leg legs[] = {
        { from, { LEDGER_RENTER_RECEIVABLE, to_id, 0 }, settled, LEG_TRANSFER },
        { from,
          { LEDGER_RENTER_PREPAID, to_id, 0 },
          { work->amount.nanodollars - settled.nanodollars },
          LEG_TRANSFER },
    };
    struct journal_moves moves = { .key = work->key,
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = to_id,
                                   .occurred = work->now,
                                   .legs = legs,
                                   .leg_count = 2 };
    if (journal_moves(&moves, &journal) != JOURNAL_BUILT)
        return error_set(err, ERROR_CORRUPT, "a transfer of nothing");
    return ledger_post(db, &journal, work->now, &outcome, err) &&
           funds_set_t_zero(db, work->from_id, work->now, err) &&
           funds_set_t_zero(db, to_id, work->now, err) &&
           db_notify(db, TOPIC_USER, work->from_id, err) && db_notify(db, TOPIC_USER, to_id, err);
}

static bool transfer_work(struct db *db, void *context, struct error *err)
{
    struct transfer_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct renter_funds funds;
    struct user_row to;
    bool has, is_enough;

    work->outcome = TRANSFER_NOBODY;
    if (!find_recipient(db, work->recipient, &arena, &to, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = TRANSFER_SELF;
    if (to.id == work->from_id)
        return true;
    work->outcome = TRANSFER_NO_CREDIT;
    if (!lock_both(db, work->from_id, to.id, err) ||
        !is_free(db, work, &arena, &funds, &is_enough, err))
        return false;
    if (!is_enough)
        return true;
    work->outcome = TRANSFER_DONE;
    return post(db, work, to.id, err);
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

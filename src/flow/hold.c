/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "flow/approval.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/post_usage.h"
#include "store/deposit.h"
#include "store/ledger.h"

struct hold_work {
    struct instant now;
    enum hold_outcome outcome;

    const struct hold_request *request;
    char key[JOURNAL_KEY_SIZE];

    int64_t id;
    enum hold_state end;
    struct money amount; /* to take; zero: all */
    int64_t operator_id;

    size_t count;
    int64_t ids[HOLDS_EXPIRE_MAX];

    const struct hold_filter *filter;
    struct arena *arena;
    struct hold_row *holds;
};

/* Who pays for what has been used is settled before credit comes or goes. */
static bool settle_usage(struct db *db, enum hold_kind kind, int64_t user_id, struct instant now,
                         struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);

    return (kind != HOLD_CREDIT || post_usage_of_renter(db, user_id, now, &arena, err)) &&
           user_lock(db, user_id, err);
}

/* When credit ends has changed with what may be spent. */
static bool tell(struct db *db, enum hold_kind kind, int64_t user_id, struct instant now,
                 struct error *err)
{
    return (kind != HOLD_CREDIT || funds_set_t_zero(db, user_id, now, err)) &&
           db_notify(db, TOPIC_USER, user_id, err);
}

/* What of the account could be held. */
static bool load_free(struct db *db, const struct hold_request *request, struct money *ret,
                      struct error *err)
{
    struct ledger_key payable = { LEDGER_HOST_PAYABLE, request->user_id, 0 };
    struct renter_funds funds;
    struct ledger_sums sums;

    if (request->kind == HOLD_CREDIT) {
        if (!ledger_load_funds(db, request->user_id, &funds, err))
            return false;
        *ret = funds.prepaid;
        return true;
    }
    if (!ledger_load_sums(db, payable, &sums, err))
        return false;
    *ret = ledger_free(LEDGER_HOST_PAYABLE, &sums);
    return true;
}

static bool place(struct db *db, struct hold_work *work, struct error *err)
{
    const struct hold_request *request = work->request;
    struct hold_row hold = { .key = work->key,
                             .kind = request->kind,
                             .user_id = request->user_id,
                             .amount = request->amount,
                             .note = request->note,
                             .created = work->now,
                             .expires = request->until };
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct hold_row before;
    enum hold_placing placing;
    struct money free;
    bool is_known;

    if (!hold_find(db, work->key, &arena, &before, &is_known, err) ||
        !load_free(db, request, &free, err))
        return false;
    work->outcome = HOLD_NOT_COVERED;
    if (!is_known && money_compare(free, request->amount) < 0)
        return true;
    if (!hold_place(db, &hold, &placing, err))
        return false;
    work->id = hold.id;
    work->outcome = placing == HOLD_PLACED   ? HOLD_DONE
                    : placing == HOLD_EXISTS ? HOLD_WAS_DONE
                                             : HOLD_TICKET_USED;
    return placing != HOLD_PLACED || tell(db, request->kind, request->user_id, work->now, err);
}

static bool expect(struct db *db, struct hold_work *work, struct error *err)
{
    const struct hold_request *request = work->request;
    struct funds_expected expected = { .user_id = request->user_id,
                                       .amount = request->amount,
                                       .ticket = request->ticket,
                                       .note = request->note,
                                       .until = request->until };

    if (!funds_expect(db, &expected, work->now, err))
        return false;
    work->id = expected.hold_id;
    work->outcome = expected.is_new ? HOLD_DONE : HOLD_WAS_DONE;
    return !expected.is_new || db_notify(db, TOPIC_USER, request->user_id, err);
}

static bool place_work(struct db *db, void *context, struct error *err)
{
    struct hold_work *work = context;
    const struct hold_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    bool has;

    work->outcome = HOLD_NOT_FOUND;
    if (!user_load(db, request->user_id, &arena, &user, &has, err))
        return false;
    if (!has)
        return true;
    return settle_usage(db, request->kind, user.id, work->now, err) &&
           (request->kind == HOLD_DEPOSIT ? expect : place)(db, work, err);
}

bool flow_hold_place(const struct flow *flow, const struct hold_request *request,
                     enum hold_outcome *ret, int64_t *ret_id, struct error *err)
{
    struct hold_work work = { .now = clock_now(flow->clock), .request = request };
    size_t length = strlen(request->ticket);

    *ret = HOLD_TOO_LONG;
    if (length == 0 || length > HOLD_TICKET_MAX || strlen(request->note) > HOLD_NOTE_MAX)
        return true;
    *ret = HOLD_BAD_AMOUNT;
    if (request->amount.nanodollars <= 0)
        return true;
    (void)snprintf(work.key, sizeof work.key, "%s:%s", hold_kind_name(request->kind),
                   request->ticket);
    if (!store_write(flow->store, place_work, &work, err))
        return error_context(err, "hold money of user %" PRId64, request->user_id);
    *ret = work.outcome;
    *ret_id = work.id;
    return true;
}

/* Free credit pays the debt that came while it was held. `funds` are from before it was free. */
static bool settle_debt(struct db *db, const struct hold_row *hold, struct renter_funds funds,
                        struct instant now, struct error *err)
{
    struct journal journal;
    enum ledger_outcome outcome;

    return hold_settle(hold->id, hold->user_id, &funds, now, &journal) != JOURNAL_BUILT ||
           ledger_post(db, &journal, now, &outcome, err);
}

/* A deposit that was announced will not come: its hold has its journal's key. */
static bool give_up_deposit(struct db *db, const struct hold_row *hold, struct instant now,
                            struct error *err)
{
    uint64_t id;

    if (strncmp(hold->key, "dep:", 4) != 0 || !parse_u64(hold->key + 4, &id) || id > INT64_MAX)
        return error_set(err, ERROR_CORRUPT, "hold %" PRId64 " is of no deposit", hold->id);
    return deposit_cancel(db, (int64_t)id, now, err);
}

/* What is free when `taken` of it is gone. */
static bool free_rest(struct db *db, const struct hold_row *hold, struct money taken,
                      struct renter_funds *ret, struct error *err)
{
    struct money rest = { hold->amount.nanodollars - taken.nanodollars };

    return ledger_load_funds(db, hold->user_id, ret, err) &&
           (money_add(ret->prepaid, rest, &ret->prepaid) ||
            error_set(err, ERROR_OUT_OF_RANGE, "more credit than money holds"));
}

static bool let_go(struct db *db, const struct hold_row *hold, struct hold_work *work,
                   struct error *err)
{
    struct renter_funds funds;

    switch (hold->kind) {
    case HOLD_CREDIT:
        return free_rest(db, hold, (struct money){ 0 }, &funds, err) &&
               hold_end(db, hold, work->end, work->now, err) &&
               settle_debt(db, hold, funds, work->now, err);
    case HOLD_DEPOSIT:
        return hold_end(db, hold, work->end, work->now, err) &&
               give_up_deposit(db, hold, work->now, err);
    case HOLD_EARNINGS:
        break;
    }
    return hold_end(db, hold, work->end, work->now, err);
}

static struct money taken_of(const struct hold_row *hold, const struct hold_work *work)
{
    return work->amount.nanodollars == 0 ? hold->amount : work->amount;
}

/* Much of it takes two operators: else it is not done yet. */
static bool approve(struct db *db, const struct hold_row *hold, struct hold_work *work,
                    struct error *err)
{
    char what[48], body[MONEY_TEXT_SIZE];
    enum approval_outcome outcome;
    struct approval_request request = { .body = body,
                                        .amount = taken_of(hold, work),
                                        .operator_id = work->operator_id,
                                        .at = work->now };

    (void)snprintf(what, sizeof what, "take:%" PRId64, hold->id);
    (void)money_format(request.amount, body);
    if (!hold_captured(db, hold->user_id, hold->kind, approval_day_before(work->now),
                       &request.lately, err) ||
        !approval_seek(db, what, &request, &outcome, err))
        return false;
    if (outcome == APPROVAL_NOBODY)
        work->outcome = HOLD_NOBODY;
    if (outcome == APPROVAL_ASKED || outcome == APPROVAL_WAITS)
        work->outcome = HOLD_WAITS;
    return true;
}

static bool take(struct db *db, const struct hold_row *hold, struct hold_work *work,
                 struct error *err)
{
    struct money taken = taken_of(hold, work);
    struct leg leg = hold_leg(hold->kind, hold->user_id, taken);
    struct renter_funds funds;
    struct journal journal;

    if (hold_take(hold->id, &leg, work->now, &journal) != JOURNAL_BUILT)
        return error_set(err, ERROR_CORRUPT, "hold %" PRId64 " is of nothing", hold->id);
    if (hold->kind != HOLD_CREDIT)
        return hold_capture(db, hold, &journal, work->now, err);
    return free_rest(db, hold, taken, &funds, err) &&
           hold_capture(db, hold, &journal, work->now, err) &&
           settle_debt(db, hold, funds, work->now, err);
}

/* How one that is asked to end does, without having looked at its money. */
static enum hold_outcome may_end(const struct hold_row *hold, const struct hold_work *work)
{
    if (hold->state != HOLD_OPEN)
        return hold->state == work->end ? HOLD_WAS_DONE : HOLD_NO_WAY;
    if (work->end == HOLD_EXPIRED && instant_compare(hold->expires, work->now) > 0)
        return HOLD_WAS_DONE; /* not yet */
    if (work->end != HOLD_CAPTURED)
        return HOLD_DONE;
    if (hold->kind == HOLD_DEPOSIT)
        return HOLD_NO_WAY;
    return money_compare(work->amount, hold->amount) > 0 ? HOLD_BAD_AMOUNT : HOLD_DONE;
}

static bool end_work(struct db *db, void *context, struct error *err)
{
    struct hold_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct hold_row hold;
    bool has;

    work->outcome = HOLD_NOT_FOUND;
    if (!hold_load(db, work->id, &arena, &hold, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = may_end(&hold, work);
    if (work->outcome == HOLD_DONE && work->end == HOLD_CAPTURED && !approve(db, &hold, work, err))
        return false;
    if (work->outcome != HOLD_DONE)
        return true;
    return settle_usage(db, hold.kind, hold.user_id, work->now, err) &&
           (work->end == HOLD_CAPTURED ? take : let_go)(db, &hold, work, err) &&
           tell(db, hold.kind, hold.user_id, work->now, err);
}

static bool end(const struct flow *flow, struct hold_work *work, enum hold_outcome *ret,
                struct error *err)
{
    work->now = clock_now(flow->clock);
    if (!store_write(flow->store, end_work, work, err))
        return error_context(err, "end hold %" PRId64, work->id);
    *ret = work->outcome;
    return true;
}

bool flow_hold_release(const struct flow *flow, int64_t hold_id, enum hold_outcome *ret,
                       struct error *err)
{
    struct hold_work work = { .id = hold_id, .end = HOLD_RELEASED };

    return end(flow, &work, ret, err);
}

bool flow_hold_take(const struct flow *flow, const struct hold_taking *taking,
                    enum hold_outcome *ret, struct error *err)
{
    struct hold_work work = { .id = taking->hold_id,
                              .end = HOLD_CAPTURED,
                              .amount = taking->amount,
                              .operator_id = taking->operator_id };

    *ret = HOLD_BAD_AMOUNT;
    return taking->amount.nanodollars < 0 || end(flow, &work, ret, err);
}

static bool due_work(struct db *db, void *context, struct error *err)
{
    struct hold_work *work = context;

    return hold_due(db, work->now, work->ids, HOLDS_EXPIRE_MAX, &work->count, err);
}

bool flow_hold_expire(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct hold_work due = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, due_work, &due, err))
        return error_context(err, "look for holds whose time is over");
    for (size_t i = 0; i < due.count; i++) {
        struct hold_work work = { .id = due.ids[i], .end = HOLD_EXPIRED };
        enum hold_outcome outcome;

        if (!end(flow, &work, &outcome, err))
            return false;
    }
    *ret_count = due.count;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct hold_work *work = context;

    return hold_list(db, work->filter, work->arena, &work->holds, &work->count, err);
}

bool flow_hold_list(const struct flow *flow, const struct hold_filter *filter, struct arena *arena,
                    struct hold_row **ret, size_t *ret_count, struct error *err)
{
    struct hold_work work = { .filter = filter, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list holds");
    *ret = work.holds;
    *ret_count = work.count;
    return true;
}

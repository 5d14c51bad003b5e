/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/close_account.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/account.h"
#include "flow/credentials.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "store/closing.h"
#include "store/ledger.h"

struct close_work {
    const struct caller *caller;
    const struct close_account_request *request;
    const char *email; /* as accounts have them */
    struct instant now;
    struct close_account_reply reply;
};

/* What is left goes to the house, and given credit lapses. */
static bool post_rest(struct db *db, const struct close_work *work, struct error *err)
{
    int64_t id = work->caller->user_id;
    const int64_t *left = work->reply.facts.amount;
    char key[JOURNAL_KEY_SIZE];
    struct renter_funds funds;
    struct journal journal;
    enum ledger_outcome outcome;

    if (!ledger_load_funds(db, id, &funds, err))
        return false;
    const struct ledger_key given_up = { .code = LEDGER_GIVEN_UP };
    struct leg legs[] = {
        { { LEDGER_RENTER_PREPAID, id, 0 }, given_up, { left[CLOSING_CREDIT] }, LEG_GIVEN_UP },
        { { LEDGER_HOST_PAYABLE, id, 0 }, given_up, { left[CLOSING_EARNINGS] }, LEG_GIVEN_UP },
        { { LEDGER_RENTER_PROMO, id, 0 },
          { .code = LEDGER_PROMO_EXPIRED },
          funds.promo,
          LEG_EXPIRED },
    };
    (void)snprintf(key, sizeof key, "adj:closed:%" PRId64, id);
    struct journal_moves moves = { .key = key,
                                   .kind = JOURNAL_ADJUSTMENT,
                                   .ref_kind = JOURNAL_REF_USER,
                                   .ref_id = id,
                                   .occurred = work->now,
                                   .legs = legs,
                                   .leg_count = sizeof legs / sizeof legs[0] };
    switch (journal_moves(&moves, &journal)) {
    case JOURNAL_EMPTY:
        return true;
    case JOURNAL_BUILT:
        break;
    case JOURNAL_TOO_LARGE:
        return error_set(err, ERROR_CORRUPT, "%s is more than money can be", key);
    }
    if (!ledger_post(db, &journal, work->now, &outcome, err))
        return false;
    return outcome == LEDGER_POSTED ||
           error_set(err, ERROR_CORRUPT, "%s has been posted before", key);
}

/* To the email that was the account's: told before it is forgotten, whatever was chosen. */
static bool say_goodbye(struct db *db, const struct close_work *work, struct error *err)
{
    char key[JOURNAL_KEY_SIZE];
    const struct notice notice = { .email = work->email,
                                   .template = "account_deleted",
                                   .key = key };

    (void)snprintf(key, sizeof key, "mail:closed:%" PRId64, work->caller->user_id);
    return notice_mail(db, &notice, work->now, err);
}

static bool close_work(struct db *db, void *context, struct error *err)
{
    struct close_work *work = context;
    int64_t id = work->caller->user_id;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    bool has;

    work->reply.outcome = CLOSE_ACCOUNT_OTHER_EMAIL;
    if (!user_lock_open(db, id, err) || !user_load(db, id, &arena, &user, &has, err))
        return false;
    if (!has || strcmp(user.email, work->email) != 0)
        return true;
    work->reply.outcome = CLOSE_ACCOUNT_STANDS;
    if (!closing_load(db, id, &work->reply.facts, err))
        return false;
    if (!closing_may(&work->reply.facts, work->request->given_up))
        return true;
    work->reply.outcome = CLOSE_ACCOUNT_DONE;
    return post_rest(db, work, err) && say_goodbye(db, work, err) &&
           closing_erase(db, id, work->now, err) && db_notify(db, TOPIC_USER, id, err);
}

/* False in `*ret_is`: `ret` says why not. */
static bool is_owner(const struct flow *flow, const struct caller *caller,
                     const struct close_account_request *request, struct close_account_reply *ret,
                     bool *ret_is, struct error *err)
{
    enum credentials_outcome outcome;

    if (!credentials_confirm(flow, caller, request->password, request->address, &outcome,
                             &ret->wait_us, err))
        return false;
    ret->outcome = outcome == CREDENTIALS_THROTTLED ? CLOSE_ACCOUNT_THROTTLED
                   : outcome == CREDENTIALS_BUSY    ? CLOSE_ACCOUNT_BUSY
                                                    : CLOSE_ACCOUNT_WRONG;
    *ret_is = outcome == CREDENTIALS_DONE;
    return true;
}

bool flow_close_account(const struct flow *flow, const struct caller *caller,
                        const struct close_account_request *request,
                        struct close_account_reply *ret, struct error *err)
{
    char email[EMAIL_LENGTH_MAX + 1];
    struct close_work work = {
        .caller = caller, .request = request, .email = email, .now = clock_now(flow->clock)
    };
    bool is_theirs;

    *ret = (struct close_account_reply){ .outcome = CLOSE_ACCOUNT_TEAM };
    if (caller_member(caller) != 0)
        return true;
    ret->outcome = CLOSE_ACCOUNT_NO_SESSION;
    if (caller->login_id == 0)
        return true;
    ret->outcome = CLOSE_ACCOUNT_OTHER_EMAIL;
    if (!account_email(request->email, email))
        return true;
    if (!is_owner(flow, caller, request, ret, &is_theirs, err))
        return false;
    if (!is_theirs)
        return true;
    if (!store_write(flow->store, close_work, &work, err))
        return error_context(err, "delete account %" PRId64, caller->user_id);
    *ret = work.reply;
    return true;
}

struct look_work {
    int64_t user_id;
    struct closing_facts facts;
};

static bool look_work(struct db *db, void *context, struct error *err)
{
    struct look_work *work = context;

    return closing_load(db, work->user_id, &work->facts, err);
}

bool flow_close_account_look(const struct flow *flow, const struct caller *caller,
                             struct closing_facts *ret, struct error *err)
{
    struct look_work work = { .user_id = caller->user_id };

    if (!store_read(flow->store, look_work, &work, err))
        return error_context(err, "look what stands against deleting account %" PRId64,
                             caller->user_id);
    *ret = work.facts;
    return true;
}

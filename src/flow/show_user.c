/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/show_user.h"

#include <string.h>

#include "flow/funds.h"
#include "store/hold.h"
#include "store/ledger.h"

struct show_work {
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    struct user_view view;
    bool stands_still; /* the view is the same at any later time */
};

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct show_work *work = context;
    int64_t id = work->caller->user_id;
    struct user_profile profile;
    struct hold_sums held;
    struct credit credit;
    bool has;

    if (!user_load_profile(db, id, work->arena, &profile, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a key without its user");
    work->view = (struct user_view){ .user = profile.user,
                                     .ssh_key = profile.ssh_key,
                                     .autobill = profile.autobill,
                                     .has_machines = profile.has_machines };
    memcpy(work->view.address, profile.address, sizeof profile.address);
    if (!funds_credit(db, &work->view.user, work->now, work->arena, &credit, err) ||
        !ledger_load_earnings(db, id, &work->view.earnings, err) || !hold_sums(db, id, &held, err))
        return false;
    work->view.credit = credit_available(&credit, work->now);
    work->view.burn_hour = credit_hour(&credit);
    work->stands_still = credit.burn == 0;
    work->view.pending_credit = held.deposits;
    work->view.held_credit = held.credit;
    work->view.held_earnings = held.earnings;
    return true;
}

bool flow_show_user(const struct flow *flow, const struct caller *caller, struct arena *arena,
                    struct user_view *ret, struct error *err)
{
    struct show_work work = { .caller = caller, .now = clock_now(flow->clock), .arena = arena };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show user %lld", (long long)caller->user_id);
    *ret = work.view;
    return true;
}

struct text_work {
    struct show_work show;
    user_view_write *write;
    struct store_answer answer;
};

static bool text_work(struct db *db, void *context, struct error *err)
{
    struct text_work *work = context;

    buf_release(work->answer.bytes);
    if (!show_work(db, &work->show, err))
        return false;
    work->write(&work->show.view, work->show.caller, work->answer.bytes);
    work->answer.is_lasting = work->show.stands_still;
    return true;
}

bool flow_show_user_text(const struct flow *flow, const struct caller *caller, struct arena *arena,
                         user_view_write *write, struct buf *out, struct error *err)
{
    const int64_t ids[] = { caller->user_id, caller->key_id };
    static const char kind[] = "user ";
    char name[sizeof kind - 1 + sizeof ids];
    struct text_work work = {
        .show = { .caller = caller, .now = clock_now(flow->clock), .arena = arena },
        .write = write,
        .answer = { name, sizeof name, out, false },
    };

    memcpy(name, kind, sizeof kind - 1);
    memcpy(name + sizeof kind - 1, ids, sizeof ids);
    return store_read_kept(flow->store, text_work, &work, &work.answer, err) ||
           error_context(err, "show user %lld", (long long)caller->user_id);
}

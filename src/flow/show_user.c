/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/show_user.h"

#include "flow/funds.h"
#include "store/hold.h"
#include "store/ledger.h"
#include "store/machine.h"
#include "store/ssh_key.h"

struct show_work {
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    struct user_view view;
};

static bool load_holds(struct db *db, int64_t id, struct user_view *view, struct error *err)
{
    return hold_sum(db, id, HOLD_DEPOSIT, &view->pending_credit, err) &&
           hold_sum(db, id, HOLD_CREDIT, &view->held_credit, err) &&
           hold_sum(db, id, HOLD_EARNINGS, &view->held_earnings, err);
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct show_work *work = context;
    int64_t id = work->caller->user_id;
    struct ledger_sums accrued, payable;
    struct machine_row *machines;
    struct ssh_key_row *keys;
    struct credit credit;
    size_t machine_count, key_count;
    bool has;

    work->view = (struct user_view){ .ssh_key = "" };
    if (!user_load(db, id, work->arena, &work->view.user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a key without its user");
    if (!funds_credit(db, &work->view.user, work->now, work->arena, &credit, err) ||
        !ledger_load_sums(db, (struct ledger_key){ LEDGER_HOST_ACCRUED, id, 0 }, &accrued, err) ||
        !ledger_load_sums(db, (struct ledger_key){ LEDGER_HOST_PAYABLE, id, 0 }, &payable, err) ||
        !load_holds(db, id, &work->view, err) ||
        !machine_list(db, id, work->arena, &machines, &machine_count, err) ||
        !ssh_key_list(db, id, work->arena, &keys, &key_count, err))
        return false;
    work->view.credit = credit_available(&credit, work->now);
    work->view.burn_hour = credit_hour(&credit);
    work->view.has_machines = machine_count > 0;
    if (key_count > 0)
        work->view.ssh_key = keys[0].public_key;
    if (!money_add(ledger_balance(LEDGER_LIABILITY, accrued.debits, accrued.credits),
                   ledger_balance(LEDGER_LIABILITY, payable.debits, payable.credits),
                   &work->view.earnings))
        return error_set(err, ERROR_CORRUPT, "earnings that money does not hold");
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

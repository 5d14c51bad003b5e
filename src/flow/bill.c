/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bill.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "flow/bill_batch.h"
#include "flow/change.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/post_usage.h"
#include "flow/usage.h"
#include "market/billing.h"
#include "store/host_invoice.h"
#include "store/machine.h"
#include "store/user.h"

struct bill_work {
    const struct flow *flow;
    struct instant now, cut;
    size_t count;
    int64_t ids[BILL_HOSTS_MAX];
    struct bill_range range; /* of them, that one transaction is for */
    size_t billed;
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;

    return host_invoice_due(db, work->cut, work->ids, BILL_HOSTS_MAX, &work->count, err);
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Whose contracts they are, each once, by id. */
static bool renters_of(const struct bill_unposted *contracts, size_t count, struct arena *arena,
                       int64_t **ret, size_t *ret_count, struct error *err)
{
    int64_t *renters = arena_alloc(arena, count + 1, sizeof *renters);
    size_t at = 0;

    if (renters == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the renters");
    for (size_t i = 0; i < count; i++)
        renters[i] = contracts[i].renter_id;
    qsort(renters, count, sizeof *renters, compare_ids);
    for (size_t i = 0; i < count; i++)
        if (at == 0 || renters[at - 1] != renters[i])
            renters[at++] = renters[i];
    *ret = renters;
    *ret_count = at;
    return true;
}

/* Machines first and then people, each in the order of their ids, as everybody does. */
static bool lock_all(struct db *db, const struct bill_unposted *contracts, size_t count,
                     const int64_t *renters, size_t renter_count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if ((i == 0 || contracts[i - 1].machine_id != contracts[i].machine_id) &&
            !machine_lock(db, contracts[i].machine_id, err))
            return false;
    for (size_t i = 0; i < renter_count; i++)
        if (!user_lock(db, renters[i], err))
            return false;
    return true;
}

/* Those of one machine. When the credit of their renters ends is worked out by the caller, at
 * `*now`, which moves on to the machine's last change where that came later. */
static bool post_machine(struct db *db, struct instant *now, const struct bill_unposted *contracts,
                         size_t count, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct change change;
    bool has;

    if (!change_begin(&change, db, contracts[0].machine_id, *now, &arena, &has, err))
        return false;
    change.leaves_users = true;
    *now = change.now;
    for (size_t i = 0; i < count; i++)
        if (!post_usage_of(&change, contracts[i].contract_id, err))
            return false;
    return change_end(&change, err);
}

/* Everything that ran on the hosts' machines before the cut is in the books after this. */
static bool post_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct instant now = work->now;
    struct bill_unposted *contracts;
    int64_t *renters;
    size_t count, renter_count;

    if (!bill_run_unposted(db, &work->range, &arena, &contracts, &count, err) ||
        !renters_of(contracts, count, &arena, &renters, &renter_count, err) ||
        !lock_all(db, contracts, count, renters, renter_count, err))
        return false;
    for (size_t from = 0, until; from < count; from = until) {
        until = from + 1;
        while (until < count && contracts[until].machine_id == contracts[from].machine_id)
            until++;
        if (!post_machine(db, &now, &contracts[from], until - from, err))
            return false;
    }
    for (size_t i = 0; i < renter_count; i++)
        if (!funds_set_t_zero(db, renters[i], now, err))
            return false;
    return true;
}

static bool number_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;

    return bill_batch(db, work->flow, &work->range, work->now, &work->billed, err);
}

static bool bill_range(struct bill_work *work, struct error *err)
{
    struct store *store = work->flow->store;

    return store_write(store, post_work, work, err) &&
           store_write_in_turn(store, STORE_TURN_BILLS, number_work, work, err);
}

/* Where a batch fails, each host by itself: one whose books are broken keeps nobody else waiting.
 */
static bool bill_hosts(struct bill_work *work, const int64_t *ids, size_t count, struct error *err)
{
    size_t failed = 0;

    work->range = (struct bill_range){ ids[0], ids[count - 1], work->cut };
    if (bill_range(work, err))
        return true;
    for (size_t i = 0; i < count && count > 1; i++) {
        work->range.first = work->range.last = ids[i];
        if (!bill_range(work, err)) {
            (void)error_context(err, "bill host %" PRId64, ids[i]);
            failed++;
        }
    }
    return count > 1 ? failed == 0 : error_context(err, "bill host %" PRId64, ids[0]);
}

bool flow_bill_hosts(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct bill_work work = { .flow = flow, .now = clock_now(flow->clock) };

    work.cut = billing_cut(work.now);
    *ret_count = 0;
    if (!usage_is_settled(work.now))
        return true;
    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for hosts to bill");
    /* Two servers that go the same way would meet at each host. Whoever comes second goes on from
     * the other end. */
    bool is_backwards = false;
    for (size_t from = 0, until = work.count; from < until;) {
        size_t count = until - from < BILL_BATCH ? until - from : BILL_BATCH;
        const int64_t *ids = is_backwards ? &work.ids[until - count] : &work.ids[from];

        until -= is_backwards ? count : 0;
        from += is_backwards ? 0 : count;
        if (!bill_hosts(&work, ids, count, err))
            return false;
        is_backwards = is_backwards != (work.billed < count);
    }
    *ret_count = work.count;
    return true;
}

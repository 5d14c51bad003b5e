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
#include "sys/crypto.h"

/* One walk over the hosts that are due, from some host on and round to it. */
struct bill_work {
    const struct flow *flow;
    struct instant now, cut;
    struct bill_span span; /* to look in */
    size_t count;
    int64_t ids[BILL_LOOK];
    struct bill_range range; /* of them, that one transaction is for */
    struct bill_counts done; /* by it */

    size_t billed; /* in this call */
    size_t unposted, failed;
    int64_t unposted_id;  /* one of them */
    struct error failure; /* the first one */
    bool is_beaten;       /* somebody else was there before */
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;

    return host_invoice_due(db, work->cut, &work->span, work->ids, BILL_LOOK, &work->count, err);
}

static bool span_work(struct db *db, void *context, struct error *err)
{
    struct bill_work *work = context;

    return host_invoice_due_span(db, work->cut, &work->span, err);
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

    return bill_batch(db, work->flow, &work->range, work->now, &work->done, err);
}

static bool bill_range(struct bill_work *work, const int64_t *ids, size_t count, struct error *err)
{
    struct store *store = work->flow->store;

    work->range = (struct bill_range){ ids[0], ids[count - 1], work->cut };
    if (!store_write(store, post_work, work, err) ||
        !store_write_in_turn(store, STORE_TURN_BILLS, number_work, work, err))
        return false;
    work->billed += work->done.billed;
    work->unposted += work->done.unposted;
    if (work->done.unposted > 0)
        work->unposted_id = work->done.unposted_id;
    work->is_beaten |= work->done.billed + work->done.unposted < count;
    return true;
}

/* Where a batch fails, each host by itself: one whose books are broken keeps nobody else waiting.
 */
static void bill_hosts(struct bill_work *work, const int64_t *ids, size_t count)
{
    struct error err;

    if (bill_range(work, ids, count, &err))
        return;
    for (size_t i = 0; i < count; i++) {
        if (count > 1 && bill_range(work, &ids[i], 1, &err))
            continue;
        if (work->failed++ > 0)
            continue;
        (void)error_context(&err, "bill host %" PRId64, ids[i]);
        work->failure = err;
    }
}

static bool is_over(const struct bill_work *work)
{
    return work->is_beaten || work->billed >= BILL_HOSTS_MAX;
}

/* The hosts of a span, until it is over. */
static bool walk(struct bill_work *work, int64_t first, int64_t last, struct error *err)
{
    work->count = BILL_LOOK;
    while (work->count == BILL_LOOK && !is_over(work)) {
        work->span = (struct bill_span){ first, last };
        if (!store_read(work->flow->store, find_work, work, err))
            return error_context(err, "look for hosts to bill");
        for (size_t at = 0; at < work->count && !is_over(work); at += BILL_BATCH)
            bill_hosts(work, &work->ids[at],
                       work->count - at < BILL_BATCH ? work->count - at : BILL_BATCH);
        if (work->count > 0)
            first = work->ids[work->count - 1] + 1;
    }
    return true;
}

/* Somewhere among those that are left. */
static bool choose_start(struct bill_work *work, int64_t *ret, struct error *err)
{
    uint64_t random;

    if (!store_read(work->flow->store, span_work, work, err))
        return error_context(err, "look for hosts to bill");
    crypto_random(&random, sizeof random);
    *ret =
        work->span.first + (int64_t)(random % ((uint64_t)(work->span.last - work->span.first) + 1));
    return true;
}

bool flow_bill_hosts(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct bill_work work = { .flow = flow, .now = clock_now(flow->clock) };
    int64_t start = 0;

    work.cut = billing_cut(work.now);
    *ret_count = 0;
    if (!usage_is_settled(work.now))
        return true;
    /* Two servers that go the same way would meet at each host. Whoever comes second goes on from
     * somewhere else. */
    do {
        if (work.is_beaten && !choose_start(&work, &start, err))
            return false;
        work.is_beaten = false;
        work.unposted = work.failed = 0;
        if (!walk(&work, start, INT64_MAX, err) ||
            (start > 0 && !is_over(&work) && !walk(&work, 0, start - 1, err)))
            return false;
    } while (work.is_beaten && work.billed < BILL_HOSTS_MAX);
    *ret_count = work.billed;
    /* Whoever is called again meets them again. */
    if (work.billed >= BILL_HOSTS_MAX)
        return true;
    if (work.unposted > 0)
        log_write(flow->log, LOG_WARNING, "hosts not billed",
                  "%zu have usage from before the cut that is not posted, among them host %" PRId64,
                  work.unposted, work.unposted_id);
    if (work.failed == 0)
        return true;
    *err = work.failure;
    return error_context(err, "%zu not billed, the first of them", work.failed);
}

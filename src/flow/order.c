/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/order.h"

#include <inttypes.h>
#include <stdio.h>

#include "flow/limits.h"
#include "flow/vault.h"
#include "store/user.h"

enum { ABOUT_SIZE = 64 };

struct order_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct order_request *request;
    struct instant now;
    struct arena *arena;
    int64_t id, after, max;
    int64_t offer_id;
    const char *note;
    struct order_reply reply;
    struct order_row *orders;
    size_t count;
    int64_t changed;
    bool has;
};

/* What it is to rent may hold keys and a registry's password: it lies sealed until the order ends.
 * Its number is not known before it is there. */
static struct vault_text launch_of(const struct order_row *order, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "order %" PRId64 " %" PRId64, order->owner_id,
                   order->created.microseconds);
    return (struct vault_text){ order->owner_id, about };
}

static bool insert(struct db *db, const struct order_work *work, const struct order_row *order,
                   int64_t *ret_id, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct order_row stored = *order;
    char about[ABOUT_SIZE];

    if (order->launch != NULL) {
        const struct vault_text of = launch_of(order, about);

        if (!vault_text_seal(db, work->flow->vault, &of, order->launch, work->now, &arena,
                             &stored.launch, err))
            return false;
    }
    return order_insert(db, &stored, ret_id, err);
}

/* One that does not open is left to people, and keeps none of the others from being found. */
static bool open_launch(struct db *db, const struct order_work *work, struct order_row *order,
                        struct error *err)
{
    char about[ABOUT_SIZE];

    if (order->launch == NULL)
        return true;
    const struct vault_text of = launch_of(order, about);
    if (vault_text_open(db, work->flow->vault, &of, order->launch, work->arena, &order->launch,
                        err))
        return true;
    if (err->code != ERROR_CORRUPT)
        return false;
    order->launch = "";
    return true;
}

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;
    const struct order_request *request = work->request;
    int64_t days = request->days > 0 ? request->days : ORDER_DAYS_DEFAULT, waiting;
    struct order_row order = {
        .owner_id = work->caller->user_id,
        .label = request->label == NULL ? "" : request->label,
        .query = request->query,
        .launch = request->launch,
        .note = "",
        .created = work->now,
        .expires = instant_add(work->now, days * 24 * US_PER_HOUR),
    };

    work->reply = (struct order_reply){ .outcome = ORDER_TOO_MANY };
    if (!user_lock_open(db, order.owner_id, err) ||
        !order_count_waiting(db, order.owner_id, &waiting, err))
        return false;
    if (waiting >= ORDERS_PER_USER_MAX)
        return true;
    if (!insert(db, work, &order, &order.id, err))
        return false;
    work->reply = (struct order_reply){ .outcome = ORDER_DONE, .order = order };
    return db_notify(db, TOPIC_ORDER, order.id, err);
}

bool flow_order_create(const struct flow *flow, const struct caller *caller,
                       const struct order_request *request, struct order_reply *ret,
                       struct error *err)
{
    struct order_work work = {
        .flow = flow, .caller = caller, .request = request, .now = clock_now(flow->clock)
    };

    if (!store_write(flow->store, create_work, &work, err))
        return error_context(err, "make a standing order");
    *ret = work.reply;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    return order_list(db, work->caller->user_id, ORDERS_SHOWN_MAX, work->arena, &work->orders,
                      &work->count, err);
}

bool flow_order_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                     struct order_row **ret, size_t *ret_count, struct error *err)
{
    struct order_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list standing orders");
    *ret = work.orders;
    *ret_count = work.count;
    return true;
}

static bool cancel_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    return order_cancel(db, work->caller->user_id, work->id, work->now, &work->changed, err) &&
           (work->changed == 0 || db_notify(db, TOPIC_ORDER, work->id, err));
}

bool flow_order_cancel(const struct flow *flow, const struct caller *caller, int64_t id,
                       enum order_outcome *ret, struct error *err)
{
    struct order_work work = { .caller = caller, .id = id, .now = clock_now(flow->clock) };

    if (!store_write(flow->store, cancel_work, &work, err))
        return error_context(err, "cancel a standing order");
    *ret = work.changed > 0 ? ORDER_DONE : ORDER_NONE;
    return true;
}

static bool waiting_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    if (!order_waiting(db, work->after, work->max, work->arena, &work->orders, &work->count, err))
        return false;
    for (size_t i = 0; i < work->count; i++) {
        if (!open_launch(db, work, &work->orders[i], err))
            return false;
    }
    return true;
}

bool flow_order_waiting(const struct flow *flow, int64_t after, int64_t max, struct arena *arena,
                        struct order_row **ret, size_t *ret_count, struct error *err)
{
    struct order_work work = { .flow = flow, .after = after, .max = max, .arena = arena };

    if (!store_read(flow->store, waiting_work, &work, err))
        return error_context(err, "look for standing orders");
    *ret = work.orders;
    *ret_count = work.count;
    return true;
}

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    return order_load(db, work->id, work->arena, &work->reply.order, &work->has, err) &&
           (!work->has || open_launch(db, work, &work->reply.order, err));
}

bool flow_order_load(const struct flow *flow, int64_t id, struct arena *arena,
                     struct order_row *ret, bool *ret_has, struct error *err)
{
    struct order_work work = { .flow = flow, .id = id, .arena = arena };

    if (!store_read(flow->store, load_work, &work, err))
        return error_context(err, "load a standing order");
    *ret = work.reply.order;
    *ret_has = work.has;
    return true;
}

static bool tell_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    return order_fire(db, work->id, work->offer_id, work->now, &work->changed, err) &&
           (work->changed == 0 || db_notify(db, TOPIC_ORDER, work->id, err));
}

bool flow_order_tell(const struct flow *flow, int64_t id, int64_t offer_id, bool *ret_has_fired,
                     struct error *err)
{
    struct order_work work = { .id = id, .offer_id = offer_id, .now = clock_now(flow->clock) };

    if (!store_write(flow->store, tell_work, &work, err))
        return error_context(err, "fire a standing order");
    *ret_has_fired = work.changed > 0;
    return true;
}

static bool note_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    return order_set_note(db, work->id, work->note, err);
}

bool flow_order_note(const struct flow *flow, int64_t id, const char *note, struct error *err)
{
    struct order_work work = { .id = id, .note = note };

    return store_write(flow->store, note_work, &work, err) ||
           error_context(err, "note on a standing order");
}

static bool expire_work(struct db *db, void *context, struct error *err)
{
    struct order_work *work = context;

    return order_expire(db, work->now, &work->changed, err) &&
           (work->changed == 0 || db_notify(db, TOPIC_ORDER, STORE_ID_ANY, err));
}

bool flow_order_expire(const struct flow *flow, struct error *err)
{
    struct order_work work = { .now = clock_now(flow->clock) };

    return store_write_patiently(flow->store, expire_work, &work, err) ||
           error_context(err, "end standing orders");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/orders.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "flow/offers.h"
#include "flow/order.h"
#include "flow/rent.h"
#include "market/catalog_search.h"
#include "market/query_parse.h"
#include "server/rental_read.h"
#include "sys/thread.h"

enum {
    ORDER_ARENA_MAX = 1 << 20,   /* an order's texts, and its query */
    MACHINE_ARENA_MAX = 1 << 20, /* a machine's offers */
    PAGE_SIZE = 64,
    HITS_MAX = 8, /* tried of one search: others may be faster */
};

struct waiting {
    struct arena arena; /* owns what follows */
    struct order_row row;
    struct query query;
    int64_t search_due_us; /* of CLOCK_MONOTONIC */
    int64_t rests_until_us;
    bool is_new; /* to be searched for again soon */
};

struct change {
    enum db_topic topic;
    int64_t id;
};

struct orders {
    const struct flow *flow;
    struct catalog_feed *catalog;
    pthread_t thread;

    /* The thread's own: by id. */
    struct waiting *waiting;
    size_t count, capacity;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t touched;
    struct change queue[ORDERS_QUEUE_MAX];
    size_t queue_length;
    bool is_all_touched, is_stopping, has_stopped;
};

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

static void log_trouble(const struct orders *orders, const char *what, const struct error *err)
{
    log_failure(orders->flow->log, what, err);
}

static bool read_launch(const char *launch, struct arena *arena, json_t **ret_root,
                        struct rental_request *request, struct error *err)
{
    if (!json_parse(launch, strlen(launch), ret_root, err) ||
        !rental_read(*ret_root, arena, request, err) || !rental_read_bid(*ret_root, request, err))
        return false;
    if (request->spec.volume_count > 0 || request->volume.offer_id != 0)
        return error_set(err, ERROR_INVALID, "what is started when found mounts no volumes");
    /* It starts when it is found, or it goes on waiting here, where that costs nothing. */
    request->must_run = true;
    return true;
}

/* What it is to rent is what it looks for; a bid looks for offers where it would run now. */
static bool narrow(const struct rental_request *request, struct arena *arena, struct query *query,
                   struct error *err)
{
    bool is_bid_query = query->ask.type == OFFER_BID;
    struct query_value *most = arena_alloc(arena, 1, sizeof *most);

    if (query->ask.type == OFFER_RESERVED)
        return error_set(err, ERROR_INVALID, "what is started when found is on demand or a bid");
    if (request->is_bid != is_bid_query)
        return error_set(err, ERROR_INVALID,
                         is_bid_query ? "a bid needs a price: say it in launch"
                                      : "launch has a price, so the type must be bid");
    query->ask.disk_milligb = request->spec.disk_gb * 1000;
    if (!request->is_bid)
        return true;
    if (query->condition_count == QUERY_CONDITIONS_MAX || most == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "more than %d conditions",
                         QUERY_CONDITIONS_MAX - 1);
    *most =
        (struct query_value){ .kind = QUERY_VALUE_NUMBER, .number = offer_dollars(request->price) };
    query->conditions[query->condition_count++] =
        (struct query_condition){ QUERY_MIN_BID, QUERY_LTE, 1, most };
    return true;
}

bool orders_query(const char *query, const char *launch, struct arena *arena, struct query *ret,
                  struct error *err)
{
    auto_json json_t *root = NULL, *launch_root = NULL;
    struct rental_request request = { 0 };

    if (!json_parse(query, strlen(query), &root, err) || !query_parse(root, arena, ret, err) ||
        (launch != NULL && (!read_launch(launch, arena, &launch_root, &request, err) ||
                            !narrow(&request, arena, ret, err))))
        return false;
    /* What nobody can rent now is no find. */
    ret->has_rented = false;
    ret->extra_count = 0;
    return true;
}

static size_t position_of(const struct orders *orders, int64_t id)
{
    size_t low = 0, high = orders->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (orders->waiting[middle].row.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void forget(struct orders *orders, size_t at)
{
    arena_release(&orders->waiting[at].arena);
    orders->count--;
    memmove(&orders->waiting[at], &orders->waiting[at + 1],
            (orders->count - at) * sizeof orders->waiting[0]);
}

/* Take the order up at its place. One that cannot be read is left to people. */
static void keep(struct orders *orders, const struct order_row *row)
{
    struct waiting waiting = { .arena = arena_of(ORDER_ARENA_MAX), .row = *row, .is_new = true };
    size_t at = position_of(orders, row->id);
    struct error err;

    waiting.row.launch = row->launch == NULL ? NULL : arena_text(&waiting.arena, row->launch);
    waiting.row.query = waiting.row.label = waiting.row.note = NULL;
    if ((row->launch != NULL && waiting.row.launch == NULL) ||
        !orders_query(row->query, row->launch, &waiting.arena, &waiting.query, &err)) {
        log_write(orders->flow->log, LOG_ERROR, "standing order not read", "order %lld",
                  (long long)row->id);
        arena_release(&waiting.arena);
        return;
    }
    if (orders->count == orders->capacity) {
        orders->capacity = orders->capacity > 0 ? 2 * orders->capacity : 64;
        orders->waiting =
            must(realloc(orders->waiting, orders->capacity * sizeof orders->waiting[0]));
    }
    memmove(&orders->waiting[at + 1], &orders->waiting[at],
            (orders->count - at) * sizeof orders->waiting[0]);
    orders->waiting[at] = waiting;
    orders->count++;
}

static bool reload(struct orders *orders, int64_t id, struct error *err)
{
    auto_arena struct arena arena = arena_of(ORDER_ARENA_MAX);
    size_t at = position_of(orders, id);
    struct order_row row;
    bool has;

    if (!flow_order_load(orders->flow, id, &arena, &row, &has, err))
        return false;
    if (at < orders->count && orders->waiting[at].row.id == id)
        forget(orders, at);
    if (has && row.state == ORDER_WAITS)
        keep(orders, &row);
    return true;
}

static bool reload_all(struct orders *orders, struct error *err)
{
    int64_t after = 0;
    size_t count;

    while (orders->count > 0)
        forget(orders, orders->count - 1);
    do {
        auto_arena struct arena arena = arena_of(PAGE_SIZE * (size_t)ORDER_ARENA_MAX);
        struct order_row *rows;

        if (!flow_order_waiting(orders->flow, after, PAGE_SIZE, &arena, &rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            keep(orders, &rows[i]);
            after = rows[i].id;
        }
    } while (count == PAGE_SIZE);
    return true;
}

/* It waits on, with a word to its owner where that is a new one. */
static void note(struct orders *orders, struct waiting *waiting, const char *text)
{
    struct error err;

    waiting->rests_until_us = monotonic_us() + ORDERS_BACKOFF_SECONDS * US_PER_SECOND;
    if (waiting->row.note != NULL && strcmp(waiting->row.note, text) == 0)
        return;
    waiting->row.note = arena_text(&waiting->arena, text);
    if (!flow_order_note(orders->flow, waiting->row.id, text, &err))
        log_trouble(orders, "standing order without its note", &err);
}

/* Whether the order is over, by us or by others. */
static bool rent(struct orders *orders, struct waiting *waiting, int64_t offer_id)
{
    auto_arena struct arena arena = arena_of(ORDER_ARENA_MAX);
    auto_json json_t *root = NULL;
    struct caller owner = { .kind = CALLER_USER,
                            .user_id = waiting->row.owner_id,
                            .scopes = SCOPE_ALL };
    struct rental_request request = { .offer_id = offer_id, .order_id = waiting->row.id };
    struct rental_reply reply;
    struct error err;

    if (!read_launch(waiting->row.launch, &arena, &root, &request, &err)) {
        note(orders, waiting, err.text);
        return false;
    }
    if (!flow_rent(orders->flow, &owner, &request, &reply, &err)) {
        log_trouble(orders, "standing order not rented", &err);
        waiting->rests_until_us = monotonic_us() + ORDERS_BACKOFF_SECONDS * US_PER_SECOND;
        return false;
    }
    crypto_wipe(reply.api_key, sizeof reply.api_key);
    switch (reply.outcome) {
    case RENTAL_MADE:
        log_write(orders->flow->log, LOG_INFO, "standing order rented",
                  "order %lld, instance %lld, offer %lld", (long long)waiting->row.id,
                  (long long)reply.instance_id, (long long)offer_id);
        return true;
    case RENTAL_ORDER_OVER:
        return true;
    case RENTAL_REPEATED:
        return false;
    case RENTAL_REFUSED:
        if (reply.refusal != RENT_NO_SUCH_OFFER && reply.refusal != RENT_OFFER_TAKEN &&
            reply.refusal != RENT_BID_WOULD_WAIT)
            note(orders, waiting, rent_outcome_sentence(reply.refusal));
        return false;
    case RENTAL_BAD_SPEC:
        note(orders, waiting, reply.why);
        return false;
    case RENTAL_BAD_LABEL:
        note(orders, waiting, "The label is too long.");
        return false;
    case RENTAL_BAD_VOLUME:
    case RENTAL_VOLUME_FILLING:
        note(orders, waiting, "A volume cannot be mounted there.");
        return false;
    }
    return false;
}

static bool fire(struct orders *orders, struct waiting *waiting, int64_t offer_id)
{
    struct error err;
    bool has_fired;

    if (waiting->row.launch != NULL)
        return rent(orders, waiting, offer_id);
    if (flow_order_tell(orders->flow, waiting->row.id, offer_id, &has_fired, &err))
        return true;
    log_trouble(orders, "standing order not fired", &err);
    return false;
}

static struct query_caller asker_of(const struct orders *orders, const struct waiting *waiting)
{
    return (struct query_caller){ clock_now(orders->flow->clock), waiting->row.owner_id };
}

/* Its best of these offers; NULL: none. */
static const struct offer *best_of(const struct waiting *waiting, const struct query_caller *asker,
                                   const struct offer *offers, size_t count)
{
    struct quote quotes[2];
    struct query_subject best = { .offer = NULL };
    size_t next = 0;

    for (size_t i = 0; i < count; i++) {
        struct query_subject subject = { &offers[i], &quotes[next] };

        quotes[next] = offer_quote(&offers[i], &waiting->query.ask);
        if (!offer_is_rentable(&offers[i], asker->now) ||
            !query_matches(&waiting->query, &subject, asker) ||
            (best.offer != NULL && query_compare(&waiting->query, &best, &subject, asker) < 0))
            continue;
        best = subject;
        next = 1 - next;
    }
    return best.offer;
}

/* Hold the machine's offers against all that wait. A rental changes them, and comes back here. */
static bool look_at_machine(struct orders *orders, int64_t machine_id, struct error *err)
{
    auto_arena struct arena arena = arena_of(MACHINE_ARENA_MAX);
    struct offer *offers;
    size_t count;

    if (orders->count == 0)
        return true;
    if (!flow_offers_of_machine(orders->flow, machine_id, &arena, &offers, &count, err))
        return false;
    for (size_t at = 0; at < orders->count && count > 0;) {
        struct waiting *waiting = &orders->waiting[at];
        struct query_caller asker = asker_of(orders, waiting);
        const struct offer *best = waiting->rests_until_us > monotonic_us()
                                       ? NULL
                                       : best_of(waiting, &asker, offers, count);

        if (best != NULL && fire(orders, waiting, best->id))
            forget(orders, at);
        else
            at++;
    }
    return true;
}

/* Offers for it that can be rented now, best first. The catalog is not held while they are. */
static size_t find(const struct orders *orders, const struct waiting *waiting,
                   int64_t ids[static HITS_MAX])
{
    auto_catalog_side struct catalog_side *side = catalog_feed_take(orders->catalog);
    struct query_caller asker = asker_of(orders, waiting);
    struct catalog_hit hits[HITS_MAX];
    struct query query = waiting->query;
    size_t found = 0;

    query.limit = HITS_MAX;
    size_t count = catalog_search(catalog_side_catalog(side), &query, &asker, hits);
    for (size_t i = 0; i < count; i++) {
        if (offer_is_rentable(hits[i].offer, asker.now))
            ids[found++] = hits[i].offer->id;
    }
    return found;
}

/* Whether the order is over. */
static bool search(struct orders *orders, struct waiting *waiting)
{
    int64_t ids[HITS_MAX];

    waiting->search_due_us =
        monotonic_us() +
        (waiting->is_new ? ORDERS_SETTLE_SECONDS : ORDERS_SWEEP_SECONDS) * US_PER_SECOND;
    waiting->is_new = false;
    size_t count = find(orders, waiting, ids);
    for (size_t i = 0; i < count && waiting->rests_until_us <= monotonic_us(); i++) {
        if (fire(orders, waiting, ids[i]))
            return true;
    }
    return false;
}

/* Those whose time has come to search the catalog; those whose time is over end. */
static void search_due(struct orders *orders)
{
    struct instant now = clock_now(orders->flow->clock);
    bool is_late = false;
    struct error err;

    for (size_t at = 0; at < orders->count;) {
        struct waiting *waiting = &orders->waiting[at];

        if (instant_compare(waiting->row.expires, now) <= 0) {
            is_late = true;
            forget(orders, at);
        } else if (waiting->search_due_us <= monotonic_us() && search(orders, waiting)) {
            forget(orders, at);
        } else {
            at++;
        }
    }
    if (is_late && !flow_order_expire(orders->flow, &err))
        log_trouble(orders, "standing orders not ended", &err);
}

static bool follow(struct orders *orders, const struct change *changes, size_t count, bool is_all,
                   struct error *err)
{
    if (is_all)
        return reload_all(orders, err);
    for (size_t i = 0; i < count; i++) {
        bool is_order = changes[i].topic == TOPIC_ORDER;

        if (!(is_order ? reload(orders, changes[i].id, err)
                       : look_at_machine(orders, changes[i].id, err)))
            return false;
    }
    return true;
}

/* When the next has to search; never later than a sweep from now. */
static int64_t next_due_us(const struct orders *orders)
{
    int64_t due_us = monotonic_us() + ORDERS_SWEEP_SECONDS * US_PER_SECOND;

    for (size_t i = 0; i < orders->count; i++) {
        int64_t own_us = orders->waiting[i].search_due_us;

        due_us = own_us < due_us ? own_us : due_us;
    }
    return due_us;
}

/* What was touched, or nothing where it is time to search. False: it is over. */
static bool wait_for_changes(struct orders *orders, struct change *ret, size_t *ret_count,
                             bool *ret_is_all)
{
    int64_t due_us = next_due_us(orders);
    struct timespec until = { .tv_sec = due_us / US_PER_SECOND,
                              .tv_nsec = due_us % US_PER_SECOND * 1000 };

    (void)pthread_mutex_lock(&orders->lock);
    while (!orders->is_stopping && orders->queue_length == 0 && !orders->is_all_touched &&
           monotonic_us() < due_us)
        (void)pthread_cond_timedwait(&orders->touched, &orders->lock, &until);
    bool goes_on = !orders->is_stopping;
    memcpy(ret, orders->queue, orders->queue_length * sizeof ret[0]);
    *ret_count = orders->queue_length;
    *ret_is_all = orders->is_all_touched;
    orders->queue_length = 0;
    orders->is_all_touched = false;
    (void)pthread_mutex_unlock(&orders->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct orders *orders = context;
    struct change *changes = must(calloc(ORDERS_QUEUE_MAX, sizeof *changes));
    size_t count;
    bool is_all;
    struct error err;

    while (wait_for_changes(orders, changes, &count, &is_all)) {
        if (!follow(orders, changes, count, is_all, &err)) {
            log_trouble(orders, "standing orders not looked at", &err);
            (void)nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
            orders_touch(orders, TOPIC_ORDER, STORE_ID_ANY);
        }
        search_due(orders);
    }
    free(changes);
    return NULL;
}

bool orders_open(const struct flow *flow, struct catalog_feed *catalog, struct orders **ret_orders,
                 struct error *err)
{
    struct orders *orders = must(calloc(1, sizeof *orders));

    orders->flow = flow;
    orders->catalog = catalog;
    orders->is_all_touched = true;
    (void)pthread_mutex_init(&orders->lock, NULL);
    thread_cond(&orders->touched);
    if (!thread_start(&orders->thread, run, orders, err)) {
        free(orders);
        return error_context(err, "start the standing orders");
    }
    *ret_orders = orders;
    return true;
}

void orders_stop(struct orders *orders)
{
    if (orders == NULL || orders->has_stopped)
        return;
    (void)pthread_mutex_lock(&orders->lock);
    orders->is_stopping = true;
    (void)pthread_cond_signal(&orders->touched);
    (void)pthread_mutex_unlock(&orders->lock);
    (void)pthread_join(orders->thread, NULL);
    orders->has_stopped = true;
}

void orders_close(struct orders **orders_owner)
{
    struct orders *orders = *orders_owner;

    if (orders == NULL)
        return;
    orders_stop(orders);
    while (orders->count > 0)
        forget(orders, orders->count - 1);
    free(orders->waiting);
    (void)pthread_cond_destroy(&orders->touched);
    (void)pthread_mutex_destroy(&orders->lock);
    free(orders);
    *orders_owner = NULL;
}

void orders_touch(struct orders *orders, enum db_topic topic, int64_t id)
{
    (void)pthread_mutex_lock(&orders->lock);
    bool is_queued = false;
    for (size_t i = orders->queue_length; i > 0 && orders->queue_length - i < 8 && !is_queued; i--)
        is_queued = orders->queue[i - 1].topic == topic && orders->queue[i - 1].id == id;
    if (id == STORE_ID_ANY || (!is_queued && orders->queue_length == ORDERS_QUEUE_MAX))
        orders->is_all_touched = true;
    else if (!is_queued)
        orders->queue[orders->queue_length++] = (struct change){ topic, id };
    (void)pthread_cond_signal(&orders->touched);
    (void)pthread_mutex_unlock(&orders->lock);
}

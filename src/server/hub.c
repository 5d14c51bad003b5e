/* SPDX-License-Identifier: Apache-2.0 */
#include "server/hub.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "proto/hello.h"

enum { BUCKETS_MIN = 64 };

/* Agents' timers drift, so one that is a little early counts as due. */
#define REGULAR_US (HEARTBEAT_MS * US_PER_MS * 3 / 4)

/* What is known of a machine. Entries stay until the hub is closed: there are no more of them
 * than machines that have proved who they are. */
struct entry {
    struct entry *next;
    struct hub_session session;
    bool has_session;
    int64_t heard_us, beat_us; /* of CLOCK_BOOTTIME; 0: never */
    uint64_t wake_count;
    void *poll; /* NULL: none is parked */
};

struct hub {
    const struct clock *clock;
    hub_release *release;

    pthread_mutex_t lock; /* guards all below, and the entries */
    bool has_stopped;
    struct entry **buckets;
    size_t bucket_count, entry_count;
    int64_t parked_count, wake_total;
};

static void *alloc_or_abort(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        abort(); /* As base/buf.h says: its supervisor starts the process again. */
    return memory;
}

static struct entry **bucket_of(const struct hub *hub, int64_t machine_id)
{
    /* Fibonacci hashing: ids are consecutive, and this spreads them. */
    uint64_t hash = (uint64_t)machine_id * UINT64_C(11400714819323198485);

    return &hub->buckets[(hash >> 32) & (hub->bucket_count - 1)];
}

static struct entry *find_entry(const struct hub *hub, int64_t machine_id)
{
    struct entry *entry = *bucket_of(hub, machine_id);

    while (entry != NULL && entry->session.machine_id != machine_id)
        entry = entry->next;
    return entry;
}

static void link_entry(struct hub *hub, struct entry *entry)
{
    struct entry **bucket = bucket_of(hub, entry->session.machine_id);

    entry->next = *bucket;
    *bucket = entry;
}

static void grow_buckets(struct hub *hub)
{
    struct entry **old = hub->buckets;
    size_t old_count = hub->bucket_count;

    hub->bucket_count *= 2;
    hub->buckets = alloc_or_abort(hub->bucket_count, sizeof(struct entry *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct entry *entry = old[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            link_entry(hub, entry);
        }
    }
    free(old);
}

static struct entry *make_entry(struct hub *hub, int64_t machine_id)
{
    struct entry *entry = find_entry(hub, machine_id);

    if (entry != NULL)
        return entry;
    if (hub->entry_count == hub->bucket_count)
        grow_buckets(hub);
    entry = alloc_or_abort(1, sizeof *entry);
    entry->session.machine_id = machine_id;
    link_entry(hub, entry);
    hub->entry_count++;
    return entry;
}

/* The entry's poll, which the caller lets go once the lock is given back; NULL: it has none. */
static void *take_poll(struct hub *hub, struct entry *entry)
{
    void *poll = entry->poll;

    entry->poll = NULL;
    hub->parked_count -= poll != NULL ? 1 : 0;
    return poll;
}

static void unlock_and_release(struct hub *hub, void *poll, enum hub_reason reason)
{
    (void)pthread_mutex_unlock(&hub->lock);
    if (poll != NULL)
        hub->release(poll, reason);
}

struct hub *hub_open(const struct clock *clock, hub_release *release)
{
    struct hub *hub = alloc_or_abort(1, sizeof *hub);

    hub->clock = clock;
    hub->release = release;
    hub->bucket_count = BUCKETS_MIN;
    hub->buckets = alloc_or_abort(hub->bucket_count, sizeof(struct entry *));
    (void)pthread_mutex_init(&hub->lock, NULL);
    return hub;
}

/* Take every poll under the lock, then let go of them without it. */
static void release_all(struct hub *hub, enum hub_reason reason, bool stops)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&hub->lock);
    hub->has_stopped = hub->has_stopped || stops;
    void **polls = alloc_or_abort((size_t)hub->parked_count + 1, sizeof *polls);
    for (size_t i = 0; i < hub->bucket_count; i++) {
        for (struct entry *entry = hub->buckets[i]; entry != NULL; entry = entry->next) {
            entry->wake_count++;
            if (entry->poll != NULL)
                polls[count++] = take_poll(hub, entry);
        }
    }
    hub->wake_total += reason == HUB_CHANGED ? (int64_t)count : 0;
    (void)pthread_mutex_unlock(&hub->lock);

    for (size_t i = 0; i < count; i++)
        hub->release(polls[i], reason);
    free(polls);
}

void hub_stop(struct hub *hub)
{
    release_all(hub, HUB_DROPPED, true);
}

void hub_close(struct hub **hub_owner)
{
    struct hub *hub = *hub_owner;

    if (hub == NULL)
        return;
    hub_stop(hub);
    for (size_t i = 0; i < hub->bucket_count; i++) {
        for (struct entry *entry = hub->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
    free(hub->buckets);
    (void)pthread_mutex_destroy(&hub->lock);
    free(hub);
    *hub_owner = NULL;
}

bool hub_find(struct hub *hub, int64_t machine_id, int64_t epoch, struct hub_session *ret_session)
{
    (void)pthread_mutex_lock(&hub->lock);
    const struct entry *entry = find_entry(hub, machine_id);
    bool is_known = entry != NULL && entry->has_session && entry->session.epoch == epoch;
    if (is_known)
        *ret_session = entry->session;
    (void)pthread_mutex_unlock(&hub->lock);
    return is_known;
}

void hub_admit(struct hub *hub, const struct hub_session *session)
{
    void *poll = NULL;

    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = make_entry(hub, session->machine_id);
    if (!entry->has_session || session->epoch > entry->session.epoch) {
        entry->session = *session;
        entry->has_session = true;
        entry->wake_count++;
        poll = take_poll(hub, entry);
    }
    unlock_and_release(hub, poll, HUB_DROPPED);
}

void hub_forget(struct hub *hub, int64_t machine_id)
{
    void *poll = NULL;

    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    if (entry != NULL) {
        entry->has_session = false;
        poll = take_poll(hub, entry);
    }
    unlock_and_release(hub, poll, HUB_DROPPED);
}

void hub_touch(struct hub *hub, int64_t machine_id)
{
    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    if (entry != NULL)
        entry->heard_us = clock_boot_us(hub->clock);
    (void)pthread_mutex_unlock(&hub->lock);
}

bool hub_beat(struct hub *hub, int64_t machine_id)
{
    bool is_regular = false;

    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    if (entry != NULL) {
        int64_t now_us = clock_boot_us(hub->clock);
        is_regular = entry->beat_us == 0 || now_us - entry->beat_us >= REGULAR_US;
        entry->beat_us = now_us;
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return is_regular;
}

uint64_t hub_ticket(struct hub *hub, int64_t machine_id)
{
    (void)pthread_mutex_lock(&hub->lock);
    const struct entry *entry = find_entry(hub, machine_id);
    uint64_t ticket = entry != NULL ? entry->wake_count : 0;
    (void)pthread_mutex_unlock(&hub->lock);
    return ticket;
}

bool hub_park(struct hub *hub, int64_t machine_id, uint64_t ticket, void *poll)
{
    void *displaced = NULL;

    assert(poll != NULL);
    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    bool is_parked =
        !hub->has_stopped && entry != NULL && entry->has_session && entry->wake_count == ticket;
    if (is_parked) {
        displaced = take_poll(hub, entry);
        entry->poll = poll;
        hub->parked_count++;
    }
    unlock_and_release(hub, displaced, HUB_DROPPED);
    return is_parked;
}

void hub_wake(struct hub *hub, int64_t machine_id)
{
    void *poll = NULL;

    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    if (entry != NULL) {
        entry->wake_count++;
        poll = take_poll(hub, entry);
        hub->wake_total += poll != NULL ? 1 : 0;
    }
    unlock_and_release(hub, poll, HUB_CHANGED);
}

void hub_wake_all(struct hub *hub)
{
    release_all(hub, HUB_CHANGED, false);
}

struct hub_totals hub_totals(struct hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    struct hub_totals totals = { .parked = hub->parked_count, .wakes = hub->wake_total };
    int64_t since_us = clock_boot_us(hub->clock) - LEASE_MS * US_PER_MS;
    since_us = since_us > 0 ? since_us : 0;
    for (size_t i = 0; i < hub->bucket_count; i++) {
        for (const struct entry *entry = hub->buckets[i]; entry != NULL; entry = entry->next) {
            totals.known += entry->has_session ? 1 : 0;
            totals.connected += entry->has_session && entry->heard_us > since_us ? 1 : 0;
        }
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return totals;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/hub.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "proto/hello.h"

enum { BUCKETS_MIN = 64 };

/* What is known of a machine. Entries stay until the hub is closed: there are no more of them
 * than machines that have proved who they are. */
struct entry {
    struct entry *next_in_bucket;
    struct hub_session session;
    int64_t last_heard_us; /* of CLOCK_BOOTTIME; 0: never */
    uint64_t wake_count;
    bool has_session;
    void *poll; /* NULL: none is parked */
    int64_t expires_us;
    struct entry *earlier, *later; /* among those with a poll, by expires_us */
};

struct hub {
    const struct clock *clock;
    int64_t hold_us;
    hub_resume *resume;
    pthread_t expirer;

    pthread_mutex_t lock; /* guards all below, and the entries */
    pthread_cond_t parked; /* the queue has a first one, or the hub is stopping */
    bool is_stopping;
    struct entry **buckets;
    size_t bucket_count, entry_count;
    struct entry *first, *last; /* who expires first and last */
    int64_t parked_count, wake_total;
};

static size_t bucket_of(const struct hub *hub, int64_t machine_id)
{
    /* Fibonacci hashing: ids are consecutive, and this spreads them. */
    return (size_t)(((uint64_t)machine_id * UINT64_C(11400714819323198485)) >> 32) &
           (hub->bucket_count - 1);
}

static struct entry *find_entry(struct hub *hub, int64_t machine_id)
{
    struct entry *entry = hub->buckets[bucket_of(hub, machine_id)];

    while (entry != NULL && entry->session.machine_id != machine_id)
        entry = entry->next_in_bucket;
    return entry;
}

static void *alloc_or_abort(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        abort(); /* As base/buf.h says: its supervisor starts the process again. */
    return memory;
}

static void link_entry(struct hub *hub, struct entry *entry)
{
    struct entry **bucket = &hub->buckets[bucket_of(hub, entry->session.machine_id)];

    entry->next_in_bucket = *bucket;
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
            next = entry->next_in_bucket;
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
    if (hub->entry_count >= hub->bucket_count)
        grow_buckets(hub);
    entry = alloc_or_abort(1, sizeof *entry);
    entry->session.machine_id = machine_id;
    link_entry(hub, entry);
    hub->entry_count++;
    return entry;
}

/* Take the entry's poll out of the queue; NULL where it has none. The caller resumes it, once
 * the lock is let go. */
static void *take_poll(struct hub *hub, struct entry *entry)
{
    void *poll = entry->poll;

    if (poll == NULL)
        return NULL;
    *(entry->earlier != NULL ? &entry->earlier->later : &hub->first) = entry->later;
    *(entry->later != NULL ? &entry->later->earlier : &hub->last) = entry->earlier;
    entry->poll = NULL;
    entry->earlier = entry->later = NULL;
    hub->parked_count--;
    return poll;
}

static void unlock_and_resume(struct hub *hub, void *poll)
{
    (void)pthread_mutex_unlock(&hub->lock);
    if (poll != NULL)
        hub->resume(poll);
}

static struct timespec timespec_at(int64_t monotonic_us)
{
    return (struct timespec){ .tv_sec = monotonic_us / US_PER_SECOND,
                              .tv_nsec = monotonic_us % US_PER_SECOND * 1000 };
}

/* Wait until the first poll expires, or something changes. */
static void wait_for_first(struct hub *hub, int64_t now_us)
{
    struct timespec now;

    if (hub->first == NULL) {
        (void)pthread_cond_wait(&hub->parked, &hub->lock);
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t real_us = now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
    struct timespec until = timespec_at(real_us + hub->first->expires_us - now_us);
    (void)pthread_cond_timedwait(&hub->parked, &hub->lock, &until);
}

static void *run_expirer(void *context)
{
    struct hub *hub = context;

    (void)pthread_mutex_lock(&hub->lock);
    while (!hub->is_stopping) {
        int64_t now_us = clock_boot_us(hub->clock);
        if (hub->first != NULL && hub->first->expires_us <= now_us) {
            unlock_and_resume(hub, take_poll(hub, hub->first));
            (void)pthread_mutex_lock(&hub->lock);
        } else {
            wait_for_first(hub, now_us);
        }
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return NULL;
}

bool hub_open(const struct clock *clock, int64_t hold_ms, hub_resume *resume,
              struct hub **ret_hub, struct error *err)
{
    struct hub *hub = alloc_or_abort(1, sizeof *hub);
    pthread_condattr_t attributes;

    *hub = (struct hub){ .clock = clock, .hold_us = hold_ms * US_PER_MS, .resume = resume };
    hub->bucket_count = BUCKETS_MIN;
    hub->buckets = alloc_or_abort(hub->bucket_count, sizeof(struct entry *));
    (void)pthread_mutex_init(&hub->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&hub->parked, &attributes);
    (void)pthread_condattr_destroy(&attributes);

    int failure = pthread_create(&hub->expirer, NULL, run_expirer, hub);
    if (failure != 0) {
        hub->is_stopping = true;
        free(hub->buckets);
        free(hub);
        return error_system(err, failure, "start the hub's thread");
    }
    *ret_hub = hub;
    return true;
}

/* Resume all that wait, one after another, so that the lock is never held meanwhile. */
static void resume_all(struct hub *hub)
{
    for (;;) {
        (void)pthread_mutex_lock(&hub->lock);
        void *poll = hub->first != NULL ? take_poll(hub, hub->first) : NULL;
        unlock_and_resume(hub, poll);
        if (poll == NULL)
            return;
    }
}

void hub_stop(struct hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    bool was_stopping = hub->is_stopping;
    hub->is_stopping = true;
    (void)pthread_cond_signal(&hub->parked);
    (void)pthread_mutex_unlock(&hub->lock);
    if (was_stopping)
        return;
    (void)pthread_join(hub->expirer, NULL);
    resume_all(hub);
}

void hub_close(struct hub **hub_owner)
{
    struct hub *hub = *hub_owner;

    if (hub == NULL)
        return;
    hub_stop(hub);
    for (size_t i = 0; i < hub->bucket_count; i++) {
        for (struct entry *entry = hub->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next_in_bucket;
            free(entry);
        }
    }
    free(hub->buckets);
    (void)pthread_cond_destroy(&hub->parked);
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
    unlock_and_resume(hub, poll);
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
    unlock_and_resume(hub, poll);
}

void hub_touch(struct hub *hub, int64_t machine_id)
{
    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    if (entry != NULL)
        entry->last_heard_us = clock_boot_us(hub->clock);
    (void)pthread_mutex_unlock(&hub->lock);
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

    (void)pthread_mutex_lock(&hub->lock);
    struct entry *entry = find_entry(hub, machine_id);
    bool is_parked = !hub->is_stopping && entry != NULL && entry->has_session &&
                     entry->wake_count == ticket;
    if (is_parked) {
        displaced = take_poll(hub, entry);
        entry->poll = poll;
        entry->expires_us = clock_boot_us(hub->clock) + hub->hold_us;
        entry->earlier = hub->last;
        *(hub->last != NULL ? &hub->last->later : &hub->first) = entry;
        hub->last = entry;
        hub->parked_count++;
        if (hub->first == entry)
            (void)pthread_cond_signal(&hub->parked);
    }
    unlock_and_resume(hub, displaced);
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
    unlock_and_resume(hub, poll);
}

void hub_wake_all(struct hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < hub->bucket_count; i++) {
        for (struct entry *entry = hub->buckets[i]; entry != NULL; entry = entry->next_in_bucket)
            entry->wake_count++;
    }
    (void)pthread_mutex_unlock(&hub->lock);
    resume_all(hub);
}

struct hub_totals hub_totals(struct hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    struct hub_totals totals = { .parked = hub->parked_count, .wakes = hub->wake_total };
    int64_t since_us = clock_boot_us(hub->clock) - LEASE_MS * US_PER_MS;
    since_us = since_us > 0 ? since_us : 0;
    for (size_t i = 0; i < hub->bucket_count; i++) {
        for (struct entry *entry = hub->buckets[i]; entry != NULL; entry = entry->next_in_bucket) {
            totals.known += entry->has_session ? 1 : 0;
            totals.connected += entry->has_session && entry->last_heard_us > since_us ? 1 : 0;
        }
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return totals;
}

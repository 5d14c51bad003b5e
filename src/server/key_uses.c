/* SPDX-License-Identifier: Apache-2.0 */
#include "server/key_uses.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/idmap.h"
#include "flow/account.h"

#define STEP_US (KEY_USES_STEP_SECONDS * US_PER_SECOND)

struct use {
    int64_t key_id;
    struct instant used, written; /* the last one, and the last that was written; the epoch: none */
};

enum { RECENT_PLACES = 1024, MARK_SECONDS_BITS = 24 };

struct key_uses {
    /* A key and the second in which it was noted, at the key's place: most calls are of a key that
     * was noted in this second, and end here, without the lock. */
    atomic_uint_fast64_t recent[RECENT_PLACES];

    pthread_mutex_t lock; /* guards what follows: held for a place, and by the job for a look */
    struct idmap places;
    struct use *uses; /* owned */
    size_t count, capacity;
};

struct key_uses *key_uses_open(void)
{
    struct key_uses *uses = calloc(1, sizeof *uses);

    if (uses == NULL)
        abort();
    (void)pthread_mutex_init(&uses->lock, NULL);
    return uses;
}

void key_uses_close(struct key_uses **uses_owner)
{
    struct key_uses *uses = *uses_owner;

    if (uses == NULL)
        return;
    (void)pthread_mutex_destroy(&uses->lock);
    idmap_release(&uses->places);
    free(uses->uses);
    free(uses);
    *uses_owner = NULL;
}

static void add(struct key_uses *uses, int64_t key_id, struct instant now)
{
    if (uses->count == KEY_USES_MAX)
        return;
    if (uses->count == uses->capacity) {
        uses->capacity = uses->capacity > 0 ? 2 * uses->capacity : 64;
        uses->uses = realloc(uses->uses, uses->capacity * sizeof uses->uses[0]);
        if (uses->uses == NULL)
            abort();
    }
    idmap_put(&uses->places, key_id, (uint32_t)uses->count);
    uses->uses[uses->count++] = (struct use){ .key_id = key_id, .used = now };
}

/* Ids of 40 bits, and seconds of half a year. Of two that are alike one note would be missed. */
static uint_fast64_t mark_of(int64_t key_id, struct instant now)
{
    uint64_t second = (uint64_t)(now.microseconds / US_PER_SECOND);

    return (uint64_t)key_id << MARK_SECONDS_BITS | (second & ((1U << MARK_SECONDS_BITS) - 1));
}

void key_uses_note(struct key_uses *uses, int64_t key_id, struct instant now)
{
    atomic_uint_fast64_t *recent = &uses->recent[(uint64_t)key_id % RECENT_PLACES];
    uint_fast64_t mark = mark_of(key_id, now);

    if (atomic_load_explicit(recent, memory_order_relaxed) == mark)
        return;
    atomic_store_explicit(recent, mark, memory_order_relaxed);
    (void)pthread_mutex_lock(&uses->lock);
    uint32_t place = idmap_find(&uses->places, key_id);
    if (place == IDMAP_NONE)
        add(uses, key_id, now);
    else if (instant_compare(uses->uses[place].used, now) < 0)
        uses->uses[place].used = now;
    (void)pthread_mutex_unlock(&uses->lock);
}

/* The last one takes its place. */
static void forget(struct key_uses *uses, size_t place)
{
    idmap_remove(&uses->places, uses->uses[place].key_id);
    uses->count--;
    if (place == uses->count)
        return;
    uses->uses[place] = uses->uses[uses->count];
    idmap_put(&uses->places, uses->uses[place].key_id, (uint32_t)place);
}

/* Those that were used since the use that was written, if that was at `until` or before. Of the
 * others that old nothing need be known: their next use is due at once. */
static size_t gather(struct key_uses *uses, struct instant until,
                     struct api_key_use due[static API_KEY_USES_MAX])
{
    size_t due_count = 0;

    (void)pthread_mutex_lock(&uses->lock);
    for (size_t i = uses->count; i > 0 && due_count < API_KEY_USES_MAX; i--) {
        const struct use *use = &uses->uses[i - 1];

        if (instant_compare(use->written, until) > 0)
            continue;
        if (instant_compare(use->used, use->written) > 0)
            due[due_count++] = (struct api_key_use){ use->key_id, use->used };
        else
            forget(uses, i - 1);
    }
    (void)pthread_mutex_unlock(&uses->lock);
    return due_count;
}

static void mark_written(struct key_uses *uses, const struct api_key_use *done, size_t count)
{
    (void)pthread_mutex_lock(&uses->lock);
    for (size_t i = 0; i < count; i++)
        uses->uses[idmap_find(&uses->places, done[i].id)].written = done[i].used;
    (void)pthread_mutex_unlock(&uses->lock);
}

static bool write_until(struct key_uses *uses, const struct flow *flow, struct instant until,
                        struct error *err)
{
    struct api_key_use due[API_KEY_USES_MAX];
    size_t count;

    do {
        count = gather(uses, until, due);
        if (!flow_keys_used(flow, due, count, err))
            return false;
        mark_written(uses, due, count);
    } while (count == API_KEY_USES_MAX);
    return true;
}

bool key_uses_write(struct key_uses *uses, const struct flow *flow, struct error *err)
{
    return write_until(uses, flow, instant_add(clock_now(flow->clock), -STEP_US), err);
}

bool key_uses_write_all(struct key_uses *uses, const struct flow *flow, struct error *err)
{
    return write_until(uses, flow, INSTANT_NEVER, err);
}

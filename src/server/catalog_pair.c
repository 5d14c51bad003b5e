/* SPDX-License-Identifier: Apache-2.0 */
#include "server/catalog_pair.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "market/catalog_notes.h"

enum { YIELDS_MAX = 100, PAUSE_NS = 50000 };

struct catalog_side {
    /* Apart from the rest: every search writes to it. */
    _Alignas(64) atomic_size_t reader_count;
    /* Owned, and its edition: written only while nobody is counted in. */
    _Alignas(64) struct catalog *catalog;
    uint64_t edition;
};

struct catalog_pair {
    struct catalog_side sides[2];
    struct catalog_notes *notes; /* owned; the writer's: of what it is putting */
    uint64_t edition;            /* the writer's: of the last change */
    _Alignas(64) _Atomic(struct catalog_side *) present;
};

struct catalog_pair *catalog_pair_of(const struct catalog_stock *stocks, size_t count)
{
    struct catalog_pair *pair = aligned_alloc(64, sizeof *pair);

    if (pair == NULL)
        abort(); /* As base/buf.h says. */
    for (int i = 0; i < 2; i++) {
        atomic_init(&pair->sides[i].reader_count, 0);
        pair->sides[i].catalog = catalog_of(stocks, count);
        pair->sides[i].edition = 1;
    }
    pair->edition = 1;
    atomic_init(&pair->present, &pair->sides[0]);
    pair->notes = catalog_notes_new();
    return pair;
}

void catalog_pair_release(struct catalog_pair **pair_owner)
{
    struct catalog_pair *pair = *pair_owner;

    if (pair == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        assert(atomic_load(&pair->sides[i].reader_count) == 0);
        catalog_release(&pair->sides[i].catalog);
    }
    catalog_notes_release(&pair->notes);
    free(pair);
    *pair_owner = NULL;
}

/* A search that counts itself in after this looked sees that it came too late, and leaves. */
static void wait_until_unread(const struct catalog_side *side)
{
    for (int tries = 0; atomic_load(&side->reader_count) > 0; tries++) {
        if (tries < YIELDS_MAX)
            (void)sched_yield();
        else
            (void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
    }
}

/* The two change places; returns the one that was read until now, which nobody reads any more. */
static struct catalog_side *swap(struct catalog_pair *pair)
{
    struct catalog_side *last = atomic_load(&pair->present);

    atomic_store(&pair->present, &pair->sides[last == &pair->sides[0] ? 1 : 0]);
    wait_until_unread(last);
    return last;
}

static struct catalog_side *resting(struct catalog_pair *pair)
{
    return &pair->sides[atomic_load(&pair->present) == &pair->sides[0] ? 1 : 0];
}

static void put_noted(const struct catalog_pair *pair, struct catalog_side *side)
{
    catalog_put_noted(side->catalog, pair->notes);
    side->edition = pair->edition;
}

void catalog_pair_put(struct catalog_pair *pair, const struct catalog_stock *stocks, size_t count)
{
    catalog_notes_clear(pair->notes);
    catalog_note(resting(pair)->catalog, stocks, count, pair->notes);
    pair->edition++;
    put_noted(pair, resting(pair));
    put_noted(pair, swap(pair));
}

static void replace_all(struct catalog_pair *pair, struct catalog_side *side,
                        const struct catalog_stock *stocks, size_t count)
{
    catalog_release(&side->catalog);
    side->catalog = catalog_of(stocks, count);
    side->edition = pair->edition;
}

void catalog_pair_replace(struct catalog_pair *pair, const struct catalog_stock *stocks,
                          size_t count)
{
    pair->edition++;
    replace_all(pair, resting(pair), stocks, count);
    replace_all(pair, swap(pair), stocks, count);
}

struct catalog_side *catalog_pair_take(struct catalog_pair *pair)
{
    for (;;) {
        struct catalog_side *side = atomic_load(&pair->present);

        atomic_fetch_add(&side->reader_count, 1);
        /* Still the one to read: from here on the writer sees us. Else it may have looked before
         * we were counted, and be writing by now. */
        if (atomic_load(&pair->present) == side)
            return side;
        atomic_fetch_sub(&side->reader_count, 1);
    }
}

const struct catalog *catalog_side_catalog(const struct catalog_side *side)
{
    return side->catalog;
}

uint64_t catalog_side_edition(const struct catalog_side *side)
{
    return side->edition;
}

void catalog_side_give_back(struct catalog_side **side)
{
    if (*side != NULL)
        atomic_fetch_sub(&(*side)->reader_count, 1);
    *side = NULL;
}

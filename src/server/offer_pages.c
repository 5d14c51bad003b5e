/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_pages.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct place {
    pthread_mutex_t lock;      /* guards all of it */
    struct http_page *page;    /* held; NULL: none */
    struct offer_page_key key; /* of the page; its query is owned */
    char *query;
    /* What was asked for last and not found, and when. A hash does: it only says what is worth
     * keeping. */
    uint64_t wanted;
    struct instant wanted_at;
};

struct offer_pages {
    struct place places[PAGE_COUNT];
};

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

struct offer_pages *offer_pages_open(void)
{
    struct offer_pages *pages = must(calloc(1, sizeof *pages));

    for (size_t i = 0; i < PAGE_COUNT; i++)
        (void)pthread_mutex_init(&pages->places[i].lock, NULL);
    return pages;
}

void offer_pages_close(struct offer_pages **address)
{
    struct offer_pages *pages = *address;

    if (pages == NULL)
        return;
    for (size_t i = 0; i < PAGE_COUNT; i++) {
        http_page_release(&pages->places[i].page);
        free(pages->places[i].query);
        (void)pthread_mutex_destroy(&pages->places[i].lock);
    }
    free(pages);
    *address = NULL;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* Of all but the clock. What falls together is told apart by is_same(). */
static uint64_t hash_of(const struct offer_page_key *key)
{
    uint64_t hash = mix(key->query_length, (uintptr_t)key->route), word;
    size_t at = 0;

    for (; at + sizeof word <= key->query_length; at += sizeof word) {
        memcpy(&word, key->query + at, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    memcpy(&word, key->query + at, key->query_length - at);
    hash = mix(mix(hash, word), (uint64_t)key->user_id);
    return mix(hash, key->takes_gzip ? 1 : 0);
}

static bool is_same(const struct offer_page_key *a, const struct offer_page_key *b)
{
    return a->edition == b->edition && a->user_id == b->user_id && a->route == b->route &&
           a->takes_gzip == b->takes_gzip && a->query_length == b->query_length &&
           memcmp(a->query, b->query, a->query_length) == 0;
}

/* A clock that was set back makes nothing fresh. */
static bool is_fresh(struct instant made, struct instant now)
{
    int64_t age_us = instant_until(made, now);

    return age_us >= 0 && age_us < PAGE_LIFE_US;
}

static struct place *place_of(struct offer_pages *pages, uint64_t hash)
{
    return &pages->places[hash % PAGE_COUNT];
}

struct http_page *offer_pages_find(struct offer_pages *pages, const struct offer_page_key *key,
                                   bool *ret_is_wanted)
{
    struct http_page *page = NULL;

    *ret_is_wanted = false;
    if (key->query_length > PAGE_QUERY_MAX)
        return NULL;
    uint64_t hash = hash_of(key);
    struct place *place = place_of(pages, hash);
    /* The next edition is another thing to want. */
    uint64_t wanted = mix(hash, key->edition);

    (void)pthread_mutex_lock(&place->lock);
    if (place->page != NULL && is_same(&place->key, key) && is_fresh(place->key.now, key->now)) {
        page = http_page_hold(place->page);
    } else {
        *ret_is_wanted = place->wanted == wanted && is_fresh(place->wanted_at, key->now);
        place->wanted = wanted;
        place->wanted_at = key->now;
    }
    (void)pthread_mutex_unlock(&place->lock);
    return page;
}

void offer_pages_keep(struct offer_pages *pages, const struct offer_page_key *key,
                      struct http_page *page)
{
    assert(key->query_length <= PAGE_QUERY_MAX);
    struct place *place = place_of(pages, hash_of(key));
    char *query = must(malloc(key->query_length + 1));

    memcpy(query, key->query, key->query_length);
    (void)pthread_mutex_lock(&place->lock);
    struct http_page *last = place->page;
    char *last_query = place->query;
    place->page = http_page_hold(page);
    place->query = query;
    place->key = *key;
    place->key.query = query;
    (void)pthread_mutex_unlock(&place->lock);
    http_page_release(&last);
    free(last_query);
}

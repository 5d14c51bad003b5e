/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_pages.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "server/http_page.h"

#define NOW ((struct instant){ INT64_C(1795330553000000) })

enum { KINDS = 300, ROUNDS = 20000, THREADS = 3, STEP_MAX_US = 40000 };

static const char routes[3];
static struct offer_pages *pages;

static int open_pages(void **state)
{
    (void)state;
    pages = offer_pages_open();
    return 0;
}

static int close_pages(void **state)
{
    (void)state;
    offer_pages_close(&pages);
    return 0;
}
#define WITH_PAGES(test) cmocka_unit_test_setup_teardown(test, open_pages, close_pages)

static struct offer_page_key key_of(const char *query)
{
    return (struct offer_page_key){ .route = &routes[0],
                                    .query = query,
                                    .query_length = strlen(query),
                                    .user_id = 7,
                                    .edition = 3,
                                    .now = NOW };
}

/* A page that is known again by its length. */
static struct http_page *page_of(int64_t length)
{
    struct buf body = buf_of(1 << 20);

    for (int64_t i = 0; i < length; i++)
        buf_append(&body, "x", 1);
    return http_page_of("application/json", NULL, 0, &body);
}

static void keep(const struct offer_page_key *key, int64_t length)
{
    struct http_page *page = page_of(length);

    offer_pages_keep(pages, key, page);
    http_page_release(&page);
}

/* Its length, or 0: none. */
static int64_t find(const struct offer_page_key *key, bool *ret_is_wanted)
{
    struct http_page *page = offer_pages_find(pages, key, ret_is_wanted);
    int64_t length = page != NULL ? (int64_t)page->length : 0;

    CHECK(page == NULL || !*ret_is_wanted);
    http_page_release(&page);
    return length;
}

static bool is_wanted(const struct offer_page_key *key)
{
    bool wanted;

    CHECK_INT(find(key, &wanted), 0);
    return wanted;
}

static struct offer_page_key later(struct offer_page_key key, int64_t us)
{
    key.now = instant_add(key.now, us);
    return key;
}

static void test_a_page_is_for_those_who_ask_the_same(void **state)
{
    const struct offer_page_key key = key_of("{\"limit\":64}");
    struct offer_page_key other[8];
    bool wanted;

    (void)state;
    for (int i = 0; i < 8; i++)
        other[i] = key;
    other[0].route = &routes[1];
    other[1].query = "{\"limit\":65}";
    other[2].query = "{\"limit\":64} ";
    other[2].query_length++;
    other[3].query_length--;
    other[4].takes_gzip = true;
    other[5].user_id = 0;
    other[6].edition++;
    other[7].edition--;
    for (int i = 0; i < 8; i++) {
        keep(&key, 9);
        check_row("other %d", i);
        CHECK_INT(find(&key, &wanted), 9);
        CHECK_INT(find(&other[i], &wanted), 0);
        keep(&other[i], 5);
        CHECK_INT(find(&other[i], &wanted), 5);
    }
}

static void test_a_page_is_as_old_as_its_seconds_may_be(void **state)
{
    const struct offer_page_key key = key_of("{}");
    bool wanted;

    (void)state;
    keep(&key, 9);
    for (int i = 0; i < 2; i++) {
        const struct offer_page_key last = later(key, PAGE_LIFE_US - 1);

        CHECK_INT(find(&last, &wanted), 9);
    }
    const struct offer_page_key late = later(key, PAGE_LIFE_US), early = later(key, -1);
    CHECK_INT(find(&late, &wanted), 0);
    CHECK_INT(find(&early, &wanted), 0);
    CHECK_INT(find(&key, &wanted), 9);
}

static void test_what_is_asked_twice_is_wanted(void **state)
{
    const struct offer_page_key key = key_of("{}"), other = key_of("{\"limit\":1}");
    struct offer_page_key next = key;

    (void)state;
    next.edition++;
    CHECK(!is_wanted(&key));
    CHECK(!is_wanted(&other));
    CHECK(is_wanted(&key));
    CHECK(is_wanted(&key));
    CHECK(!is_wanted(&next)); /* A market that changes: no page is worth it. */
    CHECK(!is_wanted(&key));
    const struct offer_page_key late = later(key, PAGE_LIFE_US);
    CHECK(!is_wanted(&late));
    CHECK(is_wanted(&late));
}

static void test_a_long_query_is_never_kept(void **state)
{
    static char text[PAGE_QUERY_MAX + 2];

    (void)state;
    memset(text, ' ', sizeof text - 1);
    struct offer_page_key key = key_of(text);
    CHECK(key.query_length == PAGE_QUERY_MAX + 1);
    CHECK(!is_wanted(&key) && !is_wanted(&key));
    key.query_length--;
    CHECK(!is_wanted(&key) && is_wanted(&key));
}

/* More than there is room for; queries are alike but for one byte, which is anywhere. */
static struct offer_page_key some_key(char text[static 32], size_t *ret_kind)
{
    size_t kind = check_random(KINDS);

    (void)snprintf(text, 32, "{\"limit\":%zu}", kind / 12);
    struct offer_page_key key = key_of(text);
    key.user_id = (int64_t)(kind % 2);
    key.route = &routes[kind / 2 % 3];
    key.takes_gzip = kind / 6 % 2 != 0;
    *ret_kind = kind;
    return key;
}

/* Whatever is asked in whatever order: what is found was kept for just that, in this edition, less
 * than a second ago. */
static void test_nothing_stale_and_nothing_of_another_is_found(void **state)
{
    static struct {
        uint64_t edition;
        struct instant made;
        int64_t length;
    } kept[KINDS];
    struct instant now = NOW;
    uint64_t edition = 1;
    size_t found = 0;

    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        char text[32];
        size_t kind;
        struct offer_page_key key = some_key(text, &kind);
        bool wanted;

        now = instant_add(now, (int64_t)check_random(STEP_MAX_US) - STEP_MAX_US / 8);
        edition += check_random(300) == 0 ? 1 : 0;
        key.edition = edition;
        key.now = now;
        int64_t length = find(&key, &wanted);
        if (length > 0) {
            int64_t age_us = instant_until(kept[kind].made, now);

            check_row("round %zu", round);
            CHECK_INT(length, kept[kind].length);
            CHECK(kept[kind].edition == edition && age_us >= 0 && age_us < PAGE_LIFE_US);
            found++;
        } else if (wanted || check_random(2) == 0) {
            kept[kind].edition = edition;
            kept[kind].made = now;
            kept[kind].length = 1 + (int64_t)(round % 997);
            keep(&key, kept[kind].length);
        }
    }
    CHECK(found > ROUNDS / 100);
}

static atomic_int found_count, wrong_count;

static void *run(void *context)
{
    uint64_t randomness = *(const uint64_t *)context;

    for (int round = 0; round < ROUNDS; round++) {
        char text[32];
        bool wanted;

        randomness = randomness * UINT64_C(6364136223846793005) + 1442695040888963407;
        size_t kind = (randomness >> 33) % KINDS;
        (void)snprintf(text, sizeof text, "%zu", kind);
        const struct offer_page_key key = key_of(text);
        struct http_page *page = offer_pages_find(pages, &key, &wanted);
        if (page != NULL) {
            atomic_fetch_add(&found_count, 1);
            atomic_fetch_add(&wrong_count, page->length != kind + 1 ? 1 : 0);
        } else {
            page = page_of((int64_t)kind + 1);
            offer_pages_keep(pages, &key, page);
        }
        http_page_release(&page);
    }
    return NULL;
}

static void test_many_may_ask_at_once(void **state)
{
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = check_random(UINT64_MAX);
        CHECK(pthread_create(&threads[i], NULL, run, &seeds[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&wrong_count), 0);
    CHECK(atomic_load(&found_count) > ROUNDS / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAGES(test_a_page_is_for_those_who_ask_the_same),
        WITH_PAGES(test_a_page_is_as_old_as_its_seconds_may_be),
        WITH_PAGES(test_what_is_asked_twice_is_wanted),
        WITH_PAGES(test_a_long_query_is_never_kept),
        WITH_PAGES(test_nothing_stale_and_nothing_of_another_is_found),
        WITH_PAGES(test_many_may_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_memo.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

enum { THREADS = 3, ROUNDS = 20000, MEMOS = 50, KINDS = 6, TEXT_SIZE = 64 };

static struct offer_ask ask_of(int kind)
{
    return (struct offer_ask){ .type = (enum offer_type)(kind / 4),
                               .disk_milligb = 5000 * (kind / 2),
                               .profile = (enum dlperf_profile)(kind % 2) };
}

static size_t text_of(int memo, int kind, char text[static TEXT_SIZE])
{
    return (size_t)snprintf(text, TEXT_SIZE, "%d for %d", memo, kind);
}

static void test_it_keeps_what_the_first_ones_ask_for(void **state)
{
    struct offer_memo memo = { .texts = { NULL } };

    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        const struct offer_ask ask = ask_of(kind);
        char text[TEXT_SIZE];

        CHECK(offer_memo_find(&memo, &ask) == NULL);
        offer_memo_keep(&memo, &ask, text, text_of(1, kind, text));
        offer_memo_keep(&memo, &ask, "another", 7);
        const struct offer_memo_text *found = offer_memo_find(&memo, &ask);
        check_row("ask %d", kind);
        CHECK((found != NULL) == (kind < OFFER_MEMO_ASKS));
        if (found != NULL)
            CHECK(found->length == strlen(text) && memcmp(found->text, text, found->length) == 0);
    }
    offer_memo_clear(&memo);
    CHECK(offer_memo_find(&memo, &(struct offer_ask){ .disk_milligb = 0 }) == NULL);
}

/* The last row that was written is kept, for whoever has the same one before it. */
static void test_a_row_is_kept_with_all_that_it_depends_on(void **state)
{
    struct offer_memo memo = { .texts = { NULL } };
    const struct offer_ask ask = ask_of(0);
    const struct offer_row_key key = { 3, 77, 2000, 1, 2 };
    char bytes[OFFER_ROW_MAX + 1], got[OFFER_ROW_MAX];
    struct gzip_known known;
    const struct {
        struct offer_row_key key;
        bool is_known, is_whole;
    } rows[] = {
        { key, true, true },
        { { 4, 77, 2000, 1, 2 }, true, false },
        { { 3, 78, 2000, 1, 2 }, true, false },
        { { 3, 77, 2001, 1, 2 }, true, false },
        { { 3, 77, 2000, 1, 3 }, true, false },
        { { 3, 77, 2000, 0, 2 }, false, false }, /* what the asker makes of the row itself */
    };

    (void)state;
    offer_memo_keep(&memo, &ask, "text", 4);
    struct offer_memo_text *text = offer_memo_find(&memo, &ask);
    CHECK(!offer_memo_row(text, &key, got, &known));
    memset(bytes, 'a', sizeof bytes);
    for (size_t length = OFFER_ROW_MAX + 1; length > 0; length = length > 5 ? 5 : length - 1) {
        offer_memo_keep_row(text, &key, &(struct gzip_known){ bytes, length, 9, 8, 7 });
        check_row("length %zu", length);
        CHECK_INT(offer_memo_row(text, &key, got, &known), length <= OFFER_ROW_MAX);
        if (length <= OFFER_ROW_MAX)
            CHECK(known.length == length && memcmp(got, bytes, length) == 0);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        known = (struct gzip_known){ .length = 99 };
        check_row("key %zu", i);
        CHECK_INT(offer_memo_row(text, &rows[i].key, got, &known), rows[i].is_known);
        CHECK(known.length == (!rows[i].is_known ? 99u : rows[i].is_whole ? 1u : 0u));
        if (rows[i].is_known)
            CHECK(known.text_length == 9 && known.crc == 8 && known.shift == 7);
    }
    /* Of what nothing was before, there are the sums. */
    offer_memo_keep_row(text, &key, &(struct gzip_known){ bytes, 0, 6, 5, 4 });
    CHECK(offer_memo_row(text, &key, got, &known) && known.length == 0);
    CHECK(known.text_length == 6 && known.crc == 5 && known.shift == 4);
    offer_memo_clear(&memo);
}

static struct offer_memo memos[MEMOS];
static atomic_int found_count, wrong_count;

/* Finds what was asked for or keeps it: whatever is found is the text of that. */
static void *run(void *context)
{
    uint64_t randomness = *(const uint64_t *)context;

    for (int round = 0; round < ROUNDS; round++) {
        randomness = randomness * UINT64_C(6364136223846793005) + 1442695040888963407;
        int memo = (int)((randomness >> 33) % MEMOS), kind = (int)((randomness >> 40) % KINDS);
        const struct offer_ask ask = ask_of(kind);
        char text[TEXT_SIZE];
        size_t length = text_of(memo, kind, text);
        const struct offer_memo_text *found = offer_memo_find(&memos[memo], &ask);

        if (found == NULL) {
            offer_memo_keep(&memos[memo], &ask, text, length);
            continue;
        }
        atomic_fetch_add(&found_count, 1);
        if (found->length != length || memcmp(found->text, text, length) != 0)
            atomic_fetch_add(&wrong_count, 1);
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
    CHECK(atomic_load(&found_count) > ROUNDS);
    for (int i = 0; i < MEMOS; i++)
        offer_memo_clear(&memos[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_keeps_what_the_first_ones_ask_for),
        cmocka_unit_test(test_a_row_is_kept_with_all_that_it_depends_on),
        cmocka_unit_test(test_many_may_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

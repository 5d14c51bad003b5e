/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_memo.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

enum { THREADS = 3, ROUNDS = 20000, MEMOS = 50, KINDS = 6, TEXT_SIZE = 64 };

static struct offer_ask ask_of(int kind)
{
    return (struct offer_ask){ (enum offer_type)(kind % 3), 5000 * (kind / 3), kind % 2 };
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
        cmocka_unit_test(test_many_may_ask_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

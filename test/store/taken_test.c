/* SPDX-License-Identifier: Apache-2.0 */
#include "store/taken.h"

#include <string.h>

#include "check.h"

static const char users[] = "users", machines[] = "machines";

static void test_a_row_is_taken_once_in_a_transaction(void **state)
{
    static struct taken taken;

    (void)state;
    for (int transaction = 0; transaction < 3; transaction++) {
        taken_begin(&taken);
        CHECK(taken_add(&taken, users, 7));
        CHECK(taken_add(&taken, users, 8));
        CHECK(taken_add(&taken, machines, 7));
        CHECK(!taken_add(&taken, users, 7));
        CHECK(!taken_add(&taken, machines, 7));
        CHECK(!taken_add(&taken, users, 8));
    }
}

/* However many there are, of whichever table: a row that was not taken is never said to be. */
static void test_it_may_forget_and_never_invents(void **state)
{
    enum { IDS = TAKEN_MAX, TABLES = 64 };
    static const char tables[TABLES];
    static struct taken taken;
    static bool is_taken[TABLES][IDS];
    int64_t known = 0;

    (void)state;
    for (int transaction = 0; transaction < 50; transaction++) {
        int64_t count = 1 + (int64_t)check_random(2 * TAKEN_MAX);

        taken_begin(&taken);
        memset(is_taken, 0, sizeof is_taken);
        for (int64_t i = 0; i < count; i++) {
            int64_t id = (int64_t)check_random(IDS);
            uint64_t table = check_random(TABLES);
            bool is_new = taken_add(&taken, &tables[table], id);

            CHECK(is_new || is_taken[table][id]);
            known += !is_new;
            is_taken[table][id] = true;
        }
    }
    CHECK(known > 0);
}

static void test_few_rows_are_never_forgotten(void **state)
{
    enum { FEW = 64 };
    static struct taken taken;

    (void)state;
    for (int64_t first = 0; first < 200; first++) {
        taken_begin(&taken);
        for (int64_t i = 0; i < FEW; i++)
            CHECK(taken_add(&taken, users, first * 1000 + i));
        for (int64_t i = 0; i < FEW; i++)
            CHECK(!taken_add(&taken, users, first * 1000 + i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_taken_once_in_a_transaction),
        cmocka_unit_test(test_it_may_forget_and_never_invents),
        cmocka_unit_test(test_few_rows_are_never_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

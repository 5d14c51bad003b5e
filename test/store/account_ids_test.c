/* SPDX-License-Identifier: Apache-2.0 */
#include "store/account_ids.h"

#include "check.h"

static struct ledger_key key_of(int64_t owner)
{
    return (struct ledger_key){ .code = LEDGER_RENTER_PREPAID, .owner_id = owner };
}

static void test_what_was_kept_is_remembered(void **state)
{
    static struct account_ids ids;

    (void)state;
    CHECK_INT(account_ids_find(&ids, key_of(1)), 0);
    account_ids_learn(&ids, key_of(1), 77);
    CHECK_INT(account_ids_find(&ids, key_of(1)), 77);
    CHECK_INT(account_ids_find(&ids, key_of(2)), 0);
    account_ids_keep(&ids);
    account_ids_learn(&ids, key_of(2), 78);
    account_ids_forget(&ids);
    CHECK_INT(account_ids_find(&ids, key_of(1)), 77);
    CHECK_INT(account_ids_find(&ids, key_of(2)), 0);
}

static void test_keys_differ_in_each_of_their_parts(void **state)
{
    static struct account_ids ids;
    struct ledger_key key = { LEDGER_PAYOUT_TRANSIT, 5, 9 },
                      other[] = { { LEDGER_REFUND_TRANSIT, 5, 9 },
                                  { LEDGER_PAYOUT_TRANSIT, 6, 9 },
                                  { LEDGER_PAYOUT_TRANSIT, 5, 8 } };

    (void)state;
    account_ids_learn(&ids, key, 3);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        CHECK_INT(account_ids_find(&ids, other[i]), 0);
}

/* Whatever is learned, kept and forgotten: what is found is what was said last, or nothing. */
static void test_it_is_never_wrong(void **state)
{
    enum { OWNERS = 3 * ACCOUNT_IDS_MAX };
    static struct account_ids ids;
    int64_t found = 0;

    (void)state;
    for (int round = 0; round < 200; round++) {
        uint64_t count = check_random(2 * ACCOUNT_IDS_FRESH_MAX);
        bool is_kept = check_random(4) != 0;

        for (uint64_t i = 0; i < count; i++) {
            int64_t owner = 1 + (int64_t)check_random(OWNERS);

            /* A rolled back account is made anew, under another id. */
            account_ids_learn(&ids, key_of(owner), is_kept ? owner : owner + OWNERS);
        }
        if (is_kept)
            account_ids_keep(&ids);
        else
            account_ids_forget(&ids);
    }
    for (int64_t owner = 1; owner <= OWNERS; owner++) {
        int64_t id = account_ids_find(&ids, key_of(owner));

        CHECK(id == 0 || id == owner);
        found += id != 0;
    }
    CHECK(found > ACCOUNT_IDS_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_kept_is_remembered),
        cmocka_unit_test(test_keys_differ_in_each_of_their_parts),
        cmocka_unit_test(test_it_is_never_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

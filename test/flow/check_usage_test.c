/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_usage.h"

#include "check.h"

static struct journal charging(int64_t contract_id, int64_t amount, int64_t at_us)
{
    struct journal journal = { .kind = JOURNAL_USAGE,
                               .ref_kind = JOURNAL_REF_CONTRACT,
                               .ref_id = contract_id,
                               .occurred = { at_us },
                               .leg_count = 4 };

    journal.legs[0] = (struct leg){ .amount = { amount }, .code = 10 + LEG_CHARGE };
    journal.legs[1] = (struct leg){ .amount = { amount / 2 }, .code = 10 + LEG_HOST_SHARE };
    journal.legs[2] = (struct leg){ .amount = { amount / 3 }, .code = 10 + LEG_FEE };
    journal.legs[3] = (struct leg){ .amount = { 7 }, .code = 40 + LEG_CHARGE };
    return journal;
}

static void test_what_is_added_is_told_by_contract(void **state)
{
    enum { CONTRACTS = 1000, ROUNDS = 3 };
    struct check_usage usage = { .items = NULL };

    (void)state;
    for (int64_t round = 1; round <= ROUNDS; round++)
        for (int64_t contract = 1; contract <= CONTRACTS; contract++) {
            struct journal journal = charging(contract, 100 * contract, 1000 - round);

            check_usage_add(&usage, 10 * contract + round, &journal);
        }
    for (int64_t contract = 1; contract <= CONTRACTS; contract++) {
        struct check_usage_of of = check_usage_take(&usage, contract);

        check_row("contract %d", (int)contract);
        CHECK_INT((int64_t)of.charged[COMPONENT_GPU], ROUNDS * 100 * contract);
        CHECK_INT((int64_t)of.host_share[COMPONENT_GPU], ROUNDS * 50 * contract);
        CHECK_INT((int64_t)of.charged[COMPONENT_DISK], 0);
        CHECK_INT((int64_t)of.charged[COMPONENT_DOWN], ROUNDS * 7);
        CHECK_INT(of.latest.microseconds, 999);
        CHECK_INT(of.latest_id, 10 * contract + 1);
    }
    CHECK_INT((int64_t)check_usage_take(&usage, CONTRACTS + 1).charged[COMPONENT_GPU], 0);
    check_usage_release(&usage);
}

static void test_other_journals_are_left_alone(void **state)
{
    struct check_usage usage = { .items = NULL };
    struct journal correction = charging(5, 100, 1), of_user = charging(5, 100, 1);
    struct journal foreign = charging(5, 100, 1);

    (void)state;
    correction.kind = JOURNAL_CORRECTION;
    of_user.ref_kind = JOURNAL_REF_USER;
    foreign.legs[0].code = 9;
    foreign.legs[1].code = 50 + LEG_CHARGE;
    check_usage_add(&usage, 1, &correction);
    check_usage_add(&usage, 2, &of_user);
    CHECK_INT((int64_t)usage.count, 0);
    check_usage_add(&usage, 3, &foreign);
    CHECK_INT((int64_t)check_usage_take(&usage, 5).charged[COMPONENT_GPU], 0);
    CHECK_INT((int64_t)check_usage_take(&usage, 5).charged[COMPONENT_DOWN], 7);
    check_usage_release(&usage);
}

static void test_what_nobody_takes_is_left(void **state)
{
    struct check_usage usage = { .items = NULL };
    size_t at = 0;

    (void)state;
    CHECK(check_usage_left(&usage, &at) == NULL);
    for (int64_t contract = 1; contract <= 5; contract++) {
        struct journal journal = charging(contract, 1, 1);

        check_usage_add(&usage, contract, &journal);
    }
    for (int64_t contract = 1; contract <= 5; contract += 2)
        (void)check_usage_take(&usage, contract);
    CHECK_INT(check_usage_left(&usage, &at)->contract_id, 2);
    CHECK_INT(check_usage_left(&usage, &at)->contract_id, 4);
    CHECK(check_usage_left(&usage, &at) == NULL);
    check_usage_release(&usage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_added_is_told_by_contract),
        cmocka_unit_test(test_other_journals_are_left_alone),
        cmocka_unit_test(test_what_nobody_takes_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_accounts.h"

#include <stdio.h>

#include "store/driver.h"
#include "store/support.h"

enum { FEES = 3, FUNDS = 5 };

static const char accounts_sql[] =
    "INSERT INTO account (id, code, owner_id, flags, cr_posted, created_us) VALUES (3, 4010, 0, 8, "
    "0, 1), (5, 2010, 7, 1, 40, 1);";

struct heard {
    size_t count;
    char rules[8][8];
};

static void hear(void *context, const char *rule, const char *text)
{
    struct heard *heard = context;

    CHECK(text[0] != '\0' && heard->count < 8);
    (void)snprintf(heard->rules[heard->count++], sizeof heard->rules[0], "%s", rule);
}

static void compare(struct support *support, const struct check_leg *legs, size_t count,
                    struct heard *heard)
{
    struct check_run run = { .found = hear, .context = heard };
    struct check_accounts *accounts;
    struct error err;

    *heard = (struct heard){ .count = 0 };
    run.db = support_connect(support);
    CHECK_OK(db_begin(run.db, TRANSACTION_READ, &err), &err);
    CHECK_OK(check_accounts_load(&run, &accounts, &err), &err);
    for (size_t i = 0; i < count; i++)
        (void)check_accounts_add(accounts, &legs[i]);
    CHECK_OK(check_accounts_compare(accounts, &err), &err);
    CHECK_INT((int64_t)run.counts.accounts, 2);
    CHECK_INT((int64_t)run.counts.findings, (int64_t)heard->count);
    check_accounts_release(&accounts);
    CHECK(accounts == NULL);
    check_accounts_release(&accounts);
    db_rollback(run.db);
    db_close(&run.db);
}

static void test_what_is_kept_is_held_against_the_transfers(void **state)
{
    static const struct check_leg right = { 1, LEG_GRANTED, 40, FEES, FUNDS };
    static const struct check_leg halves[] = { { 1, LEG_GRANTED, 15, FEES, FUNDS },
                                               { 2, LEG_GRANTED, 25, FEES, FUNDS } };
    struct heard heard;

    support_script(*state, accounts_sql);
    compare(*state, &right, 1, &heard);
    CHECK_INT((int64_t)heard.count, 0);
    compare(*state, halves, 2, &heard);
    CHECK_INT((int64_t)heard.count, 0);
    compare(*state, halves, 1, &heard);
    CHECK_INT((int64_t)heard.count, 1);
    CHECK_TEXT(heard.rules[0], "I-2");
}

static void test_one_side_alone_is_seen_by_all_that_add_up(void **state)
{
    static const struct check_leg one_sided = { 1, LEG_GRANTED, 40, FEES, 99 };
    static const char *const rules[] = { "I-2", "I-2", "I-1", "I-20" };
    struct heard heard;

    support_script(*state, accounts_sql);
    compare(*state, &one_sided, 1, &heard);
    CHECK_INT((int64_t)heard.count, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_TEXT(heard.rules[i], rules[i]);
}

/* Of $40 that were given, 10 were used and 5 have expired; a leg of another kind is no reason. */
static void test_given_credit_is_left_used_or_expired(void **state)
{
    static const char promo[] =
        "INSERT INTO account (id, code, owner_id, flags, cr_posted, dr_posted, created_us) VALUES "
        "(3, 4010, 0, 8, 0, 0, 1), (5, 2020, 7, 1, 40, 15, 1);";
    static const struct check_leg legs[] = { { 1, LEG_GRANTED, 40, FEES, FUNDS },
                                             { 2, 11, 10, FUNDS, FEES },
                                             { 3, LEG_EXPIRED, 5, FUNDS, FEES } };
    static const struct check_leg odd[] = { { 1, LEG_GRANTED, 40, FEES, FUNDS },
                                            { 2, 11, 10, FUNDS, FEES },
                                            { 3, 5, 5, FUNDS, FEES } };
    static const struct check_leg back[] = { { 1, LEG_GRANTED, 35, FEES, FUNDS },
                                             { 2, LEG_EXPIRED, 5, FEES, FUNDS },
                                             { 3, 11, 15, FUNDS, FEES } };
    struct heard heard;

    support_script(*state, promo);
    compare(*state, legs, 3, &heard);
    CHECK_INT((int64_t)heard.count, 0);
    compare(*state, odd, 3, &heard);
    CHECK_INT((int64_t)heard.count, 1);
    CHECK_TEXT(heard.rules[0], "I-18");
    /* None comes back from having expired. */
    compare(*state, back, 3, &heard);
    CHECK_INT((int64_t)heard.count, 1);
    CHECK_TEXT(heard.rules[0], "I-18");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_kept_is_held_against_the_transfers),
        cmocka_unit_test(test_one_side_alone_is_seen_by_all_that_add_up),
        cmocka_unit_test(test_given_credit_is_left_used_or_expired),
    };
    return SUPPORT_RUN(tests);
}

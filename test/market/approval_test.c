/* SPDX-License-Identifier: Apache-2.0 */
#include "market/approval.h"

#include "check.h"

#define DOLLAR NANODOLLARS_PER_DOLLAR
#define HOUR   US_PER_HOUR

enum { ADA = 1, BOB = 2 };

static const struct instant noon = { 1790000000000000 };

static struct approval_request request_of(int64_t operator_id, int64_t amount)
{
    return (struct approval_request){
        .body = "all", .amount = { amount }, .operator_id = operator_id, .at = noon
    };
}

static void test_it_takes_two_above_the_limit(void **state)
{
    static const struct {
        int64_t operator_id, amount, lately;
        enum approval_outcome outcome;
    } rows[] = {
        { 0, 100 * DOLLAR, 0, APPROVAL_FREE },
        { ADA, 100 * DOLLAR, 0, APPROVAL_FREE },
        { 0, 100 * DOLLAR + 1, 0, APPROVAL_NOBODY },
        { ADA, 100 * DOLLAR + 1, 0, APPROVAL_ASKED },
        { ADA, 1, 100 * DOLLAR - 1, APPROVAL_FREE },
        { ADA, 2, 100 * DOLLAR - 1, APPROVAL_ASKED },
        { 0, 60 * DOLLAR, 60 * DOLLAR, APPROVAL_NOBODY },
        { ADA, INT64_MAX, INT64_MAX, APPROVAL_ASKED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct approval_request request = request_of(rows[i].operator_id, rows[i].amount);

        check_row("row %zu", i);
        request.lately.nanodollars = rows[i].lately;
        CHECK_INT(approval_decide(&request, NULL), rows[i].outcome);
    }
}

static void test_another_must_ask_for_the_same_in_time(void **state)
{
    static const struct {
        int64_t operator_id, amount, later_us;
        const char *body;
        enum approval_outcome outcome;
    } rows[] = {
        { BOB, 500 * DOLLAR, 0, "all", APPROVAL_GIVEN },
        { BOB, 400 * DOLLAR, 0, "all", APPROVAL_GIVEN },
        { BOB, 550 * DOLLAR, 0, "all", APPROVAL_GIVEN },
        { BOB, 550 * DOLLAR + 1, 0, "all", APPROVAL_ASKED },
        { BOB, 500 * DOLLAR, 72 * HOUR, "all", APPROVAL_GIVEN },
        { BOB, 500 * DOLLAR, 72 * HOUR + 1, "all", APPROVAL_ASKED },
        { BOB, 500 * DOLLAR, 0, "al", APPROVAL_ASKED },
        { ADA, 500 * DOLLAR, 0, "all", APPROVAL_WAITS },
        { ADA, 500 * DOLLAR, 72 * HOUR + 1, "all", APPROVAL_ASKED },
        { ADA, 551 * DOLLAR, 0, "all", APPROVAL_ASKED },
        { 0, 500 * DOLLAR, 0, "all", APPROVAL_NOBODY },
        { 0, 5 * DOLLAR, 0, "all", APPROVAL_FREE },
    };
    struct approval_asked asked = { "all", { 500 * DOLLAR }, ADA, noon };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct approval_request request = request_of(rows[i].operator_id, rows[i].amount);

        check_row("row %zu", i);
        request.body = rows[i].body;
        request.at = instant_add(noon, rows[i].later_us);
        CHECK_INT(approval_decide(&request, &asked), rows[i].outcome);
    }
    /* A tenth more than there can be is no bound. */
    struct approval_request most = request_of(BOB, INT64_MAX);
    asked.amount.nanodollars = INT64_MAX;
    CHECK_INT(approval_decide(&most, &asked), APPROVAL_GIVEN);
}

/* Whoever asks, in whatever order: what is given above the limit was asked for by two. */
static void test_nobody_gives_to_themselves(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct approval_asked asked = { .body = NULL };
        bool has = false;

        for (int step = 0; step < 12; step++) {
            struct approval_request request =
                request_of((int64_t)check_random(4), 1 + (int64_t)check_random(300) * DOLLAR);

            request.at = instant_add(noon, step * (int64_t)check_random((uint64_t)(40 * HOUR)));
            enum approval_outcome outcome = approval_decide(&request, has ? &asked : NULL);
            if (outcome == APPROVAL_FREE)
                CHECK(request.amount.nanodollars <= APPROVAL_FREE_MAX.nanodollars);
            if (outcome == APPROVAL_GIVEN) {
                CHECK(has && asked.operator_id != request.operator_id);
                CHECK(asked.operator_id > 0 && request.operator_id > 0);
                has = false;
            }
            if (outcome == APPROVAL_ASKED) {
                asked = (struct approval_asked){ "all", request.amount, request.operator_id,
                                                 request.at };
                has = true;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_takes_two_above_the_limit),
        cmocka_unit_test(test_another_must_ask_for_the_same_in_time),
        cmocka_unit_test(test_nobody_gives_to_themselves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/audit.h"

#include <math.h>

#include "check.h"

static const struct audit_answer right = { .is_good = true }, wrong = { .is_good = false };

static void test_a_wrong_answer_is_made_up_for(void **state)
{
    struct audit_standing standing = { 0, 0, VERIFICATION_UNVERIFIED, VERIFICATION_VERIFIED };

    (void)state;
    standing = audit_judge(standing, right);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    standing = audit_judge(standing, wrong);
    CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    CHECK_INT(standing.before, VERIFICATION_VERIFIED);
    standing = audit_judge(standing, right);
    standing = audit_judge(standing, right);
    standing = audit_judge(standing, wrong); /* from the start again */
    CHECK_INT(standing.before, VERIFICATION_VERIFIED);
    for (int i = 0; i < AUDIT_DEBT; i++) {
        CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
        standing = audit_judge(standing, right);
    }
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    CHECK_INT(standing.debt, 0);
}

/* What an operator has said stays said. */
static void test_it_undoes_only_its_own(void **state)
{
    struct audit_standing standing = { 0, 0, VERIFICATION_UNVERIFIED, VERIFICATION_DEVERIFIED };

    (void)state;
    for (int i = 0; i < 9; i++)
        standing = audit_judge(standing, right);
    CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    standing = audit_judge(standing, wrong);
    standing.now = VERIFICATION_VERIFIED; /* by hand */
    for (int i = 0; i < AUDIT_DEBT; i++)
        standing = audit_judge(standing, right);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
}

/* Once may be noise, and only hurries the next question; it is forgotten by a test that could have
 * seen it again, and by no other. */
static void test_what_is_odd_counts_when_it_comes_twice(void **state)
{
    const struct audit_answer odd = { true, AUDIT_TOO_FAST | AUDIT_SHARED, AUDIT_SHARED };
    const struct audit_answer fine = { true, AUDIT_TOO_FAST | AUDIT_SHARED, 0 };
    const struct audit_answer other = { true, AUDIT_ELSEWHERE, AUDIT_ELSEWHERE };
    struct audit_standing standing = { 0, 0, VERIFICATION_UNVERIFIED, VERIFICATION_VERIFIED };

    (void)state;
    CHECK(!audit_is_pressing(standing));
    standing = audit_judge(standing, odd);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    CHECK(audit_is_pressing(standing));
    standing = audit_judge(standing, fine);
    CHECK(!audit_is_pressing(standing));
    standing = audit_judge(audit_judge(standing, odd), other);
    CHECK_INT(standing.suspicion, AUDIT_SHARED | AUDIT_ELSEWHERE);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    standing = audit_judge(standing, odd);
    CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    CHECK_INT(standing.debt, AUDIT_DEBT);
    /* What a test was not made to see, it has not seen. */
    standing = (struct audit_standing){ 0, AUDIT_SHARED, 0, VERIFICATION_VERIFIED };
    standing = audit_judge(standing, (struct audit_answer){ true, 0, AUDIT_SHARED });
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    CHECK_INT(standing.suspicion, AUDIT_SHARED);
}

static struct audit_standing silent(struct audit_standing standing)
{
    return audit_judge_silence(standing, audit_silent(AUDIT_COMPUTE));
}

/* Of another kind it is another thing, and one that only an answer to that ends. */
static void test_each_kind_of_silence_is_its_own(void **state)
{
    int64_t all = 0;

    (void)state;
    for (enum audit_kind kind = AUDIT_COMPUTE; kind <= AUDIT_NETWORK; kind++) {
        struct audit_standing standing = { 0, 0, VERIFICATION_UNVERIFIED, VERIFICATION_VERIFIED };

        CHECK_INT(all & audit_silent(kind), 0);
        all |= audit_silent(kind);
        standing = audit_judge_silence(standing, audit_silent(kind));
        for (enum audit_kind other = AUDIT_COMPUTE; other <= AUDIT_NETWORK; other++) {
            if (other == kind)
                continue;
            standing = audit_judge_silence(standing, audit_silent(other));
            standing = audit_judge(standing, (struct audit_answer){ true, audit_silent(other), 0 });
            CHECK_INT(standing.now, VERIFICATION_VERIFIED);
            CHECK_INT(standing.suspicion, audit_silent(kind));
        }
        standing = audit_judge_silence(standing, audit_silent(kind));
        CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    }
    CHECK_INT(all & ~(int64_t)AUDIT_SUSPICIONS, 0);
}

/* No answer is like an odd one; while answers are owed, none makes none up. */
static void test_silence_counts_when_it_comes_twice(void **state)
{
    const struct audit_answer answered = { true, AUDIT_SILENT_COMPUTE, 0 };
    struct audit_standing standing = { 0, 0, VERIFICATION_UNVERIFIED, VERIFICATION_VERIFIED };

    (void)state;
    for (int i = 0; i < 3; i++) {
        standing = silent(standing);
        CHECK_INT(standing.now, VERIFICATION_VERIFIED);
        CHECK_INT(standing.debt, 0);
        CHECK(audit_is_pressing(standing));
        standing = audit_judge(standing, answered);
        CHECK(!audit_is_pressing(standing));
    }
    standing = silent(silent(standing));
    CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    CHECK_INT(standing.before, VERIFICATION_VERIFIED);
    CHECK_INT(standing.debt, AUDIT_DEBT);
    standing = audit_judge(standing, answered);
    CHECK_INT(standing.debt, AUDIT_DEBT - 1);
    standing = silent(standing);
    CHECK_INT(standing.debt, AUDIT_DEBT - 1);
    standing = silent(standing);
    CHECK_INT(standing.debt, AUDIT_DEBT);
    CHECK_INT(standing.before, VERIFICATION_VERIFIED);
}

/* Measurements are no answers: they never count against a machine; proved memory settles it. */
static void test_odd_figures_only_hurry(void **state)
{
    const struct audit_answer compute = { true, audit_tested(AUDIT_COMPUTE), 0 };
    const struct audit_answer memory = { true, audit_tested(AUDIT_MEMORY), 0 };
    struct audit_standing standing = { 0, AUDIT_SHARED, 0, VERIFICATION_VERIFIED };

    (void)state;
    for (int i = 0; i < 3; i++) {
        standing = audit_judge_figures(standing, true);
        CHECK_INT(standing.suspicion, AUDIT_SHARED | AUDIT_UNLIKE);
        standing = audit_judge(standing, compute);
        CHECK_INT(standing.suspicion, AUDIT_SHARED | AUDIT_UNLIKE);
    }
    CHECK_INT(audit_judge_figures(standing, false).suspicion, AUDIT_SHARED);
    standing = audit_judge(standing, memory);
    CHECK_INT(standing.suspicion, AUDIT_SHARED);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
}

static void test_waits_are_exponential(void **state)
{
    double sum = 0;
    int64_t longest = 0;

    (void)state;
    for (uint64_t random = 0; random < 65536; random++) {
        int64_t wait_us = audit_wait_us(random, false);
        double want = (double)AUDIT_MEAN_US * log(65536.0 / ((double)random + 1));

        CHECK(wait_us >= 60 * US_PER_SECOND);
        CHECK(fabs((double)wait_us - want) < 0.01 * (double)AUDIT_MEAN_US + 61e6);
        sum += (double)wait_us;
        longest = wait_us > longest ? wait_us : longest;
    }
    CHECK(fabs(sum / 65536 / (double)AUDIT_MEAN_US - 1) < 0.02);
    CHECK(longest > 10 * AUDIT_MEAN_US && longest < 12 * AUDIT_MEAN_US);
    CHECK(audit_wait_us(32768, true) < audit_wait_us(32768, false) / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wrong_answer_is_made_up_for),
        cmocka_unit_test(test_it_undoes_only_its_own),
        cmocka_unit_test(test_what_is_odd_counts_when_it_comes_twice),
        cmocka_unit_test(test_each_kind_of_silence_is_its_own),
        cmocka_unit_test(test_silence_counts_when_it_comes_twice),
        cmocka_unit_test(test_odd_figures_only_hurry),
        cmocka_unit_test(test_waits_are_exponential),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

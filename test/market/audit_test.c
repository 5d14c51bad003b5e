/* SPDX-License-Identifier: Apache-2.0 */
#include "market/audit.h"

#include <math.h>

#include "check.h"

static void test_a_wrong_answer_is_made_up_for(void **state)
{
    struct audit_standing standing = { 0, VERIFICATION_UNVERIFIED, VERIFICATION_VERIFIED };

    (void)state;
    standing = audit_judge(standing, true);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    standing = audit_judge(standing, false);
    CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    CHECK_INT(standing.before, VERIFICATION_VERIFIED);
    standing = audit_judge(standing, true);
    standing = audit_judge(standing, true);
    standing = audit_judge(standing, false); /* from the start again */
    CHECK_INT(standing.before, VERIFICATION_VERIFIED);
    for (int i = 0; i < AUDIT_DEBT; i++) {
        CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
        standing = audit_judge(standing, true);
    }
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
    CHECK_INT(standing.debt, 0);
}

/* What an operator has said stays said. */
static void test_it_undoes_only_its_own(void **state)
{
    struct audit_standing standing = { 0, VERIFICATION_UNVERIFIED, VERIFICATION_DEVERIFIED };

    (void)state;
    for (int i = 0; i < 9; i++)
        standing = audit_judge(standing, true);
    CHECK_INT(standing.now, VERIFICATION_DEVERIFIED);
    standing = audit_judge(standing, false);
    standing.now = VERIFICATION_VERIFIED; /* by hand */
    for (int i = 0; i < AUDIT_DEBT; i++)
        standing = audit_judge(standing, true);
    CHECK_INT(standing.now, VERIFICATION_VERIFIED);
}

static void test_waits_are_exponential(void **state)
{
    double sum = 0;
    int64_t longest = 0;

    (void)state;
    for (uint64_t random = 0; random < 65536; random++) {
        int64_t wait_us = audit_wait_us(random, 0);
        double want = (double)AUDIT_MEAN_US * log(65536.0 / ((double)random + 1));

        CHECK(wait_us >= 60 * US_PER_SECOND);
        CHECK(fabs((double)wait_us - want) < 0.01 * (double)AUDIT_MEAN_US + 61e6);
        sum += (double)wait_us;
        longest = wait_us > longest ? wait_us : longest;
    }
    CHECK(fabs(sum / 65536 / (double)AUDIT_MEAN_US - 1) < 0.02);
    CHECK(longest > 10 * AUDIT_MEAN_US && longest < 12 * AUDIT_MEAN_US);
    CHECK(audit_wait_us(32768, AUDIT_DEBT) < audit_wait_us(32768, 0) / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wrong_answer_is_made_up_for),
        cmocka_unit_test(test_it_undoes_only_its_own),
        cmocka_unit_test(test_waits_are_exponential),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

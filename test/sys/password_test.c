/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/password.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "sys/crypto.h"

static void test_a_password_is_itself_and_no_other(void **state)
{
    struct password_gate *gate = password_gate_open(PASSWORD_COST_LEAST);
    char kept[PASSWORD_TEXT_SIZE], again[PASSWORD_TEXT_SIZE];

    (void)state;
    CHECK_INT(password_hash(gate, "correct horse", kept), PASSWORD_OK);
    CHECK_INT(password_hash(gate, "correct horse", again), PASSWORD_OK);
    CHECK(strncmp(kept, "$argon2id$", 10) == 0 && strcmp(kept, again) != 0);
    CHECK_INT(password_check(gate, kept, "correct horse"), PASSWORD_OK);
    CHECK_INT(password_check(gate, kept, "correct horsf"), PASSWORD_WRONG);
    CHECK_INT(password_check(gate, kept, ""), PASSWORD_WRONG);
    CHECK_INT(password_check(gate, "", ""), PASSWORD_WRONG);
    CHECK_INT(password_check(gate, "no text of ours", "x"), PASSWORD_WRONG);
    password_gate_close(&gate);
}

struct crowd {
    struct password_gate *gate;
    atomic_int busy, wrong;
};

static void *guess(void *context)
{
    struct crowd *crowd = context;

    switch (password_check(crowd->gate, "", "x")) {
    case PASSWORD_BUSY:
        atomic_fetch_add(&crowd->busy, 1);
        break;
    case PASSWORD_WRONG:
        atomic_fetch_add(&crowd->wrong, 1);
        break;
    case PASSWORD_OK:
        break;
    }
    return NULL;
}

static void test_a_crowd_is_turned_away_and_nobody_is_kept(void **state)
{
    enum { COUNT = 40 };
    struct crowd crowd = { .gate = password_gate_open(PASSWORD_COST_FULL) };
    pthread_t threads[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, guess, &crowd), 0);
    for (int i = 0; i < COUNT; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(atomic_load(&crowd.busy) + atomic_load(&crowd.wrong), COUNT);
    CHECK(atomic_load(&crowd.busy) > 0);
    CHECK(atomic_load(&crowd.wrong) >= PASSWORD_RUN_MAX + PASSWORD_WAIT_MAX);
    password_gate_close(&crowd.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_is_itself_and_no_other),
        cmocka_unit_test(test_a_crowd_is_turned_away_and_nobody_is_kept),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

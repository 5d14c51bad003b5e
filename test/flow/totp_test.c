/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/totp.h"

#include <string.h>

#include "check.h"

/* RFC 6238, appendix B, for SHA-1: the last six of its eight digits. */
static void test_the_codes_are_those_of_the_rfc(void **state)
{
    static const struct {
        int64_t second;
        const char *code;
    } rows[] = {
        { 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
        { 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
    };
    struct totp_seed seed;
    char code[TOTP_DIGITS + 1], text[TOTP_SEED_SIZE];

    (void)state;
    memcpy(seed.bytes, "12345678901234567890", sizeof seed.bytes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK_TEXT(totp_code(&seed, rows[i].second / TOTP_STEP_SECONDS, code), rows[i].code);
    CHECK_TEXT(totp_seed_text(&seed, text), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

static void test_a_code_is_good_for_a_clock_that_is_a_step_off_and_once(void **state)
{
    struct totp_seed seed = totp_seed_make();
    char code[TOTP_DIGITS + 1];

    (void)state;
    (void)totp_code(&seed, 1000, code);
    for (int64_t step = 997; step <= 1003; step++) {
        struct instant now = { step * TOTP_STEP_SECONDS * US_PER_SECOND };
        bool is_near = step >= 999 && step <= 1001;
        /* That it is by chance the code of another step is one in a million. */
        check_row("step %d", (int)step);
        CHECK_INT(totp_find(&seed, code, now, 0), is_near ? 1000 : 0);
        CHECK_INT(totp_find(&seed, code, now, 999), is_near ? 1000 : 0);
        CHECK_INT(totp_find(&seed, code, now, 1000), 0);
        CHECK_INT(totp_find(&seed, "", now, 0), 0);
        CHECK_INT(totp_find(&seed, "1234567", now, 0), 0);
    }
}

static void test_backup_codes_are_as_people_know_them(void **state)
{
    char one[BACKUP_CODE_SIZE], other[BACKUP_CODE_SIZE];

    (void)state;
    CHECK_INT((int64_t)strlen(backup_code_make(one)), 14);
    CHECK(one[4] == '-' && one[9] == '-' && strcmp(one, backup_code_make(other)) != 0);
    struct hash ada = backup_code_hash(1, one), bo = backup_code_hash(2, one);
    CHECK(!crypto_equal(ada.bytes, bo.bytes, sizeof ada.bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_codes_are_those_of_the_rfc),
        cmocka_unit_test(test_a_code_is_good_for_a_clock_that_is_a_step_off_and_once),
        cmocka_unit_test(test_backup_codes_are_as_people_know_them),
    };

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

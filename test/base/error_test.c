/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "check.h"

static void test_context_goes_in_front(void **state)
{
    (void)state;
    struct error err;

    CHECK(!error_system(&err, EACCES, "open %s", "rx_bytes"));
    CHECK(!error_context(&err, "rental %s", "r-81"));
    CHECK_INT(err.code, ERROR_IO);
    CHECK_TEXT(err.text, "rental r-81: open rx_bytes: Permission denied");
}

static void test_long_text_is_cut_short(void **state)
{
    (void)state;
    struct error err;
    char long_name[2 * ERROR_TEXT_SIZE];

    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    error_set(&err, ERROR_INVALID, "%s", long_name);
    CHECK_INT((int64_t)strlen(err.text), ERROR_TEXT_SIZE - 1);
    error_context(&err, "%s", long_name);
    CHECK_INT((int64_t)strlen(err.text), ERROR_TEXT_SIZE - 1);
}

static void test_every_code_is_fit_for_the_api(void **state)
{
    (void)state;
    static const enum error_code codes[] = {
#define ERROR_CODE(name, http_status, meaning) ERROR_##name,
#include "base/error_codes.def"
#undef ERROR_CODE
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        int status = error_http_status(codes[i]);

        check_row("%s", error_name(codes[i]));
        CHECK(status >= 400 && status < 600);
        CHECK(*error_meaning(codes[i]) != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_goes_in_front),
        cmocka_unit_test(test_long_text_is_cut_short),
        cmocka_unit_test(test_every_code_is_fit_for_the_api),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/form.h"

#include "check.h"

static void test_values_are_encoded_and_keys_are_not(void **state)
{
    auto_buf struct buf out = buf_of(256);

    (void)state;
    form_text(&out, "a[0][b]", "x y&z=\xc3\xab~-._!*'()%");
    form_int(&out, "n", -12);
    form_bool(&out, "yes", true);
    form_bool(&out, "no", false);
    form_text(&out, "none", "");
    CHECK_TEXT(out.bytes, "a[0][b]=x%20y%26z%3D%C3%AB~-._%21%2A%27%28%29%25&n=-12&yes=true&no=false"
                          "&none=");
}

static void test_what_is_too_long_overflows(void **state)
{
    auto_buf struct buf out = buf_of(6);

    (void)state;
    form_text(&out, "a", "%");
    CHECK(!out.has_overflowed);
    form_int(&out, "b", 1);
    CHECK(out.has_overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_encoded_and_keys_are_not),
        cmocka_unit_test(test_what_is_too_long_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

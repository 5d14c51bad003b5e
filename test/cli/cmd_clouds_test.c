/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_clouds.h"

#include <string.h>

#include "check.h"

static void test_settings_come_as_rclone_has_them_or_as_json(void **state)
{
    static const struct {
        const char *text;
        const char *want; /* NULL: it is none */
    } rows[] = {
        { "access_key_id = A\nsecret_access_key = s=/+ x\n",
          "{\"access_key_id\":\"A\",\"secret_access_key\":\"s=/+ x\"}" },
        { "# mine\n[bk]\ntype = s3\n\n; more\n  region=eu  \r\n", "{\"region\":\"eu\"}" },
        { " {\"url\":\"https://x\"}", " {\"url\":\"https://x\"}" },
        { "key\n", NULL },
        { "{\"url\":", NULL },
        { "", NULL },
        { "# nothing\n", "{}" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(4096);
        struct error err;

        check_row("%s", rows[i].text);
        CHECK_INT(connection_settings(rows[i].text, strlen(rows[i].text), &out, &err),
                  rows[i].want != NULL);
        if (rows[i].want != NULL)
            CHECK_TEXT(out.bytes, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_come_as_rclone_has_them_or_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

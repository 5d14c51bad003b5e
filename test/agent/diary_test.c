/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/diary.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support_home.h"

static void test_lines_are_kept_in_order(void **state)
{
    auto_buf struct buf text = buf_of(DIARY_MAX);
    int dir = home_identity()->instances_dir;
    struct error err;

    (void)state;
    CHECK_OK(diary_read(dir, 1, &text, &err), &err);
    CHECK_INT((int64_t)text.length, 0);
    diary_write(dir, 1, "pulled %s", "bb:1");
    diary_write(dir, 1, "two\nlines");
    diary_write(dir, 2, "somebody else's");
    CHECK_OK(diary_read(dir, 1, &text, &err), &err);
    const char *first = strstr(text.bytes, "Z pulled bb:1\n");
    CHECK(first != NULL && strstr(first, "Z two lines\n") != NULL);
    CHECK(strstr(text.bytes, "else") == NULL);
    diary_remove(dir, 1);
    buf_release(&text);
    CHECK_OK(diary_read(dir, 1, &text, &err), &err);
    CHECK_INT((int64_t)text.length, 0);
}

static void test_old_lines_give_way(void **state)
{
    enum { LINES = 3000 };
    auto_buf struct buf text = buf_of(2 * DIARY_MAX);
    int dir = home_identity()->instances_dir;
    char last[64];
    struct error err;

    (void)state;
    for (int i = 0; i < LINES; i++)
        diary_write(dir, 1, "line %d of many that fill the diary until it is full", i);
    CHECK_OK(diary_read(dir, 1, &text, &err), &err);
    CHECK(text.length <= DIARY_MAX && text.length > DIARY_MAX / 4);
    (void)snprintf(last, sizeof last, "Z line %d of", LINES - 1);
    CHECK(strstr(text.bytes, last) != NULL);
    CHECK(strstr(text.bytes, "Z line 0 of") == NULL);
    CHECK_INT(text.bytes[4], '-'); /* it begins with a whole line: 2026-... */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_are_kept_in_order, home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_old_lines_give_way, home_setup, home_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

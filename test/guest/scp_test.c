/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/scp.h"

#include <string.h>

#include "check.h"

static void test_an_item_is_read_whole(void **state)
{
    static const struct {
        const char *line, *name;
        uint32_t mode;
        int64_t size;
    } rows[] = {
        { "C0644 1234 name", "name", 0644, 1234 },
        { "D0755 0 a b", "a b", 0755, 0 },
        { "C7777 9223372036854775807 ...", "...", 07777, INT64_MAX },
        { "C0 0 x", "x", 0, 0 },
        { "C0644 0 \\tricky\"'$", "\\tricky\"'$", 0644, 0 },
    };
    struct scp_item item;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i].line);
        CHECK(scp_parse_item(rows[i].line, &item));
        CHECK_TEXT(item.name, rows[i].name);
        CHECK_INT(item.mode, rows[i].mode);
        CHECK_INT((int64_t)item.size, rows[i].size);
    }
}

static void test_what_leads_elsewhere_or_makes_no_sense_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "C",
        "C0644",
        "C0644 ",
        "C0644 12",
        "C0644 12 ",
        "C 0644 1 a",
        "C0844 1 a",
        "C10000 1 a",
        "C0644 -1 a",
        "C0644 9223372036854775808 a",
        "C0644 1x a",
        "C0644 1 .",
        "C0644 1 ..",
        "C0644 1 a/b",
        "C0644 1 /a",
        "C0644 1 ../a",
        "D0755 0 ..",
        "C0644 99999999999999999999999999 a",
    };
    struct scp_item item = { .name = "before" };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row("%s", rows[i]);
        CHECK(!scp_parse_item(rows[i], &item));
    }
    CHECK_TEXT(item.name, "before");
}

static void test_names_have_a_limit(void **state)
{
    char line[SCP_NAME_MAX + 16] = "C0644 1 ";
    struct scp_item item;
    size_t front = strlen(line);

    (void)state;
    memset(line + front, 'x', SCP_NAME_MAX);
    CHECK(scp_parse_item(line, &item));
    CHECK_INT((int64_t)strlen(item.name), SCP_NAME_MAX);
    line[front + SCP_NAME_MAX] = 'x';
    CHECK(!scp_parse_item(line, &item));
}

static void test_times_are_four_numbers(void **state)
{
    static const char *const refused[] = { "",         "T",         "T1 0 2",    "T1 0 2 0 ",
                                           "T1 0 2 x", "T-1 0 2 0", "T1  0 2 0", "T1 0 2 0 3" };
    int64_t changed = 7, accessed = 8;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        check_row("%s", refused[i]);
        CHECK(!scp_parse_times(refused[i], &changed, &accessed));
    }
    CHECK_INT(changed, 7);
    CHECK(scp_parse_times("T1500000000 1 1600000000 2", &changed, &accessed));
    CHECK_INT(changed, 1500000000);
    CHECK_INT(accessed, 1600000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_item_is_read_whole),
        cmocka_unit_test(test_what_leads_elsewhere_or_makes_no_sense_is_refused),
        cmocka_unit_test(test_names_have_a_limit),
        cmocka_unit_test(test_times_are_four_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

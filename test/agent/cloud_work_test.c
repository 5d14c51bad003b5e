/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cloud_work.h"

#include <string.h>

#include "check.h"

#define STATS(bytes, total, files, all, speed)                                                     \
    "{\"level\":\"warning\",\"msg\":\"Transferred\",\"stats\":{\"bytes\":" bytes                   \
    ",\"totalBytes\":" total ",\"transfers\":" files ",\"totalTransfers\":" all                    \
    ",\"speed\":" speed ",\"errors\":0,\"eta\":null}}"

static struct cloud_said said_of(const char *const *lines)
{
    struct cloud_said said = { .files_skipped = buf_of(1024) };

    for (; *lines != NULL; lines++)
        cloud_said_take(&said, *lines, strlen(*lines));
    return said;
}

static void test_progress_is_what_people_read(void **state)
{
    static const struct {
        const char *lines[3];
        const char *want;
    } rows[] = {
        { { NULL }, "looking at what is there" },
        { { STATS("0", "0", "0", "0", "0"), NULL }, "looking at what is there" },
        { { STATS("12677123", "30000003", "0", "2", "12763095.8"), NULL },
          "42 %, 0 of 2 files, 12.7 MB of 30.0 MB, 12.8 MB/s" },
        { { STATS("1", "2", "0", "2", "1"), STATS("999", "999", "2", "2", "1000"), NULL },
          "100 %, 2 of 2 files, 999 bytes of 999 bytes, 1.0 kB/s" },
        { { STATS("1", "2", "0", "2", "1"), "{\"level\":\"info\"}", NULL },
          "50 %, 0 of 2 files, 1 bytes of 2 bytes, 1 bytes/s" },
        { { "{\"level\":\"warning\",\"msg\":\"x\",\"stats\":7}", NULL },
          "looking at what is there" },
    };
    char text[CLOUD_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cloud_said said = said_of(rows[i].lines);

        check_row("%s", rows[i].want);
        cloud_said_write(&said, text);
        CHECK_TEXT(text, rows[i].want);
        buf_release(&said.files_skipped);
    }
}

static void test_the_reason_of_a_failure_is_the_one_that_helps(void **state)
{
    static const struct {
        const char *lines[4];
        const char *want;
    } rows[] = {
        { { "{\"level\":\"error\",\"msg\":\"directory not found\",\"object\":\"root 'x'\"}",
            "{\"level\":\"error\",\"msg\":\"Attempt 1/3 failed with 1 errors\"}",
            "2026/11/30 21:59:53 Failed to copy: directory not found", NULL },
          "root 'x': directory not found" },
        { { "{\"level\":\"error\",\"msg\":\"Attempt 1/3 failed\"}", NULL }, "Attempt 1/3 failed" },
        { { "2026/11/30 21:59:53 Failed to create file system for \"cloud:x\": no", NULL },
          "Failed to create file system for \"cloud:x\": no" },
        { { "panic: x\x01\xff", "goroutine 1", NULL }, "panic: x ?" },
        { { "{\"level\":\"info\",\"msg\":\"Copied (new)\",\"object\":\"a\"}", NULL }, "" },
        { { "", NULL }, "" },
        { { "[1]", "7", "{}", NULL }, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cloud_said said = said_of(rows[i].lines);

        check_row("%s", rows[i].want);
        CHECK_TEXT(said.error, rows[i].want);
        buf_release(&said.files_skipped);
    }
}

static void test_a_dry_run_lists_so_many_and_counts_all(void **state)
{
    static const char line[] = "{\"level\":\"warning\",\"msg\":\"Skipped copy as --dry-run is set "
                               "(size 3)\",\"object\":\"a b\"}";
    struct cloud_said said = { .files_skipped = buf_of(4 * (CLOUD_FILES_SHOWN + 2)) };

    (void)state;
    for (int i = 0; i < CLOUD_FILES_SHOWN + 2; i++)
        cloud_said_take(&said, line, sizeof line - 1);
    CHECK_INT(said.skipped_count, CLOUD_FILES_SHOWN + 2);
    CHECK_INT((int64_t)said.files_skipped.length, 4 * CLOUD_FILES_SHOWN);
    CHECK(strncmp(said.files_skipped.bytes, "a b\n", 4) == 0);
    CHECK_TEXT(said.error, "");
    buf_release(&said.files_skipped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_is_what_people_read),
        cmocka_unit_test(test_the_reason_of_a_failure_is_the_one_that_helps),
        cmocka_unit_test(test_a_dry_run_lists_so_many_and_counts_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

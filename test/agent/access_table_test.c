/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_table.h"

#include <stdlib.h>
#include <string.h>

#include "agent/access_keys.h"
#include "check.h"

#define KEY_ONE   "AAAAC3NzaC1lZDI1NTE5AAAAIJLFK+6KhMqISRFXBzgfAv1GAwtU79CkbzMKfkEc+rxc"
#define KEY_TWO   "AAAAC3NzaC1lZDI1NTE5AAAAIFYP6G5T0K6INxD59WFsSSU/6UFP0fU1K3xaKGEHnNqy"
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { TEXT_MAX = 1 << 20 };

#define LINE_ONE "ssh-ed25519 " KEY_ONE " me"
#define LINE_TWO "ssh-ed25519 " KEY_TWO

static const char *const KEYS[] = { LINE_ONE, "junk", LINE_TWO };

static void test_what_is_written_reads_back(void **state)
{
    static const struct access_entry entries[] = {
        { .instance_id = INT64_MAX,
          .port = 65535,
          .container_id = CONTAINER,
          .state_text = "",
          .keys = KEYS,
          .key_count = 3 },
        { .instance_id = 7, .port = 1, .container_id = "", .state_text = "it is stopped: `start`" },
        { .instance_id = 9,
          .port = 22,
          .container_id = CONTAINER,
          .state_text = "a\nb\tc",
          .keys = KEYS,
          .key_count = 1 },
    };
    struct buf text = buf_of(TEXT_MAX);
    auto_access_table struct access_table table = { 0 };
    const char *errand = NULL;
    struct error err;
    size_t count;

    (void)state;
    for (uint16_t i = 0; i < 3; i++)
        access_table_write(&text, &entries[i], i, &count);
    CHECK_OK(access_table_read(buf_take(&text), &table, &err), &err);
    CHECK_INT((int64_t)table.count, 3);

    const struct access_row *row = access_table_find(&table, INT64_MAX);
    CHECK(row != NULL);
    CHECK_INT(row->port, 65535);
    CHECK_INT(row->slot, 0);
    CHECK_TEXT(row->container_id, CONTAINER);
    CHECK_INT((int64_t)row->key_count, 2);
    CHECK(access_row_has_key(row, KEY_ONE, &errand));
    CHECK(access_row_has_key(row, KEY_TWO, &errand));
    CHECK_TEXT(errand, "");
    CHECK(!access_row_has_key(row, "", &errand));
    CHECK(!access_row_has_key(row, "junk", &errand));

    row = access_table_find(&table, 7);
    CHECK_TEXT(row->container_id, "");
    CHECK_TEXT(row->state_text, "it is stopped: `start`");
    CHECK(!access_row_has_key(row, KEY_ONE, &errand));
    row = access_table_find(&table, 9);
    CHECK_TEXT(row->state_text, "a b c");
    CHECK(!access_row_has_key(row, KEY_TWO, &errand));
    CHECK(access_table_find(&table, 8) == NULL);
}

static void test_keys_beyond_the_limit_are_left_out(void **state)
{
    const char *keys[ACCESS_KEYS_MAX + 5];
    const struct access_entry entry = {
        .instance_id = 1,
        .port = 1,
        .container_id = "",
        .state_text = "",
        .keys = keys,
        .key_count = ACCESS_KEYS_MAX + 5,
    };
    struct buf text = buf_of(TEXT_MAX);
    auto_access_table struct access_table table = { 0 };
    struct error err;
    size_t count;

    (void)state;
    for (size_t i = 0; i < entry.key_count; i++)
        keys[i] = KEYS[0];
    access_table_write(&text, &entry, 0, &count);
    CHECK_INT((int64_t)count, ACCESS_KEYS_MAX);
    CHECK_OK(access_table_read(buf_take(&text), &table, &err), &err);
    CHECK_INT((int64_t)table.rows[0].key_count, ACCESS_KEYS_MAX);
}

/* The key that 32 zeros and a one are, as ssh-keygen has it; its errand and nothing else. */
static void test_a_key_for_a_copy_comes_with_its_errand(void **state)
{
    static const char key[] =
        "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";
    static const uint8_t bytes[ACCESS_COPY_SIZE] = { [31] = 1 };
    static const uint8_t greeting[ACCESS_COPY_SIZE] = { 0xab };
    struct access_copy copies[ACCESS_COPIES_MAX + 1];
    struct access_entry entry = {
        .instance_id = 1, .port = 1, .container_id = "", .state_text = "", .copies = copies
    };
    struct buf text = buf_of(TEXT_MAX);
    auto_access_table struct access_table table = { 0 };
    const char *errand = NULL, *parsed;
    struct error err;
    size_t count, length;

    (void)state;
    for (size_t i = 0; i <= ACCESS_COPIES_MAX; i++)
        copies[i] = (struct access_copy){ bytes, greeting, i == 0, "/a b", i == 0 ? "/c" : NULL };
    entry.copy_count = ACCESS_COPIES_MAX + 1;
    access_table_write(&text, &entry, 0, &count);
    CHECK_INT((int64_t)count, 0);
    CHECK_OK(access_table_read(buf_take(&text), &table, &err), &err);
    CHECK_INT((int64_t)table.rows[0].errand_count, ACCESS_COPIES_MAX);
    CHECK(access_row_has_key(&table.rows[0], key, &errand));
    CHECK_TEXT(errand, "ab00000000000000000000000000000000000000000000000000000000000000 "
                       "take 2f612062 2f63");
    CHECK(strstr(table.rows[0].errands[1].text, " give 2f612062") != NULL);
    CHECK(access_key_parse("ssh-ed25519 "
                           "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
                           &parsed, &length));
}

static void test_an_empty_table_has_nothing(void **state)
{
    auto_access_table struct access_table table = { 0 };
    struct error err;

    (void)state;
    CHECK_OK(access_table_read(strdup(""), &table, &err), &err);
    CHECK_INT((int64_t)table.count, 0);
    CHECK(access_table_find(&table, 1) == NULL);
}

static void test_anything_else_is_refused(void **state)
{
    static const char *const rows[] = {
        "instance 1 1 0 - x",
        "instance 1 1 0 -\nkey",
        "instance\n",
        "errand AAAA ab give 2f\n",
        "instance 1 1 0 - 0 x\nerrand AAAA\n",
        "instance 1 1 0 - 0 x\nerrand AAAA ab give 2f;\n",
        "instance x 1 0 - \n",
        "instance 1 65536 0 - \n",
        "instance 1 1 1024 - \n",
        "instance 9223372036854775808 1 0 - \n",
        "instance 1 1 0 0123 \n",
        "key " KEY_ONE "\n",
        "other 1\n",
        "\n",
    };
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct access_table table = { .count = 77 };

        check_row("%s", rows[i]);
        CHECK_FAILS(access_table_read(strdup(rows[i]), &table, &err), &err, ERROR_CORRUPT);
        CHECK_INT((int64_t)table.count, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_keys_beyond_the_limit_are_left_out),
        cmocka_unit_test(test_a_key_for_a_copy_comes_with_its_errand),
        cmocka_unit_test(test_an_empty_table_has_nothing),
        cmocka_unit_test(test_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

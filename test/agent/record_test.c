/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/record.h"

#include <string.h>

#include "check.h"
#include "support_home.h"

static struct record sample(int64_t id)
{
    return (struct record){ .id = id,
                            .slot = 5,
                            .ssh_port = 40000,
                            .restart_nonce = 2,
                            .start_gen = 7,
                            .is_stopped_by_us = true,
                            .notice_gen = 6,
                            .notice_deadline_us = 1795356212000000,
                            .has_holder = true,
                            .boot_id = "b",
                            .started_before = "t",
                            .port_count = 2,
                            .ports = { { 8081, false, 40001 }, { 53, true, 40002 } } };
}

static void test_what_is_saved_is_loaded(void **state)
{
    struct record want = sample(7001), got;
    struct error err;

    (void)state;
    CHECK_OK(record_save(home_identity()->instances_dir, &want, &err), &err);
    CHECK_OK(record_load(home_identity()->instances_dir, 7001, &got, &err), &err);
    CHECK_INT(got.slot, 5);
    CHECK_INT(got.ssh_port, 40000);
    CHECK_INT(got.restart_nonce, 2);
    CHECK_INT(got.start_gen, 7);
    CHECK(got.is_stopped_by_us && !got.is_private && got.has_holder);
    CHECK_INT(got.notice_gen, 6);
    CHECK_INT(got.notice_deadline_us, 1795356212000000);
    CHECK_TEXT(got.boot_id, "b");
    CHECK_TEXT(got.started_before, "t");
    CHECK_INT(got.port_count, 2);
    CHECK_INT(got.ports[1].host_port, 40002);
    CHECK(got.ports[1].is_udp);
}

/* Begun, synced, noted: all of it counts, and there is one. */
static void test_one_is_begun_synced_and_noted(void **state)
{
    int dir = home_identity()->instances_dir;
    struct record want = sample(7001), got;
    int64_t ids[4];
    char path[256];
    size_t count;
    struct error err;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/instances", home_path());
    CHECK_FAILS(record_sync(path, 7001, &err), &err, ERROR_NOT_FOUND);
    CHECK_OK(record_begin(dir, &want, &err), &err);
    CHECK_OK(record_sync(path, 7001, &err), &err);
    CHECK_FAILS(record_sync(path, 7002, &err), &err, ERROR_NOT_FOUND);
    CHECK_OK(record_load(dir, 7001, &got, &err), &err);
    CHECK_INT(got.slot, 5);
    want.is_stopped_by_us = false;
    want.notice_gen = 9;
    want.notice_deadline_us = 5;
    CHECK_OK(record_note(dir, &want, &err), &err);
    CHECK_OK(record_load(dir, 7001, &got, &err), &err);
    CHECK(!got.is_stopped_by_us);
    CHECK_INT(got.notice_gen, 9);
    CHECK_INT(got.notice_deadline_us, 5);
    CHECK_INT(got.slot, 5);
    CHECK_OK(record_list(dir, ids, 4, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
}

/* What was noted of one edition does not outlive it, and goes with the instance. */
static void test_a_note_is_of_the_edition_that_was_saved(void **state)
{
    int dir = home_identity()->instances_dir;
    struct record want = sample(7001), got;
    struct error err;

    (void)state;
    want.is_stopped_by_us = false;
    CHECK_OK(record_save(dir, &want, &err), &err);
    want.is_stopped_by_us = true;
    CHECK_OK(record_note(dir, &want, &err), &err);
    CHECK_OK(record_load(dir, 7001, &got, &err), &err);
    CHECK(got.is_stopped_by_us);
    want.is_stopped_by_us = false;
    CHECK_OK(record_save(dir, &want, &err), &err);
    CHECK_OK(record_load(dir, 7001, &got, &err), &err);
    CHECK(!got.is_stopped_by_us);
    CHECK_INT(got.edition, 2);

    want.is_stopped_by_us = true;
    CHECK_OK(record_note(dir, &want, &err), &err);
    CHECK_OK(record_remove(dir, 7001, &err), &err);
    want.is_stopped_by_us = false;
    want.edition = 1;
    CHECK_OK(record_save(dir, &want, &err), &err);
    CHECK_OK(record_load(dir, 7001, &got, &err), &err);
    CHECK(!got.is_stopped_by_us);
}

/* A power cut may leave anything of it, and takes the processes with it. */
static void test_a_damaged_note_says_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"id\":7002,\"edition\":1,\"is_stopped_by_us\":false}",
        ("{\"id\":7002,\"edition\":1,\"is_stopped_by_us\":false,\"notice_gen\":1,"
         "\"notice_deadline_us\":1}"),
    };
    struct record want = sample(7001), got;
    struct error err;

    (void)state;
    CHECK_OK(record_save(home_identity()->instances_dir, &want, &err), &err);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_row("'%s'", texts[i]);
        home_write("instances/7001.note", texts[i]);
        CHECK_OK(record_load(home_identity()->instances_dir, 7001, &got, &err), &err);
        CHECK(got.is_stopped_by_us);
        CHECK_INT(got.notice_gen, 6);
    }
}

static void test_they_are_listed_in_order(void **state)
{
    static const int64_t ids[] = { 30, 4, 500 };
    int64_t listed[8];
    size_t count;
    struct error err;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct record record = sample(ids[i]);
        CHECK_OK(record_save(home_identity()->instances_dir, &record, &err), &err);
    }
    home_write("instances/x.json", "{}");
    home_write("instances/4.log", "not a record");
    home_write("instances/0.json", "{}");
    CHECK_OK(record_list(home_identity()->instances_dir, listed, 8, &count, &err), &err);
    CHECK_INT((int64_t)count, 3);
    CHECK_INT(listed[0], 4);
    CHECK_INT(listed[1], 30);
    CHECK_INT(listed[2], 500);
    CHECK_OK(record_list(home_identity()->instances_dir, listed, 2, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
}

static void test_one_that_is_removed_is_gone(void **state)
{
    struct record record = sample(1);
    struct error err;

    (void)state;
    CHECK_OK(record_save(home_identity()->instances_dir, &record, &err), &err);
    CHECK_OK(record_remove(home_identity()->instances_dir, 1, &err), &err);
    CHECK_FAILS(record_load(home_identity()->instances_dir, 1, &record, &err), &err,
                ERROR_NOT_FOUND);
    CHECK_OK(record_remove(home_identity()->instances_dir, 1, &err), &err);
}

/* Hosts have records that were written before there were holders. */
static void test_an_older_record_has_no_holder(void **state)
{
    struct record record;
    struct error err;

    (void)state;
    home_write("instances/7.json",
               "{\"id\":7,\"slot\":1,\"ssh_port\":0,\"restart_nonce\":0,\"start_gen\":1,"
               "\"is_stopped_by_us\":false,\"is_private\":false,\"boot_id\":\"\","
               "\"started_before\":\"\",\"ports\":[]}");
    CHECK_OK(record_load(home_identity()->instances_dir, 7, &record, &err), &err);
    CHECK(!record.has_holder);
}

static void test_damage_is_told(void **state)
{
    static const char *const texts[] = { "", "{", "{}", "[]", "{\"id\":1}" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct record record = { .slot = -9 };
        struct error err;

        check_row("'%s'", texts[i]);
        home_write("instances/1.json", texts[i]);
        CHECK_FAILS(record_load(home_identity()->instances_dir, 1, &record, &err), &err,
                    ERROR_CORRUPT);
        CHECK_INT(record.slot, -9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_saved_is_loaded, home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_one_is_begun_synced_and_noted, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_a_note_is_of_the_edition_that_was_saved, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_note_says_nothing, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_they_are_listed_in_order, home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_one_that_is_removed_is_gone, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_an_older_record_has_no_holder, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_told, home_setup, home_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/keep.h"

#include <string.h>

#include "check.h"
#include "support_home.h"
#include "sys/file.h"

static struct clock held;

static int setup(void **state)
{
    held = clock_held((struct instant){ 5000 * US_PER_SECOND });
    held.held_boot_us = 100 * US_PER_SECOND;
    return home_setup(state);
}

static const char wanted[] =
    "{\"session_epoch\":1,\"desired_rev\":9,\"server_time_us\":1,\"instances\":[{\"id\":1,\"gen\":"
    "2,"
    "\"state\":\"stopped\",\"restart_nonce\":0,\"stop_after_ms\":60000,\"lifetime_after_ms\":-1,"
    "\"gpus\":[],\"spec\":{\"image\":\"bb:1\",\"disk_gb\":1,\"cpu_millis\":0,\"ram_mb\":0,"
    "\"shm_mb\":0,\"args\":[],\"ssh_keys\":[],\"env\":[],\"ports\":[]}}],\"ops\":[]}";

static struct keep open_kept(void)
{
    struct keep keep;
    struct error err;

    CHECK_OK(keep_open(home_identity(), &held, &keep, &err), &err);
    return keep;
}

static void take_and_save(struct keep *keep)
{
    struct error err;

    CHECK_OK(keep_take(keep, wanted, sizeof wanted - 1, &err), &err);
    CHECK_OK(keep_save(keep, &err), &err);
    CHECK_INT(keep->saved_rev, 9);
}

static void test_what_was_wanted_outlives_the_agent(void **state)
{
    struct keep keep = open_kept();

    (void)state;
    CHECK(!keep.has_desired);
    CHECK_INT(keep.saved_rev, 0);
    take_and_save(&keep);
    CHECK_INT(keep.received_us, 100 * US_PER_SECOND);
    keep_close(&keep);
    home_restart();
    clock_advance(&held, 7 * US_PER_SECOND);
    keep = open_kept();
    CHECK(keep.has_desired);
    CHECK_INT(keep.desired.desired_rev, 9);
    CHECK_INT(keep.saved_rev, 9);
    CHECK_TEXT(keep.desired.instances[0].spec.image, "bb:1");
    CHECK_INT(keep.received_us, 100 * US_PER_SECOND); /* deadlines stay where they were */
    keep_close(&keep);
}

/* Credit does not last longer because the host was switched off. */
static void test_time_goes_on_while_the_host_is_down(void **state)
{
    struct keep keep = open_kept();

    (void)state;
    take_and_save(&keep);
    keep_close(&keep);
    home_reboot();
    held.held_now.microseconds += 1000 * US_PER_SECOND;
    held.held_boot_us = 20 * US_PER_SECOND;
    keep = open_kept();
    CHECK_INT(keep.received_us, (20 - 1000) * US_PER_SECOND);
    keep_close(&keep);

    home_reboot(); /* and a clock that went back cannot stretch it by much */
    held.held_now.microseconds -= 5000 * US_PER_SECOND;
    keep = open_kept();
    CHECK_INT(keep.received_us, 0);
    keep_close(&keep);
}

static void test_what_is_not_understood_changes_nothing(void **state)
{
    static const char *const texts[] = { "", "{", "[]", "{\"desired_rev\":10}" };
    struct keep keep = open_kept();
    struct error err;

    (void)state;
    take_and_save(&keep);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_row("'%s'", texts[i]);
        CHECK_FAILS(keep_take(&keep, texts[i], strlen(texts[i]), &err), &err, ERROR_INVALID);
        CHECK_INT(keep.desired.desired_rev, 9);
    }
    keep_close(&keep);
    keep = open_kept();
    CHECK_INT(keep.desired.desired_rev, 9);
    keep_close(&keep);
}

#define SECRET "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

#define CONFIG "what it takes to get into a store"

/* The key to a workspace is in memory, and asked for again by who does not have it. */
static void test_a_key_is_kept_in_memory_alone(void **state)
{
    static const char text[] =
        "{\"session_epoch\":1,\"desired_rev\":9,\"server_time_us\":1,\"instances\":[{\"id\":1,"
        "\"gen\":2,\"state\":\"running\",\"restart_nonce\":0,\"stop_after_ms\":60000,"
        "\"lifetime_after_ms\":-1,\"gpus\":[],\"spec\":{\"image\":\"bb:1\",\"workspace_key\":"
        "\"" SECRET "\",\"workspace_gb\":3,\"disk_gb\":4,\"cpu_millis\":0,\"ram_mb\":0,"
        "\"shm_mb\":0,\"args\":[],\"ssh_keys\":[],\"env\":[],\"ports\":[]}}],\"ops\":[{\"op_id\":"
        "\"0123456789abcdef0123456789abcdef\",\"kind\":\"cloud\",\"instance_id\":1,\"min_gen\":1,"
        "\"expires_ms\":1000,\"tail\":0,\"is_daemon_log\":false,\"copy_secret\":\"" SECRET "\","
        "\"cloud_kind\":\"s3\",\"cloud_config\":\"{" CONFIG "}\",\"cloud_path\":\"/b\","
        "\"instance_path\":\"/w\",\"cloud_flags\":\"\",\"is_to_cloud\":true}]}";
    auto_buf struct buf file = buf_of(1 << 16);
    struct keep keep = open_kept();
    struct error err;

    (void)state;
    CHECK(!keep_lacks_keys(&keep));
    CHECK_OK(keep_take(&keep, text, sizeof text - 1, &err), &err);
    CHECK_OK(keep_save(&keep, &err), &err);
    CHECK_TEXT(keep.desired.instances[0].spec.workspace_key, SECRET);
    CHECK(!keep_lacks_keys(&keep));
    CHECK_OK(file_read(home_identity()->dir, "desired.json", &file, &err), &err);
    CHECK(memmem(file.bytes, file.length, "workspace_gb", 12) != NULL);
    CHECK(memmem(file.bytes, file.length, "workspace_key", 13) == NULL);
    CHECK_TEXT(keep.desired.ops[0].cloud_config, "{" CONFIG "}");
    CHECK(memmem(file.bytes, file.length, CONFIG, sizeof CONFIG - 1) == NULL);
    keep_close(&keep);
    home_restart();
    keep = open_kept();
    CHECK_INT(keep.desired.instances[0].spec.workspace_gb, 3);
    CHECK(keep.desired.instances[0].spec.workspace_key == NULL);
    CHECK(keep.desired.ops[0].cloud_config == NULL);
    CHECK(keep_lacks_keys(&keep));
    keep.desired.instances[0].state = DESIRED_STOPPED;
    CHECK(!keep_lacks_keys(&keep));
    keep_close(&keep);
}

/* It is acted upon, and only the disk knows of what was before. */
static void test_what_is_not_saved_yet_is_not_kept(void **state)
{
    auto_buf struct buf newer = buf_of(sizeof wanted + 16);
    struct keep keep = open_kept();
    struct error err;

    (void)state;
    CHECK_OK(keep_save(&keep, &err), &err); /* there is nothing to save */
    take_and_save(&keep);
    buf_append(&newer, wanted, sizeof wanted - 1);
    memcpy(strstr(newer.bytes, "_rev\":9") + 6, "8", 1);
    CHECK_OK(keep_take(&keep, newer.bytes, newer.length, &err), &err);
    CHECK_INT(keep.desired.desired_rev, 8);
    CHECK_INT(keep.saved_rev, 9);
    keep_close(&keep);
    keep = open_kept();
    CHECK_INT(keep.desired.desired_rev, 9);

    CHECK_OK(keep_take(&keep, newer.bytes, newer.length, &err), &err);
    CHECK_OK(keep_save(&keep, &err), &err);
    CHECK_INT(keep.saved_rev, 8);
    keep_close(&keep);
    keep = open_kept();
    CHECK_INT(keep.desired.desired_rev, 8);
    keep_close(&keep);
}

static void test_damage_is_told_and_is_no_wish(void **state)
{
    struct keep keep;
    struct error err;

    (void)state;
    home_write("desired.json", "{\"boot_id\":\"x\"");
    CHECK_FAILS(keep_open(home_identity(), &held, &keep, &err), &err, ERROR_CORRUPT);
    CHECK(!keep.has_desired);
    keep_close(&keep);
}

static void test_contact_is_noted_now_and_then(void **state)
{
    struct keep keep = open_kept();

    (void)state;
    clock_advance(&held, 61 * US_PER_SECOND);
    keep_contact(&keep);
    clock_advance(&held, 30 * US_PER_SECOND);
    keep_contact(&keep);
    CHECK_INT(keep.last_contact_us, clock_boot_us(&held));
    keep_close(&keep);
    home_restart();
    keep = open_kept(); /* the last minute may be missing */
    CHECK_INT(keep.last_contact_us, clock_boot_us(&held) - 30 * US_PER_SECOND);
    keep_close(&keep);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, home_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_wanted_outlives_the_agent),
        TEST(test_time_goes_on_while_the_host_is_down),
        TEST(test_a_key_is_kept_in_memory_alone),
        TEST(test_what_is_not_understood_changes_nothing),
        TEST(test_what_is_not_saved_yet_is_not_kept),
        TEST(test_damage_is_told_and_is_no_wish),
        TEST(test_contact_is_noted_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

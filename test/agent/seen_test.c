/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/seen.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char inspected[] =
    "{\"Id\":\"abc\",\"Name\":\"/berth-1\",\"Image\":\"sha256:1\",\"SizeRw\":3145728,"
    "\"State\":{\"Status\":\"running\",\"Pid\":42,\"ExitCode\":0,\"StartedAt\":\"2026-11-22T14:00:"
    "00.5Z\",\"OOMKilled\":false,\"Error\":\"\"},"
    "\"Config\":{\"Labels\":{\"berth.machine\":\"7\",\"berth.instance\":\"1\",\"berth.gen\":\"3\","
    "\"berth.host\":\"me\",\"berth.spec\":\"s\",\"berth.gpus\":\"GPU-a,\"}}}";

static json_t *document(void)
{
    return json_loads(inspected, 0, NULL);
}

static void test_a_container_is_understood(void **state)
{
    auto_json json_t *root = document();
    struct seen seen;
    struct error err;
    char token[128];

    (void)state;
    CHECK_OK(seen_parse(root, "me", &seen, &err), &err);
    CHECK_INT(seen.machine_id, 7);
    CHECK_INT(seen.instance_id, 1);
    CHECK_INT(seen.gen, 3);
    CHECK_TEXT(seen.id, "abc");
    CHECK_TEXT(seen.name, "berth-1");
    CHECK_TEXT(seen.spec, "s");
    CHECK_TEXT(seen.gpus, "GPU-a,");
    CHECK_INT(seen.state, SEEN_RUNNING);
    CHECK_INT(seen.pid, 42);
    CHECK_INT(seen.exit_code, -1);
    CHECK_INT(seen.disk_used_mb, 3);
    CHECK(!seen_is_next(&seen) && !seen_is_kept(&seen));
    CHECK_TEXT(seen_start_token(&seen, token), "abc@2026-11-22T14:00:00.5Z");
}

static void test_states_are_told_apart(void **state)
{
    static const struct {
        const char *status;
        enum seen_state want;
        int64_t exit_code;
    } rows[] = {
        { "created", SEEN_CREATED, -1 }, { "running", SEEN_RUNNING, -1 },
        { "paused", SEEN_RUNNING, -1 },  { "restarting", SEEN_RUNNING, -1 },
        { "exited", SEEN_EXITED, 137 },  { "removing", SEEN_BUSY, -1 },
        { "dead", SEEN_BUSY, -1 },       { "of tomorrow", SEEN_BUSY, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = document();
        json_t *state_object = json_object_get(root, "State");
        struct seen seen;
        struct error err;

        check_row("%s", rows[i].status);
        CHECK_INT(json_object_set_new(state_object, "Status", json_string(rows[i].status)), 0);
        CHECK_INT(json_object_set_new(state_object, "ExitCode", json_integer(137)), 0);
        CHECK_OK(seen_parse(root, "me", &seen, &err), &err);
        CHECK_INT(seen.state, rows[i].want);
        CHECK_INT(seen.exit_code, rows[i].exit_code);
    }
}

static void test_what_has_never_run_has_no_token(void **state)
{
    auto_json json_t *root = document();
    struct seen seen;
    struct error err;
    char token[128];

    (void)state;
    CHECK_INT(json_object_set_new(json_object_get(root, "State"), "StartedAt",
                                  json_string("0001-01-01T00:00:00Z")),
              0);
    CHECK_OK(seen_parse(root, "me", &seen, &err), &err);
    CHECK_TEXT(seen_start_token(&seen, token), "");
}

/* Another enrolment's machine 7 is not ours, whatever its number. */
static void test_a_foreign_container_has_a_machine_of_its_own(void **state)
{
    auto_json json_t *root = document();
    struct seen ours, theirs, others, unlabelled;
    struct error err;

    (void)state;
    CHECK_OK(seen_parse(root, "me", &ours, &err), &err);
    CHECK_OK(seen_parse(root, "you", &theirs, &err), &err);
    CHECK_INT(ours.machine_id, 7);
    CHECK(theirs.machine_id < 0);
    json_t *labels = json_object_get(json_object_get(root, "Config"), "Labels");
    CHECK_INT(json_object_set_new(labels, "berth.host", json_string("else")), 0);
    CHECK_OK(seen_parse(root, "me", &others, &err), &err);
    CHECK(others.machine_id < 0 && others.machine_id != theirs.machine_id);
    CHECK_INT(json_object_del(labels, "berth.host"), 0);
    CHECK_OK(seen_parse(root, "me", &unlabelled, &err), &err);
    CHECK(unlabelled.machine_id < 0);
}

static void test_labels_that_make_no_sense(void **state)
{
    static const struct {
        const char *label, *value;
        enum error_code want;
    } rows[] = {
        { "berth.machine", NULL, ERROR_NOT_FOUND },
        { "berth.machine", "x", ERROR_CORRUPT },
        { "berth.instance", NULL, ERROR_CORRUPT },
        { "berth.instance", "-1", ERROR_CORRUPT },
        { "berth.instance", "9223372036854775808", ERROR_CORRUPT },
        { "berth.gen", "", ERROR_CORRUPT },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = document();
        json_t *labels = json_object_get(json_object_get(root, "Config"), "Labels");
        struct seen seen = { .gen = -9 };
        struct error err;

        check_row("row %zu", i);
        if (rows[i].value == NULL)
            CHECK_INT(json_object_del(labels, rows[i].label), 0);
        else
            CHECK_INT(json_object_set_new(labels, rows[i].label, json_string(rows[i].value)), 0);
        CHECK_FAILS(seen_parse(root, "me", &seen, &err), &err, rows[i].want);
        CHECK_INT(seen.gen, -9);
    }
    struct seen seen;
    struct error err;
    CHECK_FAILS(seen_parse(NULL, "me", &seen, &err), &err, ERROR_NOT_FOUND);
}

static void test_gpus_in_common(void **state)
{
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        { "", "", false },
        { "GPU-a,", "", false },
        { "GPU-a,", "GPU-a,", true },
        { "GPU-a,", "GPU-ab,", false },
        { "GPU-ab,", "GPU-a,", false },
        { "GPU-b,", "GPU-ab,", false },
        { "GPU-a,GPU-b,", "GPU-c,GPU-b,", true },
        { "GPU-a,GPU-b,", "GPU-c,GPU-d,", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s against %s", rows[i].a, rows[i].b);
        CHECK(seen_gpus_overlap(rows[i].a, rows[i].b) == rows[i].want);
        CHECK(seen_gpus_overlap(rows[i].b, rows[i].a) == rows[i].want);
    }
}

static void test_names(void **state)
{
    struct seen seen = { .instance_id = 7001 };
    char name[64];

    (void)state;
    CHECK_TEXT(seen_name(7001, name), "berth-7001");
    CHECK_TEXT(seen_next_name(7001, seen.name), "berth-7001-next");
    CHECK(seen_is_next(&seen));
    CHECK_TEXT(seen_kept_name("0123456789abcdef", seen.name), "berth-kept-0123456789ab");
    CHECK(seen_is_kept(&seen) && !seen_is_next(&seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_container_is_understood),
        cmocka_unit_test(test_states_are_told_apart),
        cmocka_unit_test(test_what_has_never_run_has_no_token),
        cmocka_unit_test(test_a_foreign_container_has_a_machine_of_its_own),
        cmocka_unit_test(test_labels_that_make_no_sense),
        cmocka_unit_test(test_gpus_in_common),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

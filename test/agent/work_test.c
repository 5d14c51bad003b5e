/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/work.h"

#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "fake_http.h"
#include "support_home.h"
#include "sys/fd.h"

/* An engine that does whatever it is asked to, and counts the containers that it makes. */
struct maker {
    atomic_int made, started;
};

static void answer(void *context, const struct fake_request *request, struct buf *response)
{
    static const char id[] = "{\"Id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
                             "abcdef\",\"Warnings\":[]}";
    struct maker *maker = context;

    if (strstr(request->target, "/containers/create") != NULL) {
        atomic_fetch_add(&maker->made, 1);
        fake_http_reply(response, 201, id);
    } else if (strstr(request->target, "/networks/create") != NULL) {
        fake_http_reply(response, 201, id);
    } else if (strstr(request->target, "/start") != NULL) {
        atomic_fetch_add(&maker->started, 1);
        fake_http_reply(response, 204, "");
    } else {
        fake_http_reply(response, 404, "{\"message\":\"no such thing\"}");
    }
}

/* Whether it says that it is done, with instance 1's record in `path` or not. */
static bool create(struct maker *maker, const char *path, const struct isolate *walls)
{
    char socket[128];
    struct container_host host = {
        .machine_id = 7, .host = "test", .public_ip = "", .isolate = walls
    };
    struct desired_instance desired = { .id = 1, .gen = 1, .state = DESIRED_RUNNING };
    struct record record = { .id = 1, .slot = 1, .start_gen = 1, .boot_id = "boot" };
    auto_close int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct job_report report = { nowhere };
    auto_buf struct buf result = buf_of(1 << 16);
    struct error err;

    desired.spec.image = "bb:1";
    (void)snprintf(socket, sizeof socket, "%s/engine.sock", home_path());
    auto_fake_http struct fake_http *engine = fake_http_open(socket, answer, maker);
    struct work work = { .step = PLAN_CREATE,
                         .engine_socket = socket,
                         .host = &host,
                         .instances_path = path,
                         .instance_id = 1,
                         .desired = &desired,
                         .record = &record };
    CHECK_OK(work_run(&work, &report, &result, &err), &err);
    CHECK(fake_http_connection_count(engine) > 0);
    json_t *root = json_loadb(result.bytes, result.length, 0, NULL);
    bool is_done = json_is_true(json_object_get(root, "is_done"));
    json_decref(root);
    return is_done;
}

/* After a power cut nobody would know whose it is. */
static void test_no_container_is_made_without_a_record_on_disk(void **state)
{
    struct maker maker = { 0 };
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/absent", home_path());
    CHECK(!create(&maker, path, NULL));
    CHECK_INT(atomic_load(&maker.made), 0);
}

static void test_a_container_is_made_and_started(void **state)
{
    struct record record = { .id = 1, .slot = 1, .start_gen = 1, .boot_id = "boot" };
    struct maker maker = { 0 };
    char path[128];
    struct error err;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/instances", home_path());
    CHECK_OK(record_begin(home_identity()->instances_dir, &record, &err), &err);
    CHECK(create(&maker, path, NULL));
    CHECK_INT(atomic_load(&maker.made), 1);
    CHECK_INT(atomic_load(&maker.started), 1);
}

/* Around a network of its own, though nobody has named its slot before, or it was cleared away. */
static void test_walls_are_up_before_a_start(void **state)
{
    struct record record = { .id = 1, .slot = 1, .start_gen = 1, .boot_id = "boot" };
    struct isolate walls = { 0 };
    struct maker maker = { 0 };
    int64_t slots[2] = { 0 };
    size_t count = 0;
    char path[128];
    struct error err;

    (void)state;
    isolate_name(&walls, "0123456789abcdef0123456789abcdef");
    (void)snprintf(path, sizeof path, "%s/instances", home_path());
    CHECK_OK(record_begin(home_identity()->instances_dir, &record, &err), &err);
    /* No table, no walls, no start. */
    CHECK(!create(&maker, path, &walls));
    CHECK_INT(atomic_load(&maker.started), 0);
    CHECK_OK(isolate_build(&walls, &err), &err);
    CHECK(create(&maker, path, &walls));
    CHECK_INT(atomic_load(&maker.started), 1);
    CHECK_OK(isolate_guests(&walls, slots, 2, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(slots[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walls_are_up_before_a_start, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_no_container_is_made_without_a_record_on_disk,
                                        home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_a_container_is_made_and_started, home_setup,
                                        home_teardown),
    };

    (void)setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        (void)printf("NOT RUN: cannot make a network namespace\n");
        return CHECK_SKIP;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of an engine that says what a case wants, over its unix socket. */
#include "agent/observe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "support_home.h"
#include "support_scripted.h"

enum { PATIENCE_MS = 10000, STEP_MS = 10, CONTAINERS_MAX = 16 };

static struct loop *loop;
static struct web *web;
static struct scripted *scripted;
static struct observer *observer;
static int changes;

/* The engine: instance `number` has a container with that state; NULL: none. */
static const char *states[CONTAINERS_MAX];
static int looks[CONTAINERS_MAX], lists;
static int events_fd = -1;
static bool holds_inspects; /* says nothing yet */
static int held_number;     /* the same for one of them; 0: none */
static int held_fd;
static bool holds_lists; /* says nothing yet */
static int held_list_fd;
static int list_status = 200, inspect_status = 200;
static const char *list_text;    /* in place of a good one; or NULL */
static const char *inspect_text; /* the same */

static void describe(struct buf *out, int number)
{
    buf_printf(
        out,
        "{\"Id\":\"%064d\",\"Name\":\"/berth-%d\",\"Image\":\"sha256:1\",\"State\":{\"Status\":"
        "\"%s\",\"Pid\":42,\"ExitCode\":3,\"StartedAt\":\"2026-11-22T14:00:00Z\"},"
        "\"Config\":{\"Labels\":{\"berth.machine\":\"7\",\"berth.instance\":\"%d\","
        "\"berth.gen\":\"1\",\"berth.host\":\"me\"}}}",
        number, number, states[number], number);
}

static bool list(int fd)
{
    auto_buf struct buf text = buf_of(65536);
    const char *comma = "";

    lists++;
    if (holds_lists) {
        held_list_fd = fd;
        return true;
    }
    buf_printf(&text, "[");
    for (int i = 1; i < CONTAINERS_MAX; i++) {
        if (states[i] == NULL)
            continue;
        buf_printf(&text, "%s{\"Id\":\"%064d\",\"State\":\"%s\"}", comma, i, states[i]);
        comma = ",";
    }
    buf_printf(&text, "]");
    return scripted_say(fd, list_status, list_text != NULL ? list_text : text.bytes);
}

static bool describe_to(int fd, int number)
{
    auto_buf struct buf text = buf_of(65536);

    describe(&text, number);
    return scripted_say(fd, inspect_status, inspect_text != NULL ? inspect_text : text.bytes);
}

static bool inspect(int fd, const char *path)
{
    int number = 0;

    CHECK(sscanf(path, "/v1.41/containers/%d/json", &number) == 1);
    CHECK(number > 0 && number < CONTAINERS_MAX);
    looks[number]++;
    if (holds_inspects || number == held_number) {
        held_fd = fd;
        return true;
    }
    if (states[number] == NULL)
        return scripted_say(fd, 404, "{\"message\":\"no such container\"}");
    return describe_to(fd, number);
}

static bool respond(void *context, int fd, const struct http_got *request)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

    (void)context;
    if (strncmp(request->path, "/v1.41/containers/json?", 23) == 0)
        return list(fd);
    if (strncmp(request->path, "/v1.41/events?", 14) == 0) {
        events_fd = fd;
        return send(fd, head, sizeof head - 1, MSG_NOSIGNAL) > 0;
    }
    return inspect(fd, request->path);
}

static void on_change(void *context)
{
    (void)context;
    changes++;
}

static int setup(void **state)
{
    char path[256];
    struct observe_options options = { .host = "me", .log = log_silent(), .on_change = on_change };

    memset(states, 0, sizeof states);
    memset(looks, 0, sizeof looks);
    lists = changes = 0;
    events_fd = -1;
    list_status = inspect_status = 200;
    list_text = inspect_text = NULL;
    if (home_setup(state) != 0)
        return -1;
    (void)snprintf(path, sizeof path, "%s/engine.sock", home_path());
    options.socket = path;
    loop = loop_open(&clock_system);
    web = web_open(loop);
    scripted = scripted_open(loop, path, respond, NULL);
    observer = observe_open(loop, web, &options);
    return 0;
}

static int teardown(void **state)
{
    observe_close(&observer);
    web_close(&web);
    scripted_close(&scripted);
    loop_close(&loop);
    return home_teardown(state);
}

static void step_ms(int ms)
{
    for (int64_t until_us = loop_now_us(loop) + ms * US_PER_MS; loop_now_us(loop) < until_us;)
        loop_step(loop, STEP_MS);
}

static void wait_ok(bool want)
{
    for (int waited = 0; waited < PATIENCE_MS && observe_is_ok(observer) != want; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK(observe_is_ok(observer) == want);
}

/* Until that instance is seen so; -1: not at all. */
static void wait_seen(int number, int state)
{
    const struct seen *seen = NULL;

    for (int waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
        seen = observe_find(observer, 7, number, false);
        if (seen == NULL ? state < 0 : (int)seen->state == state)
            return;
        loop_step(loop, STEP_MS);
    }
    CHECK_INT(seen == NULL ? -1 : (int)seen->state, state);
}

static void happen(const char *text)
{
    while (events_fd < 0) /* the engine is asked for them, and has not heard it yet */
        loop_step(loop, STEP_MS);
    CHECK(send(events_fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static void happen_to(int number, const char *action)
{
    char text[256];

    (void)snprintf(text, sizeof text, "{\"Action\":\"%s\",\"Actor\":{\"ID\":\"%064d\"}}\n", action,
                   number);
    happen(text);
}

static void test_all_is_looked_at_before_it_counts(void **state)
{
    (void)state;
    for (int i = 1; i < CONTAINERS_MAX; i++)
        states[i] = i % 2 == 0 ? "running" : "exited";
    CHECK(!observe_is_ok(observer));
    CHECK_TEXT(observe_message(observer), "not asked yet");
    wait_ok(true);
    CHECK_INT((int64_t)observe_count(observer), CONTAINERS_MAX - 1);
    for (int i = 1; i < CONTAINERS_MAX; i++) {
        const struct seen *seen = observe_find(observer, 7, i, false);

        CHECK(seen != NULL && seen->state == (i % 2 == 0 ? SEEN_RUNNING : SEEN_EXITED));
        CHECK_INT(looks[i], 1);
    }
    CHECK(observe_find(observer, 7, 99, false) == NULL);
    CHECK(observe_find(observer, 8, 1, false) == NULL);
    CHECK(observe_find(observer, 7, 1, true) == NULL);
    CHECK_INT(observe_session(observer), 1);
    CHECK_TEXT(observe_message(observer), "");
}

static void test_what_happens_is_seen(void **state)
{
    (void)state;
    states[1] = "created";
    wait_ok(true);
    int before = changes;
    states[1] = "running";
    happen_to(1, "start");
    wait_seen(1, SEEN_RUNNING);
    CHECK(changes > before);
    states[2] = "running"; /* one that was not there */
    happen_to(2, "create");
    wait_seen(2, SEEN_RUNNING);
    states[1] = NULL;
    happen_to(1, "destroy");
    wait_seen(1, -1);
    CHECK_INT(observe_session(observer), 1);
}

static void test_what_happens_to_one_does_not_wait_for_others(void **state)
{
    (void)state;
    states[1] = "created";
    wait_ok(true);
    held_number = 2;
    happen_to(2, "create");
    for (int waited = 0; waited < PATIENCE_MS && looks[2] == 0; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    int before = changes;
    states[1] = "running";
    happen_to(1, "start");
    wait_seen(1, SEEN_RUNNING);
    CHECK_INT(changes, before + 1);
    states[2] = "running";
    held_number = 0;
    CHECK(describe_to(held_fd, 2));
    wait_seen(2, SEEN_RUNNING);
    CHECK(changes > before + 1);
}

/* What it will say may be older than what somebody wants to know of. */
static void test_a_list_that_is_asked_for_comes_after_one_under_way(void **state)
{
    (void)state;
    wait_ok(true);
    CHECK(!observe_is_looking(observer));
    int before = lists;
    holds_lists = true;
    observe_refresh(observer);
    CHECK(observe_is_looking(observer));
    for (int waited = 0; waited < PATIENCE_MS && lists == before; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    observe_refresh(observer);
    step_ms(20);
    CHECK_INT(lists, before + 1);
    states[1] = "running"; /* and no event tells of it */
    holds_lists = false;
    CHECK(scripted_say(held_list_fd, 200, "[]"));
    wait_seen(1, SEEN_RUNNING);
    CHECK_INT(lists, before + 2);
    for (int waited = 0; waited < PATIENCE_MS && observe_is_looking(observer); waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK(!observe_is_looking(observer));
}

/* Lines come in pieces of any size, and may be anything. */
static void test_events_in_pieces_and_nonsense(void **state)
{
    static const char *const nonsense[] = {
        "\n\n",
        "not json\n",
        "[]\n",
        "{\"Action\":\"start\"}\n",
        "{\"Actor\":{\"ID\":\"x\"}}\n",
        "{\"Action\":7,\"Actor\":{\"ID\":[]}}\n",
        "{\"Action\":\"start\",\"Actor\":7}\n",
    };
    char text[256];

    (void)state;
    states[1] = "created";
    wait_ok(true);
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
        happen(nonsense[i]);
    step_ms(50);
    CHECK_INT(looks[1], 1);
    happen_to(1, "exec_start: sh"); /* changes nothing of it */
    happen_to(1, "top");
    step_ms(50);
    CHECK_INT(looks[1], 1);

    states[1] = "exited";
    (void)snprintf(text, sizeof text, "{\"Action\":\"die\",\"Actor\":{\"ID\":\"%064d\"}}\n", 1);
    for (size_t at = 0, length = strlen(text); at < length; at += 7) {
        size_t count = length - at < 7 ? length - at : 7;

        CHECK(send(events_fd, text + at, count, MSG_NOSIGNAL) == (ssize_t)count);
        step_ms(2);
    }
    wait_seen(1, SEEN_EXITED);
    CHECK(observe_is_ok(observer));
}

static void test_an_engine_that_goes_is_found_again(void **state)
{
    (void)state;
    states[1] = "running";
    wait_ok(true);
    CHECK(shutdown(events_fd, SHUT_RDWR) == 0);
    wait_ok(false);
    CHECK(*observe_message(observer) != '\0');
    CHECK(observe_find(observer, 7, 1, false) != NULL); /* what was seen last is still known */
    states[1] = "exited";                               /* meanwhile */
    wait_ok(true);
    wait_seen(1, SEEN_EXITED);
    CHECK_INT(observe_session(observer), 2);
    CHECK_INT(looks[1], 2);
}

static void test_an_engine_that_makes_no_sense_is_not_ok(void **state)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = { { 500, "{\"message\":\"trouble\"}" }, { 200, "not json" }, { 404, "" } };

    (void)state;
    list_status = rows[0].status;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int before = lists;

        check_row("row %zu", i);
        list_status = rows[i].status;
        list_text = rows[i].text;
        for (int waited = 0; waited < PATIENCE_MS && lists < before + 2; waited += STEP_MS)
            loop_step(loop, STEP_MS);
        CHECK(lists >= before + 2 && !observe_is_ok(observer)); /* it is asked again */
        CHECK(*observe_message(observer) != '\0');
    }
    list_status = 200;
    list_text = NULL;
    wait_ok(true);
}

static void test_a_container_that_makes_no_sense_is_left_aside(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "not json",
        "{\"Config\":{\"Labels\":{\"berth.machine\":\"x\"}}}",
        "{\"Config\":{\"Labels\":{\"berth.machine\":\"7\",\"berth.instance\":\"-1\"}}}",
    };

    (void)state;
    wait_ok(true);
    states[1] = "running";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int before = looks[1];

        check_row("row %zu", i);
        inspect_text = texts[i];
        happen_to(1, "start");
        for (int waited = 0; waited < PATIENCE_MS && looks[1] == before; waited += STEP_MS)
            loop_step(loop, STEP_MS);
        step_ms(20);
        CHECK(observe_is_ok(observer) && observe_count(observer) == 0);
    }
}

/* What a worker saw when it was done is newer than an answer that was on its way. */
static void test_what_a_worker_saw_wins(void **state)
{
    struct seen seen = {
        .machine_id = 7, .instance_id = 1, .state = SEEN_EXITED, .disk_used_mb = -1
    };

    (void)state;
    states[1] = "running";
    wait_ok(true);
    (void)snprintf(seen.id, sizeof seen.id, "%064d", 1);
    observe_put(observer, 7, 1, &seen, 1);
    wait_seen(1, SEEN_EXITED);
    CHECK_INT((int64_t)observe_count(observer), 1);
    holds_inspects = true; /* an answer is on its way, from before */
    happen_to(1, "start");
    for (int waited = 0; waited < PATIENCE_MS && looks[1] < 3; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    holds_inspects = false;
    observe_put(observer, 7, 1, &seen, 1);
    auto_buf struct buf old = buf_of(4096);
    describe(&old, 1);
    states[1] = "exited";
    (void)scripted_say(held_fd, 200, old.bytes);
    for (int i = 0; i < 20; i++) {
        loop_step(loop, STEP_MS);
        CHECK_INT(observe_find(observer, 7, 1, false)->state, SEEN_EXITED);
    }

    states[1] = "running";
    observe_put(observer, 7, 1, NULL, 0); /* and it says that there is none */
    wait_seen(1, -1);
    CHECK_INT((int64_t)observe_count(observer), 0);
    int before = lists;
    observe_refresh(observer);
    for (int waited = 0; waited < PATIENCE_MS && lists == before; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    wait_seen(1, SEEN_RUNNING); /* for the engine has it after all */
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_all_is_looked_at_before_it_counts),
        CASE(test_what_happens_is_seen),
        CASE(test_what_happens_to_one_does_not_wait_for_others),
        CASE(test_a_list_that_is_asked_for_comes_after_one_under_way),
        CASE(test_events_in_pieces_and_nonsense),
        CASE(test_an_engine_that_goes_is_found_again),
        CASE(test_an_engine_that_makes_no_sense_is_not_ok),
        CASE(test_a_container_that_makes_no_sense_is_left_aside),
        CASE(test_what_a_worker_saw_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

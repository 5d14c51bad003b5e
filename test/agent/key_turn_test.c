/* SPDX-License-Identifier: Apache-2.0 */
/* A host turns its key against a server that takes the new one over or not, answers or not; and the
 * host's agent ends at each step and starts anew. Whatever happens, it comes in again, and in the
 * end by the new key alone. */
#include "agent/key_turn.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/key_age.h"
#include "check.h"
#include "support_home.h"
#include "support_scripted.h"
#include "sys/file.h"

enum { PATIENCE_MS = 20000, STEP_MS = 5, MANY_S = 1000000 };

static struct loop *loop;
static struct web *web;
static struct scripted *scripted;
static struct link *line;
static struct key_turn turn;
static struct machine_facts facts;
static struct clock clock;

/* What the server knows, and what it does next. */
static struct {
    uint8_t newest[PUBLIC_KEY_SIZE], former[PUBLIC_KEY_SIZE];
    bool has_former;
    int64_t epoch;
    int sessions, refused, asked, turned;
    int lost;   /* answers to the key that it takes over without saying so */
    int status; /* with which it refuses the key; 0: it takes it */
    int64_t retry_after_s;
} server;

static bool is_by(const uint8_t *key, const struct signature *signature, const struct buf *text)
{
    return crypto_verify(key, signature, text->bytes, text->length);
}

static bool is_let_in(const struct signature *signature, const struct buf *text)
{
    return is_by(server.newest, signature, text) ||
           (server.has_former && is_by(server.former, signature, text));
}

static bool answer_session(int fd, const json_t *root)
{
    struct session_request request;
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct signature signature;
    char reply[256];
    struct error err;

    CHECK_OK(session_request_decode(root, &request, &err), &err);
    hello_signed(&text, &request);
    memcpy(signature.bytes, request.signature, sizeof signature.bytes);
    if (!is_let_in(&signature, &text)) {
        server.refused++;
        return scripted_say(fd, 401, "{\"msg\":\"no\"}");
    }
    server.sessions++;
    (void)snprintf(reply, sizeof reply,
                   "{\"session_epoch\":%" PRId64 ",\"heartbeat_ms\":100,\"lease_ms\":30000}",
                   ++server.epoch);
    return scripted_say(fd, 200, reply);
}

static void take_over(const struct key_request *request)
{
    if (memcmp(server.newest, request->public_key, sizeof server.newest) == 0)
        return;
    memcpy(server.former, server.newest, sizeof server.former);
    memcpy(server.newest, request->public_key, sizeof server.newest);
    server.has_former = true;
    server.turned++;
    server.epoch++;
}

static bool answer_key(int fd, const json_t *root)
{
    struct key_request request;
    auto_buf struct buf text = buf_of(1024);
    struct signature proof, signature;
    struct error err;

    server.asked++;
    CHECK_OK(key_request_decode(root, &request, &err), &err);
    key_signed(&text, 7, server.epoch, request.public_key);
    memcpy(proof.bytes, request.proof, sizeof proof.bytes);
    memcpy(signature.bytes, request.signature, sizeof signature.bytes);
    CHECK(is_by(request.public_key, &proof, &text));
    CHECK(is_let_in(&signature, &text));
    if (server.status != 0)
        return scripted_say_later(fd, server.status, server.retry_after_s, "{\"msg\":\"not so\"}");
    take_over(&request);
    if (server.lost > 0) {
        server.lost--;
        return false;
    }
    return scripted_say(fd, 200, "{}");
}

static bool respond(void *context, int fd, const struct http_got *request)
{
    static const char zeros[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; /* 32 bytes */
    auto_json json_t *root = NULL;
    char text[128];
    struct error err;

    (void)context;
    if (strcmp(request->path, "/agent/v1/nonce") == 0) {
        (void)snprintf(text, sizeof text, "{\"nonce\":\"%s\"}", zeros);
        return scripted_say(fd, 200, text);
    }
    bool is_session = strcmp(request->path, "/agent/v1/session") == 0;
    if (!is_session && strtoll(request->epoch, NULL, 10) != server.epoch)
        return scripted_say(fd, 409, "{\"msg\":\"over\"}");
    if (strcmp(request->path, "/agent/v1/heartbeat") == 0)
        return scripted_say(fd, 200, "{\"desired_rev\":0}");
    if (strncmp(request->path, "/agent/v1/desired", 17) == 0)
        return true; /* held */
    CHECK_OK(json_parse(request->body, request->body_length, &root, &err), &err);
    return is_session ? answer_session(fd, root) : answer_key(fd, root);
}

static void on_connected(void *context, int64_t machine_id)
{
    (void)context, (void)machine_id;
}

static void on_desired(void *context, const char *text, size_t length)
{
    (void)context, (void)text, (void)length;
}

static void on_nothing(void *context)
{
    (void)context;
}

static void fill(void *context, struct arena *arena, struct heartbeat *heartbeat)
{
    (void)context, (void)arena;
    *heartbeat = (struct heartbeat){ .engine_message = "" };
}

static void on_op_sent(void *context, bool has_arrived)
{
    (void)context, (void)has_arrived;
}

static void on_hopeless(void *context, const char *why)
{
    (void)context, (void)why;
    CHECK(false);
}

static void on_posted(void *context, enum link_post post, const struct web_answer *answer)
{
    (void)context;
    CHECK_INT(post, LINK_POST_KEY);
    key_turn_posted(&turn, line, answer);
}

static void start(int64_t every_s)
{
    struct link_options options = {
        .url = scripted_url(scripted),
        .identity = home_identity(),
        .facts = &facts,
        .log = log_silent(),
        .events = { NULL, on_connected, on_desired, on_nothing, fill, on_op_sent, on_hopeless,
                    on_posted, NULL },
    };

    turn = (struct key_turn){ .loop = loop,
                              .identity = home_identity(),
                              .clock = &clock,
                              .log = log_silent(),
                              .every_us = every_s * US_PER_SECOND };
    key_turn_open(&turn);
    line = link_open(loop, web, &options);
}

static void end_agent(void)
{
    link_close(&line);
    home_restart();
    home_identity()->machine_id = 7;
}

static int setup(void **state)
{
    memset(&server, 0, sizeof server);
    facts.cpu_cores = facts.ram_mb = 1;
    if (home_setup(state) != 0)
        return -1;
    home_identity()->machine_id = 7;
    memcpy(server.newest, home_identity()->keys.public_key, sizeof server.newest);
    clock = clock_held(clock_now(&clock_system));
    loop = loop_open(&clock_system);
    web = web_open(loop);
    scripted = scripted_open(loop, NULL, respond, NULL);
    return 0;
}

static int teardown(void **state)
{
    link_close(&line);
    web_close(&web);
    scripted_close(&scripted);
    loop_close(&loop);
    return home_teardown(state);
}

static void step(void)
{
    loop_step(loop, STEP_MS);
    key_turn_tend(&turn, line);
}

static void steps(int count)
{
    for (int k = 0; k < count; k++)
        step();
}

static void steps_until(const int *value, int want)
{
    for (int waited = 0; waited < PATIENCE_MS && *value < want; waited += STEP_MS)
        step();
    CHECK(*value >= want);
}

static bool is_turned(void)
{
    return memcmp(home_identity()->keys.public_key, server.newest, PUBLIC_KEY_SIZE) == 0 &&
           !home_identity()->has_next;
}

/* The host's key is the server's newest, and opens sessions after the day of the one before. */
static void check_in_by_the_newest(int turns)
{
    for (int waited = 0; waited < PATIENCE_MS && !(is_turned() && link_is_connected(line));
         waited += STEP_MS) {
        turn.retry_us = 0;
        step();
    }
    CHECK(is_turned());
    CHECK_INT(server.turned, turns);
    server.has_former = false;
    end_agent();
    CHECK(is_turned());
    int before = server.sessions, refused = server.refused;
    start(MANY_S);
    steps_until(&server.sessions, before + 1);
    CHECK_INT(server.refused, refused);
}

static void test_a_key_that_is_old_enough_is_turned(void **state)
{
    (void)state;
    start(1);
    steps_until(&server.sessions, 1);
    CHECK_INT(server.asked, 0); /* not at its first second */
    steps_until(&server.turned, 1);
    turn.every_us = MANY_S * US_PER_SECOND;
    check_in_by_the_newest(1);
    CHECK(key_turn_age_us(&turn) < 60 * US_PER_SECOND);
    CHECK_INT(server.asked, 1);
}

static void test_somebody_at_the_host_may_ask(void **state)
{
    (void)state;
    start(MANY_S);
    steps_until(&server.sessions, 1);
    home_write("turn-key", "");
    steps_until(&server.turned, 1);
    check_in_by_the_newest(1);
    CHECK(faccessat(home_identity()->dir, "turn-key", F_OK, 0) != 0);
}

/* The agent ends at each moment of it, before and behind each thing that is kept. */
static void test_wherever_it_ends_it_comes_in_again(void **state)
{
    enum { NEXT_ON_DISK, ASKED_AND_UNHEARD, TAKEN_AND_UNHEARD, A_DAY_LATER, HEARD, MOMENTS };
    struct error err;

    for (int moment = NEXT_ON_DISK; moment < MOMENTS; moment++) {
        check_row("moment %d", moment);
        if (moment > 0)
            CHECK_INT(setup(state), 0);
        start(MANY_S);
        steps_until(&server.sessions, 1);
        if (moment == NEXT_ON_DISK)
            CHECK_OK(identity_make_next(home_identity(), &err), &err);
        if (moment == ASKED_AND_UNHEARD)
            server.status = 500;
        if (moment == TAKEN_AND_UNHEARD || moment == A_DAY_LATER)
            server.lost = 1;
        if (moment != NEXT_ON_DISK) {
            home_write("turn-key", "");
            steps_until(&server.asked, 1);
        }
        if (moment == HEARD)
            for (int i = 0; i < 100 && home_identity()->has_next; i++)
                loop_step(loop, STEP_MS);
        if (moment == A_DAY_LATER)
            server.has_former = false;
        server.status = 0;
        end_agent();
        start(MANY_S);
        check_in_by_the_newest(1);
        if (moment < MOMENTS - 1)
            CHECK_INT(teardown(state), 0);
    }
}

/* The agent goes on, and hears of nothing. */
static void test_what_is_lost_is_asked_again(void **state)
{
    (void)state;
    start(MANY_S);
    steps_until(&server.sessions, 1);
    server.lost = 3;
    home_write("turn-key", "");
    steps_until(&server.asked, 1);
    check_in_by_the_newest(1);
    CHECK_INT(server.asked, 4); /* once for each answer that was lost, and the one that was heard */
}

/* The market's books are set back to before the turn: it knows only the key that was. */
static void test_books_that_are_set_back_let_it_in_and_hear_of_it_again(void **state)
{
    uint8_t first[PUBLIC_KEY_SIZE];

    (void)state;
    memcpy(first, server.newest, sizeof first);
    start(MANY_S);
    steps_until(&server.sessions, 1);
    home_write("turn-key", "");
    steps_until(&server.turned, 1);
    for (int restarts = 0; restarts < 2; restarts++) {
        check_row("%d restarts", restarts);
        check_in_by_the_newest(1 + restarts);
        memcpy(server.newest, first, sizeof first);
        server.epoch += 1000;
        if (restarts > 0) {
            end_agent();
            start(MANY_S);
        }
        steps_until(&server.turned, 2 + restarts);
        CHECK(memcmp(server.former, first, sizeof first) == 0);
    }
    check_in_by_the_newest(3);
}

/* A server of the version before, or one that will not: the host lives on with its key. */
static void test_a_server_that_does_not_take_it_costs_nothing(void **state)
{
    static const int statuses[] = { 404, 400, 429, 503 };

    (void)state;
    start(MANY_S);
    steps_until(&server.sessions, 1);
    home_write("turn-key", "");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        int asked = server.asked;

        check_row("%d", statuses[i]);
        server.status = statuses[i];
        turn.retry_us = 0;
        steps_until(&server.asked, asked + 1);
        steps(40);
        CHECK_INT(server.asked, asked + 1); /* not again at once */
        CHECK(link_is_connected(line));
        CHECK_INT(server.sessions, 1);
    }
    server.status = 0;
    check_in_by_the_newest(1);
}

/* So long as the server says, within bounds; what is not said is a minute. */
static void test_it_asks_again_when_the_server_said(void **state)
{
    static const struct {
        int status;
        int64_t retry_after_s, wait_s;
    } rows[] = {
        { 429, 0, 60 },        { 429, 60, 60 },     { 429, 61, 61 },  { 429, 86400, 86400 },
        { 429, 86401, 86400 }, { 400, 7200, 3600 }, { 404, 0, 3600 }, { 503, 7200, 60 },
    };

    (void)state;
    start(1);
    steps_until(&server.sessions, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int asked = server.asked;

        check_row("row %zu", i);
        server.status = rows[i].status;
        server.retry_after_s = rows[i].retry_after_s;
        turn.retry_us = 0;
        steps_until(&server.asked, asked + 1);
        steps(40);
        CHECK_INT(server.asked, asked + 1);
        int64_t wait_us = turn.retry_us - loop_now_us(loop);
        CHECK(wait_us <= rows[i].wait_s * US_PER_SECOND);
        CHECK(wait_us > (rows[i].wait_s - 30) * US_PER_SECOND);
    }
    server.status = 0;
    turn.retry_us = loop_now_us(loop) + US_PER_SECOND / 2; /* the day is over: by itself */
    steps_until(&server.turned, 1);
    turn.every_us = MANY_S * US_PER_SECOND;
    check_in_by_the_newest(1);
}

/* From the folder, as the command does it. */
static void test_who_asks_reads_why_not(void **state)
{
    auto_buf struct buf why = buf_of(512);
    struct error err;

    (void)state;
    start(MANY_S);
    steps_until(&server.sessions, 1);
    server.status = 429;
    server.retry_after_s = 80000;
    home_write("turn-key", "");
    steps_until(&server.asked, 1);
    steps(40);
    CHECK_OK(file_read(home_identity()->dir, "turn-key", &why, &err), &err);
    buf_append(&why, "", 0);
    CHECK_TEXT(why.bytes, "the server answers 429: not so");
    CHECK_INT(server.asked, 1);
    /* Who asks once more is answered anew, and not sooner than after seconds. */
    home_write("turn-key", "");
    steps(40);
    CHECK_INT(server.asked, 1);
    turn.tried_us -= 5 * US_PER_SECOND;
    steps_until(&server.asked, 2);
    steps(40);
    CHECK_INT(server.asked, 2);
    /* And it is not forgotten, whoever waits. */
    server.status = 0;
    end_agent();
    start(MANY_S);
    steps_until(&server.turned, 1);
    check_in_by_the_newest(1);
    CHECK(faccessat(home_identity()->dir, "turn-key", F_OK, 0) != 0);
}

/* Nor does it lock out a host that has made yet another key, which the server would not take: that
 * one is given up, and the host goes on from the key that is announced again. */
static void test_books_that_are_set_back_let_it_in_past_a_key_that_was_refused(void **state)
{
    for (int restarts = 0; restarts < 2; restarts++) {
        check_row("%d", restarts);
        if (restarts > 0)
            CHECK_INT(setup(state), 0);
        start(MANY_S);
        steps_until(&server.sessions, 1);
        home_write("turn-key", "");
        check_in_by_the_newest(1);
        struct key_pair newest = home_identity()->keys;
        server.status = 503;
        home_write("turn-key", "");
        steps_until(&server.asked, 2);
        steps(20);
        CHECK(home_identity()->has_next);
        server.status = 0;
        int asked = server.asked;

        memcpy(server.newest, home_identity()->former.public_key, sizeof server.newest);
        server.has_former = false;
        server.epoch += 10;
        if (restarts > 0) {
            end_agent();
            start(MANY_S);
        }
        int sessions = server.sessions;
        steps_until(&server.sessions, sessions + 1);
        check_in_by_the_newest(2);
        CHECK(memcmp(&home_identity()->keys, &newest, sizeof newest) == 0);
        CHECK_INT(server.asked, asked + 1);
        home_write("turn-key", ""); /* and the next turn is as any */
        steps_until(&server.turned, 3);
        check_in_by_the_newest(3);
        if (restarts == 0)
            CHECK_INT(teardown(state), 0);
    }
}

static void test_its_age_is_kept_and_only_grows(void **state)
{
    struct stat status;
    int64_t age_s;
    uint8_t key[PUBLIC_KEY_SIZE];

    (void)state;
    start(MANY_S);
    CHECK(key_turn_age_us(&turn) < US_PER_SECOND * 10);
    link_close(&line);
    /* Away for two days; then with a clock that is years behind. */
    clock_advance(&clock, 2 * 24 * US_PER_HOUR);
    key_turn_open(&turn);
    CHECK_INT(key_turn_age_us(&turn) / US_PER_HOUR, 48);
    CHECK(key_age_read(home_identity()->dir, clock_now(&clock), &age_s, key));
    CHECK_INT(age_s / 3600, 48);
    clock = clock_held(instant_add(clock_now(&clock), -1000 * 24 * US_PER_HOUR));
    key_turn_open(&turn);
    CHECK_INT(key_turn_age_us(&turn) / US_PER_HOUR, 48);
    CHECK_INT(fstatat(home_identity()->dir, "machine.age", &status, 0), 0);
    CHECK_INT(status.st_mode & 0777, 0600);
    /* Damaged, of another key, or of an agent that kept none. */
    static const char *const texts[] = { "",       "x",       "-1 2 3", "99999999999999999999 1 00",
                                         "1 1 00", "1 1 00 1" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_row("'%s'", texts[i]);
        home_write("machine.age", texts[i]);
        CHECK(!key_age_read(home_identity()->dir, clock_now(&clock), &age_s, key));
        key_turn_open(&turn);
        CHECK(key_turn_age_us(&turn) < US_PER_SECOND * 60);
    }
    home_write("machine.age",
               "9000000 1 0000000000000000000000000000000000000000000000000000000000000000");
    CHECK(key_age_read(home_identity()->dir, clock_now(&clock), &age_s, key));
    key_turn_open(&turn);
    CHECK(key_turn_age_us(&turn) < US_PER_SECOND * 60);
}

/* An agent that kept no age: its key is as old as its file. */
static void test_a_key_from_before_is_as_old_as_its_file(void **state)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = clock_now(&clock).microseconds / US_PER_SECOND -
                                             300 * 86400L } };

    (void)state;
    CHECK_INT(utimensat(home_identity()->dir, "machine.key", times, 0), 0);
    start(KEY_TURN_EVERY_S);
    CHECK_INT(key_turn_age_us(&turn) / (24 * US_PER_HOUR), 300);
    steps_until(&server.turned, 1);
    check_in_by_the_newest(1);
}

static void test_asking_says_what_it_waits_for(void **state)
{
    struct enroll_reply reply = { .machine_id = 7 };
    auto_buf struct buf path = buf_of(256);
    char text[128] = "";
    struct error err;

    (void)state;
    home_identity()->machine_id = 0;
    CHECK_FAILS(key_turn_ask(stdout, home_path(), &err), &err, ERROR_UNAVAILABLE);
    CHECK_FAILS(key_turn_ask(stdout, "/nowhere", &err), &err, ERROR_NOT_FOUND);
    CHECK_OK(identity_enrol(home_identity(), &reply, &err), &err);
    buf_printf(&path, "%s", home_path());
    identity_close(home_identity());
    FILE *out = fmemopen(text, sizeof text, "w");
    CHECK_OK(key_turn_ask(out, path.bytes, &err), &err);
    (void)fclose(out);
    CHECK(strstr(text, "does not run") != NULL);
    CHECK_OK(identity_open(path.bytes, home_identity(), &err), &err);
    CHECK(faccessat(home_identity()->dir, "turn-key", F_OK, 0) == 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_key_that_is_old_enough_is_turned),
        CASE(test_somebody_at_the_host_may_ask),
        CASE(test_wherever_it_ends_it_comes_in_again),
        CASE(test_what_is_lost_is_asked_again),
        CASE(test_books_that_are_set_back_let_it_in_and_hear_of_it_again),
        CASE(test_a_server_that_does_not_take_it_costs_nothing),
        CASE(test_it_asks_again_when_the_server_said),
        CASE(test_who_asks_reads_why_not),
        CASE(test_books_that_are_set_back_let_it_in_past_a_key_that_was_refused),
        CASE(test_its_age_is_kept_and_only_grows),
        CASE(test_a_key_from_before_is_as_old_as_its_file),
        CASE(test_asking_says_what_it_waits_for),
    };
#undef CASE

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

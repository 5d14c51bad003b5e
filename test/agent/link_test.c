/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side of its line, step by step, against a server that says what a case wants. */
#include "agent/link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ops.h"
#include "base/parse.h"
#include "check.h"
#include "support_home.h"
#include "support_scripted.h"

enum { PATIENCE_MS = 10000, STEP_MS = 10 };

enum route { ENROLL, NONCE, SESSION, HEARTBEAT, POLL, OP, BENCH, ROUTES };

static struct loop *loop;
static struct web *web;
static struct scripted *scripted;
static struct link *line;
static struct ops *ops; /* whose results they are; or NULL */
static struct machine_facts facts;

/* How a route answers: so often by that status and text, and then as it should. */
static struct script {
    int times, status;
    const char *text;
} scripts[ROUTES];
static int64_t counts[ROUTES], seqs[ROUTES], epoch, desired_rev;
static bool is_poll_held, was_cut[ROUTES], refuses_desired;
static char poll_path[256];

static struct {
    int connected, desired, contact, op_sent, op_arrived, filled, bench_sent, bench_arrived,
        accepted;
    char text[256], hopeless[256];
} events;

static enum route route_of(const char *path)
{
    static const char *const paths[ROUTES] = { "/agent/v1/enroll",  "/agent/v1/nonce",
                                               "/agent/v1/session", "/agent/v1/heartbeat",
                                               "/agent/v1/desired", "/agent/v1/op",
                                               "/agent/v1/bench" };

    for (int i = 0; i < ROUTES; i++) {
        if (strncmp(path, paths[i], strlen(paths[i])) == 0)
            return (enum route)i;
    }
    CHECK(false);
    return OP;
}

static bool answer_well(enum route route, int fd)
{
    char text[512];
    static const char zeros[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; /* 32 bytes */

    switch (route) {
    case ENROLL:
        (void)snprintf(text, sizeof text, "{\"machine_id\":7,\"server_key\":\"%s\"}", zeros);
        return scripted_say(fd, 200, text);
    case NONCE:
        (void)snprintf(text, sizeof text, "{\"nonce\":\"%s\"}", zeros);
        return scripted_say(fd, 200, text);
    case SESSION:
        (void)snprintf(text, sizeof text,
                       "{\"session_epoch\":%" PRId64 ",\"heartbeat_ms\":100,\"lease_ms\":30000}",
                       ++epoch);
        return scripted_say(fd, 200, text);
    case HEARTBEAT:
        (void)snprintf(text, sizeof text, "{\"desired_rev\":%" PRId64 "}", desired_rev);
        return scripted_say(fd, 200, text);
    case POLL:
        return is_poll_held ? true : scripted_say(fd, 200, "the desired state");
    case OP:
    case BENCH:
    case ROUTES:
        break;
    }
    return scripted_say(fd, 200, "{}");
}

static bool respond(void *context, int fd, const struct http_got *request)
{
    enum route route = route_of(request->path);
    struct script *script = &scripts[route];
    struct request_stamp stamp;

    (void)context;
    counts[route]++;
    if (route == POLL)
        (void)snprintf(poll_path, sizeof poll_path, "%s", request->path);
    if (route >= HEARTBEAT) {
        /* Signed, of the present session, and each number once. */
        int stream = (int)(route == BENCH ? OP : route) - (int)HEARTBEAT;

        CHECK(http_stamp(request, stream, home_identity()->keys.public_key, &stamp));
        CHECK_INT(stamp.session_epoch, epoch);
        CHECK_INT(stamp.machine_id, 7);
        /* Whose answer was cut off may ask again, on a new connection. */
        CHECK(stamp.seq > seqs[route] || (was_cut[route] && stamp.seq == seqs[route]));
        seqs[route] = stamp.seq;
    } else if (route == SESSION) {
        memset(seqs, 0, sizeof seqs);
    }
    was_cut[route] = script->times > 0 && script->status == 0;
    if (script->times-- > 0)
        return script->status == 0 ? false : scripted_say(fd, script->status, script->text);
    return answer_well(route, fd);
}

static void on_connected(void *context, int64_t machine_id)
{
    (void)context;
    CHECK_INT(machine_id, 7);
    events.connected++;
}

static void on_desired(void *context, const char *text, size_t length)
{
    (void)context;
    events.desired++;
    (void)snprintf(events.text, sizeof events.text, "%.*s", (int)length, text);
    if (refuses_desired)
        return;
    is_poll_held = true;
    link_applied(line, desired_rev);
}

static void on_contact(void *context)
{
    (void)context;
    events.contact++;
}

static void fill(void *context, struct arena *arena, struct heartbeat *heartbeat)
{
    (void)context, (void)arena;
    *heartbeat = (struct heartbeat){ .engine_message = "" };
    events.filled++;
}

static void on_op_sent(void *context, bool has_arrived)
{
    (void)context;
    events.op_sent++;
    events.op_arrived += has_arrived ? 1 : 0;
    if (ops != NULL)
        ops_sent(ops, has_arrived);
}

static void on_hopeless(void *context, const char *why)
{
    (void)context;
    (void)snprintf(events.hopeless, sizeof events.hopeless, "%s", why);
}

static void on_posted(void *context, enum link_post post, const struct web_answer *answer)
{
    bool has_arrived = answer != NULL && answer->is_answered && answer->status == 200;

    (void)context;
    CHECK_INT(post, LINK_POST_BENCH);
    events.bench_sent++;
    events.bench_arrived += has_arrived ? 1 : 0;
}

static void on_accepted(void *context)
{
    (void)context;
    events.accepted++;
}

static int setup(void **state)
{
    memset(scripts, 0, sizeof scripts);
    memset(counts, 0, sizeof counts);
    memset(seqs, 0, sizeof seqs);
    memset(&events, 0, sizeof events);
    epoch = 0;
    desired_rev = 1;
    is_poll_held = refuses_desired = false;
    if (home_setup(state) != 0)
        return -1;
    loop = loop_open(&clock_system);
    web = web_open(loop);
    scripted = scripted_open(loop, NULL, respond, NULL);
    return 0;
}

static int teardown(void **state)
{
    ops_close(&ops);
    link_close(&line);
    web_close(&web);
    scripted_close(&scripted);
    loop_close(&loop);
    return home_teardown(state);
}

static void dial(const char *token)
{
    char url[96];
    struct link_options options = {
        .url = url,
        .token = token,
        .identity = home_identity(),
        .facts = &facts,
        .log = log_silent(),
        .events = { NULL, on_connected, on_desired, on_contact, fill, on_op_sent, on_hopeless,
                    on_posted, on_accepted },
    };

    (void)snprintf(url, sizeof url, "%s//", scripted_url(scripted)); /* slashes do no harm */
    line = link_open(loop, web, &options);
}

static void step_ms(int ms)
{
    for (int64_t until_us = loop_now_us(loop) + ms * US_PER_MS; loop_now_us(loop) < until_us;)
        loop_step(loop, STEP_MS);
}

/* Until it is at least that. */
static void wait_for(const int *value, int want)
{
    for (int waited = 0; waited < PATIENCE_MS && *value < want; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK(*value >= want);
}

static void wait_count(enum route route, int64_t want)
{
    for (int waited = 0; waited < PATIENCE_MS && counts[route] < want; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK(counts[route] >= want);
}

static void test_it_joins_and_reports(void **state)
{
    struct op_result result = { .op_id = "00000000000000000000000000000001", .output = "" };

    (void)state;
    dial("token");
    CHECK(!link_send_op(line, &result));
    CHECK(!link_is_connected(line));
    wait_for(&events.desired, 1);
    CHECK(link_is_connected(line));
    CHECK_TEXT(events.text, "the desired state");
    CHECK_INT(events.connected, 1);
    CHECK_INT(counts[ENROLL], 1);
    CHECK_INT(home_identity()->machine_id, 7);
    wait_count(POLL, 2);
    CHECK(strstr(poll_path, "after=1") != NULL);
    wait_count(HEARTBEAT, 5); /* every 100 ms, as the server says */
    CHECK(events.contact >= 5);
}

/* Measurements go the way of results, one after the other, each with its own answer. */
static void test_what_was_measured_is_sent(void **state)
{
    struct op_result result = { .op_id = "00000000000000000000000000000001", .output = "" };
    auto_buf struct buf body = buf_of(64);

    (void)state;
    home_identity()->machine_id = 7;
    buf_append(&body, "{}", 2);
    dial(NULL);
    CHECK(!link_post(line, LINK_POST_BENCH, &body));
    wait_for(&events.desired, 1);
    CHECK(link_post(line, LINK_POST_BENCH, &body));
    CHECK(!link_post(line, LINK_POST_BENCH, &body) && !link_send_op(line, &result));
    wait_for(&events.bench_sent, 1);
    CHECK_INT(events.bench_arrived, 1);
    CHECK_INT(events.op_sent, 0);
    CHECK_INT(seqs[BENCH], 1);
    CHECK(link_send_op(line, &result));
    wait_for(&events.op_sent, 1);
    CHECK_INT(seqs[OP], 2);
    scripts[BENCH] = (struct script){ 1, 409, "{}" };
    CHECK(link_post(line, LINK_POST_BENCH, &body));
    wait_for(&events.bench_sent, 2);
    CHECK_INT(events.bench_arrived, 1);
    wait_for(&events.connected, 2); /* the session is over: a new one */
}

static void test_without_hope_it_says_so(void **state)
{
    static const struct {
        const char *token;
        struct script enroll;
        const char *want;
    } rows[] = {
        { NULL, { 0, 0, NULL }, "not enrolled" },
        { "bad", { 1, 401, "{\"msg\":\"no such token\"}" }, "no such token" },
        { "bad", { 1, 409, "<html>" }, "409" },
        { "bad", { 1, 200, "{\"machine_id\":0}" }, "enrolment" },
        { "bad", { 1, 200, "" }, "enrolment" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        *events.hopeless = '\0';
        scripts[ENROLL] = rows[i].enroll;
        dial(rows[i].token);
        for (int k = 0; k < 300 && *events.hopeless == '\0'; k++)
            loop_step(loop, STEP_MS);
        CHECK(strstr(events.hopeless, rows[i].want) != NULL);
        CHECK_INT(events.connected, 0);
        CHECK_INT(home_identity()->machine_id, 0);
        link_close(&line);
    }
}

/* Whatever goes wrong on the way, it tries again. */
static void test_every_step_is_tried_again(void **state)
{
    static const struct script ways[] = {
        { 1, 500, "" },         { 1, 503, "{\"msg\":\"later\"}" },
        { 1, 429, "" },         { 1, 0, NULL },
        { 1, 200, "not json" }, { 1, 200, "{}" },
    };

    (void)state;
    home_identity()->machine_id = 7;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (enum route route = NONCE; route <= SESSION; route++) {
            check_row("route %d, way %zu", (int)route, i);
            int before = events.connected;

            scripts[route] = ways[i];
            dial(NULL);
            wait_for(&events.connected, before + 1);
            CHECK_INT(scripts[route].times <= 0, true);
            link_close(&line);
        }
    }
    CHECK_TEXT(events.hopeless, "");
}

/* Enrolment alone: a server in trouble says nothing about the token. */
static void test_enrolment_waits_for_a_server_in_trouble(void **state)
{
    (void)state;
    scripts[ENROLL] = (struct script){ 2, 503, "{}" };
    dial("token");
    wait_for(&events.connected, 1);
    CHECK_INT(counts[ENROLL], 3);
    CHECK_TEXT(events.hopeless, "");
}

/* Each of its keys is refused: it trades its token for another, and is who it was. */
static void test_it_comes_back_by_a_token_and_a_new_key(void **state)
{
    static const struct {
        int refused;         /* sessions */
        struct script enrol; /* how it is answered */
        bool has_another;    /* key, in the end */
    } rows[] = {
        { 1, { 0 }, true },
        { 1, { 1, 503, "" }, false }, /* and its key is good after all */
        { 2, { 1, 500, "" }, true },  /* it was done, unheard: the next key is let in */
        { 1, { 1, 400, "{\"msg\":\"used\"}" }, false },
        { 1, { 1, 409, "" }, false },
        { 1, { 1, 200, "{}" }, false },
        { 1,
          { 1, 200,
            "{\"machine_id\":8,\"server_key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}" },
          false },
    };

    (void)state;
    home_identity()->machine_id = 7;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct key_pair before = home_identity()->keys;
        int connected = events.connected;

        check_row("%zu", i);
        counts[ENROLL] = 0;
        scripts[SESSION] = (struct script){ rows[i].refused, 401, "" };
        scripts[ENROLL] = rows[i].enrol;
        dial("token");
        wait_for(&events.connected, connected + 1);
        CHECK(counts[ENROLL] >= 1);
        CHECK_INT(home_identity()->machine_id, 7);
        CHECK((memcmp(&before, &home_identity()->keys, sizeof before) != 0) == rows[i].has_another);
        CHECK(!home_identity()->has_next || !rows[i].has_another);
        link_close(&line);
        home_identity()->has_next = home_identity()->has_former = false;
    }
    CHECK_TEXT(events.hopeless, "");
}

/* And without one it goes on asking by what it has. */
static void test_who_is_shut_out_has_not_lost_hope(void **state)
{
    (void)state;
    home_identity()->machine_id = 7;
    scripts[SESSION] = (struct script){ 3, 401, "" };
    dial(NULL);
    wait_for(&events.connected, 1);
    CHECK_INT(counts[ENROLL], 0);
    CHECK_TEXT(events.hopeless, "");
}

static void test_a_session_that_is_over_is_opened_anew(void **state)
{
    static const enum route routes[] = { HEARTBEAT, POLL };
    static const int statuses[] = { 401, 403, 409 };
    int64_t sessions = 1;

    (void)state;
    home_identity()->machine_id = 7;
    dial(NULL);
    wait_for(&events.desired, 1);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 3; k++) {
            check_row("%d on %d", statuses[k], (int)routes[i]);
            scripts[routes[i]] = (struct script){ 1, statuses[k], "{\"msg\":\"over\"}" };
            if (routes[i] == POLL) { /* the one that is held: let go of it */
                scripts[HEARTBEAT] = (struct script){ 1, 409, "{}" };
                sessions++;
            }
            wait_count(SESSION, ++sessions);
            wait_for(&events.connected, (int)sessions);
            is_poll_held = true;
            wait_count(HEARTBEAT, counts[HEARTBEAT] + 2); /* which forgives the failures before */
            CHECK(link_is_connected(line));
        }
    }
}

static void test_a_heartbeat_that_is_not_taken_comes_again(void **state)
{
    static const struct script ways[] = { { 3, 500, "" }, { 3, 200, "garbage" }, { 2, 0, NULL } };

    (void)state;
    home_identity()->machine_id = 7;
    dial(NULL);
    wait_for(&events.desired, 1);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int contacts = events.contact;

        check_row("way %zu", i);
        scripts[HEARTBEAT] = ways[i];
        wait_for(&events.contact, contacts + 2);
        CHECK(link_is_connected(line));
    }
    CHECK_INT(counts[SESSION], 1);
}

/* A session, a poll and heartbeats that were refused are contact, and no word that all is well. */
static void test_only_what_was_taken_is_accepted(void **state)
{
    (void)state;
    home_identity()->machine_id = 7;
    scripts[HEARTBEAT] = (struct script){ 3, 500, "" };
    dial(NULL);
    wait_count(HEARTBEAT, 3);
    CHECK(events.contact > 0);
    CHECK_INT(events.accepted, 0);
    wait_for(&events.accepted, 1);
    CHECK(counts[HEARTBEAT] >= 4);
}

/* News goes out at once; what comes while a heartbeat is on its way goes with the next one. */
static void test_news_does_not_wait(void **state)
{
    (void)state;
    home_identity()->machine_id = 7;
    dial(NULL);
    link_hurry(line); /* not connected: nothing to hurry */
    wait_for(&events.desired, 1);
    wait_count(HEARTBEAT, counts[HEARTBEAT] + 1);
    int filled = events.filled;
    int64_t began_us = loop_now_us(loop);
    link_hurry(line);
    wait_for(&events.filled, filled + 1);
    link_hurry(line);
    link_hurry(line);
    wait_for(&events.filled, filled + 2);
    CHECK(loop_now_us(loop) - began_us < 5 * US_PER_SECOND);
}

/* A heartbeat told of something new, and the poll that should bring it is dead without knowing. */
static void test_a_poll_that_is_late_is_sent_anew(void **state)
{
    (void)state;
    home_identity()->machine_id = 7;
    dial(NULL);
    wait_for(&events.desired, 1);
    wait_count(POLL, 2);
    desired_rev = 2;
    step_ms(300);
    CHECK_INT(counts[POLL], 2); /* it has a moment */
    is_poll_held = false;
    wait_count(POLL, 3);
    wait_for(&events.desired, 2);
    step_ms(1500);
    CHECK_INT(events.desired, 2);
}

/* A desired state that makes no sense here is not asked for again and again. */
static void test_what_cannot_be_taken_over_comes_again_later(void **state)
{
    (void)state;
    home_identity()->machine_id = 7;
    refuses_desired = true;
    dial(NULL);
    wait_for(&events.desired, 1);
    step_ms(800);
    CHECK(counts[POLL] <= 2);
    CHECK(link_is_connected(line) && counts[HEARTBEAT] > 1);
}

static void test_results_arrive_or_are_kept(void **state)
{
    static const struct {
        struct script script;
        bool has_arrived, is_over;
    } rows[] = {
        { { 0, 0, NULL }, true, false },   { { 1, 400, "{\"msg\":\"what?\"}" }, true, false },
        { { 1, 404, "" }, true, false },   { { 1, 429, "" }, false, false },
        { { 1, 500, "" }, false, false },  { { 2, 0, NULL }, false, false },
        { { 1, 409, "{}" }, false, true },
    };
    struct op_result result = { .op_id = "00000000000000000000000000000001", .output = "out" };
    int64_t sessions = 1;

    (void)state;
    home_identity()->machine_id = 7;
    dial(NULL);
    wait_for(&events.desired, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int sent = events.op_sent, arrived = events.op_arrived;

        check_row("row %zu", i);
        scripts[OP] = rows[i].script;
        CHECK(link_send_op(line, &result));
        CHECK(!link_send_op(line, &result)); /* one at a time */
        wait_for(&events.op_sent, sent + 1);
        CHECK_INT(events.op_arrived - arrived, rows[i].has_arrived ? 1 : 0);
        sessions += rows[i].is_over ? 1 : 0;
        wait_count(SESSION, sessions);
    }
}

static void test_a_result_that_was_not_taken_is_sent_again(void **state)
{
    const struct ops_options options = { .ops_dir = home_identity()->ops_dir, .log = log_silent() };
    const struct desired_op op = { .op_id = "00000000000000000000000000000001",
                                   .kind = OP_OTHER,
                                   .instance_id = 7,
                                   .expires_ms = 60000 };
    auto_buf struct buf bench = buf_of(1024);

    (void)state;
    home_identity()->machine_id = 7;
    dial(NULL);
    wait_for(&events.desired, 1);
    ops = ops_open(loop, &options);
    ops_send(ops, line);
    scripts[OP] = (struct script){ 2, 503, "" };
    buf_append(&bench, "{}", 2);
    CHECK(link_post(line, LINK_POST_BENCH, &bench)); /* and the line is taken */
    ops_take(ops, &op, 1, loop_now_us(loop));
    wait_for(&events.op_arrived, 1);
    CHECK_INT(counts[OP], 3);
    CHECK_INT(counts[SESSION], 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_it_joins_and_reports),
        CASE(test_what_was_measured_is_sent),
        CASE(test_without_hope_it_says_so),
        CASE(test_every_step_is_tried_again),
        CASE(test_enrolment_waits_for_a_server_in_trouble),
        CASE(test_it_comes_back_by_a_token_and_a_new_key),
        CASE(test_who_is_shut_out_has_not_lost_hope),
        CASE(test_a_session_that_is_over_is_opened_anew),
        CASE(test_a_heartbeat_that_is_not_taken_comes_again),
        CASE(test_only_what_was_taken_is_accepted),
        CASE(test_news_does_not_wait),
        CASE(test_a_poll_that_is_late_is_sent_anew),
        CASE(test_what_cannot_be_taken_over_comes_again_later),
        CASE(test_results_arrive_or_are_kept),
        CASE(test_a_result_that_was_not_taken_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

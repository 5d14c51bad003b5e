/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/web.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "support_scripted.h"

enum { PATIENCE_MS = 10000, STEP_MS = 20, REPLY_MAX = 100, CALLS_MAX = 16 };

static struct loop *loop;
static struct web *web;
static struct scripted *scripted;

/* What the server saw last, and says. */
static struct {
    int count;
    char method[8], path[256], body[256];
    int status; /* 0: hang up; -1: say nothing */
    char answer[512];
} server;

static struct {
    int count;
    bool is_answered;
    int status;
    char body[512];
    enum error_code code;
} done;
static struct web_call *call;

static bool respond(void *context, int fd, const struct http_got *request)
{
    (void)context;
    server.count++;
    (void)snprintf(server.method, sizeof server.method, "%s", request->method);
    (void)snprintf(server.path, sizeof server.path, "%s", request->path);
    (void)snprintf(server.body, sizeof server.body, "%.*s", (int)request->body_length,
                   request->body);
    if (server.status > 0)
        return scripted_say(fd, server.status, server.answer);
    return server.status < 0;
}

static void on_done(void *context, const struct web_answer *answer)
{
    (void)context;
    done.count++;
    done.is_answered = answer->is_answered;
    done.status = answer->status;
    done.code = answer->is_answered ? ERROR_NONE : answer->err.code;
    (void)snprintf(done.body, sizeof done.body, "%.*s", (int)answer->length, answer->body);
}

static int setup(void **state)
{
    (void)state;
    loop = loop_open(&clock_system);
    web = web_open(loop);
    scripted = scripted_open(loop, NULL, respond, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    web_close(&web);
    scripted_close(&scripted);
    loop_close(&loop);
    return 0;
}

static void answer_with(int status, const char *text)
{
    server.status = status;
    server.count = 0;
    (void)snprintf(server.answer, sizeof server.answer, "%s", text);
}

static void ask(const struct web_request *request)
{
    memset(&done, 0, sizeof done);
    web_send(web, request, &call);
    CHECK(call != NULL && done.count == 0); /* never from within */
}

static void wait_done(void)
{
    for (int waited = 0; waited < PATIENCE_MS && done.count == 0; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK_INT(done.count, 1);
    CHECK(call == NULL);
}

static struct web_request request_to(const char *method, const char *path)
{
    static char url[300];

    (void)snprintf(url, sizeof url, "%s%s", scripted_url(scripted), path);
    return (
        struct web_request){ .http = { .method = method, .url = url, .timeout_ms = PATIENCE_MS },
                             .reply_max = REPLY_MAX,
                             .on_done = on_done };
}

static void test_any_status_is_an_answer(void **state)
{
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *answer;
    } rows[] = {
        { "GET", "/a?b=c", NULL, 200, "{}" },     { "POST", "/x", "{\"a\":1}", 201, "" },
        { "POST", "/empty", "", 204, "" },        { "PUT", "/y", "text", 404, "no such thing" },
        { "DELETE", "/z", NULL, 500, "trouble" }, { "GET", "/moved", NULL, 302, "not followed" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct web_request request = request_to(rows[i].method, rows[i].path);

        check_row("row %zu", i);
        answer_with(rows[i].status, rows[i].answer);
        request.http.body = rows[i].body;
        request.http.body_length = rows[i].body != NULL ? strlen(rows[i].body) : 0;
        ask(&request);
        wait_done();
        CHECK(done.is_answered);
        CHECK_INT(done.status, rows[i].status);
        CHECK_TEXT(done.body, rows[i].answer);
        CHECK_TEXT(server.method, rows[i].method);
        CHECK_TEXT(server.path, rows[i].path);
        CHECK_TEXT(server.body, rows[i].body != NULL ? rows[i].body : "");
    }
}

static void test_an_answer_has_a_limit(void **state)
{
    char text[REPLY_MAX + 2];

    (void)state;
    for (int more = 0; more < 2; more++) {
        struct web_request request = request_to("GET", "/");

        check_row("%d more", more);
        memset(text, 'x', sizeof text);
        text[REPLY_MAX + more] = '\0';
        answer_with(200, text);
        ask(&request);
        wait_done();
        CHECK(done.is_answered == (more == 0));
        CHECK_INT(done.code, more == 0 ? ERROR_NONE : ERROR_OUT_OF_RANGE);
    }
}

static void test_no_answer_has_a_reason(void **state)
{
    static const struct {
        const char *url; /* NULL: the server's, which hangs up, or says nothing */
        int status;
        int64_t timeout_ms;
        enum error_code want;
    } rows[] = {
        { NULL, 0, PATIENCE_MS, ERROR_UNREACHABLE },
        { NULL, -1, 100, ERROR_TIMEOUT },
        { "http://127.0.0.1:1/", 0, PATIENCE_MS, ERROR_UNREACHABLE },
        { "ftp://127.0.0.1/", 0, PATIENCE_MS, ERROR_INVALID },
        { "file:///etc/passwd", 0, PATIENCE_MS, ERROR_INVALID },
        { "http://[::bad/", 0, PATIENCE_MS, ERROR_INVALID },
        { "", 0, PATIENCE_MS, ERROR_INVALID },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct web_request request = request_to("GET", "/");

        check_row("row %zu", i);
        answer_with(rows[i].status, "");
        if (rows[i].url != NULL)
            request.http.url = rows[i].url;
        request.http.timeout_ms = rows[i].timeout_ms;
        ask(&request);
        wait_done();
        CHECK(!done.is_answered);
        CHECK_INT(done.code, rows[i].want);
    }
}

static void test_a_unix_socket_is_a_way_too(void **state)
{
    struct web_request request = request_to("GET", "/");

    (void)state;
    request.http.url = "http://engine/x";
    request.unix_socket = "/nowhere/at/all.sock";
    ask(&request);
    wait_done();
    CHECK_INT(done.code, ERROR_UNREACHABLE);
}

static void test_one_that_is_cancelled_is_silent(void **state)
{
    struct web_request request = request_to("GET", "/");

    (void)state;
    answer_with(-1, "");
    ask(&request);
    for (int i = 0; i < 100 && server.count == 0; i++)
        loop_step(loop, STEP_MS);
    web_cancel(&call);
    web_cancel(&call); /* none is fine */
    for (int i = 0; i < 3; i++)
        loop_step(loop, 5);
    CHECK_INT(done.count, 0);
}

/* In pieces, and no more than are wanted. */
static char pieces[64];
static bool take(void *context, const char *bytes, size_t length)
{
    (void)context;
    (void)snprintf(pieces + strlen(pieces), sizeof pieces - strlen(pieces), "%.*s|", (int)length,
                   bytes);
    return strchr(pieces, '!') == NULL;
}

static void test_a_body_can_be_taken_in_pieces(void **state)
{
    static const char *const texts[] = { "all of it", "enough!" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct web_request request = request_to("GET", "/");

        check_row("%s", texts[i]);
        *pieces = '\0';
        answer_with(200, texts[i]);
        request.take = take;
        ask(&request);
        wait_done();
        CHECK(done.is_answered && done.status == 200); /* to stop is a success */
        CHECK_TEXT(done.body, "");
        CHECK(strncmp(pieces, texts[i], strlen(texts[i])) == 0);
    }
}

static int answered;
static void count_answer(void *context, const struct web_answer *answer)
{
    (void)context;
    answered += answer->is_answered && answer->status == 200 ? 1 : 0;
}

static void test_many_go_on_beside_each_other(void **state)
{
    struct web_call *calls[CALLS_MAX] = { NULL };

    (void)state;
    answered = 0;
    answer_with(200, "x");
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct web_request request = request_to("GET", "/");

        request.on_done = count_answer;
        web_send(web, &request, &calls[i]);
    }
    for (int waited = 0; waited < PATIENCE_MS && answered < CALLS_MAX; waited += STEP_MS)
        loop_step(loop, STEP_MS);
    CHECK_INT(answered, CALLS_MAX);
    for (size_t i = 0; i < CALLS_MAX; i++)
        CHECK(calls[i] == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_status_is_an_answer),
        cmocka_unit_test(test_an_answer_has_a_limit),
        cmocka_unit_test(test_no_answer_has_a_reason),
        cmocka_unit_test(test_a_unix_socket_is_a_way_too),
        cmocka_unit_test(test_one_that_is_cancelled_is_silent),
        cmocka_unit_test(test_a_body_can_be_taken_in_pieces),
        cmocka_unit_test(test_many_go_on_beside_each_other),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

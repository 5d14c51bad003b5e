/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/reply.h"
#include "support.h"

enum { USER = 7, ADMIN = 8, READER = 9, NARROW = 10 };

static struct clock held_clock;
static struct log quiet;
static struct routes *routes;

/* What the handler saw. */
static void show(struct call *call)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const json_t *x = json_member(call->body, "x");

    encode_object(&json);
    encode_field_text(&json, "route", call->route->name);
    encode_field_int(&json, "user", call->caller.user_id);
    encode_field_int(&json, "machine", call->caller.machine_id);
    encode_field_int(&json, "id", call->params[0].id);
    encode_field_text(&json, "text", call->params[0].text);
    encode_field_int(&json, "x", x != NULL ? json_integer_value(x) : -1);
    encode_end(&json);
    reply_json(call, &body);
}

static void go_wrong(struct call *call)
{
    struct error err;

    (void)error_set(&err, call->params[0].id == 1 ? ERROR_IO : ERROR_NOT_FOUND, "disk %d is gone",
                    7);
    reply_error(call, &err);
}

static void console(struct call *call)
{
    reply_message(call, "the console: %s", call->request->path);
}

static const struct route table[] = {
    { HTTP_GET,
      "open",
      "/api/v0/open",
      0,
      { 0 },
      CALLER_ANYONE,
      SCOPE_NONE,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_GET,
      "list",
      "/api/v0/things",
      0,
      { 0 },
      CALLER_USER,
      SCOPE_MISC,
      RATE_NONE,
      BLOCKS,
      false,
      show },
    { HTTP_POST,
      "make",
      "/api/v0/things",
      0,
      { 0 },
      CALLER_USER,
      SCOPE_MISC,
      RATE_WRITE,
      BLOCKS,
      false,
      show },
    { HTTP_GET,
      "filters",
      "/api/v0/things/filters",
      0,
      { 0 },
      CALLER_USER,
      SCOPE_MISC,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_GET,
      "show",
      "/api/v0/things/{id}",
      1,
      { PARAM_ID },
      CALLER_USER,
      SCOPE_MISC,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_GET,
      "fail",
      "/api/v0/things/{id}/fail",
      1,
      { PARAM_ID },
      CALLER_ANYONE,
      SCOPE_NONE,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      go_wrong },
    { HTTP_GET,
      "user",
      "/api/v0/users/{id}",
      1,
      { PARAM_USER },
      CALLER_USER,
      SCOPE_USER_READ,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_GET,
      "blob",
      "/blob/{token}",
      1,
      { PARAM_TEXT },
      CALLER_ANYONE,
      SCOPE_NONE,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_GET,
      "operate",
      "/api/v0/admin",
      0,
      { 0 },
      CALLER_ADMIN,
      SCOPE_NONE,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_GET,
      "deep",
      "/api/1/2/3/4/5/6/7",
      0,
      { 0 },
      CALLER_ANYONE,
      SCOPE_NONE,
      RATE_NONE,
      BLOCKS_NEVER,
      false,
      show },
    { HTTP_POST,
      "beat",
      "/agent/v1/beat",
      0,
      { 0 },
      CALLER_AGENT,
      SCOPE_NONE,
      RATE_AGENT,
      BLOCKS_NEVER,
      false,
      show },
};

static bool find_key(void *context, const struct hash *key, struct caller *ret, struct error *err)
{
    static const struct {
        const char *key;
        struct caller caller;
    } rows[] = {
        { "user", { .kind = CALLER_USER, .user_id = USER, .scopes = SCOPE_ALL } },
        { "admin",
          { .kind = CALLER_USER, .user_id = ADMIN, .scopes = SCOPE_ALL, .is_admin = true } },
        { "reader", { .kind = CALLER_USER, .user_id = READER, .scopes = SCOPE_USER_READ } },
        { "narrow", { .kind = CALLER_USER, .user_id = NARROW, .narrowed = SCOPE_MISC } },
        { "instance",
          { .kind = CALLER_INSTANCE, .user_id = USER, .scopes = SCOPE_ALL, .instance_id = 1 } },
    };

    (void)context;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hash hash = crypto_sha256(rows[i].key, strlen(rows[i].key));

        if (crypto_equal(&hash, key, sizeof hash)) {
            *ret = rows[i].caller;
            return true;
        }
    }
    return error_set(err, ERROR_NOT_FOUND, "no such key");
}

static bool find_rights(void *context, const struct caller *caller, struct arena *arena,
                        struct key_rights *ret, struct error *err)
{
    (void)context;
    (void)arena;
    if (caller->user_id != NARROW)
        return error_set(err, ERROR_IO, "nobody else is narrowed");
    ret->role = "";
    ret->key = "{\"api\":{\"misc\":{\"show\":{\"constraints\":{\"id\":{\"lte\":12}}},"
               "\"make\":{\"constraints\":{\"x\":{\"eq\":5}}}}}}";
    return true;
}

static bool check_agent(void *context, const struct http_request *request, struct caller *ret,
                        struct error *err)
{
    const char *signature = http_header(request, "Berth-Signature");

    (void)context;
    if (signature == NULL || strcmp(signature, "good") != 0)
        return error_set(err, ERROR_UNAUTHORIZED, "the signature is wrong");
    *ret = (struct caller){ .kind = CALLER_AGENT, .machine_id = 77 };
    return true;
}

static int setup(void **state)
{
    struct http_options options = options_of_tests();
    struct routes_options to = {
        .authority = { .find_key = find_key,
                       .find_rights = find_rights,
                       .check_agent = check_agent },
        .clock = &held_clock,
        .log = &quiet,
        .table = table,
        .count = sizeof table / sizeof table[0],
        .fallback = console,
    };

    (void)state;
    to.limits.of[RATE_WRITE] = (struct rate_limit){ .per_second = 1, .burst = 2 };
    to.limits.of[RATE_SECRET] = (struct rate_limit){ .per_second = 1, .burst = 3 };
    quiet = log_silent();
    held_clock = clock_held((struct instant){ 0 });
    routes = routes_open(&to);
    options.handler = routes_handle;
    options.context = routes;
    server_open(&options);
    return 0;
}

static int teardown(void **state)
{
    (void)server_teardown(state);
    routes_close(&routes);
    return 0;
}

static int call(const char *line, const char *headers, const char *body)
{
    auto_buf struct buf request = buf_of(1 << 16);

    buf_printf(&request,
               "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s",
               line, strlen(body), headers, body);
    return ask(request.bytes);
}

#define AS_USER "Authorization: Bearer user\r\n"

static void test_paths_find_their_handler(void **state)
{
    static const struct {
        const char *line;
        int status;
        const char *part;
    } rows[] = {
        { "GET /api/v0/open", 200, "\"route\":\"open\"" },
        { "GET //api/v0/open/", 200, "\"route\":\"open\"" },
        { "GET /api/v0/things", 200, "\"route\":\"list\"" },
        { "GET /api/v0/things/filters/", 200, "\"route\":\"filters\"" },
        { "GET /api/v0/things/12", 200, "\"route\":\"show\",\"user\":7,\"machine\":0,\"id\":12" },
        { "GET /api/v0/things/9223372036854775807", 200, "\"id\":9223372036854775807" },
        { "GET /api/v0/things/9223372036854775808", 404, "\"not_found\"" },
        { "GET /api/v0/things/0", 404, "\"not_found\"" },
        { "GET /api/v0/things/-1", 404, "\"not_found\"" },
        { "GET /api/v0/things/1x", 404, "\"not_found\"" },
        { "GET /api/v0/things//fail", 404, "\"not_found\"" },
        { "GET /api/v0/users/me", 200, "\"id\":0,\"text\":\"me\"" },
        { "GET /api/v0/users/31", 200, "\"id\":31,\"text\":\"31\"" },
        { "GET /api/v0/users/you", 404, "\"not_found\"" },
        { "GET /blob/a.b-c", 200, "\"text\":\"a.b-c\"" },
        { "GET /blob/", 200, "the console: /blob" },
        { "GET /", 200, "the console: /" },
        { "GET /index.html", 200, "the console: /index.html" },
        { "POST /index.html", 404, "\"not_found\"" },
        { "GET /api/v0/none", 404, "\"not_found\"" },
        { "GET /api/v1/open", 404, "\"not_found\"" },
        { "GET /agent/v1/none", 404, "\"not_found\"" },
        { "GET /api/1/2/3/4/5/6/7", 200, "\"route\":\"deep\"" },
        { "GET /api/1/2/3/4/5/6", 404, "\"not_found\"" },
        { "GET /api/1/2/3/4/5/6/7/8", 404, "\"not_found\"" },
        { "GET /api/1/2/3/4/5/6/7/8/9", 404, "\"not_found\"" },
        { "GET /agent/v0/open", 404, "\"not_found\"" },
        { "POST /api/v1/beat", 404, "\"not_found\"" },
        { "PUT /api/v0/open", 405, "\r\nAllow: GET\r\n" },
        { "DELETE /api/v0/things", 405, "\r\nAllow: GET, POST\r\n" },
        { "PATCH /api/v0/things", 405, "\"method_not_allowed\"" },
        { "get /api/v0/things", 405, "\"method_not_allowed\"" },
        { "HEAD /api/v0/open", 200, "\r\n\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].line);
        CHECK_INT(call(rows[i].line, AS_USER, ""), rows[i].status);
        CHECK(says(rows[i].part));
        CHECK(says("\r\nContent-Type: application/json\r\n"));
    }
}

static void test_a_key_counts_where_it_is_found_first(void **state)
{
    static const struct {
        const char *line, *headers, *body;
        int status;
        const char *part;
    } rows[] = {
        { "GET /api/v0/users/1", AS_USER, "", 200, "\"user\":7" },
        { "GET /api/v0/users/1", "authorization: bearer user\r\n", "", 200, "\"user\":7" },
        { "GET /api/v0/users/1?api_key=user", "", "", 200, "\"user\":7" },
        { "GET /api/v0/users/1", "", "{\"api_key\":\"user\"}", 200, "\"user\":7" },
        { "GET /api/v0/users/1?api_key=reader", AS_USER, "", 200, "\"user\":7" },
        { "GET /api/v0/users/1?api_key=user", "", "{\"api_key\":\"reader\"}", 200, "\"user\":7" },
        { "GET /api/v0/users/1?api_key=user", "Authorization: Bearer wrong\r\n", "", 401,
          "\"msg\":\"Invalid user key\"" },
        { "GET /api/v0/users/1?api_key=user", "Authorization: Basic dTpw\r\n", "", 200,
          "\"user\":7" },
        { "GET /api/v0/users/1", "", "", 401, "\"auth_error\"" },
        { "GET /api/v0/users/1", "", "{\"api_key\":7}", 401, "\"auth_error\"" },
        { "GET /api/v0/users/1?api_key=", "", "", 401, "\"auth_error\"" },
        { "GET /api/v0/open?api_key=user", "", "", 200, "\"user\":7" },
        { "GET /api/v0/open", "", "", 200, "\"user\":0" },
        { "GET /api/v0/open?api_key=wrong", "", "", 401, "Invalid user key" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s %s %s", rows[i].line, rows[i].headers, rows[i].body);
        CHECK_INT(call(rows[i].line, rows[i].headers, rows[i].body), rows[i].status);
        CHECK(says(rows[i].part));
    }
}

static void test_a_narrowed_key_calls_what_its_rights_say(void **state)
{
    static const struct {
        const char *line, *body;
        int status;
        const char *part;
    } rows[] = {
        { "GET /api/v0/things/12", "", 200, "\"id\":12" },
        { "GET /api/v0/things/13", "", 403, "with that id" },
        { "GET /api/v0/things/12?id=13", "", 403, "with that id" },
        { "GET /api/v0/things/12", "{\"id\":13}", 403, "with that id" },
        { "GET /api/v0/things", "", 403, "has not list" },
        { "GET /api/v0/things/filters", "", 403, "has not filters" },
        { "POST /api/v0/things", "{\"x\":5}", 200, "\"x\":5" },
        { "POST /api/v0/things?x=5", "{\"x\":6}", 403, "\"not_authorized\"" },
        { "GET /api/v0/users/1", "", 403, "the permission user_read" },
        { "GET /api/v0/open", "", 200, "\"user\":10" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s %s", rows[i].line, rows[i].body);
        CHECK_INT(call(rows[i].line, "Authorization: Bearer narrow\r\n", rows[i].body),
                  rows[i].status);
        CHECK(says(rows[i].part));
    }
    clock_advance(&held_clock, US_PER_SECOND);
    CHECK_INT(call("POST /api/v0/things", "Authorization: Bearer narrow\r\n", "{}"), 403);
    CHECK(says("must give x"));
}

static void test_who_may_call_is_the_rows_word(void **state)
{
    static const struct {
        const char *line, *key;
        int status;
    } rows[] = {
        { "GET /api/v0/things", "user", 200 },    { "GET /api/v0/things", "admin", 200 },
        { "GET /api/v0/things", "reader", 403 },  { "GET /api/v0/things", "instance", 403 },
        { "GET /api/v0/users/1", "reader", 200 }, { "GET /api/v0/admin", "admin", 200 },
        { "GET /api/v0/admin", "user", 403 },     { "GET /api/v0/admin", "instance", 403 },
        { "POST /agent/v1/beat", "admin", 401 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[64];

        (void)snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", rows[i].key);
        check_row("%s as %s", rows[i].line, rows[i].key);
        CHECK_INT(call(rows[i].line, header, ""), rows[i].status);
    }
    CHECK_INT(call("POST /agent/v1/beat", "Berth-Signature: good\r\n", "{}"), 200);
    CHECK(says("\"user\":0,\"machine\":77"));
    CHECK_INT(call("GET /api/v0/things", "Berth-Signature: good\r\n", ""), 401);
}

static void test_a_body_is_an_object_or_nothing(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *part;
    } rows[] = {
        { "", 200, "\"x\":-1" },
        { "{}", 200, "\"x\":-1" },
        { "{\"x\":5}", 200, "\"x\":5" },
        { "{\"x\":null}", 200, "\"x\":-1" },
        { "{\"x\":5,\"x\":6}", 400, "\"invalid_request\"" },
        { "[]", 400, "\"invalid_request\"" },
        { "5", 400, "\"invalid_request\"" },
        { "{\"x\":5", 400, "\"invalid_request\"" },
        { "{\"x\":5} x", 400, "\"invalid_request\"" },
        { "x=5", 400, "\"invalid_request\"" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].body);
        CHECK_INT(call("GET /api/v0/things/1", AS_USER, rows[i].body), rows[i].status);
        CHECK(says(rows[i].part));
    }
    /* Who may not call learns nothing of what was wrong with the body. */
    CHECK_INT(call("GET /api/v0/things/1", "Authorization: Bearer reader\r\n", "nonsense"), 403);
}

static void test_what_went_wrong_inside_stays_there(void **state)
{
    (void)state;
    CHECK_INT(call("GET /api/v0/things/1/fail", "", ""), 500);
    CHECK(says("{\"success\":false,\"error\":\"internal_error\",\"msg\":\"Something went wrong "
               "here: "));
    CHECK(!says("disk"));
    CHECK_INT(call("GET /api/v0/things/2/fail", "", ""), 404);
    CHECK(says("\"msg\":\"Disk 7 is gone.\""));
}

static void test_too_many_are_told_when_to_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        CHECK_INT(call("POST /api/v0/things", AS_USER, ""), 200);
    CHECK_INT(call("POST /api/v0/things", AS_USER, ""), 429);
    CHECK(says("\r\nRetry-After: 1\r\n"));
    CHECK(says("\"error\":\"rate_limit_exceeded\""));
    CHECK_INT(call("POST /api/v0/things", "Authorization: Bearer admin\r\n", ""), 200);
    clock_advance(&held_clock, US_PER_SECOND);
    CHECK_INT(call("POST /api/v0/things", AS_USER, ""), 200);
}

static void test_guessing_keys_ends_in_429(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        char header[64];

        (void)snprintf(header, sizeof header, "Authorization: Bearer guess-%d\r\n", i);
        CHECK_INT(call("GET /api/v0/things", header, ""), i < 3 ? 401 : 429);
    }
    CHECK_INT(call("GET /api/v0/things", AS_USER, ""), 200);
}

int main(void)
{
#define WITH_ROUTES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_ROUTES(test_paths_find_their_handler),
        WITH_ROUTES(test_a_key_counts_where_it_is_found_first),
        WITH_ROUTES(test_a_narrowed_key_calls_what_its_rights_say),
        WITH_ROUTES(test_who_may_call_is_the_rows_word),
        WITH_ROUTES(test_a_body_is_an_object_or_nothing),
        WITH_ROUTES(test_what_went_wrong_inside_stays_there),
        WITH_ROUTES(test_too_many_are_told_when_to_come_back),
        WITH_ROUTES(test_guessing_keys_ends_in_429),
    };
#undef WITH_ROUTES

    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

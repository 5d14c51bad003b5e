/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_account.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"
#include "sys/file.h"

#define KEY                                                                                        \
    "{\"id\":9,\"user_id\":501,\"name\":\"ci\",\"rights\":{\"api\":{\"misc\":{},\"user_read\":"    \
    "{\"api.user.show\":{}}}},\"team_id\":null,\"team_name\":null,\"created_at\":1.5}"

static const struct support_reply replies[] = {
    { "GET /api/v0/auth/apikeys/9/", 200, KEY },
    { "GET /api/v0/auth/apikeys/", 200,
      "{\"apikeys\":[" KEY ",{\"id\":10,\"name\":\"old\",\"last_used\":86400.5}]}" },
    { "POST /api/v0/auth/apikeys/", 200,
      "{\"success\":true,\"id\":10,\"key\":\"5ecret\",\"permissions\":{}}" },
    { "DELETE /api/v0/auth/apikeys/9/", 200, "{\"success\":true,\"msg\":\"done\"}" },
    { "PUT /api/v0/commands/reset_apikey/", 200,
      "{\"success\":true,\"id\":11,\"new_api_key\":\"n3w\"}" },
    { "GET /api/v0/secrets/", 200,
      "{\"success\":true,\"secrets\":{\"A\":\"********\",\"HF_TOKEN\":\"********\"}}" },
    { "POST /api/v0/secrets/", 200, "{\"success\":true,\"msg\":\"A is kept.\"}" },
    { "PUT /api/v0/secrets/", 400,
      "{\"success\":false,\"error\":\"nonexistent_key\",\"msg\":\"There is no variable A.\"}" },
    { "DELETE /api/v0/secrets/", 200, "{\"success\":true,\"msg\":\"A is forgotten.\"}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

static void test_keys_are_shown_with_what_they_may(void **state)
{
    (void)state;
    BERTH(&result, "show", "api-keys");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.out, " 9  ci    never ") != NULL);
    CHECK(strstr(result.out, " misc user_read*\n") != NULL);
    CHECK(strstr(result.out, "10  old   2") != NULL && strstr(result.out, " ago ") != NULL);
    BERTH(&result, "show", "api-key", "9");
    CHECK(strstr(result.out, "API key 9, 'ci', may:\n{") != NULL);
    CHECK(strstr(result.out, "\"api.user.show\"") != NULL);
    BERTH(&result, "show", "api-key", "nine");
    CHECK_INT(result.status, 2);
}

static void test_a_new_key_alone_is_the_output(void **state)
{
    char path[256];
    struct error err;

    (void)state;
    BERTH(&result, "create", "api-key", "--name", "ci");
    CHECK_TEXT(result.out, "5ecret\n");
    CHECK(strstr(result.notes, "API key 10") != NULL);
    CHECK(strstr(market.body, "{\"name\":\"ci\",\"permissions\":{\"api\":{\"instance_read\":{},") !=
          NULL);

    (void)snprintf(path, sizeof path, "%s/ci.json", support_dir());
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "{\"api\": {\"misc\":{}}}", 20, &err), &err);
    BERTH(&result, "create", "api-key", "--name", "ci", "--permission_file", path, "--key_params",
          "{\"X\":1}");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"name\":\"ci\",\"permissions\":{\"api\": {\"misc\":{}}},"
                            "\"key_params\":\"{\\\"X\\\":1}\"}");

    market.request_count = 0;
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, "{\"api\":", 7, &err), &err);
    BERTH(&result, "create", "api-key", "--permission_file", path);
    CHECK_INT(result.status, 1);
    BERTH(&result, "create", "api-key", "--permission_file", "/no/such/file");
    CHECK_INT(result.status, 1);
    CHECK_INT(market.request_count, 0);
}

static void test_keys_are_revoked_and_reset(void **state)
{
    (void)state;
    BERTH(&result, "delete", "api-key", "9");
    CHECK_TEXT(market.request, "DELETE /api/v0/auth/apikeys/9/");
    CHECK_TEXT(result.out, "API key 9 opens nothing any more.\n");
    BERTH(&result, "reset", "api-key");
    CHECK_TEXT(market.body, "{\"client_id\":\"me\"}");
    CHECK_TEXT(result.out, "n3w\n");
}

static void test_variables_come_and_go(void **state)
{
    (void)state;
    BERTH(&result, "show", "env-vars");
    CHECK_TEXT(result.out, "A\nHF_TOKEN\n");
    BERTH(&result, "create", "env-var", "a", "x \"y\"");
    CHECK_TEXT(market.body, "{\"key\":\"a\",\"value\":\"x \\\"y\\\"\"}");
    CHECK_TEXT(result.out, "A is kept.\n");
    BERTH(&result, "update", "env-var", "A", "z");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "here is no variable A") != NULL);
    BERTH(&result, "delete", "env-var", "A");
    CHECK_TEXT(market.body, "{\"key\":\"A\"}");
    CHECK_TEXT(result.out, "A is forgotten.\n");
    BERTH(&result, "create", "env-var", "A");
    CHECK_INT(result.status, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_keys_are_shown_with_what_they_may),
        SUPPORT_TEST(test_a_new_key_alone_is_the_output),
        SUPPORT_TEST(test_keys_are_revoked_and_reset),
        SUPPORT_TEST(test_variables_come_and_go),
    };
#undef WITH_MARKET

    return cmocka_run_group_tests(tests, NULL, NULL);
}

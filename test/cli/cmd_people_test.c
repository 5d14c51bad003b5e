/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_people.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cli/settings.h"
#include "support.h"

static struct support_result result;

static const struct support_reply replies[] = {
    { "POST /api/v0/users/verify/", 200,
      "{\"success\":true,\"msg\":\"Welcome.\",\"id\":7,\"email\":\"ada@berth.test\",\"api_key\":"
      "\"k3y\"}" },
    { "POST /api/v0/users/", 200, "{\"success\":true,\"msg\":\"Look into your mail.\"}" },
    { "POST /api/v0/users/reset_password/", 200, "{\"success\":true,\"msg\":\"On its way.\"}" },
    { "POST /api/v0/sessions/", 200,
      "{\"success\":true,\"user_id\":7,\"session_key\":null,\"csrf\":null,\"expires_at\":1,"
      "\"tfa_required\":true,\"secret\":\"ha1f\"}" },
    { "POST /api/v0/tfa/", 200,
      "{\"success\":true,\"user_id\":7,\"session_key\":\"s3ssion\",\"csrf\":null,\"expires_at\":1,"
      "\"tfa_required\":false,\"secret\":null,\"backup_codes_remaining\":9}" },
    { "GET /api/v0/subaccounts/", 200,
      "{\"users\":[{\"id\":502,\"email\":\"s@berth.test\",\"username\":\"s\\u001b[31m\","
      "\"credit\":1.5,\"balance\":0}]}" },
    { "GET /api/v0/tfa/status/", 200,
      "{\"tfa_enabled\":true,\"methods\":[{\"id\":3,\"label\":\"phone\"}],"
      "\"backup_codes_remaining\":9,\"new_method_authorized\":false}" },
    { "GET /api/v0/audit_logs/", 200,
      "[{\"ip_address\":\"192.0.2.1\",\"api_key_id\":9,\"session_id\":null,\"created_at\":1.5,"
      "\"api_route\":\"api.user.update\",\"args\":\"{}\"}]" },
    { "GET /api/v0/users/me/ipaddrs/", 200,
      "{\"results\":[{\"ip\":\"192.0.2.1\",\"first_seen\":\"2026-01-01\",\"first_location\":"
      "null}]}" },
    { "DELETE /api/v0/tfa/", 200, "{\"success\":true,\"msg\":\"Gone.\"}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };

/* Run with `typed` as standard input. */
static void typing(const char *typed, const char *const *words)
{
    int ends[2], before = dup(STDIN_FILENO);

    CHECK(before >= 0 && pipe(ends) == 0);
    CHECK(write(ends[1], typed, strlen(typed)) == (ssize_t)strlen(typed));
    (void)close(ends[1]);
    CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    (void)close(ends[0]);
    support_run(&result, words);
    CHECK(dup2(before, STDIN_FILENO) == STDIN_FILENO);
    (void)close(before);
}
#define TYPING(typed, ...) typing((typed), (const char *const[]){ __VA_ARGS__, NULL })

static void test_signing_up_sends_no_key_and_verifying_remembers_one(void **state)
{
    struct settings settings;
    struct error err;

    (void)state;
    TYPING("correct horse battery\n", "signup", "ada@berth.test", "--username", "ada");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.out, "Look into your mail.") != NULL);
    CHECK_TEXT(market.body, "{\"email\":\"ada@berth.test\",\"password\":\"correct horse battery\","
                            "\"username\":\"ada\"}");
    CHECK(strstr(market.head, "Authorization") == NULL);
    BERTH(&result, "verify", "17-abc");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"code\":\"17-abc\"}");
    CHECK_OK(settings_load(NULL, NULL, &settings, &err), &err);
    CHECK(unsetenv("BERTH_URL") == 0 && unsetenv("BERTH_API_KEY") == 0);
    CHECK_OK(settings_load(NULL, NULL, &settings, &err), &err);
    CHECK_TEXT(settings.api_key, "k3y");
}

static void test_a_password_and_then_a_code(void **state)
{
    struct settings settings;
    struct error err;

    (void)state;
    TYPING("correct horse battery\n123456\n", "login", "--email", "ada@berth.test");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"secret\":\"ha1f\",\"tfa_method\":\"totp\",\"code\":\"123456\"}");
    CHECK(unsetenv("BERTH_URL") == 0 && unsetenv("BERTH_API_KEY") == 0);
    CHECK_OK(settings_load(NULL, NULL, &settings, &err), &err);
    CHECK_TEXT(settings.api_key, "s3ssion");
}

static void test_a_password_that_was_forgotten(void **state)
{
    (void)state;
    BERTH(&result, "reset", "password", "ada@berth.test");
    CHECK_INT(result.status, 0);
    CHECK_TEXT(market.body, "{\"email\":\"ada@berth.test\"}");
    BERTH(&result, "reset", "password");
    CHECK_INT(result.status, 2);
    BERTH(&result, "reset", "password", "ada@berth.test", "--code", "1-a");
    CHECK_INT(result.status, 2);
}

static void test_what_is_shown_steers_no_terminal(void **state)
{
    (void)state;
    BERTH(&result, "show", "subaccounts");
    CHECK_INT(result.status, 0);
    CHECK(strstr(result.out, "502") != NULL && strchr(result.out, '\033') == NULL);
    BERTH(&result, "show", "audit-logs");
    CHECK(strstr(result.out, "1970-01-01") != NULL &&
          strstr(result.out, "api.user.update") != NULL);
    BERTH(&result, "show", "ipaddrs");
    CHECK(strstr(result.out, "192.0.2.1  2026-01-01") != NULL);
    BERTH(&result, "tfa", "status");
    CHECK(strstr(result.out, "3 phone") != NULL);
    BERTH(&result, "tfa", "delete", "--id", "3");
    CHECK_TEXT(market.body, "{\"target_id\":3}");
    BERTH(&result, "tfa", "delete");
    CHECK_INT(result.status, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_signing_up_sends_no_key_and_verifying_remembers_one),
        SUPPORT_TEST(test_a_password_and_then_a_code),
        SUPPORT_TEST(test_a_password_that_was_forgotten),
        SUPPORT_TEST(test_what_is_shown_steers_no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and whom: the login file, the environment, the command line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cli/settings.h"
#include "support.h"
#include "sys/file.h"

static const struct support_reply replies[] = {
    { "GET /api/v0/users/current/", 200,
      "{\"id\":501,\"email\":\"ada@berth.test\",\"credit\":41.25,\"balance\":0.5,"
      "\"api_key\":\"secret\",\"balance_threshold\":5,\"balance_threshold_enabled\":true}" },
    { NULL, 0, NULL },
};

static struct support_market market = { .table = replies };
static struct support_result result;

/* Run `berth login` with `typed` as its standard input. */
static void login_typing(const char *typed)
{
    int ends[2], before = dup(STDIN_FILENO);

    CHECK(before >= 0 && pipe(ends) == 0);
    CHECK(write(ends[1], typed, strlen(typed)) == (ssize_t)strlen(typed));
    (void)close(ends[1]);
    CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    (void)close(ends[0]);
    BERTH(&result, "login", "--url", market.url);
    CHECK(dup2(before, STDIN_FILENO) == STDIN_FILENO);
    (void)close(before);
}

static void forget_environment(void)
{
    CHECK(unsetenv("BERTH_URL") == 0 && unsetenv("BERTH_API_KEY") == 0);
}

static void test_login_is_remembered(void **state)
{
    char path[PATH_MAX], want[256];
    struct stat status;

    (void)state;
    forget_environment();
    login_typing("typed-key\n");
    (void)snprintf(want, sizeof want, "Logged in to %s as ada@berth.test.\n", market.url);
    CHECK_TEXT(result.out, want);
    CHECK_INT(result.status, 0);
    CHECK(strstr(market.head, "Authorization: Bearer typed-key\r\n") != NULL);
    (void)snprintf(path, sizeof path, "%s/berth/login.json", support_dir());
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);

    market.head[0] = '\0';
    BERTH(&result, "show", "user");
    CHECK_INT(result.status, 0);
    CHECK(strstr(market.head, "Bearer typed-key") != NULL);
    CHECK(strstr(result.out, "$41.2500 to spend") != NULL);
    CHECK(strstr(result.out, "secret") == NULL);

    BERTH(&result, "logout");
    CHECK_INT(result.status, 0);
    BERTH(&result, "show", "user");
    CHECK_INT(result.status, 2);
    CHECK_TEXT(result.notes, "berth: no market is known: `berth login` remembers one, or set "
                             "BERTH_URL\n");
    BERTH(&result, "logout");
    CHECK_INT(result.status, 0);
}

static void test_a_login_that_fails_is_not_remembered(void **state)
{
    static const struct support_reply refusal[] = {
        { "GET /api/v0/users/current/", 401,
          "{\"success\":false,\"error\":\"auth_error\",\"msg\":\"Invalid user key\"}" },
        { NULL, 0, NULL },
    };

    (void)state;
    forget_environment();
    market.replies = refusal;
    login_typing("wrong\n");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "Invalid user key\n") != NULL);
    login_typing("\n");
    CHECK(strstr(result.notes, "no API key was given\n") != NULL);
    BERTH(&result, "login");
    CHECK_INT(result.status, 2);
    BERTH(&result, "show", "user");
    CHECK_INT(result.status, 2);
}

static void take_head(void *context, const struct fake_request *request, struct buf *response)
{
    (void)snprintf(context, SUPPORT_TEXT_SIZE, "%s", request->head);
    fake_http_reply(response, 200, "{\"id\":1}");
}

/* A key was given for one market; no other market ever sees it. */
static void test_a_stored_key_goes_to_its_own_market_only(void **state)
{
    static char head[SUPPORT_TEXT_SIZE];
    auto_fake_http struct fake_http *other = fake_http_open(NULL, take_head, head);
    char other_url[64];

    (void)state;
    forget_environment();
    (void)snprintf(other_url, sizeof other_url, "http://127.0.0.1:%d", fake_http_port(other));
    BERTH(&result, "login", "--url", market.url, "--api-key", "first");
    CHECK_INT(result.status, 0);

    CHECK(setenv("BERTH_URL", other_url, 1) == 0);
    BERTH(&result, "show", "user");
    fake_http_meet(other);
    CHECK(*head != '\0' && strstr(head, "Authorization") == NULL);
    fake_http_meet(other);
    BERTH(&result, "show", "user", "--api-key", "second");
    fake_http_meet(other);
    CHECK(strstr(head, "Bearer second") != NULL);
    BERTH(&result, "--url", market.url, "show", "user");
    CHECK(strstr(market.head, "Bearer first") != NULL);
    CHECK(setenv("BERTH_API_KEY", "third", 1) == 0);
    BERTH(&result, "--url", market.url, "show", "user");
    CHECK(strstr(market.head, "Bearer third") != NULL);
}

static void test_what_cannot_be_an_address_or_a_key(void **state)
{
    static const struct {
        const char *url, *key;
    } rows[] = {
        { "berth.example", "k" },        { "ftp://berth.example", "k" }, { "http://x", "a b" },
        { "http://x", "a\nX-Admin: 1" }, { "http://x", "\x7f" },
    };
    struct settings settings;
    struct error err;
    char long_text[2000];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s', '%s'", rows[i].url, rows[i].key);
        CHECK_FAILS(settings_load(rows[i].url, rows[i].key, &settings, &err), &err, ERROR_INVALID);
    }
    memset(long_text, 'x', sizeof long_text);
    long_text[SETTINGS_KEY_SIZE] = '\0';
    CHECK_FAILS(settings_load("http://x", long_text, &settings, &err), &err, ERROR_OUT_OF_RANGE);
    long_text[SETTINGS_KEY_SIZE - 1] = '\0';
    CHECK_OK(settings_load("http://x///", long_text, &settings, &err), &err);
    CHECK_TEXT(settings.url, "http://x");
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text, "http://", 7);
    long_text[SETTINGS_URL_SIZE] = '\0';
    CHECK_FAILS(settings_load(long_text, "k", &settings, &err), &err, ERROR_OUT_OF_RANGE);
}

static void test_a_login_file_that_is_broken_is_named(void **state)
{
    static const char *const contents[] = { "", "{}", "{\"url\":\"x\",\"api_key\":\"k\"}",
                                            "{\"url\":5,\"api_key\":\"k\"}" };
    char path[PATH_MAX];
    struct settings settings;
    struct error err;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/berth", support_dir());
    CHECK_OK(file_make_dir(path, 0700, &err), &err);
    (void)snprintf(path, sizeof path, "%s/berth/login.json", support_dir());
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        check_row("'%s'", contents[i]);
        CHECK_OK(file_replace(AT_FDCWD, path, 0600, contents[i], strlen(contents[i]), &err), &err);
        CHECK_FAILS(settings_load(NULL, NULL, &settings, &err), &err, ERROR_INVALID);
        CHECK(strstr(err.text, "login.json") != NULL);
        BERTH(&result, "show", "user");
        CHECK_INT(result.status, 2);
        BERTH(&result, "version");
        CHECK_INT(result.status, 0);
        login_typing("secret\n");
        CHECK_INT(result.status, 0);
        CHECK_OK(settings_load(NULL, NULL, &settings, &err), &err);
        CHECK_TEXT(settings.url, market.url);
    }
}

static void test_without_a_home_nothing_is_remembered(void **state)
{
    (void)state;
    CHECK_INT(unsetenv("HOME"), 0);
    CHECK_INT(unsetenv("XDG_CONFIG_HOME"), 0);
    BERTH(&result, "version");
    CHECK_INT(result.status, 0);
    login_typing("secret\n");
    CHECK_INT(result.status, 1);
    CHECK(strstr(result.notes, "berth: neither XDG_CONFIG_HOME nor HOME is set\n") != NULL);
    BERTH(&result, "logout");
    CHECK_INT(result.status, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUPPORT_TEST(test_login_is_remembered),
        SUPPORT_TEST(test_a_login_that_fails_is_not_remembered),
        SUPPORT_TEST(test_a_stored_key_goes_to_its_own_market_only),
        SUPPORT_TEST(test_what_cannot_be_an_address_or_a_key),
        SUPPORT_TEST(test_a_login_file_that_is_broken_is_named),
        SUPPORT_TEST(test_without_a_home_nothing_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

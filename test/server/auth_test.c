/* SPDX-License-Identifier: Apache-2.0 */
#include "server/auth.h"

#include <string.h>

#include "check.h"

static const struct caller nobody = { .kind = 0 };
static const struct caller renter = { .kind = CALLER_USER, .user_id = 7, .scopes = SCOPE_ALL };
static const struct caller reader = { .kind = CALLER_USER,
                                      .user_id = 7,
                                      .scopes = SCOPE_USER_READ };
static const struct caller narrow = {
    .kind = CALLER_USER, .user_id = 7, .scopes = SCOPE_MISC, .narrowed = SCOPE_USER_READ
};
static const struct caller operator= {
    .kind = CALLER_USER, .user_id = 8, .scopes = SCOPE_ALL, .is_admin = true
};
static const struct caller instance = {
    .kind = CALLER_INSTANCE, .user_id = 7, .instance_id = 5, .scopes = SCOPE_ALL
};
static const struct caller agent = { .kind = CALLER_AGENT, .machine_id = 3 };

static void test_who_may_call_what(void **state)
{
    static const struct {
        const struct caller *caller;
        uint32_t callers;
        enum scope scope;
        enum auth_outcome outcome;
    } rows[] = {
        { &nobody, CALLER_ANYONE, SCOPE_NONE, AUTH_OK },
        { &agent, CALLER_ANYONE, SCOPE_NONE, AUTH_OK },
        { &nobody, CALLER_USER, SCOPE_MISC, AUTH_MISSING },
        { &nobody, CALLER_AGENT, SCOPE_NONE, AUTH_MISSING },
        { &renter, CALLER_USER, SCOPE_MISC, AUTH_OK },
        { &renter, CALLER_ADMIN, SCOPE_MISC, AUTH_FORBIDDEN },
        { &renter, CALLER_AGENT, SCOPE_NONE, AUTH_FORBIDDEN },
        { &renter, CALLER_INSTANCE, SCOPE_MISC, AUTH_FORBIDDEN },
        { &reader, CALLER_USER, SCOPE_USER_READ, AUTH_OK },
        { &reader, CALLER_USER, SCOPE_USER_WRITE, AUTH_FORBIDDEN },
        { &narrow, CALLER_USER, SCOPE_MISC, AUTH_OK },
        { &narrow, CALLER_USER, SCOPE_USER_READ, AUTH_NARROWED },
        { &narrow, CALLER_USER, SCOPE_USER_WRITE, AUTH_FORBIDDEN },
        { &narrow, CALLER_ADMIN, SCOPE_USER_READ, AUTH_FORBIDDEN },
        { &operator, CALLER_USER, SCOPE_MISC, AUTH_OK },
        { &operator, CALLER_ADMIN, SCOPE_MISC, AUTH_OK },
        { &operator, CALLER_AGENT, SCOPE_NONE, AUTH_FORBIDDEN },
        { &instance, CALLER_USER, SCOPE_MISC, AUTH_FORBIDDEN },
        { &instance, CALLER_USER | CALLER_INSTANCE, SCOPE_INSTANCE_READ, AUTH_OK },
        { &agent, CALLER_AGENT, SCOPE_NONE, AUTH_OK },
        { &agent, CALLER_USER, SCOPE_MISC, AUTH_FORBIDDEN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_INT(auth_decide(rows[i].caller, rows[i].callers, rows[i].scope), rows[i].outcome);
    }
}

/* Whatever a key lacks, it never gets: for every set of categories, and every one. */
static void test_no_key_does_what_it_has_not(void **state)
{
    (void)state;
    for (int64_t scopes = 0; scopes <= SCOPE_ALL; scopes += 13) {
        struct caller caller = { .kind = CALLER_USER, .user_id = 7, .scopes = scopes };

        for (int64_t scope = 1; scope < SCOPE_ALL; scope <<= 1)
            CHECK((auth_decide(&caller, CALLER_USER, (enum scope)scope) == AUTH_OK) ==
                  ((scopes & scope) != 0));
    }
}

static void test_every_category_has_a_name_of_its_own(void **state)
{
    (void)state;
    CHECK(scope_name(SCOPE_NONE) == NULL);
    for (int64_t a = 1; a < SCOPE_ALL; a <<= 1) {
        CHECK(scope_name((enum scope)a) != NULL);
        for (int64_t b = 1; b < a; b <<= 1)
            CHECK(strcmp(scope_name((enum scope)a), scope_name((enum scope)b)) != 0);
    }
}

#define SESSION "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_a_cookie_is_found_among_others_and_is_a_token(void **state)
{
    static const struct {
        const char *header;
        bool is_found;
    } rows[] = {
        { "berth_session=" SESSION, true },
        { "a=b; berth_session=" SESSION "; c=d", true },
        { "a=b;berth_session=" SESSION, true },
        { "; ;berth_session=" SESSION ";", true },
        { "", false },
        { "berth_session", false },
        { "berth_session=", false },
        { "xberth_session=" SESSION, false },
        { "a=berth_session=" SESSION, false },
        { "berth_session=" SESSION "0", false },
        { "berth_session=\"" SESSION "\"", false },
        { "berth_session=G123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false },
    };
    auto_arena struct arena arena = arena_of(1 << 16);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value = auth_cookie_value(rows[i].header, AUTH_COOKIE, &arena);

        check_row("%s", rows[i].header);
        CHECK(rows[i].is_found == (value != NULL));
        if (value != NULL)
            CHECK_TEXT(value, SESSION);
    }
}

static void test_a_page_proves_itself_by_what_only_it_can_know(void **state)
{
    static const struct {
        const char *origin, *host, *public_url;
        bool is_own;
    } rows[] = {
        { NULL, "berth.test", NULL, true },
        { "http://berth.test", "berth.test", NULL, true },
        { "https://berth.test:8443", "berth.test:8443", NULL, true },
        { "https://berth.test", "10.0.0.1:8080", "https://berth.test", true },
        { "https://evil.test", "berth.test", "https://berth.test", false },
        { "https://berth.test.evil.test", "berth.test", NULL, false },
        { "null", "berth.test", NULL, false },
        { "", "", NULL, false },
    };
    char one[AUTH_CSRF_SIZE], other[AUTH_CSRF_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct http_pair headers[] = { { "Host", rows[i].host },
                                             { "Origin", rows[i].origin } };
        const struct http_request request = { .header_count = rows[i].origin != NULL ? 2 : 1,
                                              .headers = headers };

        check_row("%zu", i);
        CHECK(auth_is_own_page(&request, rows[i].public_url) == rows[i].is_own);
    }
    CHECK_INT((int64_t)strlen(auth_csrf(SESSION, one)), 32);
    CHECK(strcmp(one, auth_csrf("another", other)) != 0);
    CHECK(strstr(SESSION, one) == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_call_what),
        cmocka_unit_test(test_no_key_does_what_it_has_not),
        cmocka_unit_test(test_every_category_has_a_name_of_its_own),
        cmocka_unit_test(test_a_cookie_is_found_among_others_and_is_a_token),
        cmocka_unit_test(test_a_page_proves_itself_by_what_only_it_can_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

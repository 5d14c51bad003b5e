/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rights.h"

#include <string.h>

#include "check.h"

static const struct route table[] = {
    { .name = "api.thing.show",
      .pattern = "/api/v0/things/{id}/parts/{part}",
      .param_count = 2,
      .params = { PARAM_ID, PARAM_TEXT },
      .scope = SCOPE_MISC },
    { .name = "api.user.show",
      .pattern = "/api/v0/users/{id}",
      .param_count = 1,
      .params = { PARAM_USER },
      .scope = SCOPE_USER_READ },
};
enum { COUNT = sizeof table / sizeof table[0] };

static json_t *parse(const char *text)
{
    json_t *root = NULL;
    struct error err;

    CHECK_OK(json_parse(text, strlen(text), &root, &err), &err);
    return root;
}

#define SHOW(constraints) "{\"api\":{\"misc\":{\"api.thing.show\":" constraints "}}}"
#define BOUND(bound)      SHOW("{\"constraints\":{\"id\":" bound "}}")

#define LETTERS_16 "abcdefghijklmnop"
#define LETTERS_64 LETTERS_16 LETTERS_16 LETTERS_16 LETTERS_16

static void test_what_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *permissions, *params, *why; /* NULL: it is good */
    } rows[] = {
        { "{\"api\":{}}", "{}", NULL },
        { "{\"api\":{\"misc\":{},\"user_read\":{}}}", "{}", NULL },
        { SHOW("{}"), "{}", NULL },
        { BOUND("{\"lte\":7999}"), "{}", NULL },
        { BOUND("{\"lte\":9,\"gte\":1}"), "{}", NULL },
        { BOUND("{\"eq\":\"a\"}"), "{}", NULL },
        { BOUND("{\"eq\":true}"), "{}", NULL },
        { BOUND("{\"lte\":\"$MAX\"}"), "{\"MAX\":7}", NULL },
        { "{}", "{}", "permissions are" },
        { "[]", "{}", "permissions are" },
        { "{\"api\":[]}", "{}", "permissions are" },
        { "{\"api\":{},\"more\":1}", "{}", "permissions are" },
        { "{\"api\":{\"all\":{}}}", "{}", "'all' is no category" },
        { "{\"api\":{\"misc\":true}}", "{}", "'misc' is no category" },
        { "{\"api\":{\"misc\":{\"api.thing.make\":{}}}}", "{}", "no route 'api.thing.make'" },
        { "{\"api\":{\"misc\":{\"api.user.show\":{}}}}", "{}", "no route 'api.user.show'" },
        { SHOW("true"), "{}", "takes {}" },
        { SHOW("{\"constraint\":{}}"), "{}", "takes {}" },
        { SHOW("{\"constraints\":{},\"x\":1}"), "{}", "takes {}" },
        { SHOW("{\"constraints\":7}"), "{}", "make no sense" },
        { SHOW("{\"constraints\":{\"" LETTERS_64 "\":{\"eq\":1}}}"), "{}", NULL },
        { SHOW("{\"constraints\":{\"" LETTERS_64 "a\":{\"eq\":1}}}"), "{}", "name is too long" },
        { BOUND("{}"), "{}", "no operator" },
        { BOUND("7"), "{}", "no operator" },
        { BOUND("{\"lt\":7}"), "{}", "none of eq, lte, gte" },
        { BOUND("{\"lte\":\"7\"}"), "{}", "cannot be compared" },
        { BOUND("{\"lte\":true}"), "{}", "cannot be compared" },
        { BOUND("{\"eq\":null}"), "{}", "cannot be compared" },
        { BOUND("{\"eq\":[1]}"), "{}", "cannot be compared" },
        { BOUND("{\"lte\":\"$MAX\"}"), "{\"MIN\":7}", "key_params lack MAX" },
        { BOUND("{\"lte\":\"$MAX\"}"), "{\"MAX\":\"7\"}", "cannot be compared" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *permissions = parse(rows[i].permissions);
        auto_json json_t *params = parse(rows[i].params);
        auto_json json_t *rights = NULL;
        struct error err;

        check_row("%s", rows[i].permissions);
        bool is_good = rights_read(permissions, params, table, COUNT, &rights, &err);
        CHECK(is_good == (rows[i].why == NULL));
        if (!is_good) {
            CHECK(rights == NULL);
            CHECK_INT(err.code, ERROR_INVALID);
            CHECK(strstr(err.text, rows[i].why) != NULL);
        }
    }
}

static void test_placeholders_are_gone_from_what_is_kept(void **state)
{
    auto_json json_t *permissions = parse(BOUND("{\"lte\":\"$MAX\",\"gte\":1}"));
    auto_json json_t *before = json_deep_copy(permissions);
    auto_json json_t *params = parse("{\"MAX\":7999}");
    auto_json json_t *wanted = parse(BOUND("{\"lte\":7999,\"gte\":1}"));
    auto_json json_t *rights = NULL;
    struct error err;

    (void)state;
    CHECK_OK(rights_read(permissions, params, table, COUNT, &rights, &err), &err);
    CHECK(json_equal(rights, wanted));
    CHECK(json_equal(permissions, before));
}

static bool allows(const char *bound, const char *id, const char *query, const char *body)
{
    auto_json json_t *rights = parse(bound);
    auto_json json_t *root = body != NULL ? parse(body) : NULL;
    const struct http_pair pairs[] = { { "id", query } };
    const struct http_request request = { .query = pairs, .query_count = query != NULL ? 1 : 0 };
    const struct call call = { .route = &table[0],
                               .request = &request,
                               .params = { { .text = id }, { .text = "wheel" } },
                               .body = root };
    struct error err;

    bool is_allowed = rights_allow(rights, &call, &err);
    CHECK(is_allowed || err.code == ERROR_FORBIDDEN);
    return is_allowed;
}

static void test_bounds_hold_wherever_the_parameter_is(void **state)
{
    static const struct {
        const char *rights, *id, *query, *body;
        bool is_allowed;
    } rows[] = {
        { SHOW("{}"), "8000", NULL, NULL, true },
        { SHOW("{\"constraints\":{}}"), "8000", NULL, NULL, true },
        { "{\"api\":{\"misc\":{}}}", "1", NULL, NULL, true },
        { "{\"api\":{}}", "1", NULL, NULL, false },
        { BOUND("{\"lte\":7999}"), "7999", NULL, NULL, true },
        { BOUND("{\"lte\":7999}"), "8000", NULL, NULL, false },
        { BOUND("{\"gte\":7000,\"lte\":7999}"), "6999", NULL, NULL, false },
        { BOUND("{\"gte\":7000,\"lte\":7999}"), "7000", NULL, NULL, true },
        { BOUND("{\"eq\":5}"), "5", NULL, NULL, true },
        { BOUND("{\"eq\":\"5\"}"), "5", NULL, NULL, true },
        { BOUND("{\"eq\":5}"), "5x", NULL, NULL, false },
        { BOUND("{\"eq\":5}"), "0x5", NULL, NULL, false },
        { BOUND("{\"lte\":5}"), "nan", NULL, NULL, false },
        { BOUND("{\"lte\":5}"), "", NULL, NULL, false },
        { BOUND("{\"lte\":7999}"), "1", "8000", NULL, false },
        { BOUND("{\"lte\":7999}"), "1", "7", NULL, true },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":8000}", false },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":[1,2]}", true },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":[1,8000]}", false },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":[[1]]}", false },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":[]}", false },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":{\"a\":1}}", false },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":true}", false },
        { BOUND("{\"lte\":7999}"), "1", NULL, "{\"id\":null}", true },
        { SHOW("{\"constraints\":{\"part\":{\"eq\":\"wheel\"}}}"), "1", NULL, NULL, true },
        { SHOW("{\"constraints\":{\"part\":{\"eq\":\"door\"}}}"), "1", NULL, NULL, false },
        { SHOW("{\"constraints\":{\"price\":{\"lte\":0.5}}}"), "1", NULL, "{\"price\":0.5}", true },
        { SHOW("{\"constraints\":{\"price\":{\"lte\":0.5}}}"), "1", NULL, "{\"price\":\"0.51\"}",
          false },
        { SHOW("{\"constraints\":{\"price\":{\"lte\":0.5}}}"), "1", NULL, NULL, false },
        { SHOW("{\"constraints\":{\"price\":{\"lte\":0.5}}}"), "1", NULL, "{\"price\":null}",
          false },
        { SHOW("{\"constraints\":{\"on\":{\"eq\":true}}}"), "1", NULL, "{\"on\":true}", true },
        { SHOW("{\"constraints\":{\"on\":{\"eq\":true}}}"), "1", NULL, "{\"on\":1}", false },
        { SHOW("{\"constraints\":{\"n\":{\"eq\":\"7\"}}}"), "1", NULL, "{\"n\":7}", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu: %s %s", i, rows[i].rights, rows[i].id);
        CHECK(allows(rows[i].rights, rows[i].id, rows[i].query, rows[i].body) ==
              rows[i].is_allowed);
    }
}

/* "me" is whoever asks, so a bound on the number holds for it. */
static void test_me_is_a_number(void **state)
{
    auto_json json_t *rights = parse("{\"api\":{\"user_read\":{\"api.user.show\":"
                                     "{\"constraints\":{\"id\":{\"eq\":31}}}}}}");
    const struct http_request request = { .query_count = 0 };
    struct call call = { .route = &table[1],
                         .request = &request,
                         .caller = { .user_id = 31 },
                         .params = { { .text = "me" } } };
    struct error err;

    (void)state;
    CHECK_OK(rights_allow(rights, &call, &err), &err);
    call.caller.user_id = 32;
    CHECK(!rights_allow(rights, &call, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
        cmocka_unit_test(test_placeholders_are_gone_from_what_is_kept),
        cmocka_unit_test(test_bounds_hold_wherever_the_parameter_is),
        cmocka_unit_test(test_me_is_a_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

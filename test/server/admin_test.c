/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "store/support.h"
#include "sys/crypto.h"
#include "sys/file.h"

enum { WORDS_MAX = 12 };

/* Run one command on the test's database; `words` ends in NULL. */
static bool run(const struct support *support, const char *const *words, json_t **ret,
                struct error *err)
{
    char *argv[WORDS_MAX + 4] = { (char *)"--data", (char *)support->location };
    auto_buf struct buf out = buf_of(1 << 20);
    struct options options;
    int argc = 2;

    if (support->is_postgres) {
        argv[1] = (char *)support->directory;
        argv[2] = (char *)"--store";
        argv[3] = (char *)support->location;
        argc = 4;
    }
    for (size_t i = 0; words[i] != NULL; i++)
        argv[argc++] = (char *)words[i];
    if (!options_parse(admin_options, argc, argv, &options, err) || !admin_run(&options, &out, err))
        return false;
    return json_parse(out.bytes, out.length, ret, err);
}

#define RUN(ret, err, ...) run(*state, (const char *const[]){ __VA_ARGS__, NULL }, ret, err)

static void test_a_user_is_made_with_a_key_and_credit(void **state)
{
    auto_json json_t *made = NULL, *users = NULL;
    struct error err;

    CHECK_OK(RUN(&made, &err, "user", "create", "--email", "Ada@localhost", "--credit", "25.00",
                 "--admin"),
             &err);
    CHECK_INT(json_integer_value(json_object_get(made, "id")), 1);
    CHECK_TEXT(json_string_value(json_object_get(made, "email")), "Ada@localhost");
    CHECK(json_string_length(json_object_get(made, "api_key")) == TOKEN_TEXT_SIZE - 1);

    CHECK_OK(RUN(&users, &err, "user", "list"), &err);
    CHECK(json_array_size(users) == 1);
    const json_t *ada = json_array_get(users, 0);
    CHECK_TEXT(json_string_value(json_object_get(ada, "email")), "ada@localhost");
    CHECK_INT(json_integer_value(json_object_get(ada, "credit")), 25);
    CHECK(json_is_true(json_object_get(ada, "is_admin")));
    CHECK(json_object_get(ada, "api_key") == NULL);
}

static void test_credit_is_granted_once_a_ticket(void **state)
{
    auto_json json_t *made = NULL, *first = NULL, *second = NULL, *users = NULL, *limit = NULL;
    struct error err;

    CHECK_OK(RUN(&made, &err, "user", "create", "--email", "ada@localhost"), &err);
    CHECK_OK(RUN(&first, &err, "credit", "grant", "--email", "ada@localhost", "--amount", "2.50",
                 "--ticket", "T1"),
             &err);
    CHECK_OK(
        RUN(&second, &err, "credit", "grant", "--user", "1", "--amount", "2.50", "--ticket", "T1"),
        &err);
    CHECK_OK(RUN(&limit, &err, "credit", "limit", "--user", "1", "--amount", "100"), &err);
    CHECK_OK(RUN(&users, &err, "user", "list"), &err);
    const json_t *ada = json_array_get(users, 0);
    CHECK(json_number_value(json_object_get(ada, "credit")) == 2.5);
    CHECK_INT(json_integer_value(json_object_get(ada, "credit_limit")), 100);
}

static void test_the_trial_balance_is_exact(void **state)
{
    auto_json json_t *made = NULL, *books = NULL;
    struct error err;

    CHECK_OK(
        RUN(&made, &err, "user", "create", "--email", "ada@localhost", "--credit", "2.500000001"),
        &err);
    CHECK_OK(RUN(&books, &err, "ledger", "balance"), &err);
    CHECK(json_is_true(json_object_get(books, "is_balanced")));
    CHECK_TEXT(json_string_value(json_object_get(books, "liabilities")), "2.500000001");
    CHECK_TEXT(json_string_value(json_object_get(books, "expenses")), "2.500000001");
    const json_t *accounts = json_object_get(books, "accounts");
    CHECK(json_array_size(accounts) == 2);
    const json_t *promo = json_array_get(accounts, 0);
    CHECK_INT(json_integer_value(json_object_get(promo, "code")), 2020);
    CHECK_TEXT(json_string_value(json_object_get(promo, "name")), "RENTER_PROMO");
    CHECK_TEXT(json_string_value(json_object_get(promo, "credits")), "2.500000001");
    CHECK_TEXT(json_string_value(json_object_get(promo, "debits")), "0.00");
}

static void test_what_cannot_be_done_says_why(void **state)
{
    static const struct {
        const char *words[WORDS_MAX];
        enum error_code code;
        const char *part;
    } cases[] = {
        { { "user" }, ERROR_INVALID, "no such command" },
        { { "user", "burn" }, ERROR_INVALID, "no such command" },
        { { "user", "list", "all" }, ERROR_INVALID, "no such command" },
        { { "user", "create" }, ERROR_INVALID, "--email is needed" },
        { { "user", "create", "--email", "nobody" }, ERROR_FORBIDDEN, "not an email" },
        { { "user", "create", "--email", "ada@localhost" }, ERROR_FORBIDDEN, "already" },
        { { "user", "create", "--email", "b@c", "--credit", "x" }, ERROR_INVALID, "'x'" },
        { { "user", "create", "--email", "b@c", "--credit", "-1" }, ERROR_FORBIDDEN, "negative" },
        { { "credit", "grant", "--amount", "1" }, ERROR_INVALID, "--user ID or --email E" },
        { { "credit", "grant", "--user", "1" }, ERROR_INVALID, "--amount is needed" },
        { { "credit", "grant", "--user", "0", "--amount", "1" }, ERROR_INVALID, "not an id" },
        { { "credit", "grant", "--user", "9", "--amount", "1" }, ERROR_NOT_FOUND, "no user 9" },
        { { "credit", "grant", "--email", "x@y", "--amount", "1" }, ERROR_NOT_FOUND, "x@y" },
        { { "credit", "grant", "--user", "1", "--amount", "0" }, ERROR_FORBIDDEN, "above zero" },
        { { "machine", "verify" }, ERROR_INVALID, "no such command" },
        { { "machine", "verify", "x" }, ERROR_INVALID, "'x' is not an id" },
        { { "machine", "verify", "7" }, ERROR_NOT_FOUND, "no machine 7" },
        { { "machine", "place", "7", "Kiruna, SE" }, ERROR_NOT_FOUND, "no machine 7" },
        { { "machine", "place", "7", "Kiruna" }, ERROR_FORBIDDEN, "two letters" },
        { { "machine", "place", "7" }, ERROR_INVALID, "no such command" },
        { { "machine", "revoke-key", "7" }, ERROR_NOT_FOUND, "no machine 7" },
        { { "machine", "revoke-key" }, ERROR_INVALID, "no such command" },
    };
    auto_json json_t *made = NULL;
    struct error err;

    CHECK_OK(RUN(&made, &err, "user", "create", "--email", "ada@localhost"), &err);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        auto_json json_t *nothing = NULL;
        check_row("case %zu: %s", i, cases[i].part);
        CHECK_FAILS(run(*state, cases[i].words, &nothing, &err), &err, cases[i].code);
        CHECK(strstr(err.text, cases[i].part) != NULL);
    }
}

static void test_help_names_every_command(void **state)
{
    (void)state;
    auto_buf struct buf out = buf_of(1 << 16);

    admin_describe(&out);
    CHECK(strstr(out.bytes, "user create --email E") != NULL);
    CHECK(strstr(out.bytes, "machine deverify ID") != NULL);
    CHECK(strstr(out.bytes, "machine revoke-key ID") != NULL);
}

static void test_payouts_and_refunds_are_asked_for_rightly(void **state)
{
    auto_json json_t *none = NULL;
    struct error err;

    CHECK_OK(RUN(&none, &err, "payout", "list", "--state", "created"), &err);
    CHECK(json_array_size(none) == 0);
    CHECK_FAILS(RUN(&none, &err, "payout", "list", "--state", "gone"), &err, ERROR_INVALID);
    CHECK_FAILS(RUN(&none, &err, "parked", "charge", "7"), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(RUN(&none, &err, "parked", "drop", "x"), &err, ERROR_INVALID);
    CHECK_FAILS(RUN(&none, &err, "payout", "settle", "7"), &err, ERROR_NOT_FOUND);
    CHECK_FAILS(RUN(&none, &err, "payout", "fail", "7"), &err, ERROR_INVALID);
    CHECK_FAILS(RUN(&none, &err, "payout", "submit", "x"), &err, ERROR_INVALID);
    CHECK_FAILS(RUN(&none, &err, "refund", "charge", "7", "--component", "cpu", "--used", "1",
                    "--ticket", "t"),
                &err, ERROR_INVALID);
    CHECK_FAILS(RUN(&none, &err, "refund", "charge", "7", "--component", "gpu", "--used", "0",
                    "--ticket", "t"),
                &err, ERROR_INVALID);
    CHECK_FAILS(RUN(&none, &err, "refund", "charge", "7", "--component", "gpu", "--used", "1.5",
                    "--ticket", "t"),
                &err, ERROR_NOT_FOUND);
}

/* An operator, and a file with their key. */
static void make_operator(void **state, const char *email, const char *path)
{
    auto_json json_t *made = NULL;
    struct error err;

    CHECK_OK(RUN(&made, &err, "user", "create", "--email", email, "--admin"), &err);
    const char *key = json_string_value(json_object_get(made, "api_key"));
    CHECK_OK(file_replace(AT_FDCWD, path, 0600, key, strlen(key), &err), &err);
}

/* $150 of bought credit that is sent back: one operator asks, and another for the same. */
static void test_much_money_takes_two_operators(void **state)
{
    struct support *support = *state;
    auto_json json_t *made = NULL, *paid = NULL, *held = NULL, *none = NULL, *asked = NULL,
                     *waiting = NULL, *taken = NULL, *left = NULL;
    char one[160], two[160], wrong[160];
    struct error err;

    (void)snprintf(one, sizeof one, "%s/one", support->directory);
    (void)snprintf(two, sizeof two, "%s/two", support->directory);
    (void)snprintf(wrong, sizeof wrong, "%s/wrong", support->directory);
    make_operator(state, "one@localhost", one);
    make_operator(state, "two@localhost", two);
    CHECK_OK(file_replace(AT_FDCWD, wrong, 0600, "key", 3, &err), &err);
    CHECK_OK(RUN(&made, &err, "user", "create", "--email", "ada@localhost"), &err);
    CHECK_OK(RUN(&paid, &err, "credit", "deposit", "--email", "ada@localhost", "--amount", "200",
                 "--ticket", "w"),
             &err);
    CHECK_OK(RUN(&held, &err, "hold", "credit", "--email", "ada@localhost", "--amount", "150",
                 "--ticket", "h"),
             &err);
    CHECK_FAILS(RUN(&none, &err, "hold", "take", "1"), &err, ERROR_FORBIDDEN);
    CHECK(strstr(err.text, "two operators") != NULL);
    CHECK_FAILS(RUN(&none, &err, "hold", "take", "1", "--operator", wrong), &err, ERROR_FORBIDDEN);
    CHECK_FAILS(RUN(&none, &err, "hold", "take", "1", "--operator", "/nowhere"), &err,
                ERROR_NOT_FOUND);
    CHECK_OK(RUN(&asked, &err, "hold", "take", "1", "--operator", one), &err);
    CHECK(json_is_true(json_object_get(asked, "waits")));
    CHECK(json_is_false(json_object_get(asked, "changed")));
    CHECK_OK(RUN(&waiting, &err, "approval", "list", "--state", "waiting"), &err);
    CHECK(json_array_size(waiting) == 1);
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(waiting, 0), "what")), "take:1");
    CHECK_OK(RUN(&taken, &err, "hold", "take", "1", "--operator", two), &err);
    CHECK(json_is_false(json_object_get(taken, "waits")));
    CHECK(json_is_true(json_object_get(taken, "changed")));
    CHECK_OK(RUN(&left, &err, "approval", "list", "--state", "waiting"), &err);
    CHECK(json_array_size(left) == 0);
    CHECK_FAILS(RUN(&none, &err, "approval", "list", "--state", "given"), &err, ERROR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payouts_and_refunds_are_asked_for_rightly),
        cmocka_unit_test(test_a_user_is_made_with_a_key_and_credit),
        cmocka_unit_test(test_much_money_takes_two_operators),
        cmocka_unit_test(test_credit_is_granted_once_a_ticket),
        cmocka_unit_test(test_the_trial_balance_is_exact),
        cmocka_unit_test(test_what_cannot_be_done_says_why),
        cmocka_unit_test(test_help_names_every_command),
    };
    crypto_start();
    return SUPPORT_RUN(tests);
}

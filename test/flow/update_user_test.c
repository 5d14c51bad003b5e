/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/update_user.h"

#include <string.h>

#include "store/support.h"

/* One account, and what is in its row. */
struct fixture {
    struct flow flow;
    struct caller caller;
    struct arena arena;
    struct user_row user;
    struct user_profile profile;
};

static bool insert(struct db *db, void *context, struct error *err)
{
    struct fixture *fixture = context;
    const struct user_row user = {
        .email = "ada@berth.test", .username = "ada", .fullname = "", .t_zero = INSTANT_NEVER
    };

    return user_insert(db, &user, &fixture->caller.user_id, err);
}

static bool load(struct db *db, void *context, struct error *err)
{
    struct fixture *fixture = context;
    bool has;

    return user_load(db, fixture->caller.user_id, &fixture->arena, &fixture->user, &has, err);
}

static bool load_profile(struct db *db, void *context, struct error *err)
{
    struct fixture *fixture = context;
    bool has;

    return user_load_profile(db, fixture->caller.user_id, &fixture->arena, &fixture->profile, &has,
                             err);
}

static struct fixture fixture_of(struct support *support)
{
    struct fixture fixture = {
        .flow = { .store = support->store, .clock = &clock_system, .log = &support->log },
        .arena = arena_of(1 << 20)
    };

    support_write(support, insert, &fixture);
    return fixture;
}

static void test_only_what_is_given_changes(void **state)
{
    struct support *support = *state;
    struct fixture fixture = fixture_of(support);
    struct update_user_request request = { .fullname = "Ada L" };
    enum update_user_outcome outcome;
    struct error err;

    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_DONE);
    support_read(support, load, &fixture);
    CHECK_TEXT(fixture.user.username, "ada");
    CHECK_TEXT(fixture.user.fullname, "Ada L");

    request = (struct update_user_request){ .username = "countess" };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    support_read(support, load, &fixture);
    CHECK_TEXT(fixture.user.username, "countess");
    CHECK_TEXT(fixture.user.fullname, "Ada L");
    arena_release(&fixture.arena);
}

static void test_an_amount_to_warn_below_is_kept(void **state)
{
    struct support *support = *state;
    struct fixture fixture = fixture_of(support);
    const struct money amount = { 5 };
    const bool on = true;
    struct update_user_request request = { .low_credit = &amount };
    enum update_user_outcome outcome;
    struct error err;

    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    support_read(support, load, &fixture);
    CHECK_INT(fixture.user.low_credit.nanodollars, 5);
    CHECK(!fixture.user.warns_low);
    request = (struct update_user_request){ .warns_low = &on };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    support_read(support, load, &fixture);
    CHECK_INT(fixture.user.low_credit.nanodollars, 5);
    CHECK(fixture.user.warns_low);
    CHECK_TEXT(fixture.user.username, "ada");
    arena_release(&fixture.arena);
}

static void test_names_have_limits(void **state)
{
    struct support *support = *state;
    struct fixture fixture = fixture_of(support);
    char longest[NAME_LENGTH_MAX + 2];
    enum update_user_outcome outcome;
    struct error err;

    memset(longest, 'x', sizeof longest);
    longest[NAME_LENGTH_MAX + 1] = '\0';
    struct update_user_request request = { .username = longest };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_NAME_TOO_LONG);
    request = (struct update_user_request){ .fullname = longest };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_NAME_TOO_LONG);
    request = (struct update_user_request){ .username = "" };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_NAME_EMPTY);
    support_read(support, load, &fixture);
    CHECK_TEXT(fixture.user.username, "ada");
    CHECK_TEXT(fixture.user.fullname, "");

    longest[NAME_LENGTH_MAX] = '\0';
    request = (struct update_user_request){ .username = longest, .fullname = "" };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_DONE);
    support_read(support, load, &fixture);
    CHECK_TEXT(fixture.user.username, longest);
    arena_release(&fixture.arena);
}

/* Parts that are not given stay; each is held to its limit and to one line. */
static void test_an_address_is_kept_part_by_part(void **state)
{
    static char just[ADDRESS_LENGTH_MAX + 1], long_part[ADDRESS_LENGTH_MAX + 2];
    struct support *support = *state;
    struct fixture fixture = fixture_of(support);
    struct update_user_request request = {
        .address = { [ADDRESS_CITY] = "Gothenburg", [ADDRESS_TAXINFO] = "SE1" }
    };
    enum update_user_outcome outcome;
    struct error err;

    memset(just, 'x', sizeof just - 1);
    memset(long_part, 'x', sizeof long_part - 1);
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_DONE);
    request = (struct update_user_request){ .address = { [ADDRESS_LINE1] = just } };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    request = (struct update_user_request){ .address = { [ADDRESS_CITY] = long_part } };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_ADDRESS_TOO_LONG);
    request = (struct update_user_request){ .address = { [ADDRESS_ZIP] = "1\n2" } };
    CHECK_OK(flow_update_user(&fixture.flow, &fixture.caller, &request, &outcome, &err), &err);
    CHECK_INT(outcome, UPDATE_USER_BAD_ADDRESS);
    support_read(support, load_profile, &fixture);
    CHECK_TEXT(fixture.profile.address[ADDRESS_LINE1], just);
    CHECK_TEXT(fixture.profile.address[ADDRESS_CITY], "Gothenburg");
    CHECK_TEXT(fixture.profile.address[ADDRESS_ZIP], "");
    CHECK_TEXT(fixture.profile.address[ADDRESS_TAXINFO], "SE1");
    arena_release(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_given_changes),
        cmocka_unit_test(test_an_amount_to_warn_below_is_kept),
        cmocka_unit_test(test_names_have_limits),
        cmocka_unit_test(test_an_address_is_kept_part_by_part),
    };
    return SUPPORT_RUN(tests);
}

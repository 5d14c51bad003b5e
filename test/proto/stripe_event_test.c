/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/stripe_event.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

#define HEX "4c15fb2a43f93ef61eaa3e0893866d57cad9cad4223242cfb96f362480cb4021"

static void test_headers_are_read_strictly(void **state)
{
    static const struct {
        const char *header;
        int count; /* -1: refused */
    } rows[] = {
        { "t=1,v1=" HEX, 1 },
        { "v1=" HEX ",t=1", 1 },
        { "t=1,v1=" HEX ",v1=" HEX ",v0=" HEX, 2 },
        { "t=999999999999,v1=" HEX, 1 },
        { "t=1,v1=x,v1=" HEX, 1 },
        { "t=1,scheme,,v1=" HEX ",", 1 },
        { "t=1000000000000,v1=" HEX, -1 },
        { "t=1,t=1,v1=" HEX, -1 }, /* twice */
        { "t=1abc,v1=" HEX, -1 },
        { "t=-1,v1=" HEX, -1 },
        { "t=,v1=" HEX, -1 },
        { "v1=" HEX, -1 },
        { "t=1", -1 },
        { "t=1,v1=", -1 },
        { "t=1, v1=" HEX, -1 },
        { "t=1,v0=" HEX, -1 },
        { "t=1,v1=" HEX "0", -1 },
        { "t=1,v1=4C15FB2A43F93EF61EAA3E0893866D57CAD9CAD4223242CFB96F362480CB4021", -1 },
        { "", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stripe_signature signature = { .count = 0 };

        check_row("%s", rows[i].header);
        CHECK_INT(stripe_signature_read(rows[i].header, &signature) ? (int)signature.count : -1,
                  rows[i].count);
    }
}

static void test_no_more_signatures_are_taken_than_there_is_room_for(void **state)
{
    char header[2048] = "t=1";
    struct stripe_signature signature;

    (void)state;
    for (int i = 0; i < STRIPE_SIGNATURES_MAX + 2; i++)
        (void)strcat(header, ",v1=" HEX);
    CHECK(stripe_signature_read(header, &signature));
    CHECK_INT((int64_t)signature.count, STRIPE_SIGNATURES_MAX);
}

static void test_a_clock_may_be_off_by_the_tolerance(void **state)
{
    const struct stripe_signature signature = { .seconds = 1700000000 };

    (void)state;
    CHECK(stripe_signature_is_fresh(&signature, 1700000300));
    CHECK(!stripe_signature_is_fresh(&signature, 1700000301));
    CHECK(stripe_signature_is_fresh(&signature, 1699999700));
    CHECK(!stripe_signature_is_fresh(&signature, 1699999699));
}

static bool read_text(const char *text, struct stripe_event *event, json_t **json)
{
    struct error err;

    return json_parse(text, strlen(text), json, &err) && stripe_event_read(*json, event, &err);
}

static void test_an_event_says_what_it_is_about(void **state)
{
    auto_json json_t *json = NULL;
    struct stripe_event event = { .id = "" };

    (void)state;
    CHECK(read_text("{\"id\":\"evt_1\",\"type\":\"payout.paid\",\"livemode\":false,"
                    "\"account\":\"acct_1\",\"data\":{\"object\":{\"id\":\"po_1\",\"object\":"
                    "\"payout\",\"customer\":null,\"metadata\":{\"berth_installation\":\"i\"}}}}",
                    &event, &json));
    CHECK_TEXT(event.object_id, "po_1");
    CHECK_TEXT(event.object_kind, "payout");
    CHECK_TEXT(event.account, "acct_1");
    CHECK_TEXT(event.installation, "i");
    CHECK_TEXT(event.customer, "");
    CHECK(!event.is_live);
}

static void test_what_is_no_event_is_refused(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{\"id\":\"evt_1\",\"type\":\"a\",\"livemode\":false}",
        "{\"id\":\"evt_1\",\"type\":\"a\",\"data\":{\"object\":{}}}",
        "{\"id\":\"evt/1\",\"type\":\"a\",\"livemode\":true,\"data\":{\"object\":{}}}",
        ("{\"id\":\"e\",\"type\":\"a\",\"livemode\":true,\"account\":\"a b\","
         "\"data\":{\"object\":{}}}"),
        "{\"id\":7,\"type\":\"a\",\"livemode\":true,\"data\":{\"object\":{}}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        auto_json json_t *json = NULL;
        struct stripe_event event;

        check_row("%s", bad[i]);
        CHECK(!read_text(bad[i], &event, &json));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_are_read_strictly),
        cmocka_unit_test(test_no_more_signatures_are_taken_than_there_is_room_for),
        cmocka_unit_test(test_a_clock_may_be_off_by_the_tolerance),
        cmocka_unit_test(test_an_event_says_what_it_is_about),
        cmocka_unit_test(test_what_is_no_event_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

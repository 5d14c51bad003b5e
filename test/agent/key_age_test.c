/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/key_age.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "check.h"
#include "support_home.h"

#define DAY_S    INT64_C(86400)
#define EVERY_US (180 * DAY_S * US_PER_SECOND)
#define NOW      ((struct instant){ 2000000000 * US_PER_SECOND })

static int dir(void)
{
    return home_identity()->dir;
}

/* A key whose first byte is that, so old when the agent noted it, which was now. */
static void note(int64_t age_s, uint8_t first)
{
    uint8_t key[PUBLIC_KEY_SIZE] = { first };
    char hex[HEX_SIZE(PUBLIC_KEY_SIZE)], text[256];

    (void)snprintf(text, sizeof text, "%lld 2000000000 %s\n", (long long)age_s,
                   hex_format(key, sizeof key, hex));
    home_write(KEY_AGE_FILE, text);
}

static void test_spans_are_days_or_hours(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        { 0, "less than an hour" },
        { 3599, "less than an hour" },
        { 3600, "1 hour" },
        { 2 * 3600 - 1, "1 hour" },
        { 2 * 3600, "2 hours" },
        { 2 * DAY_S - 1, "47 hours" },
        { 2 * DAY_S, "2 days" },
        { 180 * DAY_S, "180 days" },
        { 181 * DAY_S - 1, "180 days" },
        { INT64_MAX, "106751991167300 days" },
    };
    char text[KEY_SPAN_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        CHECK_TEXT(key_age_span(rows[i].seconds, text), rows[i].text);
    }
}

/* Up to half a hundredth later, after the key itself. */
static void test_hosts_that_began_together_turn_apart(void **state)
{
    uint8_t key[PUBLIC_KEY_SIZE] = { 0 };
    int64_t before = 0;

    (void)state;
    for (int first = 0; first < 256; first++) {
        key[0] = (uint8_t)first;
        int64_t due_us = key_age_max_us(key, EVERY_US);

        CHECK(due_us > before);
        CHECK(due_us >= EVERY_US && due_us < EVERY_US + EVERY_US / 200);
        before = due_us;
    }
}

static void test_its_age_and_when_another_comes_are_told(void **state)
{
    static const struct {
        int64_t age_s;
        uint8_t first;
        const char *text;
        bool is_good;
    } rows[] = {
        { 0, 0, "less than an hour old; another takes its place in 180 days", true },
        { 12 * DAY_S, 0, "12 days old; another takes its place in 168 days", true },
        { 180 * DAY_S - 1, 0, "179 days old; another takes its place in less than an hour", true },
        { 180 * DAY_S - 1, 255, "179 days old; another takes its place in 21 hours", true },
        { 180 * DAY_S, 0, "180 days old; another has been due for less than an hour", true },
        { 182 * DAY_S - 1, 0, "181 days old; another has been due for 47 hours", true },
        { 182 * DAY_S, 0, "182 days old; another has been due for 2 days", false },
    };
    char text[KEY_AGE_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        note(rows[i].age_s, rows[i].first);
        CHECK(key_age_tell(dir(), NOW, EVERY_US, text) == rows[i].is_good);
        CHECK_TEXT(text, rows[i].text);
    }
    /* The agent has been away for two days. */
    note(12 * DAY_S, 0);
    CHECK(key_age_tell(dir(), instant_add(NOW, 2 * DAY_S * US_PER_SECOND), EVERY_US, text));
    CHECK_TEXT(text, "14 days old; another takes its place in 166 days");
}

static void test_a_turn_that_was_asked_for_is_told_of(void **state)
{
    char text[KEY_AGE_TEXT];
    char why[KEY_WHY_MAX];

    (void)state;
    note(12 * DAY_S, 0);
    home_write(KEY_ASKED_FILE, "");
    CHECK(key_age_tell(dir(), NOW, EVERY_US, text));
    CHECK_TEXT(text,
               "12 days old; another takes its place in 168 days; somebody asked for another");
    home_write(KEY_ASKED_FILE, "the server answers 503: later");
    CHECK(key_age_tell(dir(), NOW, EVERY_US, text));
    CHECK_TEXT(text,
               "12 days old; another takes its place in 168 days; somebody asked for another: "
               "the server answers 503: later");
    /* As long as it gets, and longer: it is cut, and nothing else is. */
    memset(why, 'w', sizeof why);
    why[sizeof why - 1] = '\0';
    home_write(KEY_ASKED_FILE, why);
    CHECK(key_age_tell(dir(), NOW, EVERY_US, text));
    CHECK(strlen(text) == KEY_AGE_TEXT - 1);
}

static void test_what_is_not_noted_is_not_made_up(void **state)
{
    static const char *const texts[] = { "", "x", "1 2", "1 2 3 4" };
    uint8_t key[PUBLIC_KEY_SIZE] = { 7 }, same[PUBLIC_KEY_SIZE] = { 7 };
    char text[KEY_AGE_TEXT];
    int64_t age_s = -7;

    (void)state;
    for (size_t i = 0; i <= sizeof texts / sizeof texts[0]; i++) {
        check_row("%zu", i);
        if (i > 0)
            home_write(KEY_AGE_FILE, texts[i - 1]);
        else
            (void)unlinkat(dir(), KEY_AGE_FILE, 0);
        CHECK(!key_age_read(dir(), NOW, &age_s, key));
        CHECK_INT(age_s, -7);
        CHECK(memcmp(key, same, sizeof key) == 0);
        CHECK(key_age_tell(dir(), NOW, EVERY_US, text));
        CHECK_TEXT(text, "its age is not noted yet: the agent does that");
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_are_days_or_hours),
        cmocka_unit_test(test_hosts_that_began_together_turn_apart),
        CASE(test_its_age_and_when_another_comes_are_told),
        CASE(test_a_turn_that_was_asked_for_is_told_of),
        CASE(test_what_is_not_noted_is_not_made_up),
    };
#undef CASE

    return cmocka_run_group_tests(tests, NULL, NULL);
}

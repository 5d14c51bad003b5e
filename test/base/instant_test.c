/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"

#include <stdio.h>

#include "check.h"

static void test_texts_of_known_instants(void **state)
{
    static const struct {
        int64_t microseconds;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { 1, "1970-01-01T00:00:00.000001Z" },
        { 951782399999999, "2000-02-28T23:59:59.999999Z" },
        { 951782400000000, "2000-02-29T00:00:00.000000Z" }, /* 400 divides 2000 */
        { 951868800000000, "2000-03-01T00:00:00.000000Z" },
        { 1709164800000000, "2024-02-29T00:00:00.000000Z" },
        { 1795356202123456, "2026-11-22T14:03:22.123456Z" },
        { 4107542400000000, "2100-03-01T00:00:00.000000Z" }, /* no leap day before it */
        { 4107456000000000, "2100-02-28T00:00:00.000000Z" },
        { 253402300799999999, "9999-12-31T23:59:59.999999Z" },
        { 253402300800000000, "9999-12-31T23:59:59.999999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999999Z" },
        { -62135596800000000, "0001-01-01T00:00:00.000000Z" },
        { -62135596800000001, "0001-01-01T00:00:00.000000Z" },
        { INT64_MIN, "0001-01-01T00:00:00.000000Z" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[INSTANT_TEXT_SIZE];

        check_row("%lld", (long long)rows[i].microseconds);
        CHECK_TEXT(instant_format((struct instant){ rows[i].microseconds }, text), rows[i].text);
    }
}

/* A calendar that is counted through day by day: no formula to share a mistake with. */
static void test_every_day_of_four_centuries(void **state)
{
    int year = 1970, month = 1, day = 1;

    (void)state;
    for (int64_t days = 0; days < 146097; days++) {
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int lengths[] = { 31, is_leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        char text[INSTANT_TEXT_SIZE], want[64];

        (void)snprintf(want, sizeof want, "%04d-%02d-%02dT12:00:00.000000Z", year, month, day);
        (void)instant_format((struct instant){ days * 24 * US_PER_HOUR + 12 * US_PER_HOUR }, text);
        CHECK_TEXT(text, want);
        if (++day > lengths[month - 1]) {
            day = 1;
            if (++month > 12) {
                month = 1;
                year++;
            }
        }
    }
}

static void test_arithmetic_stops_at_the_ends(void **state)
{
    static const struct {
        int64_t from, duration_us, sum;
    } rows[] = {
        { 5, -7, -2 },
        { INT64_MAX - 1, 1, INT64_MAX },
        { INT64_MAX - 1, 2, INT64_MAX },
        { INT64_MAX, INT64_MAX, INT64_MAX },
        { INT64_MIN + 1, -1, INT64_MIN },
        { INT64_MIN + 1, -2, INT64_MIN },
        { INT64_MIN, INT64_MIN, INT64_MIN },
        { INT64_MIN, INT64_MAX, -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct instant from = { rows[i].from };

        check_row("row %zu", i);
        CHECK_INT(instant_add(from, rows[i].duration_us).microseconds, rows[i].sum);
    }
    CHECK_INT(instant_until((struct instant){ 3 }, (struct instant){ 10 }), 7);
    CHECK_INT(instant_until((struct instant){ 10 }, (struct instant){ 3 }), -7);
    CHECK_INT(instant_until((struct instant){ -2 }, (struct instant){ INT64_MAX }), INT64_MAX);
    CHECK_INT(instant_until((struct instant){ 2 }, (struct instant){ INT64_MIN }), INT64_MIN);
}

static void test_order(void **state)
{
    struct instant early = { -5 }, late = { 5 };

    (void)state;
    CHECK(instant_compare(early, late) < 0);
    CHECK(instant_compare(late, early) > 0);
    CHECK(instant_compare(late, late) == 0);
    CHECK(instant_compare((struct instant){ INT64_MIN }, (struct instant){ INT64_MAX }) < 0);
    CHECK_INT(instant_max(early, late).microseconds, 5);
    CHECK_INT(instant_max(late, early).microseconds, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_of_known_instants),
        cmocka_unit_test(test_every_day_of_four_centuries),
        cmocka_unit_test(test_arithmetic_stops_at_the_ends),
        cmocka_unit_test(test_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

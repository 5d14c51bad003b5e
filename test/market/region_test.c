/* SPDX-License-Identifier: Apache-2.0 */
#include "market/region.h"

#include <string.h>

#include "check.h"

static bool has(const char *region, const char *code)
{
    for (const char *at = region_countries(region); *at != '\0'; at += 2)
        if (memcmp(at, code, 2) == 0)
            return true;
    return false;
}

static void test_regions_hold_their_countries(void **state)
{
    (void)state;
    CHECK_INT((int64_t)strlen(region_countries("EU")), 2 * 27);
    CHECK(has("EU", "SE") && !has("EU", "NO") && !has("EU", "GB"));
    CHECK(has("Europe", "SE") && has("europe", "NO") && has("EUROPE", "GB"));
    CHECK(has("North_America", "US") && has("north-america", "CA") && !has("North America", "BR"));
    CHECK(has("South America", "BR") && has("Asia", "JP") && has("Africa", "ZA"));
    CHECK(has("Oceania", "AU"));
    CHECK(region_countries("SE") == NULL);
    CHECK(region_countries("") == NULL);
    CHECK(region_countries("Europe ") == NULL);
}

static void test_a_country_is_on_one_continent(void **state)
{
    static const char *const continents[] = { "Europe", "North America", "South America",
                                              "Asia",   "Africa",        "Oceania" };
    enum { COUNT = sizeof continents / sizeof continents[0] };

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        for (const char *at = region_countries(continents[i]); *at != '\0'; at += 2) {
            check_row("%s, %.2s", continents[i], at);
            CHECK(at[0] >= 'A' && at[0] <= 'Z' && at[1] >= 'A' && at[1] <= 'Z');
            for (size_t j = i + 1; j < COUNT; j++)
                CHECK(!has(continents[j], at));
        }
    }
    for (const char *at = region_countries("EU"); *at != '\0'; at += 2) {
        check_row("%.2s", at);

        CHECK(has("Europe", at));
    }
}

static void test_the_continent_of_a_country(void **state)
{
    (void)state;
    CHECK_TEXT(region_continent("SE"), "Europe");
    CHECK_TEXT(region_continent("US"), "North America");
    CHECK_TEXT(region_continent("ZM"), "Africa");
    CHECK_TEXT(region_continent("EA"), ""); /* across two codes */
    CHECK_TEXT(region_continent("\0"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions_hold_their_countries),
        cmocka_unit_test(test_a_country_is_on_one_continent),
        cmocka_unit_test(test_the_continent_of_a_country),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

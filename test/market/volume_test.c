/* SPDX-License-Identifier: Apache-2.0 */
#include "market/volume.h"

#include <string.h>

#include "check.h"
#include "support.h"

/* 100 GB at $0.10, of which 30 are sold, and $10 to spend. */
static struct volume_facts some_facts_of_volume(void)
{
    return (struct volume_facts){
        .now = NOON,
        .has_offer = true,
        .terms = { .disk_month = { 100000000 }, .disk_gb = 100, .end = INSTANT_NEVER },
        .sold_gb = 30,
        .free_gb = 500,
        .is_connected = true,
        .credit =
            credit_open((struct money){ 10 * NANODOLLARS_PER_DOLLAR }, (struct money){ 0 }, NOON),
        .fee_bps = FEE_BPS_DEFAULT,
    };
}

static void test_it_is_a_disk_and_nothing_else(void **state)
{
    struct volume_facts facts = some_facts_of_volume();
    struct volume_plan plan;

    (void)state;
    CHECK_INT(volume_decide(20, &facts, &plan), RENT_OK);
    CHECK_INT(plan.terms.num_gpus, 0);
    CHECK_INT(plan.terms.gpu_hour.nanodollars, 0);
    CHECK_INT(plan.terms.up_tb.nanodollars, 0);
    CHECK_INT(plan.terms.disk_gb, 20);
    for (int i = 0; i < COMPONENT_COUNT; i++) {
        bool is_disk = i + 1 == COMPONENT_DISK;

        check_row("meter %d", i + 1);
        CHECK_INT(plan.meters[i].rate.nanodollars, is_disk ? 100000000 : 0);
        CHECK_INT(plan.meters[i].quantity, is_disk ? 20 : 1);
        CHECK_INT(plan.meters[i].fee_bps, 2500);
    }
}

static void test_every_reason_to_refuse(void **state)
{
    struct volume_facts facts = some_facts_of_volume();
    struct volume_plan plan, untouched;

    (void)state;
    memset(&plan, 0x5a, sizeof plan);
    untouched = plan;
#define REFUSES(change, size, want)                                                                \
    do {                                                                                           \
        facts = some_facts_of_volume();                                                            \
        change;                                                                                    \
        CHECK_INT(volume_decide((size), &facts, &plan), (want));                                   \
        CHECK(memcmp(&plan, &untouched, sizeof plan) == 0);                                        \
    } while (0)
    REFUSES(facts.has_offer = false, 20, RENT_NO_SUCH_OFFER);
    REFUSES(facts.terms.end = instant_add(NOON, RENT_LIFETIME_MIN_US - 1), 20, RENT_OFFER_OVER);
    REFUSES(facts.is_connected = false, 20, RENT_MACHINE_OFFLINE);
    REFUSES(facts.is_deverified = true, 20, RENT_MACHINE_DEVERIFIED);
    REFUSES(facts.is_barred = true, 20, RENT_ACCOUNT_BARRED);
    REFUSES(facts.volume_count = VOLUME_COUNT_MAX, 20, RENT_TOO_MANY_CONTRACTS);
    REFUSES(, 0, RENT_BAD_DISK);
    REFUSES(, 71, RENT_DISK_TOO_LARGE);
    REFUSES(facts.free_gb = 19, 20, RENT_DISK_TOO_LARGE);
    REFUSES(facts.sold_gb = 200, 1, RENT_DISK_TOO_LARGE);
    REFUSES(facts.credit.posted.nanodollars = CREDIT_RENTAL_MIN - 1, 20, RENT_NO_CREDIT);
    REFUSES(facts.spend_cap.nanodollars = 2777777, 20, RENT_SPEND_CAP);
    REFUSES(facts.waiting.nanodollars = 1;
            facts.spend_cap.nanodollars = 2777778, 20, RENT_SPEND_CAP);
#undef REFUSES

    facts = some_facts_of_volume();
    facts.terms.end = instant_add(NOON, RENT_LIFETIME_MIN_US);
    facts.volume_count = VOLUME_COUNT_MAX - 1;
    facts.free_gb = 70;
    facts.credit.posted.nanodollars = CREDIT_RENTAL_MIN;
    facts.spend_cap.nanodollars = 9722223; /* 70 GB, rounded up */
    CHECK_INT(volume_decide(70, &facts, &plan), RENT_OK);
}

static void test_where_one_may_be_mounted(void **state)
{
    static const struct {
        const char *path;
        bool is_good;
    } rows[] = {
        { "/data", true },        { "/workspace/a.b", true },
        { "/mnt/x-y_z", true },   { "/usr/local/x", true },
        { "/var/lib/x", true },   { "/opt/berth2", true },
        { "/...", true },         { "/a/..b", true },
        { "/root", true },        { "", false },
        { "/", false },           { "data", false },
        { "/a/", false },         { "//a", false },
        { "/a//b", false },       { "/..", false },
        { "/a/../b", false },     { "/a/.", false },
        { "/./a", false },        { "/proc", false },
        { "/proc/1", false },     { "/sys/x", false },
        { "/dev/shm", false },    { "/etc", false },
        { "/etc/passwd", false }, { "/usr", false },
        { "/usr/lib", false },    { "/opt", false },
        { "/opt/berth", false },  { "/opt/berth/x", false },
        { "/a:b", false },        { "/a\\b", false },
        { "/a\nb", false },       { "/var", false },
        { "/run", false },
    };
    char longest[VOLUME_PATH_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].path);
        CHECK_INT(volume_path_is_good(rows[i].path), rows[i].is_good);
    }
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[VOLUME_PATH_MAX + 1] = '\0';
    CHECK(!volume_path_is_good(longest));
    longest[VOLUME_PATH_MAX] = '\0';
    CHECK(volume_path_is_good(longest));
}

static void test_a_word_names_a_volume_and_a_place(void **state)
{
    static const char *const bad[] = { "",           "V.:/data",     "V.0:/data",
                                       "V.1",        "V.1:data",     "X.1:/data",
                                       "/a:/data",   "V.1:/data:ro", "V.1x:/data",
                                       "V.-1:/data", "V.1:/",        "1234567890123456789:/a" };
    struct volume_word word = { 7, "x" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("%s", bad[i]);
        CHECK(!volume_word_parse(bad[i], &word));
        CHECK_INT(word.id, 7);
    }
    CHECK(volume_word_parse("V.8101:/data", &word));
    CHECK_INT(word.id, 8101);
    CHECK_TEXT(word.path, "/data");
    CHECK(volume_word_parse("123456789012345678:/a/b", &word));
    CHECK_INT(word.id, INT64_C(123456789012345678));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_a_disk_and_nothing_else),
        cmocka_unit_test(test_every_reason_to_refuse),
        cmocka_unit_test(test_where_one_may_be_mounted),
        cmocka_unit_test(test_a_word_names_a_volume_and_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/release.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static void test_versions_are_three_numbers(void **state)
{
    static const struct {
        const char *text;
        bool is_version;
    } rows[] = {
        { "0.1.0", true },       { "1.20.300", true }, { "99999.99999.99999", true },
        { "100000.0.0", false }, { "1.2", false },     { "1.2.3.4", false },
        { "1.2.3-rc1", false },  { "v1.2.3", false },  { "1..3", false },
        { "01.2.3", false },     { "1.2.03", false },  { " 1.2.3", false },
        { "1.2.3 ", false },     { "", false },        { "1.2.", false },
        { "-1.2.3", false },     { "+1.2.3", false },  { "../../x", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct release_version version = { { 7, 7, 7 } };

        check_row("'%s'", rows[i].text);
        CHECK(release_version_parse(rows[i].text, &version) == rows[i].is_version);
        if (!rows[i].is_version)
            CHECK(version.numbers[0] == 7 && version.numbers[2] == 7);
    }
}

/* Numbers, not texts: each as a number, the first that differs decides. */
static void test_versions_have_an_order(void **state)
{
    static const char *const rising[] = { "0.0.1", "0.0.9",  "0.0.10", "0.1.0",
                                          "0.9.9", "0.10.0", "1.0.0",  "10.0.0" };
    size_t count = sizeof rising / sizeof rising[0];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct release_version a, b;

            CHECK(release_version_parse(rising[i], &a) && release_version_parse(rising[j], &b));
            check_row("%s and %s", rising[i], rising[j]);
            CHECK_INT(release_version_compare(&a, &b), (i > j) - (i < j));
        }
    }
}

static void test_targets_are_safe_in_paths(void **state)
{
    char longest[RELEASE_TARGET_SIZE + 1];
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        { "debian-12-x86_64", true },
        { "ubuntu-24.04-aarch64", true },
        { "a", true },
        { "", false },
        { ".", false },
        { "..", false },
        { "../x", false },
        { "a/b", false },
        { "-a", false },
        { "A", false },
        { "a b", false },
        { "a%2f", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].text);
        CHECK(release_target_is_valid(rows[i].text) == rows[i].is_good);
    }
    memset(longest, 'a', sizeof longest);
    longest[RELEASE_TARGET_SIZE] = '\0';
    CHECK(!release_target_is_valid(longest));
    longest[RELEASE_TARGET_SIZE - 1] = '\0';
    CHECK(release_target_is_valid(longest));
}

static struct release a_release(void)
{
    struct release release = { .version = "1.2.3",
                               .number = { { 1, 2, 3 } },
                               .target = "debian-12-x86_64",
                               .files = { { 5, { 1, 2 } }, { RELEASE_FILE_MAX, { 3 } } } };

    return release;
}

static void test_what_is_written_is_read(void **state)
{
    const struct release release = a_release();
    struct release got = { .version = "9.9.9" };
    auto_buf struct buf text = buf_of(RELEASE_MANIFEST_MAX), offer_text = buf_of(1 << 16);
    struct release_offer offer = { .signature = { 7, [63] = 9 } }, got_offer;
    auto_json json_t *root = NULL;
    struct error err;

    (void)state;
    release_encode(&text, &release);
    CHECK_OK(release_decode(text.bytes, text.length, &got, &err), &err);
    CHECK_INT(memcmp(&got, &release, sizeof got), 0);

    offer.manifest = text.bytes;
    release_offer_encode(&offer_text, &offer);
    CHECK_OK(json_parse(offer_text.bytes, offer_text.length, &root, &err), &err);
    CHECK_OK(release_offer_decode(root, &got_offer, &err), &err);
    /* What was signed comes out as it went in, byte by byte. */
    CHECK_TEXT(got_offer.manifest, text.bytes);
    CHECK_INT(memcmp(got_offer.signature, offer.signature, sizeof offer.signature), 0);
}

#define HASH  "0000000000000000000000000000000000000000000000000000000000000000"
#define GUEST ",{\"name\":\"berth-guest\",\"size\":1,\"sha256\":\"" HASH "\"}]}"
#define HEAD  "{\"version\":\"1.2.3\",\"target\":\"t\",\"files\":["

static void test_what_makes_no_sense_is_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        HEAD "]}",
        HEAD "{\"name\":\"berth-guest\",\"size\":1,\"sha256\":\"" HASH "\"}" GUEST,
        HEAD "{\"name\":\"../berth-host\",\"size\":1,\"sha256\":\"" HASH "\"}" GUEST,
        HEAD "{\"name\":\"berth-host\",\"size\":0,\"sha256\":\"" HASH "\"}" GUEST,
        HEAD "{\"name\":\"berth-host\",\"size\":33554433,\"sha256\":\"" HASH "\"}" GUEST,
        HEAD "{\"name\":\"berth-host\",\"size\":1,\"sha256\":\"00\"}" GUEST,
        HEAD "{\"name\":\"berth-host\",\"size\":1,\"sha256\":\"" HASH "\"}]}",
        "{\"version\":\"1.2\",\"target\":\"t\",\"files\":[{\"name\":\"berth-host\",\"size\":1,"
        "\"sha256\":\"" HASH "\"}" GUEST,
        "{\"version\":\"1.2.3\",\"target\":\"../t\",\"files\":[{\"name\":\"berth-host\",\"size\":1,"
        "\"sha256\":\"" HASH "\"}" GUEST,
    };
    static const char good[] =
        HEAD "{\"name\":\"berth-host\",\"size\":33554432,\"sha256\":\"" HASH "\"}" GUEST;
    struct release release;
    struct error err;

    (void)state;
    CHECK_OK(release_decode(good, strlen(good), &release, &err), &err);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i]);
        release = (struct release){ .version = "7.7.7" };
        CHECK(!release_decode(rows[i], strlen(rows[i]), &release, &err));
        CHECK_TEXT(release.version, "7.7.7");
    }
}

/* A manifest cannot be taken for another document that the key might sign, nor for a longer one. */
static void test_what_is_signed_says_what_it_is(void **state)
{
    auto_buf struct buf bytes = buf_of(1 << 10);

    (void)state;
    release_signed(&bytes, "{}", 2);
    CHECK_TEXT(bytes.bytes, "berth-release-v1\n2\n{}");
}

static void test_an_offer_without_a_whole_signature_is_none(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"manifest\":\"{}\"}",
        "{\"manifest\":\"{}\",\"signature\":\"\"}",
        "{\"manifest\":\"{}\",\"signature\":\"AAAA\"}",
        "{\"manifest\":1,\"signature\":\"AAAA\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_json json_t *root = NULL;
        struct release_offer offer = { .manifest = "kept" };
        struct error err;

        check_row("%s", rows[i]);
        CHECK_OK(json_parse(rows[i], strlen(rows[i]), &root, &err), &err);
        CHECK(!release_offer_decode(root, &offer, &err));
        CHECK_TEXT(offer.manifest, "kept");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_are_three_numbers),
        cmocka_unit_test(test_versions_have_an_order),
        cmocka_unit_test(test_targets_are_safe_in_paths),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_what_makes_no_sense_is_refused),
        cmocka_unit_test(test_what_is_signed_says_what_it_is),
        cmocka_unit_test(test_an_offer_without_a_whole_signature_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/image.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_references_that_are_taken(void **state)
{
    static const struct {
        const char *text;
        const char *host, *path, *tag, *digest;
        const char *full;
    } rows[] = {
        { "ubuntu", "", "ubuntu", "", "", "ubuntu:latest" },
        { "ubuntu:22.04", "", "ubuntu", "22.04", "", "ubuntu:22.04" },
        { "pytorch/pytorch:2.4.0-cuda12.4_x", "", "pytorch/pytorch", "2.4.0-cuda12.4_x", "",
          "pytorch/pytorch:2.4.0-cuda12.4_x" },
        { "ghcr.io/a/b/c", "ghcr.io", "a/b/c", "", "", "ghcr.io/a/b/c:latest" },
        { "127.0.0.1:5000/x:1", "127.0.0.1:5000", "x", "1", "", "127.0.0.1:5000/x:1" },
        { "localhost/x", "localhost", "x", "", "", "localhost/x:latest" },
        { "localhost:1/x", "localhost:1", "x", "", "", "localhost:1/x:latest" },
        { "Registry.Example/x", "Registry.Example", "x", "", "", "Registry.Example/x:latest" },
        { "user/repo", "", "user/repo", "", "", "user/repo:latest" },
        { "a.b_c__d-e--f/g", "a.b_c__d-e--f", "g", "", "", "" }, /* a registry has no '_' */
        { "x/a.b_c__d-e---f", "", "x/a.b_c__d-e---f", "", "", "x/a.b_c__d-e---f:latest" },
        { "x@sha256:" HEX64, "", "x", "", "sha256:" HEX64, "x@sha256:" HEX64 },
        { "x:t@sha512:" HEX64 HEX64, "", "x", "t", "sha512:" HEX64 HEX64,
          "x:t@sha512:" HEX64 HEX64 },
        { "x:_", "", "x", "_", "", "x:_" },
        { "0", "", "0", "", "", "0:latest" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct image image;
        struct error err;
        char full[IMAGE_TEXT_SIZE];

        check_row("%s", rows[i].text);
        if (*rows[i].full == '\0') {
            CHECK_FAILS(image_parse(rows[i].text, &image, &err), &err, ERROR_INVALID);
            continue;
        }
        CHECK_OK(image_parse(rows[i].text, &image, &err), &err);
        CHECK_TEXT(image.host, rows[i].host);
        CHECK_TEXT(image.path, rows[i].path);
        CHECK_TEXT(image.tag, rows[i].tag);
        CHECK_TEXT(image.digest, rows[i].digest);
        CHECK_TEXT(image_format(&image, full), rows[i].full);
        CHECK_OK(image_parse(full, &image, &err), &err);
    }
}

static const char *const bad_references[] = {
    "",
    " ",
    "-v",
    "--privileged",
    "Ubuntu",
    "ubuntu ",
    " ubuntu",
    "ubuntu:",
    "ubuntu:-1",
    "ubuntu:.1",
    "ubuntu:a b",
    "ubuntu\n",
    "ubuntu\x01",
    "u\tb",
    "/ubuntu",
    "ubuntu/",
    "a//b",
    "a/../b",
    "..",
    ".",
    "a..b",
    "a.",
    ".a",
    "_a",
    "a_",
    "-a",
    "a-",
    "a___b",
    "a._b",
    "a/-b",
    "a;b",
    "a$b",
    "a`b`",
    "a'b",
    "a\"b",
    "a|b",
    "a&b",
    "a%2e",
    "a?b",
    "a#b",
    "a\\b",
    "x@",
    "x@sha256:",
    "x@sha256:abc",
    "x@sha1:" HEX64,
    "x@sha256:" HEX64 "0",
    "x@sha256:G123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "x@sha256:ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789",
    "x@sha256:" HEX64 "@sha256:" HEX64,
    "host.x:/y",
    "host.x:0/y",
    "host.x:65536/y",
    "host.x:123456/y",
    "host.x:1a/y",
    "-host.x/y",
    "host-.x/y",
    "host..x/y",
    ".x/y",
    "x./y",
    "host.x:80:80/y",
    "http://x/y",
    "x:a:b",
    "\xc3\xa4",
    "x:\xff",
};

static void test_references_that_are_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_references / sizeof bad_references[0]; i++) {
        struct image image = { .path = "kept" };
        struct error err;

        check_row("'%s'", bad_references[i]);
        CHECK_FAILS(image_parse(bad_references[i], &image, &err), &err, ERROR_INVALID);
        CHECK_TEXT(image.path, "kept");
        CHECK(strlen(err.text) > 0);
    }
}

/* `count` letters of a tag, a path or a registry: the longest, and one more. */
static bool parse_long(const char *before, size_t count, const char *behind)
{
    char text[2 * IMAGE_TEXT_SIZE], letters[2 * IMAGE_TEXT_SIZE] = "";
    struct image image;
    struct error err;

    memset(letters, 'a', count);
    (void)snprintf(text, sizeof text, "%s%.*s%s", before, (int)count, letters, behind);
    return image_parse(text, &image, &err);
}

static void test_every_part_has_its_limit(void **state)
{
    (void)state;
    CHECK(parse_long("x:", IMAGE_TAG_SIZE - 1, ""));
    CHECK(!parse_long("x:", IMAGE_TAG_SIZE, ""));
    CHECK(parse_long("", IMAGE_PATH_SIZE - 1, ""));
    CHECK(!parse_long("", IMAGE_PATH_SIZE, ""));
    CHECK(parse_long("x.", IMAGE_HOST_SIZE - 3, "/y"));
    CHECK(!parse_long("x.", IMAGE_HOST_SIZE - 2, "/y"));
    CHECK(!parse_long("", IMAGE_TEXT_SIZE, ""));
}

/* The longest of all that passes can be written in full. */
static void test_the_longest_can_be_written(void **state)
{
    struct image image = { 0 };
    char full[IMAGE_TEXT_SIZE];

    (void)state;
    memset(image.host, 'a', sizeof image.host - 1);
    memset(image.path, 'b', sizeof image.path - 1);
    memset(image.tag, 'c', sizeof image.tag - 1);
    memset(image.digest, 'd', sizeof image.digest - 1);
    CHECK(strlen(image_format(&image, full)) ==
          sizeof image.host + sizeof image.path + sizeof image.tag + sizeof image.digest - 1);
}

static void test_one_image_has_one_name(void **state)
{
    static const char *const rows[][2] = {
        { "ubuntu", "ubuntu:latest" },
        { "library/ubuntu", "ubuntu:latest" },
        { "docker.io/ubuntu:1", "ubuntu:1" },
        { "docker.io/library/ubuntu:1", "ubuntu:1" },
        { "docker.io/a/b", "a/b:latest" },
        { "library/a/b", "library/a/b:latest" },
        { "quay.io/library/ubuntu:1", "quay.io/library/ubuntu:1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[IMAGE_TEXT_SIZE];
        struct image image;
        struct error err;

        check_row("%s", rows[i][0]);
        CHECK_OK(image_parse(rows[i][0], &image, &err), &err);
        CHECK_TEXT(image_name(&image, name), rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_that_are_taken),
        cmocka_unit_test(test_references_that_are_not),
        cmocka_unit_test(test_every_part_has_its_limit),
        cmocka_unit_test(test_the_longest_can_be_written),
        cmocka_unit_test(test_one_image_has_one_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

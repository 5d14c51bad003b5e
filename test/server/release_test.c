/* SPDX-License-Identifier: Apache-2.0 */
#include "server/release.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "check.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/file.h"

static char home[64];

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", home, name);
    return path;
}

static void write_file(const char *name, mode_t mode, const char *text)
{
    struct error err;

    CHECK_OK(file_replace(AT_FDCWD, path_of(name), mode, text, strlen(text), &err), &err);
}

/* `berthd release` with these words. */
static bool release(const char *const *words, struct buf *out, struct error *err)
{
    struct options options;
    int count = 0;

    while (words[count] != NULL)
        count++;
    return options_parse(release_options, count, (char *const *)(uintptr_t)words, &options, err) &&
           release_run(&options, out, err);
}

static bool sign(const char *key, const char *version, struct error *err)
{
    const char *words[] = { "sign",         "--key",
                            path_of(key),   "--bin",
                            home,           "--out",
                            path_of("out"), "--target",
                            "plan9-4-mips", version != NULL ? "--version" : NULL,
                            version,        NULL };
    auto_buf struct buf out = buf_of(4096);

    return release(words, &out, err);
}

static void make_key(const char *name, uint8_t ret[static PUBLIC_KEY_SIZE])
{
    const char *words[] = { "key", "--key", path_of(name), NULL };
    auto_buf struct buf out = buf_of(4096);
    struct error err;
    size_t count;

    CHECK_OK(release(words, &out, &err), &err);
    CHECK(strncmp(out.bytes, "update-key ", strlen("update-key ")) == 0);
    CHECK(base64_parse(out.bytes + strlen("update-key "), ret, PUBLIC_KEY_SIZE, &count));
    CHECK_INT((int64_t)count, PUBLIC_KEY_SIZE);
}

/* The newest one for a system, whose signature holds. */
static void newest_is(const uint8_t key[static PUBLIC_KEY_SIZE], const char *want)
{
    auto_buf struct buf manifest = buf_of(RELEASE_MANIFEST_MAX), bytes = buf_of(8192);
    struct signature signature;
    struct release got;
    struct error err;

    CHECK_OK(release_newest(path_of("out"), "plan9-4-mips", &manifest, signature.bytes, &err),
             &err);
    release_signed(&bytes, manifest.bytes, manifest.length);
    CHECK(crypto_verify(key, &signature, bytes.bytes, bytes.length));
    CHECK_OK(release_decode(manifest.bytes, manifest.length, &got, &err), &err);
    CHECK_TEXT(got.version, want);
    for (int i = 0; i < RELEASE_FILES; i++) {
        auto_buf struct buf content = buf_of(RELEASE_FILE_MAX);

        CHECK_OK(release_file(path_of("out"), &got, release_names[i], &content, &err), &err);
        CHECK_INT((int64_t)content.length, got.files[i].size);
        struct hash hash = crypto_sha256(content.bytes, content.length);
        CHECK_INT(memcmp(hash.bytes, got.files[i].sha256, sizeof hash.bytes), 0);
    }
}

static void test_a_key_is_made_once_and_is_its_owners(void **state)
{
    uint8_t key[PUBLIC_KEY_SIZE], again[PUBLIC_KEY_SIZE];
    const char *words[] = { "key", "--key", path_of("key"), NULL };
    auto_buf struct buf out = buf_of(4096);
    struct stat status;
    struct error err;

    (void)state;
    make_key("key", key);
    make_key("key", again);
    CHECK_INT(memcmp(key, again, sizeof key), 0);
    CHECK_INT(stat(path_of("key"), &status), 0);
    CHECK_INT(status.st_mode & 0777, 0600);
    CHECK_INT(chmod(path_of("key"), 0640), 0);
    CHECK_FAILS(release(words, &out, &err), &err, ERROR_FORBIDDEN);
    CHECK_INT(chmod(path_of("key"), 0600), 0);
    write_file("broken", 0600, "abc\n");
    words[2] = path_of("broken");
    CHECK_FAILS(release(words, &out, &err), &err, ERROR_CORRUPT);
}

static void test_the_highest_version_counts(void **state)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    struct error err;

    (void)state;
    make_key("key", key);
    CHECK_OK(sign("key", "0.9.0", &err), &err);
    newest_is(key, "0.9.0");
    CHECK_OK(sign("key", "0.10.0", &err), &err);
    CHECK_OK(sign("key", "0.2.0", &err), &err);
    newest_is(key, "0.10.0");
    /* The program says it itself. */
    CHECK_OK(sign("key", NULL, &err), &err);
    newest_is(key, "3.4.5");
    /* Half a release is none. */
    CHECK_INT(unlink(path_of("out/plan9-4-mips/3.4.5/release.sig")), 0);
    newest_is(key, "0.10.0");
}

static void test_a_release_is_made_once(void **state)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    struct error err;

    (void)state;
    make_key("key", key);
    CHECK_OK(sign("key", "7.0.0", &err), &err);
    CHECK_FAILS(sign("key", "7.0.0", &err), &err, ERROR_CONFLICT);
    CHECK_FAILS(sign("key", "7.0", &err), &err, ERROR_INVALID);
    CHECK_FAILS(sign("key", "../7.0.0", &err), &err, ERROR_INVALID);
    CHECK_FAILS(sign("nobody", "7.0.1", &err), &err, ERROR_NOT_FOUND);
}

/* Whatever is asked for, nothing but a release's files comes out. */
static void test_no_name_climbs_out(void **state)
{
    static const struct {
        const char *target, *version, *name;
        enum error_code want;
    } rows[] = {
        { "plan9-4-mips", "7.0.0", "release.json", ERROR_INVALID },
        { "plan9-4-mips", "7.0.0", "../../../key", ERROR_INVALID },
        { "plan9-4-mips", "7.0.0", "", ERROR_INVALID },
        { "plan9-4-mips", "..", "berth-host", ERROR_INVALID },
        { "plan9-4-mips", "", "berth-host", ERROR_INVALID },
        { "..", "7.0.0", "berth-host", ERROR_INVALID },
        { "", "7.0.0", "berth-host", ERROR_INVALID },
        { "plan9-4-mips", "7.0.9", "berth-host", ERROR_NOT_FOUND },
        { "plan9-5-mips", "7.0.0", "berth-host", ERROR_NOT_FOUND },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf content = buf_of(RELEASE_FILE_MAX);
        auto_buf struct buf manifest = buf_of(RELEASE_MANIFEST_MAX);
        uint8_t signature[SIGNATURE_SIZE];
        struct release which = { 0 };
        struct error err;

        check_row("%s %s %s", rows[i].target, rows[i].version, rows[i].name);
        (void)snprintf(which.target, sizeof which.target, "%s", rows[i].target);
        (void)snprintf(which.version, sizeof which.version, "%s", rows[i].version);
        CHECK_FAILS(release_file(path_of("out"), &which, rows[i].name, &content, &err), &err,
                    rows[i].want);
        CHECK_INT((int64_t)content.length, 0);
        if (strcmp(rows[i].target, "plan9-4-mips") != 0)
            CHECK(!release_newest(path_of("out"), rows[i].target, &manifest, signature, &err));
    }
}

static void test_words_that_make_no_sense(void **state)
{
    static const char *const rows[][6] = {
        { NULL },
        { "publish", NULL },
        { "key", NULL },
        { "sign", "--key", "k", NULL },
        { "sign", "--key", "k", "--bin", "b", NULL },
        { "key", "sign", "--key", "k", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        auto_buf struct buf out = buf_of(4096);
        struct error err;

        check_row("%zu", i);
        CHECK_FAILS(release(rows[i], &out, &err), &err, ERROR_INVALID);
    }
}

static int open_home(void **state)
{
    struct error err;

    (void)state;
    crypto_start();
    (void)snprintf(home, sizeof home, "/tmp/berth-release-%d", (int)getpid());
    CHECK_OK(file_make_dir(home, 0700, &err), &err);
    write_file("berth-host", 0755, "#!/bin/sh\necho berth-host 3.4.5\n");
    write_file("berth-guest", 0755, "#!/bin/sh\n");
    return 0;
}

static int close_home(void **state)
{
    const char *const arguments[] = { "rm", "-rf", home, NULL };
    const struct child_run run = { .arguments = arguments, .timeout_ms = 10000 };
    auto_buf struct buf output = buf_of(100);
    struct error err;
    int status;

    (void)state;
    return child_run(&run, &output, &status, &err) ? status : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_made_once_and_is_its_owners),
        cmocka_unit_test(test_the_highest_version_counts),
        cmocka_unit_test(test_a_release_is_made_once),
        cmocka_unit_test(test_no_name_climbs_out),
        cmocka_unit_test(test_words_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, open_home, close_home);
}

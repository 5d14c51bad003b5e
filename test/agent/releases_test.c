/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/releases.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/file.h"

static char home[64];
static struct key_pair keys, others;
static struct releases releases;

/* A release of these contents, signed with the key, as the market would offer it. */
struct made {
    struct release release;
    struct buf manifest, contents[RELEASE_FILES];
    struct release_offer offer;
};

static struct made make(const char *version, const struct key_pair *signer)
{
    struct made made = { .manifest = buf_of(RELEASE_MANIFEST_MAX) };
    auto_buf struct buf bytes = buf_of(2 * RELEASE_MANIFEST_MAX);

    (void)snprintf(made.release.version, sizeof made.release.version, "%s", version);
    CHECK(release_version_parse(version, &made.release.number));
    (void)snprintf(made.release.target, sizeof made.release.target, "%s", releases.target);
    for (int i = 0; i < RELEASE_FILES; i++) {
        made.contents[i] = buf_of(1000);
        buf_printf(&made.contents[i], "%s of %s", release_names[i], version);
        struct hash hash = crypto_sha256(made.contents[i].bytes, made.contents[i].length);
        made.release.files[i].size = (int64_t)made.contents[i].length;
        memcpy(made.release.files[i].sha256, hash.bytes, sizeof hash.bytes);
    }
    release_encode(&made.manifest, &made.release);
    release_signed(&bytes, made.manifest.bytes, made.manifest.length);
    struct signature signature = crypto_sign_with(signer, bytes.bytes, bytes.length);
    memcpy(made.offer.signature, signature.bytes, sizeof signature.bytes);
    made.offer.manifest = made.manifest.bytes;
    return made;
}

static void drop(struct made *made)
{
    buf_release(&made->manifest);
    for (int i = 0; i < RELEASE_FILES; i++)
        buf_release(&made->contents[i]);
}

static void place(const char *version, const struct key_pair *signer)
{
    struct made made = make(version, signer);
    struct error err;

    CHECK_OK(releases_place(&releases, &made.release, &made.offer, made.contents, &err), &err);
    drop(&made);
}

static void newest_is(const char *than, const struct releases_state *state, const char *want)
{
    char got[RELEASE_VERSION_SIZE];

    releases_newest(&releases, state, than, got);
    CHECK_TEXT(got, want);
}

/* One byte of a kept file. */
static void spoil(const char *path)
{
    auto_close int fd = openat(releases.dir, path, O_RDWR | O_CLOEXEC);
    char byte = 0;

    CHECK(fd >= 0 && pread(fd, &byte, 1, 3) == 1);
    byte ^= 1;
    CHECK_INT(pwrite(fd, &byte, 1, 3), 1);
}

static void test_what_was_placed_is_whole(void **state)
{
    struct releases_state nothing = { 0 };
    struct stat status;
    struct error err;

    (void)state;
    newest_is("0.1.0", &nothing, "");
    place("0.2.0", &keys);
    place("0.10.0", &keys);
    place("0.9.0", &keys);
    CHECK_OK(releases_check(&releases, "0.10.0", &err), &err);
    newest_is("0.1.0", &nothing, "0.10.0");
    newest_is("0.10.0", &nothing, "");
    newest_is("1.0.0", &nothing, "");
    CHECK_INT(fstatat(releases.dir, "0.10.0/berth-host", &status, 0), 0);
    CHECK_INT(status.st_mode & 0777, 0755);
    CHECK_INT(fstatat(releases.dir, ".", &status, 0), 0);
    CHECK_INT(status.st_mode & 0777, 0700);

    releases_keep_only(&releases, "0.9.0");
    newest_is("0.1.0", &nothing, "0.9.0");
    releases_forget(&releases, "0.9.0");
    newest_is("0.1.0", &nothing, "");
}

/* Whatever lies there, only what is signed and whole is ever started. */
static void test_what_is_spoilt_is_passed_over(void **state)
{
    static const char *const files[] = { "berth-host", "berth-guest", "release.json",
                                         "release.sig" };
    struct releases_state nothing = { 0 };
    char path[64];
    struct error err;

    (void)state;
    place("1.0.0", &keys);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        check_row("%s", files[i]);
        place("2.0.0", &keys);
        newest_is("0.1.0", &nothing, "2.0.0");
        (void)snprintf(path, sizeof path, "2.0.0/%s", files[i]);
        spoil(path);
        newest_is("0.1.0", &nothing, "1.0.0");

        place("2.0.0", &keys);
        CHECK_INT(unlinkat(releases.dir, path, 0), 0);
        newest_is("0.1.0", &nothing, "1.0.0");

        place("2.0.0", &keys);
        auto_close int fd = openat(releases.dir, path, O_WRONLY | O_APPEND | O_CLOEXEC);
        CHECK_INT(write(fd, "x", 1), 1);
        newest_is("0.1.0", &nothing, "1.0.0");
    }
    releases_forget(&releases, "2.0.0");
    place("3.0.0", &others);
    newest_is("0.1.0", &nothing, "1.0.0");
    /* One that calls itself by another's name. */
    CHECK_INT(renameat(releases.dir, "1.0.0", releases.dir, "4.0.0"), 0);
    CHECK_FAILS(releases_check(&releases, "4.0.0", &err), &err, ERROR_CORRUPT);
    newest_is("0.1.0", &nothing, "");
    releases_keep_only(&releases, "");
}

static void test_only_the_key_signs_and_only_for_this_system(void **state)
{
    struct made good = make("1.0.0", &keys), bad = make("1.0.0", &others);
    struct release got = { .version = "7.7.7" };
    struct releases elsewhere = releases;
    struct error err;

    (void)state;
    CHECK_OK(releases_read(&releases, good.manifest.bytes, good.manifest.length,
                           good.offer.signature, &got, &err),
             &err);
    CHECK_TEXT(got.version, "1.0.0");
    got = (struct release){ .version = "7.7.7" };
    CHECK_FAILS(releases_read(&releases, bad.manifest.bytes, bad.manifest.length,
                              bad.offer.signature, &got, &err),
                &err, ERROR_FORBIDDEN);
    CHECK_FAILS(releases_read(&releases, good.manifest.bytes, good.manifest.length - 1,
                              good.offer.signature, &got, &err),
                &err, ERROR_FORBIDDEN);
    (void)snprintf(elsewhere.target, sizeof elsewhere.target, "plan9-4-mips");
    CHECK_FAILS(releases_read(&elsewhere, good.manifest.bytes, good.manifest.length,
                              good.offer.signature, &got, &err),
                &err, ERROR_FORBIDDEN);
    CHECK_TEXT(got.version, "7.7.7");
    drop(&good);
    drop(&bad);
}

static void test_files_are_what_was_signed(void **state)
{
    struct made made = make("1.0.0", &keys);
    auto_buf struct buf more = buf_of(1000), less = buf_of(1000), nothing = buf_of(1000);
    struct error err;

    (void)state;
    buf_append(&more, made.contents[0].bytes, made.contents[0].length);
    buf_append(&less, made.contents[0].bytes, made.contents[0].length - 1);
    CHECK_OK(releases_check_file(&made.release, 0, &more, &err), &err);
    CHECK_FAILS(releases_check_file(&made.release, 0, &less, &err), &err, ERROR_CORRUPT);
    CHECK_FAILS(releases_check_file(&made.release, 0, &nothing, &err), &err, ERROR_CORRUPT);
    CHECK_FAILS(releases_check_file(&made.release, 1, &more, &err), &err, ERROR_CORRUPT);
    more.bytes[0] ^= 1;
    CHECK_FAILS(releases_check_file(&made.release, 0, &more, &err), &err, ERROR_CORRUPT);
    drop(&made);
}

static void test_what_fails_is_given_up(void **state)
{
    struct releases_state now = { 0 }, again;
    struct error err;

    (void)state;
    place("1.0.0", &keys);
    place("2.0.0", &keys);
    for (int i = 1; i <= RELEASES_TRIES; i++) {
        newest_is("0.1.0", &now, "2.0.0");
        CHECK_INT((int64_t)releases_given_up(&now), 0);
        releases_count(&now, "2.0.0", 1);
    }
    newest_is("0.1.0", &now, "1.0.0");
    CHECK_INT((int64_t)releases_given_up(&now), 1);
    (void)snprintf(now.confirmed, sizeof now.confirmed, "1.0.0");
    CHECK_OK(releases_save(&releases, &now, &err), &err);
    releases_load(&releases, &again);
    CHECK_INT(releases_failures(&again, "2.0.0"), RELEASES_TRIES);
    CHECK_INT(releases_failures(&again, "1.0.0"), 0);
    CHECK_TEXT(again.confirmed, "1.0.0");
    releases_count(&again, "2.0.0", -1);
    newest_is("0.1.0", &again, "2.0.0");
    releases_count(&again, "2.0.0", -100);
    CHECK_INT(releases_failures(&again, "2.0.0"), 0);
    releases_keep_only(&releases, "");
}

/* No number of versions that fail makes the state grow. */
static void test_the_state_is_bounded(void **state)
{
    struct releases_state now = { 0 };
    char version[RELEASE_VERSION_SIZE];
    struct error err;

    (void)state;
    for (int i = 0; i < 3 * RELEASES_KEPT_MAX; i++) {
        (void)snprintf(version, sizeof version, "1.0.%d", i);
        releases_count(&now, version, 2);
    }
    CHECK_INT((int64_t)now.count, RELEASES_KEPT_MAX);
    CHECK_INT(releases_failures(&now, version), 2);
    CHECK_INT(releases_failures(&now, "1.0.0"), 0);
    CHECK_OK(releases_save(&releases, &now, &err), &err);
    releases_load(&releases, &now);
    CHECK_INT((int64_t)now.count, RELEASES_KEPT_MAX);
    CHECK_OK(file_replace(releases.dir, "state.json", 0600, "{\"confirmed\":\"../x\",", 18, &err),
             &err);
    releases_load(&releases, &now);
    CHECK_INT((int64_t)now.count, 0);
    CHECK_TEXT(now.confirmed, "");
}

static int open_home(void **state)
{
    char key[BASE64_SIZE(PUBLIC_KEY_SIZE)];
    struct error err;

    (void)state;
    crypto_start();
    keys = crypto_key_pair();
    others = crypto_key_pair();
    (void)snprintf(home, sizeof home, "/tmp/berth-releases-%d", (int)getpid());
    CHECK_OK(
        releases_open(home, base64_format(keys.public_key, PUBLIC_KEY_SIZE, key), &releases, &err),
        &err);
    CHECK_FAILS(releases_open(home, "short", &releases, &err), &err, ERROR_INVALID);
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
    releases_close(&releases);
    return child_run(&run, &output, &status, &err) ? status : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_placed_is_whole),
        cmocka_unit_test(test_what_is_spoilt_is_passed_over),
        cmocka_unit_test(test_only_the_key_signs_and_only_for_this_system),
        cmocka_unit_test(test_files_are_what_was_signed),
        cmocka_unit_test(test_what_fails_is_given_up),
        cmocka_unit_test(test_the_state_is_bounded),
    };

    return cmocka_run_group_tests(tests, open_home, close_home);
}

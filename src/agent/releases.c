/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/releases.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/hex.h"
#include "base/json.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/platform.h"

enum {
    STATE_MAX = 8192,
    SIGNED_MAX = RELEASE_MANIFEST_MAX + 64,
    SIGNATURE_TEXT_SIZE = BASE64_SIZE(SIGNATURE_SIZE),
    NAME_SIZE = RELEASE_VERSION_SIZE + 8,
    FAILURES_MAX = 1000, /* of one version */
};

static const char STATE_NAME[] = "state.json", UNDER_WAY[] = ".new";
static const char MANIFEST_NAME[] = "release.json", SIGNATURE_NAME[] = "release.sig";

static bool parse_key(const char *text, uint8_t ret[static PUBLIC_KEY_SIZE])
{
    size_t count;

    return base64_parse(text, ret, PUBLIC_KEY_SIZE, &count) && count == PUBLIC_KEY_SIZE;
}

bool releases_key_is_valid(const char *key)
{
    uint8_t ignored[PUBLIC_KEY_SIZE];

    return parse_key(key, ignored);
}

bool releases_open(const char *data_dir, const char *key, struct releases *ret, struct error *err)
{
    struct releases releases = { .dir = -1 };

    _Static_assert((int)PLATFORM_SIZE == (int)RELEASE_TARGET_SIZE, "they are the same");
    if (!parse_key(key, releases.key))
        return error_set(err, ERROR_INVALID, "'%.64s' is no public key", key);
    if (!platform_name(PLATFORM_OS_RELEASE, releases.target, err))
        return false;
    int length = snprintf(releases.path, sizeof releases.path, "%s/updates", data_dir);
    if (length < 0 || (size_t)length >= sizeof releases.path)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path of the folder is too long");
    if (!file_make_dir(releases.path, 0700, err))
        return false;
    releases.dir = open(releases.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (releases.dir < 0)
        return error_system(err, errno, "open %s", releases.path);
    *ret = releases;
    return true;
}

void releases_close(struct releases *releases)
{
    fd_release(&releases->dir);
}

/* What is signed */

bool releases_read(const struct releases *releases, const char *manifest, size_t length,
                   const uint8_t signature[static SIGNATURE_SIZE], struct release *ret,
                   struct error *err)
{
    auto_buf struct buf bytes = buf_of(SIGNED_MAX);
    struct signature claimed;
    struct release release;

    memcpy(claimed.bytes, signature, SIGNATURE_SIZE);
    if (length > RELEASE_MANIFEST_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "the manifest is too long");
    release_signed(&bytes, manifest, length);
    if (!crypto_verify(releases->key, &claimed, bytes.bytes, bytes.length))
        return error_set(err, ERROR_FORBIDDEN,
                         "the release is not signed by this host's "
                         "update-key");
    if (!release_decode(manifest, length, &release, err))
        return false;
    if (strcmp(release.target, releases->target) != 0)
        return error_set(err, ERROR_FORBIDDEN, "the release is for %s, and this is %s",
                         release.target, releases->target);
    *ret = release;
    return true;
}

bool releases_check_file(const struct release *release, int file, const struct buf *content,
                         struct error *err)
{
    const struct release_file *want = &release->files[file];

    if (content->has_overflowed || (int64_t)content->length != want->size)
        return error_set(err, ERROR_CORRUPT, "%s of %s has %zu bytes, not %" PRId64,
                         release_names[file], release->version, content->length, want->size);
    const struct hash hash = crypto_sha256(content->bytes, content->length);
    return crypto_equal(hash.bytes, want->sha256, sizeof want->sha256) ||
           error_set(err, ERROR_CORRUPT, "%s of %s is not what was signed", release_names[file],
                     release->version);
}

/* Folders */

/* Of files alone, as ours are. */
static void remove_folder(int dir, const char *name)
{
    int folder = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = folder < 0 ? NULL : fdopendir(folder);

    if (entries == NULL) {
        fd_release(&folder);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    (void)closedir(entries);
    (void)unlinkat(dir, name, AT_REMOVEDIR);
}

static bool fill(int folder, const struct release_offer *offer,
                 const struct buf contents[static RELEASE_FILES], struct error *err)
{
    char text[SIGNATURE_TEXT_SIZE];

    (void)base64_format(offer->signature, SIGNATURE_SIZE, text);
    for (int i = 0; i < RELEASE_FILES; i++) {
        if (!file_replace(folder, release_names[i], 0755, contents[i].bytes, contents[i].length,
                          err))
            return false;
    }
    return file_replace(folder, MANIFEST_NAME, 0600, offer->manifest, strlen(offer->manifest),
                        err) &&
           file_replace(folder, SIGNATURE_NAME, 0600, text, strlen(text), err);
}

bool releases_place(const struct releases *releases, const struct release *release,
                    const struct release_offer *offer,
                    const struct buf contents[static RELEASE_FILES], struct error *err)
{
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof name, "%s%s", release->version, UNDER_WAY);
    remove_folder(releases->dir, name);
    if (mkdirat(releases->dir, name, 0700) != 0)
        return error_system(err, errno, "make %s/%s", releases->path, name);
    auto_close int folder = openat(releases->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_system(err, errno, "open %s/%s", releases->path, name);
    if (!fill(folder, offer, contents, err)) {
        remove_folder(releases->dir, name);
        return false;
    }
    remove_folder(releases->dir, release->version);
    if (renameat(releases->dir, name, releases->dir, release->version) != 0 ||
        fsync(releases->dir) != 0)
        return error_system(err, errno, "name %s/%s", releases->path, release->version);
    return true;
}

static bool read_signature(int folder, uint8_t ret[static SIGNATURE_SIZE], struct error *err)
{
    auto_buf struct buf text = buf_of(SIGNATURE_TEXT_SIZE);
    size_t count;

    if (!file_read(folder, SIGNATURE_NAME, &text, err))
        return false;
    return (text.length > 0 && base64_parse(text.bytes, ret, SIGNATURE_SIZE, &count) &&
            count == SIGNATURE_SIZE) ||
           error_set(err, ERROR_CORRUPT, "%s holds no signature", SIGNATURE_NAME);
}

bool releases_check(const struct releases *releases, const char *version, struct error *err)
{
    auto_buf struct buf manifest = buf_of(RELEASE_MANIFEST_MAX);
    uint8_t signature[SIGNATURE_SIZE];
    struct release release;

    auto_close int folder = openat(releases->dir, version, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_system(err, errno, "open %s/%s", releases->path, version);
    if (!file_read(folder, MANIFEST_NAME, &manifest, err) ||
        !read_signature(folder, signature, err) ||
        !releases_read(releases, manifest.length > 0 ? manifest.bytes : "", manifest.length,
                       signature, &release, err))
        return false;
    if (strcmp(release.version, version) != 0)
        return error_set(err, ERROR_CORRUPT, "%s/%s holds %s", releases->path, version,
                         release.version);
    for (int i = 0; i < RELEASE_FILES; i++) {
        auto_buf struct buf content = buf_of((size_t)release.files[i].size);

        if (!file_read(folder, release_names[i], &content, err) ||
            !releases_check_file(&release, i, &content, err))
            return false;
    }
    return true;
}

/* What came of them */

static void take_failure(struct releases_state *state, const char *version, const json_t *count)
{
    struct release_version ignored;

    if (state->count < RELEASES_KEPT_MAX && release_version_parse(version, &ignored) &&
        json_is_integer(count))
        releases_count(state, version, json_integer_value(count));
}

void releases_load(const struct releases *releases, struct releases_state *ret)
{
    auto_buf struct buf text = buf_of(STATE_MAX);
    auto_json json_t *root = NULL;
    struct release_version ignored;
    const json_t *failures = NULL;
    const char *confirmed = "";
    struct error none;

    *ret = (struct releases_state){ 0 };
    if (!file_read(releases->dir, STATE_NAME, &text, &none) || text.length == 0 ||
        !json_parse(text.bytes, text.length, &root, &none) ||
        !json_opt_text(root, "confirmed", RELEASE_VERSION_SIZE - 1, &confirmed, &none) ||
        !json_need_object(root, "failures", &failures, &none))
        return;
    if (release_version_parse(confirmed, &ignored))
        (void)snprintf(ret->confirmed, sizeof ret->confirmed, "%s", confirmed);
    void *at = json_object_iter((json_t *)(uintptr_t)failures);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)failures, at))
        take_failure(ret, json_object_iter_key(at), json_object_iter_value(at));
}

bool releases_save(const struct releases *releases, const struct releases_state *state,
                   struct error *err)
{
    auto_buf struct buf text = buf_of(STATE_MAX);
    struct encoder json = encoder_of(&text);

    encode_object(&json);
    encode_field_text(&json, "confirmed", state->confirmed);
    encode_key(&json, "failures");
    encode_object(&json);
    for (size_t i = 0; i < state->count; i++)
        encode_field_int(&json, state->failures[i].version, state->failures[i].count);
    encode_end(&json);
    encode_end(&json);
    return file_replace(releases->dir, STATE_NAME, 0600, text.bytes, text.length, err);
}

static struct releases_failure *find_failure(const struct releases_state *state,
                                             const char *version)
{
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->failures[i].version, version) == 0)
            return (struct releases_failure *)(uintptr_t)&state->failures[i];
    }
    return NULL;
}

int64_t releases_failures(const struct releases_state *state, const char *version)
{
    const struct releases_failure *failure = find_failure(state, version);

    return failure != NULL ? failure->count : 0;
}

size_t releases_given_up(const struct releases_state *state)
{
    size_t count = 0;

    for (size_t i = 0; i < state->count; i++)
        count += state->failures[i].count >= RELEASES_TRIES;
    return count;
}

void releases_count(struct releases_state *state, const char *version, int64_t more)
{
    struct releases_failure *failure = find_failure(state, version);

    if (failure == NULL) {
        if (state->count == RELEASES_KEPT_MAX) {
            memmove(state->failures, state->failures + 1,
                    (RELEASES_KEPT_MAX - 1) * sizeof state->failures[0]);
            state->count--;
        }
        failure = &state->failures[state->count++];
        *failure = (struct releases_failure){ .count = 0 };
        (void)snprintf(failure->version, sizeof failure->version, "%s", version);
    }
    failure->count += more;
    if (failure->count < 0)
        failure->count = 0;
    if (failure->count > FAILURES_MAX)
        failure->count = FAILURES_MAX;
}

/* Which to start */

/* Names of versions in the folder. */
static size_t list(const struct releases *releases,
                   char ret[static RELEASES_KEPT_MAX][RELEASE_VERSION_SIZE])
{
    int copy = openat(releases->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    struct release_version ignored;
    size_t count = 0;

    if (entries == NULL) {
        fd_release(&copy);
        return 0;
    }
    for (const struct dirent *entry;
         count < RELEASES_KEPT_MAX && (entry = readdir(entries)) != NULL;) {
        if (release_version_parse(entry->d_name, &ignored))
            (void)snprintf(ret[count++], RELEASE_VERSION_SIZE, "%.23s", entry->d_name);
    }
    (void)closedir(entries);
    return count;
}

static bool is_above(const char *version, const char *than)
{
    struct release_version a, b;

    return release_version_parse(version, &a) &&
           (!release_version_parse(than, &b) || release_version_compare(&a, &b) > 0);
}

void releases_newest(const struct releases *releases, const struct releases_state *state,
                     const char *than, char ret[static RELEASE_VERSION_SIZE])
{
    char versions[RELEASES_KEPT_MAX][RELEASE_VERSION_SIZE];
    size_t count = list(releases, versions);
    struct error ignored;

    *ret = '\0';
    for (size_t i = 0; i < count; i++) {
        if (is_above(versions[i], than) && is_above(versions[i], ret) &&
            releases_failures(state, versions[i]) < RELEASES_TRIES &&
            releases_check(releases, versions[i], &ignored))
            (void)snprintf(ret, RELEASE_VERSION_SIZE, "%s", versions[i]);
    }
}

void releases_forget(const struct releases *releases, const char *version)
{
    remove_folder(releases->dir, version);
}

void releases_keep_only(const struct releases *releases, const char *version)
{
    char versions[RELEASES_KEPT_MAX][RELEASE_VERSION_SIZE];
    size_t count = list(releases, versions);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(versions[i], version) != 0)
            remove_folder(releases->dir, versions[i]);
    }
}

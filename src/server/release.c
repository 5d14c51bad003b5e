/* SPDX-License-Identifier: Apache-2.0 */
#include "server/release.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "sys/child.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/platform.h"

static const char MANIFEST_NAME[] = "release.json", SIGNATURE_NAME[] = "release.sig";

enum {
    KEY_TEXT_SIZE = HEX_SIZE(SECRET_KEY_SIZE),
    PUBLIC_TEXT_SIZE = BASE64_SIZE(PUBLIC_KEY_SIZE),
    SIGNATURE_TEXT_SIZE = BASE64_SIZE(SIGNATURE_SIZE),
    PROGRAM_PATIENCE_MS = 10000,
    SIGNED_MAX = RELEASE_MANIFEST_MAX + 64,
};

const struct option_row release_options[] = {
    { "key", "FILE", "the key that signs releases; it belongs on no server" },
    { "bin", "DIR", "sign: where berth-host and berth-guest are, as built for hosts" },
    { "out", "DIR", "sign: where the release goes, as DIR/TARGET/VERSION" },
    { "version", "X.Y.Z", "sign: its version (what the berth-host in --bin says)" },
    { "target", "SYSTEM", "sign: the system that it is for (this one), as debian-12-x86_64" },
    { NULL, NULL, NULL },
};

void release_describe(struct buf *out)
{
    buf_printf(out,
               "berthd release key --key FILE     make the key, where there is none, and print "
               "its public half\n"
               "berthd release sign --key FILE --bin DIR --out DIR\n");
}

/* The key */

static void print_key(const struct key_pair *keys, struct buf *out)
{
    char text[PUBLIC_TEXT_SIZE];

    buf_printf(out, "update-key %s", base64_format(keys->public_key, PUBLIC_KEY_SIZE, text));
}

static bool read_key(const char *path, struct key_pair *ret, struct error *err)
{
    auto_buf struct buf text = buf_of(KEY_TEXT_SIZE);
    struct stat found;

    if (stat(path, &found) == 0 && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(err, ERROR_FORBIDDEN, "only its owner may read %s: chmod 600", path);
    if (!file_read(AT_FDCWD, path, &text, err))
        return false;
    if (text.length > 0 && text.bytes[text.length - 1] == '\n')
        text.bytes[text.length - 1] = '\0';
    bool is_key = text.length > 0 && hex_parse(text.bytes, ret->secret_key, SECRET_KEY_SIZE);
    if (text.length > 0)
        crypto_wipe(text.bytes, text.length);
    if (!is_key)
        return error_set(err, ERROR_CORRUPT, "%s holds no key", path);
    /* Its second half is the public key (RFC 8032 as libsodium keeps it). */
    memcpy(ret->public_key, ret->secret_key + SECRET_KEY_SIZE - PUBLIC_KEY_SIZE, PUBLIC_KEY_SIZE);
    return true;
}

static bool make_key(const char *path, struct buf *out, struct error *err)
{
    struct key_pair keys;
    char text[KEY_TEXT_SIZE];

    if (access(path, F_OK) == 0) {
        if (!read_key(path, &keys, err))
            return false;
    } else {
        keys = crypto_key_pair();
        (void)hex_format(keys.secret_key, SECRET_KEY_SIZE, text);
        text[KEY_TEXT_SIZE - 1] = '\n';
        bool is_kept = file_replace(AT_FDCWD, path, 0600, text, KEY_TEXT_SIZE, err);
        crypto_wipe(text, sizeof text);
        if (!is_kept)
            return false;
    }
    print_key(&keys, out);
    crypto_wipe(&keys, sizeof keys);
    return true;
}

/* Signing */

/* What `DIR/berth-host version` says. */
static bool ask_version(const char *bin, char ret[static RELEASE_VERSION_SIZE], struct error *err)
{
    static const char said[] = "berth-host ";
    auto_buf struct buf output = buf_of(256);
    char program[PATH_MAX];
    const char *const arguments[] = { program, "version", NULL };
    const struct child_run run = { .arguments = arguments, .timeout_ms = PROGRAM_PATIENCE_MS };
    int status;

    (void)snprintf(program, sizeof program, "%s/%s", bin, release_names[0]);
    if (!child_run(&run, &output, &status, err))
        return error_context(err, "%s", program);
    if (status != 0 || output.length == 0 || strncmp(output.bytes, said, strlen(said)) != 0)
        return error_set(err, ERROR_INVALID, "%s does not say its version: give --version",
                         program);
    const char *version = output.bytes + strlen(said);
    (void)snprintf(ret, RELEASE_VERSION_SIZE, "%.*s", (int)strcspn(version, "\n"), version);
    return true;
}

static bool name_release(const struct options *options, struct release *ret, struct error *err)
{
    const char *version = options_get(options, "version"), *target = options_get(options, "target");
    char platform[PLATFORM_SIZE];

    _Static_assert((int)PLATFORM_SIZE == (int)RELEASE_TARGET_SIZE, "they are the same");
    if (version != NULL)
        (void)snprintf(ret->version, sizeof ret->version, "%s", version);
    else if (!ask_version(options_get(options, "bin"), ret->version, err))
        return false;
    if (target == NULL && !platform_name(PLATFORM_OS_RELEASE, platform, err))
        return false;
    (void)snprintf(ret->target, sizeof ret->target, "%s", target != NULL ? target : platform);
    if (!release_version_parse(ret->version, &ret->number))
        return error_set(err, ERROR_INVALID, "a version is three numbers, as 1.20.3, not '%.32s'",
                         ret->version);
    if (!release_target_is_valid(ret->target))
        return error_set(err, ERROR_INVALID, "'%.64s' is no system's name", ret->target);
    return true;
}

static bool copy_file(const char *bin, const char *name, int folder, struct release_file *ret,
                      struct error *err)
{
    auto_buf struct buf content = buf_of(RELEASE_FILE_MAX);
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", bin, name);
    if (!file_read(AT_FDCWD, path, &content, err))
        return false;
    if (content.length == 0)
        return error_set(err, ERROR_INVALID, "%s is empty", path);
    const struct hash hash = crypto_sha256(content.bytes, content.length);
    ret->size = (int64_t)content.length;
    memcpy(ret->sha256, hash.bytes, sizeof ret->sha256);
    return file_replace(folder, name, 0755, content.bytes, content.length, err);
}

static bool write_signed(int folder, const struct release *release, const struct key_pair *keys,
                         struct error *err)
{
    auto_buf struct buf manifest = buf_of(RELEASE_MANIFEST_MAX), bytes = buf_of(SIGNED_MAX);
    char text[SIGNATURE_TEXT_SIZE];

    release_encode(&manifest, release);
    release_signed(&bytes, manifest.bytes, manifest.length);
    const struct signature signature = crypto_sign_with(keys, bytes.bytes, bytes.length);
    (void)base64_format(signature.bytes, SIGNATURE_SIZE, text);
    return file_replace(folder, MANIFEST_NAME, 0644, manifest.bytes, manifest.length, err) &&
           file_replace(folder, SIGNATURE_NAME, 0644, text, strlen(text), err);
}

static bool sign(const struct options *options, const struct key_pair *keys, struct buf *out,
                 struct error *err)
{
    const char *bin = options_get(options, "bin");
    struct release release = { 0 };
    char path[PATH_MAX];

    if (!name_release(options, &release, err))
        return false;
    (void)snprintf(path, sizeof path, "%s/%s/%s", options_get(options, "out"), release.target,
                   release.version);
    /* Who has taken it has to be able to go on with it: a release is never made twice. */
    if (access(path, F_OK) == 0)
        return error_set(err, ERROR_CONFLICT, "%s is there already: a new one needs a new version",
                         path);
    if (!file_make_dir(path, 0755, err))
        return false;
    auto_close int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_system(err, errno, "open %s", path);
    for (int i = 0; i < RELEASE_FILES; i++) {
        if (!copy_file(bin, release_names[i], folder, &release.files[i], err))
            return false;
    }
    if (!write_signed(folder, &release, keys, err))
        return false;
    buf_printf(out, "%s\n", path);
    print_key(keys, out);
    return true;
}

bool release_run(const struct options *options, struct buf *out, struct error *err)
{
    const char *word = options->word_count == 1 ? options->words[0] : "";
    const char *path = options_get(options, "key");
    struct key_pair keys;

    if (strcmp(word, "key") != 0 && strcmp(word, "sign") != 0)
        return error_set(err, ERROR_INVALID, "berthd release key, or berthd release sign?");
    if (path == NULL)
        return error_set(err, ERROR_INVALID, "--key FILE is needed");
    if (strcmp(word, "key") == 0)
        return make_key(path, out, err);
    if (options_get(options, "bin") == NULL || options_get(options, "out") == NULL)
        return error_set(err, ERROR_INVALID, "--bin DIR and --out DIR are needed");
    if (!read_key(path, &keys, err))
        return false;
    bool is_signed = sign(options, &keys, out, err);
    crypto_wipe(&keys, sizeof keys);
    return is_signed;
}

/* Serving */

static bool is_signed_there(int folder, const char *version)
{
    char path[RELEASE_VERSION_SIZE + sizeof SIGNATURE_NAME + 1];

    (void)snprintf(path, sizeof path, "%.23s/%s", version, SIGNATURE_NAME);
    return faccessat(folder, path, R_OK, 0) == 0;
}

/* The newest of the folder; "" where there is none. */
static void find_newest(int folder, char ret[static RELEASE_VERSION_SIZE])
{
    struct release_version best = { { 0 } }, version;
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);

    *ret = '\0';
    if (entries == NULL) {
        fd_release(&copy);
        return;
    }
    for (int i = 0; i < RELEASE_VERSIONS_MAX; i++) {
        const struct dirent *entry = readdir(entries);

        if (entry == NULL)
            break;
        if (release_version_parse(entry->d_name, &version) &&
            (*ret == '\0' || release_version_compare(&version, &best) > 0) &&
            is_signed_there(folder, entry->d_name)) {
            best = version;
            (void)snprintf(ret, RELEASE_VERSION_SIZE, "%.23s", entry->d_name);
        }
    }
    (void)closedir(entries);
}

static bool open_target(const char *dir, const char *target, int *ret, struct error *err)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", dir, target);
    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret >= 0 || error_set(err, ERROR_NOT_FOUND, "there is no release for %s", target);
}

static bool read_signature(int folder, const char *version, uint8_t ret[static SIGNATURE_SIZE],
                           struct error *err)
{
    auto_buf struct buf text = buf_of(SIGNATURE_TEXT_SIZE);
    char path[PATH_MAX];
    size_t count;

    (void)snprintf(path, sizeof path, "%s/%s", version, SIGNATURE_NAME);
    if (!file_read(folder, path, &text, err))
        return false;
    return (text.length > 0 && base64_parse(text.bytes, ret, SIGNATURE_SIZE, &count) &&
            count == SIGNATURE_SIZE) ||
           error_set(err, ERROR_CORRUPT, "%s holds no signature", path);
}

bool release_newest(const char *dir, const char *target, struct buf *manifest,
                    uint8_t ret_signature[static SIGNATURE_SIZE], struct error *err)
{
    char version[RELEASE_VERSION_SIZE], path[PATH_MAX];
    auto_close int folder = -1;

    if (!release_target_is_valid(target))
        return error_set(err, ERROR_INVALID, "that is no system's name");
    if (!open_target(dir, target, &folder, err))
        return false;
    find_newest(folder, version);
    if (*version == '\0')
        return error_set(err, ERROR_NOT_FOUND, "there is no release for %s", target);
    (void)snprintf(path, sizeof path, "%s/%s", version, MANIFEST_NAME);
    return file_read(folder, path, manifest, err) &&
           read_signature(folder, version, ret_signature, err);
}

bool release_file(const char *dir, const struct release *which, const char *name,
                  struct buf *content, struct error *err)
{
    struct release_version version;
    char path[PATH_MAX];
    bool is_name = false;

    for (int i = 0; i < RELEASE_FILES; i++)
        is_name = is_name || strcmp(name, release_names[i]) == 0;
    /* All of it comes over the wire and goes into a path: let none climb out of it. */
    if (!is_name || !release_target_is_valid(which->target) ||
        !release_version_parse(which->version, &version))
        return error_set(err, ERROR_INVALID, "that is no file of a release");
    (void)snprintf(path, sizeof path, "%s/%s/%s/%s", dir, which->target, which->version, name);
    return file_read(AT_FDCWD, path, content, err);
}

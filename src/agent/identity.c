/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/file.h"

#define KEY_FILE    "machine.key"
#define NEXT_FILE   "machine.key.next"
#define FORMER_FILE "machine.key.former"
#define FIRST_FILE  "machine.first"

enum { SMALL_FILE_MAX = 4096 };

/* A small file without the newline at its end. */
static bool read_line(int dir, const char *name, struct buf *text, struct error *err)
{
    if (!file_read(dir, name, text, err))
        return false;
    buf_append(text, "", 0);
    while (text->length > 0 && text->bytes[text->length - 1] == '\n')
        text->bytes[--text->length] = '\0';
    return true;
}

bool identity_boot_id(char boot_id[static BOOT_ID_SIZE], struct error *err)
{
    auto_buf struct buf text = buf_of(BOOT_ID_SIZE - 1);

    if (!read_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, err))
        return false;
    (void)snprintf(boot_id, BOOT_ID_SIZE, "%s", text.bytes);
    return true;
}

static bool open_dir(int dir, const char *name, int *ret, struct error *err)
{
    if (mkdirat(dir, name, 0700) != 0 && errno != EEXIST)
        return error_system(err, errno, "make the directory %s", name);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_system(err, errno, "open %s", name);
    *ret = fd;
    return true;
}

/* A lock of the open file, which goes with the last descriptor of it, however we end. */
static bool try_lock(int fd)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

static bool take_lock(struct identity *identity, struct error *err)
{
    identity->lock = openat(identity->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (identity->lock < 0)
        return error_system(err, errno, "open %s/lock", identity->path);
    if (try_lock(identity->lock))
        return true;
    if (errno == EAGAIN || errno == EACCES)
        return error_set(err, ERROR_CONFLICT, "another berth-host runs on %s", identity->path);
    return error_system(err, errno, "lock %s/lock", identity->path);
}

/* The secret half has the public one inside (RFC 8032 as libsodium stores it). */
static bool read_key(struct identity *identity, const char *name, struct key_pair *ret,
                     struct error *err)
{
    auto_buf struct buf text = buf_of(SMALL_FILE_MAX);

    if (!read_line(identity->dir, name, &text, err))
        return false;
    if (!hex_parse(text.bytes, ret->secret_key, sizeof ret->secret_key))
        return error_set(err, ERROR_CORRUPT, "%s/%s is damaged", identity->path, name);
    memcpy(ret->public_key, ret->secret_key + SECRET_KEY_SIZE - PUBLIC_KEY_SIZE,
           sizeof ret->public_key);
    crypto_wipe(text.bytes, text.length);
    return true;
}

static bool write_key(struct identity *identity, const char *name, const struct key_pair *keys,
                      struct error *err)
{
    char hex[HEX_SIZE(SECRET_KEY_SIZE)];

    (void)hex_format(keys->secret_key, sizeof keys->secret_key, hex);
    bool is_saved = file_replace(identity->dir, name, 0600, hex, strlen(hex), err);
    crypto_wipe(hex, sizeof hex);
    return is_saved;
}

/* One that is there is read; `*ret_has` false: there is none. */
static bool find_key(struct identity *identity, const char *name, struct key_pair *ret,
                     bool *ret_has, struct error *err)
{
    *ret_has = read_key(identity, name, ret, err);
    return *ret_has || err->code == ERROR_NOT_FOUND;
}

static bool load_first(struct identity *identity, struct error *err)
{
    auto_buf struct buf text = buf_of(SMALL_FILE_MAX);

    memcpy(identity->first_key, identity->keys.public_key, sizeof identity->first_key);
    if (!read_line(identity->dir, FIRST_FILE, &text, err))
        return err->code == ERROR_NOT_FOUND;
    if (!hex_parse(text.bytes, identity->first_key, sizeof identity->first_key))
        return error_set(err, ERROR_CORRUPT, "%s/" FIRST_FILE " is damaged", identity->path);
    return true;
}

static bool load_key(struct identity *identity, struct error *err)
{
    bool has_key;

    if (!find_key(identity, KEY_FILE, &identity->keys, &has_key, err) ||
        !find_key(identity, NEXT_FILE, &identity->next, &identity->has_next, err) ||
        !find_key(identity, FORMER_FILE, &identity->former, &identity->has_former, err))
        return false;
    if (!has_key) {
        identity->keys = crypto_key_pair();
        if (!write_key(identity, KEY_FILE, &identity->keys, err))
            return false;
    }
    return load_first(identity, err);
}

const struct key_pair *identity_keys(const struct identity *identity)
{
    switch (identity->use) {
    case IDENTITY_NEXT:
        return &identity->next;
    case IDENTITY_FORMER:
        return &identity->former;
    case IDENTITY_PRESENT:
        break;
    }
    return &identity->keys;
}

void identity_try_other(struct identity *identity)
{
    if (identity->use == IDENTITY_PRESENT && identity->has_next)
        identity->use = IDENTITY_NEXT;
    else if (identity->use != IDENTITY_FORMER && identity->has_former)
        identity->use = IDENTITY_FORMER;
    else
        identity->use = IDENTITY_PRESENT;
}

/* The server knows the one before alone, as one that was restored from an old backup does: that is
 * the machine's key, and the present one is announced to it again. A next one that there was can be
 * nobody's: the server knows neither it nor the one that was to bring it in. */
static bool go_back(struct identity *identity, struct error *err)
{
    if (!write_key(identity, NEXT_FILE, &identity->keys, err) ||
        !write_key(identity, KEY_FILE, &identity->former, err))
        return false;
    identity->next = identity->keys;
    identity->keys = identity->former;
    identity->has_next = true;
    identity->use = IDENTITY_PRESENT;
    return true;
}

bool identity_settle(struct identity *identity, struct error *err)
{
    switch (identity->use) {
    case IDENTITY_NEXT:
        return identity_take_next(identity, err);
    case IDENTITY_FORMER:
        return go_back(identity, err);
    case IDENTITY_PRESENT:
        break;
    }
    return true;
}

bool identity_make_next(struct identity *identity, struct error *err)
{
    char hex[HEX_SIZE(PUBLIC_KEY_SIZE)];

    if (identity->use == IDENTITY_FORMER && !go_back(identity, err))
        return error_context(err, "go back to the key before");
    if (identity->has_next)
        return true;
    (void)hex_format(identity->first_key, sizeof identity->first_key, hex);
    struct key_pair next = crypto_key_pair();
    if (!file_replace(identity->dir, FIRST_FILE, 0600, hex, strlen(hex), err) ||
        !write_key(identity, NEXT_FILE, &next, err))
        return error_context(err, "make another key");
    identity->next = next;
    identity->has_next = true;
    crypto_wipe(&next, sizeof next);
    return true;
}

bool identity_make_anew(struct identity *identity, struct error *err)
{
    bool had_next = identity->has_next;

    identity->use = IDENTITY_PRESENT;
    identity->has_next = false;
    if (identity_make_next(identity, err))
        return true;
    identity->has_next = had_next;
    return false;
}

bool identity_take_next(struct identity *identity, struct error *err)
{
    if (!identity->has_next)
        return true;
    identity->use = IDENTITY_NEXT;
    /* A power cut may leave both as one: then the one before is that already. */
    if (memcmp(&identity->keys, &identity->next, sizeof identity->keys) != 0) {
        if (!write_key(identity, FORMER_FILE, &identity->keys, err))
            return false;
        identity->former = identity->keys;
        identity->has_former = true;
    }
    if (renameat(identity->dir, NEXT_FILE, identity->dir, KEY_FILE) != 0)
        return error_system(err, errno, "rename %s/" NEXT_FILE, identity->path);
    identity->keys = identity->next;
    crypto_wipe(&identity->next, sizeof identity->next);
    identity->has_next = false;
    identity->use = IDENTITY_PRESENT;
    /* Were the power cut before this, both would be there, and both are tried. */
    if (fsync(identity->dir) != 0)
        return error_system(err, errno, "sync %s", identity->path);
    return true;
}

static bool load_machine(int dir, struct enroll_reply *ret, struct error *err)
{
    auto_buf struct buf text = buf_of(SMALL_FILE_MAX);
    auto_json json_t *root = NULL;

    if (!file_read(dir, "machine.json", &text, err))
        return false;
    buf_append(&text, "", 0);
    if (!json_parse(text.bytes, text.length, &root, err) || !enroll_reply_decode(root, ret, err)) {
        (void)error_context(err, "machine.json");
        err->code = ERROR_CORRUPT;
        return false;
    }
    return true;
}

static bool count_start(struct identity *identity, struct error *err)
{
    auto_buf struct buf text = buf_of(SMALL_FILE_MAX);
    struct error missing;
    uint64_t before = 0;
    char number[32];

    if (read_line(identity->dir, "incarnation", &text, &missing) &&
        (!parse_u64(text.bytes, &before) || before >= INT64_MAX))
        return error_set(err, ERROR_CORRUPT, "%s/incarnation is no number", identity->path);
    identity->incarnation = (int64_t)before + 1;
    (void)snprintf(number, sizeof number, "%" PRId64, identity->incarnation);
    return file_replace(identity->dir, "incarnation", 0600, number, strlen(number), err);
}

static bool fill(const char *path, struct identity *identity, struct error *err)
{
    struct enroll_reply machine;
    struct error missing;

    if (!file_make_dir(path, 0700, err))
        return false;
    auto_free char *absolute = realpath(path, NULL);
    if (absolute == NULL)
        return error_system(err, errno, "find %s", path);
    if (strlen(absolute) >= sizeof identity->path)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path of %.64s... is too long", absolute);
    memcpy(identity->path, absolute, strlen(absolute) + 1);
    identity->dir = open(identity->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (identity->dir < 0)
        return error_system(err, errno, "open %s", path);
    if (!take_lock(identity, err) || !load_key(identity, err) || !count_start(identity, err) ||
        !open_dir(identity->dir, "instances", &identity->instances_dir, err) ||
        !open_dir(identity->dir, "ops", &identity->ops_dir, err) ||
        !identity_boot_id(identity->boot_id, err))
        return false;

    if (load_machine(identity->dir, &machine, &missing)) {
        identity->machine_id = machine.machine_id;
        memcpy(identity->server_key, machine.server_key, sizeof identity->server_key);
    } else if (missing.code != ERROR_NOT_FOUND) {
        *err = missing;
        return false;
    }
    return true;
}

bool identity_open(const char *path, struct identity *ret, struct error *err)
{
    struct identity identity = { .dir = -1, .instances_dir = -1, .ops_dir = -1, .lock = -1 };

    if (!fill(path, &identity, err)) {
        identity_close(&identity);
        return false;
    }
    *ret = identity;
    return true;
}

void identity_close(struct identity *identity)
{
    fd_release(&identity->instances_dir);
    fd_release(&identity->ops_dir);
    fd_release(&identity->lock);
    fd_release(&identity->dir);
    crypto_wipe(&identity->keys, sizeof identity->keys);
    crypto_wipe(&identity->next, sizeof identity->next);
    crypto_wipe(&identity->former, sizeof identity->former);
}

bool identity_enrol(struct identity *identity, const struct enroll_reply *reply, struct error *err)
{
    auto_buf struct buf text = buf_of(SMALL_FILE_MAX);

    enroll_reply_encode(&text, reply);
    if (!file_replace(identity->dir, "machine.json", 0600, text.bytes, text.length, err))
        return false;
    identity->machine_id = reply->machine_id;
    memcpy(identity->server_key, reply->server_key, sizeof identity->server_key);
    return true;
}

bool identity_peek(const char *path, int64_t *ret_machine_id, bool *ret_is_running,
                   struct error *err)
{
    struct enroll_reply machine = { 0 };

    auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return error_system(err, errno, "open %s", path);
    if (!load_machine(dir, &machine, err) && err->code != ERROR_NOT_FOUND)
        return false;
    auto_close int lock = openat(dir, "lock", O_RDWR | O_CLOEXEC);
    *ret_is_running = lock >= 0 && !try_lock(lock);
    *ret_machine_id = machine.machine_id;
    return true;
}

char *identity_sign(const struct identity *identity, const void *bytes, size_t count,
                    char text[static BASE64_SIZE(SIGNATURE_SIZE)])
{
    struct signature signature = crypto_sign_with(identity_keys(identity), bytes, count);

    return base64_format(signature.bytes, sizeof signature.bytes, text);
}

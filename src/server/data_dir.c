/* SPDX-License-Identifier: Apache-2.0 */
#include "server/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/parse.h"
#include "sys/fd.h"
#include "sys/file.h"

static const char LOCK_NAME[] = "berth.lock";
static const char KEY_NAME[] = "server.key";
static const char MASTER_NAME[] = "master.key";
static const char *const OTHER_NAMES[] = {
    [DATA_DIR_NEXT] = "master.key.next",
    [DATA_DIR_BEFORE] = "master.key.before",
};

enum {
    MASTER_TEXT_SIZE = HEX_SIZE(SEAL_KEY_SIZE),
    KEY_TEXT_SIZE = HEX_SIZE(SECRET_KEY_SIZE),
    PID_TEXT_SIZE = 24
};

bool data_dir_open(const char *path, struct data_dir *ret, struct error *err)
{
    return file_make_dir(path, 0700, err) && data_dir_find(path, ret, err);
}

bool data_dir_find(const char *path, struct data_dir *ret, struct error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "there is no folder %.256s", path);
    if (fd < 0)
        return error_system(err, errno, "open %s", path);
    *ret = (struct data_dir){ .path = path, .fd = fd, .lock_fd = -1 };
    return true;
}

void data_dir_close(struct data_dir *dir)
{
    fd_release(&dir->lock_fd);
    fd_release(&dir->fd);
}

/* The number in the lock file; 0 where there is none. */
static pid_t read_pid(int fd)
{
    char text[PID_TEXT_SIZE] = "";
    uint64_t pid;

    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    return parse_u64(text, &pid) && pid <= INT32_MAX ? (pid_t)pid : 0;
}

bool data_dir_lock(struct data_dir *dir, struct error *err)
{
    char text[PID_TEXT_SIZE];
    auto_close int fd = openat(dir->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return error_system(err, errno, "open %s/%s", dir->path, LOCK_NAME);
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return error_set(err, ERROR_CONFLICT, "process %d serves from %s already",
                             (int)read_pid(fd), dir->path);
        return error_system(err, errno, "lock %s/%s", dir->path, LOCK_NAME);
    }
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        return error_system(err, errno, "write %s/%s", dir->path, LOCK_NAME);
    dir->lock_fd = fd;
    fd = -1;
    return true;
}

pid_t data_dir_server(const struct data_dir *dir)
{
    auto_close int fd = openat(dir->fd, LOCK_NAME, O_RDONLY | O_CLOEXEC);

    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &whole) != 0 || whole.l_type == F_UNLCK)
        return 0;
    return read_pid(fd);
}

static bool check_key_mode(const struct data_dir *dir, const char *name, struct error *err)
{
    struct stat status;

    if (fstatat(dir->fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return error_system(err, errno, "look at %s/%s", dir->path, name);
    if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
        return error_set(err, ERROR_FORBIDDEN,
                         "%s/%s must be a file that only its owner may read (chmod 600)", dir->path,
                         name);
    return true;
}

/* A key that signs what its public half verifies is whole. */
static bool keys_match(const struct key_pair *keys)
{
    static const char probe[] = "berth-server-key";
    struct signature signature = crypto_sign_with(keys, probe, sizeof probe);

    return crypto_verify(keys->public_key, &signature, probe, sizeof probe);
}

static bool parse_keys(char *text, struct key_pair *keys)
{
    text[strcspn(text, "\n")] = '\0';
    if (!hex_parse(text, keys->secret_key, SECRET_KEY_SIZE))
        return false;
    /* RFC 8032 as everyone stores it: 32 bytes of seed, then the public key. */
    memcpy(keys->public_key, keys->secret_key + SECRET_KEY_SIZE - PUBLIC_KEY_SIZE, PUBLIC_KEY_SIZE);
    return keys_match(keys);
}

static bool make_keys(const struct data_dir *dir, struct key_pair *ret_keys, struct error *err)
{
    char text[KEY_TEXT_SIZE + 1];
    struct key_pair keys = crypto_key_pair();

    hex_format(keys.secret_key, SECRET_KEY_SIZE, text);
    size_t length = strlen(text);
    text[length++] = '\n';
    bool is_written = file_replace(dir->fd, KEY_NAME, 0600, text, length, err);
    if (is_written)
        *ret_keys = keys;
    crypto_wipe(text, sizeof text);
    crypto_wipe(&keys, sizeof keys);
    return is_written;
}

bool data_dir_keys(const struct data_dir *dir, struct key_pair *ret_keys, struct error *err)
{
    struct key_pair keys;
    auto_buf struct buf content = buf_of(KEY_TEXT_SIZE + 1);

    if (!file_read(dir->fd, KEY_NAME, &content, err)) {
        if (err->code == ERROR_NOT_FOUND)
            return make_keys(dir, ret_keys, err);
        return false;
    }
    if (!check_key_mode(dir, KEY_NAME, err))
        return false;
    bool is_key = content.length > 0 && parse_keys(content.bytes, &keys);
    if (content.length > 0)
        crypto_wipe(content.bytes, content.length);
    if (!is_key)
        return error_set(err, ERROR_CORRUPT, "%s/%s is not a key", dir->path, KEY_NAME);
    *ret_keys = keys;
    crypto_wipe(&keys, sizeof keys);
    return true;
}

static bool make_master_key(const struct data_dir *dir, const char *name,
                            uint8_t ret[static SEAL_KEY_SIZE], struct error *err)
{
    char text[MASTER_TEXT_SIZE + 1];

    crypto_random(ret, SEAL_KEY_SIZE);
    (void)hex_format(ret, SEAL_KEY_SIZE, text);
    size_t length = strlen(text);
    text[length++] = '\n';
    bool is_written = file_replace(dir->fd, name, 0600, text, length, err);
    crypto_wipe(text, sizeof text);
    return is_written;
}

/* ERROR_NOT_FOUND: there is none. */
static bool read_master_key(const struct data_dir *dir, const char *name,
                            uint8_t ret[static SEAL_KEY_SIZE], struct error *err)
{
    auto_buf struct buf content = buf_of(MASTER_TEXT_SIZE + 1);

    if (!file_read(dir->fd, name, &content, err) || !check_key_mode(dir, name, err))
        return false;
    bool is_key = content.length > 0;
    if (is_key) {
        content.bytes[strcspn(content.bytes, "\n")] = '\0';
        is_key = hex_parse(content.bytes, ret, SEAL_KEY_SIZE);
        crypto_wipe(content.bytes, content.length);
    }
    return is_key || error_set(err, ERROR_CORRUPT, "%s/%s is not a key", dir->path, name);
}

bool data_dir_master_key(const struct data_dir *dir, uint8_t ret[static SEAL_KEY_SIZE],
                         struct error *err)
{
    return read_master_key(dir, MASTER_NAME, ret, err) ||
           (err->code == ERROR_NOT_FOUND && make_master_key(dir, MASTER_NAME, ret, err));
}

bool data_dir_other_key(const struct data_dir *dir, enum data_dir_other other,
                        uint8_t ret[static SEAL_KEY_SIZE], bool *ret_has, struct error *err)
{
    *ret_has = read_master_key(dir, OTHER_NAMES[other], ret, err);
    return *ret_has || err->code == ERROR_NOT_FOUND;
}

bool data_dir_vault(const struct data_dir *dir, struct vault *ret, struct error *err)
{
    uint8_t key[SEAL_KEY_SIZE];
    bool has, is_read = data_dir_master_key(dir, key, err);

    if (is_read)
        *ret = vault_of(key);
    for (int other = DATA_DIR_NEXT; other <= DATA_DIR_BEFORE && is_read; other++) {
        is_read = data_dir_other_key(dir, (enum data_dir_other)other, key, &has, err);
        if (is_read && has && memcmp(key, ret->master.key, sizeof key) != 0)
            vault_add(ret, key);
    }
    crypto_wipe(key, sizeof key);
    return is_read;
}

static bool is_there(const struct data_dir *dir, const char *name)
{
    return faccessat(dir->fd, name, F_OK, 0) == 0;
}

bool data_dir_next_key(const struct data_dir *dir, struct error *err)
{
    uint8_t key[SEAL_KEY_SIZE];

    if (is_there(dir, OTHER_NAMES[DATA_DIR_NEXT]))
        return error_set(err, ERROR_CONFLICT, "there is a next one already, %s/%s", dir->path,
                         OTHER_NAMES[DATA_DIR_NEXT]);
    if (!is_there(dir, MASTER_NAME))
        return error_set(err, ERROR_NOT_FOUND, "there is no %s/%s yet", dir->path, MASTER_NAME);
    bool is_made = make_master_key(dir, OTHER_NAMES[DATA_DIR_NEXT], key, err);
    crypto_wipe(key, sizeof key);
    return is_made;
}

/* Whether the one before is the present one: a turn that a power cut has halved. */
static bool is_half_turned(const struct data_dir *dir)
{
    struct stat present, before;

    return fstatat(dir->fd, MASTER_NAME, &present, 0) == 0 &&
           fstatat(dir->fd, OTHER_NAMES[DATA_DIR_BEFORE], &before, 0) == 0 &&
           present.st_ino == before.st_ino;
}

/* At no moment is there no master key: a server would make one. */
bool data_dir_turn_key(const struct data_dir *dir, struct error *err)
{
    const char *next = OTHER_NAMES[DATA_DIR_NEXT], *before = OTHER_NAMES[DATA_DIR_BEFORE];

    if (!is_there(dir, next))
        return error_set(err, ERROR_CONFLICT, "there is no next one: berthd master-key next");
    if (linkat(dir->fd, MASTER_NAME, dir->fd, before, 0) != 0 &&
        !(errno == EEXIST && is_half_turned(dir)))
        return errno == EEXIST
                   ? error_set(err, ERROR_CONFLICT,
                               "%s/%s is still there: berthd master-key forget", dir->path, before)
                   : error_system(err, errno, "keep %s/%s", dir->path, before);
    if (fsync(dir->fd) != 0 || renameat(dir->fd, next, dir->fd, MASTER_NAME) != 0 ||
        fsync(dir->fd) != 0)
        return error_system(err, errno, "put %s/%s in place", dir->path, next);
    return true;
}

bool data_dir_forget_key(const struct data_dir *dir, struct error *err)
{
    const char *before = OTHER_NAMES[DATA_DIR_BEFORE];

    if (is_half_turned(dir))
        return error_set(err, ERROR_CONFLICT, "it is the present one: berthd master-key turn");
    if (unlinkat(dir->fd, before, 0) != 0)
        return errno == ENOENT ? error_set(err, ERROR_NOT_FOUND, "there is none before")
                               : error_system(err, errno, "delete %s/%s", dir->path, before);
    return fsync(dir->fd) == 0 || error_system(err, errno, "sync %s", dir->path);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/books.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "flow/check.h"
#include "flow/recovery.h"
#include "flow/review.h"
#include "server/data_dir.h"
#include "server/whereabouts.h"
#include "store/backup.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/sealed_file.h"

enum { BACKUPS_MAX = 4096, BACKUP_NAME_SIZE = 64, KEEP_MAX = 1000 };

#define PREFIX "berth-"

const struct option_row backup_options[] = {
    { "data", "DIR", "the server's folder (needed)" },
    { "to", "DIR", "where backups are kept: berth-TIME.sqlite, or .sealed (needed)" },
    { "keep", "N", "how many: older ones go (all)" },
    { "key-file", "FILE", "seal them: 64 hexadecimal digits, for nobody else to read" },
    { "store", "WHERE", "sqlite; PostgreSQL's own tools back up that (docs/operator.md)" },
    { NULL, NULL, NULL },
};

const struct option_row restore_options[] = {
    { "data", "DIR", "the server's folder, without books (needed)" },
    { "from", "FILE", "a backup (needed)" },
    { "key-file", "FILE", "what it was sealed with" },
    { NULL, NULL, NULL },
};

static bool need(const struct options *options, const char *name, const char **ret,
                 struct error *err)
{
    *ret = options_get(options, name);
    return *ret != NULL || error_set(err, ERROR_INVALID, "--%s is needed", name);
}

/* Violations */

struct verdict {
    uint64_t violations;
    char first[256];
};

static void note_finding(void *context, const char *rule, const char *text)
{
    struct verdict *verdict = context;

    if (verdict->violations++ == 0)
        (void)snprintf(verdict->first, sizeof verdict->first, "%s: %s", rule, text);
}

/* The books in `folder` hold every invariant. */
static bool check_books(const char *folder, struct check_counts *ret, struct error *err)
{
    struct log log = log_standard();
    struct verdict verdict = { 0 };
    struct store *store = NULL;

    if (!store_open(folder, &log, &store, err))
        return false;
    bool is_read = flow_check(store, note_finding, &verdict, ret, err);
    store_close(&store);
    return is_read && (verdict.violations == 0 ||
                       error_set(err, ERROR_CORRUPT, "%llu violations; the first: %s",
                                 (unsigned long long)verdict.violations, verdict.first));
}

/* A folder of one file, in which a copy is made and looked at before it has a name. Whoever made it
 * holds its lock: what nobody holds is left of a process that was killed. */
struct scratch {
    char path[PATH_MAX - 32];
    struct data_dir dir;
};

#define SCRATCH_PREFIX ".berth-new-"
enum { STALE_AFTER_S = 60 }; /* whoever lives has locked it by then */

static void remove_folder(const char *folder)
{
    static const char *const names[] = { "berth.sqlite", "berth.sqlite-wal", "berth.sqlite-shm",
                                         "berth.sealed", "berth.lock" };
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void remove_scratch(struct scratch *scratch)
{
    remove_folder(scratch->path);
    data_dir_close(&scratch->dir);
}

static void remove_if_stale(const char *path)
{
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct error ignored;
    struct stat about;

    if (lstat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
        clock_now(&clock_system).microseconds / US_PER_SECOND - about.st_mtime >= STALE_AFTER_S &&
        data_dir_find(path, &dir, &ignored) && data_dir_server(&dir) == 0)
        remove_folder(path);
}

/* They take as much room as the books. */
static void remove_stale(const char *parent)
{
    DIR *dir = opendir(parent);
    char path[PATH_MAX];

    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)) == 0 &&
            snprintf(path, sizeof path, "%s/%s", parent, entry->d_name) < PATH_MAX)
            remove_if_stale(path);
    }
    (void)closedir(dir);
}

static bool make_scratch(const char *parent, struct scratch *ret, struct error *err)
{
    ret->dir = (struct data_dir){ .fd = -1, .lock_fd = -1 };
    if (!file_make_dir(parent, 0700, err))
        return false;
    remove_stale(parent);
    int length = snprintf(ret->path, sizeof ret->path, "%s/" SCRATCH_PREFIX "XXXXXX", parent);
    if (length < 0 || (size_t)length >= sizeof ret->path)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (mkdtemp(ret->path) == NULL)
        return error_system(err, errno, "make a folder in %s", parent);
    if (data_dir_open(ret->path, &ret->dir, err) && data_dir_lock(&ret->dir, err))
        return true;
    remove_scratch(ret);
    return false;
}

/* Copy or seal or open one file into a new one, synced. */
typedef bool transform(const uint8_t key[static SEAL_KEY_SIZE], int from_fd, int to_fd,
                       struct error *err);

static bool transform_file(transform *apply, const uint8_t key[static SEAL_KEY_SIZE],
                           const char *from, const char *to, struct error *err)
{
    auto_close int from_fd = open(from, O_RDONLY | O_CLOEXEC);
    if (from_fd < 0)
        return error_system(err, errno, "open %s", from);
    auto_close int to_fd = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (to_fd < 0)
        return error_system(err, errno, "make %s", to);
    if (apply(key, from_fd, to_fd, err) && file_sync(AT_FDCWD, to, err))
        return true;
    (void)unlink(to);
    return error_context(err, "%s", from);
}

static bool copy_bytes(const uint8_t key[static SEAL_KEY_SIZE], int from_fd, int to_fd,
                       struct error *err)
{
    (void)key;
    for (;;) {
        char bytes[4096];
        ssize_t length = read(from_fd, bytes, sizeof bytes);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0)
            return error_system(err, errno, "read");
        if (length == 0)
            return true;
        if (!file_write_all(to_fd, bytes, (size_t)length, err))
            return false;
    }
}

/* Backup */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_backup_name(const char *name)
{
    size_t length = strlen(name);
    const char *end = strstr(name, ".sqlite");

    return strncmp(name, PREFIX, strlen(PREFIX)) == 0 && end != NULL && length < BACKUP_NAME_SIZE &&
           (strcmp(end, ".sqlite") == 0 || strcmp(end, ".sqlite.sealed") == 0);
}

/* Their names are their times: the first of them are the oldest. */
static bool drop_oldest(const char *folder, uint64_t keep, size_t *ret_dropped, struct error *err)
{
    auto_arena struct arena arena = arena_of(BACKUPS_MAX * (BACKUP_NAME_SIZE + 32));
    char **names = arena_alloc(&arena, BACKUPS_MAX, sizeof *names);
    DIR *dir = opendir(folder);
    size_t count = 0;

    *ret_dropped = 0;
    if (dir == NULL)
        return error_system(err, errno, "open %s", folder);
    for (struct dirent *entry; names != NULL && (entry = readdir(dir)) != NULL;) {
        if (is_backup_name(entry->d_name) && count < BACKUPS_MAX &&
            (names[count] = arena_text(&arena, entry->d_name)) != NULL)
            count++;
    }
    (void)closedir(dir);
    if (count <= keep)
        return true;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count - keep; i++) {
        char path[PATH_MAX];

        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (unlink(path) != 0)
            return error_system(err, errno, "remove %s", path);
        ++*ret_dropped;
    }
    return true;
}

/* "berth-20261130T093000.123456Z": sorts as time passes. */
static void name_backup(struct instant now, bool is_sealed, char name[static BACKUP_NAME_SIZE])
{
    char text[INSTANT_TEXT_SIZE], *to = name;

    (void)snprintf(name, BACKUP_NAME_SIZE, PREFIX);
    to += strlen(PREFIX);
    for (const char *from = instant_format(now, text); *from != '\0'; from++) {
        if (*from != '-' && *from != ':')
            *to++ = *from;
    }
    (void)snprintf(to, (size_t)(name + BACKUP_NAME_SIZE - to), "%s",
                   is_sealed ? ".sqlite.sealed" : ".sqlite");
}

/* It has its name once all of it is there. */
static bool keep_backup(const char *scratch, const char *to, const uint8_t *key,
                        char target[static PATH_MAX], struct error *err)
{
    char name[BACKUP_NAME_SIZE], path[PATH_MAX], sealed[PATH_MAX];

    name_backup(clock_now(&clock_system), key != NULL, name);
    (void)snprintf(path, sizeof path, "%s/berth.sqlite", scratch);
    (void)snprintf(sealed, sizeof sealed, "%s/berth.sealed", scratch);
    if (snprintf(target, PATH_MAX, "%s/%s", to, name) >= PATH_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (key != NULL && !transform_file(sealed_file_write, key, path, sealed, err))
        return false;
    if (rename(key != NULL ? sealed : path, target) != 0)
        return error_system(err, errno, "name it %s", target);
    return file_sync(AT_FDCWD, target, err);
}

/* In the books that were copied, for who looks whether they are. */
static bool note_backup(const char *data, struct error *err)
{
    struct log log = log_standard();
    struct flow flow = { .clock = &clock_system, .log = &log };

    if (!store_open_beside(data, &log, &flow.store, err))
        return false;
    bool is_noted = flow_backup_done(&flow, err);
    store_close(&flow.store);
    return is_noted;
}

bool backup_run(const struct options *options, struct buf *out, struct error *err)
{
    const char *data, *to, *key_file = options_get(options, "key-file");
    const char *keep_text = options_get(options, "keep"), *store = options_get(options, "store");
    char path[PATH_MAX], target[PATH_MAX];
    struct scratch scratch;
    uint8_t key[SEAL_KEY_SIZE];
    struct check_counts counts = { 0 };
    uint64_t keep = KEEP_MAX;
    size_t dropped;

    if (store != NULL && strcmp(store, "sqlite") != 0)
        return error_set(err, ERROR_INVALID,
                         "PostgreSQL is backed up by pg_basebackup and its archive of logs: see "
                         "docs/operator.md");
    if (!need(options, "data", &data, err) || !need(options, "to", &to, err) ||
        !whereabouts_find(options, &data, err))
        return false;
    if (keep_text != NULL && (!parse_u64(keep_text, &keep) || keep < 1 || keep > KEEP_MAX))
        return error_set(err, ERROR_INVALID, "--keep is a number from 1 to %d", KEEP_MAX);
    if ((key_file != NULL && !sealed_file_key(key_file, key, err)) ||
        !make_scratch(to, &scratch, err))
        return false;
    (void)snprintf(path, sizeof path, "%s/berth.sqlite", scratch.path);
    bool is_kept = backup_sqlite(data, path, err) && check_books(scratch.path, &counts, err) &&
                   keep_backup(scratch.path, to, key_file != NULL ? key : NULL, target, err);
    remove_scratch(&scratch);
    crypto_wipe(key, sizeof key);
    if (!is_kept || !note_backup(data, err) ||
        (keep_text != NULL && !drop_oldest(to, keep, &dropped, err)))
        return false;
    buf_printf(out, "%s: sound, %llu journals, %llu contracts", target,
               (unsigned long long)counts.journals, (unsigned long long)counts.contracts);
    return true;
}

/* Restore */

static bool begin_recovery(const char *location, struct error *err)
{
    struct log log = log_standard();
    struct flow flow = { .clock = &clock_system, .log = &log };
    struct store *store = NULL;

    if (!store_open(location, &log, &store, err))
        return false;
    flow.store = store;
    bool has_begun = flow_recovery_begin(&flow, err);
    store_close(&store);
    return has_begun;
}

/* The backup as berth.sqlite of `scratch`. */
static bool unpack(const char *from, const char *key_file, const char *scratch, struct error *err)
{
    uint8_t key[SEAL_KEY_SIZE] = { 0 };
    char path[PATH_MAX];
    auto_close int fd = open(from, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_system(err, errno, "open %s", from);
    bool is_sealed = sealed_file_is(fd);
    if (is_sealed && key_file == NULL)
        return error_set(err, ERROR_INVALID, "%s is sealed: --key-file is needed", from);
    if (is_sealed && !sealed_file_key(key_file, key, err))
        return false;
    (void)snprintf(path, sizeof path, "%s/berth.sqlite", scratch);
    bool is_done = transform_file(is_sealed ? sealed_file_read : copy_bytes, key, from, path, err);
    crypto_wipe(key, sizeof key);
    return is_done;
}

static bool put_books(const char *scratch, const char *data, struct error *err)
{
    char from[PATH_MAX], to[PATH_MAX];

    (void)snprintf(from, sizeof from, "%s/berth.sqlite", scratch);
    if (snprintf(to, sizeof to, "%s/berth.sqlite", data) >= PATH_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (rename(from, to) != 0)
        return error_system(err, errno, "name it %s", to);
    return file_sync(AT_FDCWD, to, err);
}

/* Nothing of other books may stand beside these. */
static bool check_empty(const char *data, struct error *err)
{
    static const char *const names[] = { "berth.sqlite", "berth.sqlite-wal", "berth.sqlite-shm" };
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", data, names[i]);
        if (access(path, F_OK) == 0)
            return error_set(err, ERROR_CONFLICT, "%s exists: move it away first", path);
    }
    return true;
}

bool restore_run(const struct options *options, struct buf *out, struct error *err)
{
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    const char *data, *from, *key_file = options_get(options, "key-file");
    struct check_counts counts = { 0 };
    struct scratch scratch;

    if (!need(options, "data", &data, err) || !need(options, "from", &from, err) ||
        !data_dir_open(data, &dir, err) || !data_dir_lock(&dir, err) || !check_empty(data, err) ||
        !make_scratch(data, &scratch, err))
        return false;
    bool is_done = unpack(from, key_file, scratch.path, err) &&
                   check_books(scratch.path, &counts, err) && begin_recovery(scratch.path, err) &&
                   put_books(scratch.path, data, err);
    remove_scratch(&scratch);
    if (!is_done)
        return error_context(err, "restore %s", from);
    buf_printf(out,
               "sound: %llu journals, %llu contracts\n"
               "The market is in recovery: start berthd, wait until machines have reported "
               "(berthd recovery show), then berthd recovery end.",
               (unsigned long long)counts.journals, (unsigned long long)counts.contracts);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/file.h"

enum { BUSY_MS = 10000 };

static bool fail(sqlite3 *db, const char *what, struct error *err)
{
    return error_set(err, ERROR_IO, "%s: %s", what,
                     db != NULL ? sqlite3_errmsg(db) : "out of memory");
}

/* All pages in one step: a reader's snapshot, which no writer makes it begin again. */
static bool copy(sqlite3 *from, sqlite3 *to, struct error *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

    if (backup == NULL)
        return fail(to, "begin the copy", err);
    int code = sqlite3_backup_step(backup, -1);
    int end = sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE || end != SQLITE_OK)
        return error_set(err, ERROR_IO, "copy the database: %s",
                         sqlite3_errstr(code != SQLITE_DONE ? code : end));
    /* One file, whole in itself, until somebody opens it for the market. */
    return sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) == SQLITE_OK ||
           fail(to, "end the copy", err);
}

static bool copy_to(const char *path, const char *target, struct error *err)
{
    sqlite3 *from = NULL, *to = NULL;

    bool is_open = (sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                    NULL) == SQLITE_OK ||
                    fail(from, path, err)) &&
                   (sqlite3_open_v2(target, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                    NULL) == SQLITE_OK ||
                    fail(to, target, err));
    bool is_copied = is_open && sqlite3_busy_timeout(from, BUSY_MS) == SQLITE_OK &&
                     sqlite3_exec(from, "PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON", NULL,
                                  NULL, NULL) == SQLITE_OK &&
                     copy(from, to, err);
    (void)sqlite3_close(to);
    (void)sqlite3_close(from);
    return is_copied;
}

bool backup_sqlite(const char *directory, const char *target, struct error *err)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/berth.sqlite", directory) >= (int)sizeof path)
        return error_set(err, ERROR_OUT_OF_RANGE, "the path is too long");
    if (access(path, R_OK) != 0)
        return error_system(err, errno, "read %s", path);
    auto_close int fd = open(target, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT, "%s exists", target);
    if (fd < 0)
        return error_system(err, errno, "make %s", target);
    if (!copy_to(path, target, err) || !file_sync(AT_FDCWD, target, err)) {
        (void)unlink(target);
        return error_context(err, "back up %s", path);
    }
    return true;
}

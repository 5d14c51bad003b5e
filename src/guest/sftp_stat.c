/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/sftp_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MODE_MASK = 07777, HALF_YEAR_S = 182 * 24 * 3600 };

struct sftp_attributes sftp_attributes_of(const struct stat *found)
{
    return (struct sftp_attributes){
        .has = SFTP_HAS_SIZE | SFTP_HAS_OWNER | SFTP_HAS_MODE | SFTP_HAS_TIMES,
        .size = (uint64_t)found->st_size,
        .uid = found->st_uid,
        .gid = found->st_gid,
        .mode = found->st_mode,
        .access_time = (uint32_t)found->st_atim.tv_sec,
        .change_time = (uint32_t)found->st_mtim.tv_sec,
    };
}

static void mode_text(mode_t mode, char text[static 11])
{
    static const char LETTERS[] = "rwxrwxrwx";
    const char type = S_ISDIR(mode)    ? 'd'
                      : S_ISLNK(mode)  ? 'l'
                      : S_ISCHR(mode)  ? 'c'
                      : S_ISBLK(mode)  ? 'b'
                      : S_ISFIFO(mode) ? 'p'
                      : S_ISSOCK(mode) ? 's'
                                       : '-';

    text[0] = type;
    for (int i = 0; i < 9; i++)
        text[1 + i] = (mode & (0400U >> i)) != 0 ? LETTERS[i] : '-';
    if ((mode & S_ISUID) != 0)
        text[3] = text[3] == 'x' ? 's' : 'S';
    if ((mode & S_ISGID) != 0)
        text[6] = text[6] == 'x' ? 's' : 'S';
    if ((mode & S_ISVTX) != 0)
        text[9] = text[9] == 'x' ? 't' : 'T';
    text[10] = '\0';
}

const char *sftp_long_name(const char *name, const struct stat *found,
                           char line[static SFTP_LONG_NAME_SIZE])
{
    char mode[11], date[32] = "?";
    struct timespec now;
    struct tm local;

    mode_text(found->st_mode, mode);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t age = (int64_t)now.tv_sec - found->st_mtim.tv_sec;
    bool is_recent = age >= 0 && age < HALF_YEAR_S;
    if (localtime_r(&found->st_mtim.tv_sec, &local) != NULL)
        (void)strftime(date, sizeof(date), is_recent ? "%b %e %H:%M" : "%b %e  %Y", &local);
    (void)snprintf(line, SFTP_LONG_NAME_SIZE, "%s %3lu %-8u %-8u %8llu %s %s", mode,
                   (unsigned long)found->st_nlink, (unsigned)found->st_uid, (unsigned)found->st_gid,
                   (unsigned long long)found->st_size, date, name);
    return line;
}

static void times_of(const struct sftp_attributes *attributes, struct timespec times[static 2])
{
    times[0] = (struct timespec){ .tv_sec = attributes->access_time };
    times[1] = (struct timespec){ .tv_sec = attributes->change_time };
}

/* Remember the first thing that went wrong, and go on. */
static void note(int result, int *reason)
{
    if (result != 0 && *reason == 0)
        *reason = errno;
}

static int end(int reason)
{
    errno = reason;
    return reason == 0 ? 0 : -1;
}

int sftp_apply_fd(int fd, const struct sftp_attributes *attributes)
{
    struct timespec times[2];
    int reason = 0;

    times_of(attributes, times);
    if ((attributes->has & SFTP_HAS_SIZE) != 0)
        note(ftruncate(fd, (off_t)attributes->size), &reason);
    if ((attributes->has & SFTP_HAS_OWNER) != 0)
        note(fchown(fd, attributes->uid, attributes->gid), &reason);
    if ((attributes->has & SFTP_HAS_MODE) != 0)
        note(fchmod(fd, attributes->mode & MODE_MASK), &reason);
    if ((attributes->has & SFTP_HAS_TIMES) != 0)
        note(futimens(fd, times), &reason);
    return end(reason);
}

int sftp_apply_path(const char *path, bool follows, const struct sftp_attributes *attributes)
{
    struct timespec times[2];
    int how = follows ? 0 : AT_SYMLINK_NOFOLLOW;
    int reason = 0;

    times_of(attributes, times);
    if ((attributes->has & SFTP_HAS_SIZE) != 0 && follows)
        note(truncate(path, (off_t)attributes->size), &reason);
    if ((attributes->has & SFTP_HAS_OWNER) != 0)
        note(fchownat(AT_FDCWD, path, attributes->uid, attributes->gid, how), &reason);
    if ((attributes->has & SFTP_HAS_MODE) != 0)
        note(fchmodat(AT_FDCWD, path, attributes->mode & MODE_MASK, how), &reason);
    if ((attributes->has & SFTP_HAS_TIMES) != 0)
        note(utimensat(AT_FDCWD, path, times, how), &reason);
    return end(reason);
}

/* "PARENT/last", where PARENT exists and the last part does not. */
static bool resolve_missing(const char *path, char ret_path[static PATH_MAX])
{
    char parent[PATH_MAX], real_parent[PATH_MAX];
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    memcpy(parent, path, length);
    parent[length] = '\0';
    char *slash = strrchr(parent, '/');
    const char *last = slash != NULL ? slash + 1 : parent;
    if (strcmp(last, "..") == 0 || strcmp(last, ".") == 0) {
        errno = ENOENT;
        return false;
    }
    if (slash != NULL)
        *slash = '\0';
    const char *above = slash == NULL ? "." : slash == parent ? "/" : parent;
    if (realpath(above, real_parent) == NULL)
        return false;
    const char *joint = strcmp(real_parent, "/") == 0 ? "" : "/";
    if (snprintf(ret_path, PATH_MAX, "%s%s%s", real_parent, joint, last) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

bool sftp_resolve(const char *path, bool has_home, char ret_path[static PATH_MAX])
{
    char whole[PATH_MAX];
    const char *home = "", *rest = path[0] != '\0' ? path : ".";

    if (has_home && path[0] == '~' && (path[1] == '/' || path[1] == '\0')) {
        home = getenv("HOME");
        home = home != NULL ? home : "/";
        rest = path + 1;
    }
    if (snprintf(whole, sizeof(whole), "%s%s", home, rest) >= (int)sizeof(whole)) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (realpath(whole, ret_path) != NULL)
        return true;
    return errno == ENOENT && resolve_missing(whole, ret_path);
}

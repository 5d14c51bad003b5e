/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/scp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_SIZE = 4096,
    PATH_SIZE = 4096,
    CHUNK = 64 * 1024,
    DEPTH_MAX = 128,
    MODE_MASK = 07777,
};

struct scp {
    bool is_recursive, keeps_times, wants_folder;
    bool has_failed;
    int depth;
};

/* Times that came ahead of an item. */
struct times {
    bool are_set;
    struct timespec access_change[2];
};

static bool parse_number(const char **at, int base, uint64_t *ret)
{
    uint64_t value = 0;
    const char *from = *at;

    for (; **at >= '0' && **at < '0' + base; (*at)++) {
        if (value > (UINT64_MAX - 9) / (uint64_t)base)
            return false;
        value = value * (uint64_t)base + (uint64_t)(**at - '0');
    }
    *ret = value;
    return *at > from;
}

bool scp_parse_item(const char *line, struct scp_item *ret_item)
{
    const char *at = line + 1;
    uint64_t mode, size;

    if (line[0] == '\0' || !parse_number(&at, 8, &mode) || mode > MODE_MASK || *at++ != ' ' ||
        !parse_number(&at, 10, &size) || size > INT64_MAX || *at++ != ' ')
        return false;
    size_t length = strlen(at);
    /* A name is one step down, never up or away. */
    if (length == 0 || length > SCP_NAME_MAX || strchr(at, '/') != NULL || strcmp(at, ".") == 0 ||
        strcmp(at, "..") == 0)
        return false;
    *ret_item = (struct scp_item){ .mode = (uint32_t)mode, .size = size };
    memcpy(ret_item->name, at, length + 1);
    return true;
}

bool scp_parse_times(const char *line, int64_t *ret_change, int64_t *ret_access)
{
    const char *at = line + 1;
    uint64_t values[4];

    for (int i = 0; i < 4; i++) {
        if (line[0] == '\0' || !parse_number(&at, 10, &values[i]) || values[i] > INT64_MAX ||
            *at != (i < 3 ? ' ' : '\0'))
            return false;
        at += i < 3 ? 1 : 0;
    }
    *ret_change = (int64_t)values[0];
    *ret_access = (int64_t)values[2];
    return true;
}

static bool put(const void *bytes, size_t length)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t done = write(STDOUT_FILENO, at, length);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        length -= (size_t)done;
    }
    return true;
}

static bool acknowledge(void)
{
    return put("", 1);
}

/* Say what went wrong with one file, and go on with the next. */
static __attribute__((format(printf, 2, 3))) void complain(struct scp *scp, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;

    scp->has_failed = true;
    va_start(arguments, format);
    text[0] = '\1';
    size_t length = 1 + (size_t)snprintf(text + 1, sizeof(text) - 1, "scp: ");
    (void)vsnprintf(text + length, sizeof(text) - length - 1, format, arguments);
    va_end(arguments);
    length = strlen(text);
    text[length++] = '\n';
    (void)put(text, length);
}

/* One line, without its end. False at the end of the input, or for a line that is too long. */
static bool read_line(char line[static LINE_SIZE])
{
    for (size_t i = 0; i < LINE_SIZE; i++) {
        if (read(STDIN_FILENO, line + i, 1) != 1)
            return false;
        if (line[i] == '\n' || (i == 0 && line[i] == '\0')) {
            line[i] = '\0';
            return true;
        }
    }
    return false;
}

/* Whether the client is content. Its complaints are its own to show. */
static bool await_answer(struct scp *scp)
{
    char line[LINE_SIZE];

    if (!read_line(line))
        exit(1);
    if (line[0] == '\0')
        return true;
    scp->has_failed = true;
    if (line[0] != '\1')
        exit(1);
    return false;
}

/* Take a file's bytes, into `fd` as long as that works; the first error of writing is left in
 * `*reason`. */
static void take_bytes(int fd, uint64_t size, int *reason)
{
    static char bytes[CHUNK];

    while (size > 0) {
        size_t wanted = size < sizeof(bytes) ? (size_t)size : sizeof(bytes);
        ssize_t got = read(STDIN_FILENO, bytes, wanted);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            exit(1);
        size -= (uint64_t)got;
        for (ssize_t at = 0; fd >= 0 && *reason == 0 && at < got;) {
            ssize_t done = write(fd, bytes + at, (size_t)(got - at));

            if (done <= 0)
                *reason = done < 0 ? errno : EIO;
            else
                at += done;
        }
    }
}

static void take_file(struct scp *scp, const char *path, const struct scp_item *item,
                      const struct times *times)
{
    int reason = 0;

    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, item->mode);
    if (fd < 0) {
        complain(scp, "%s: %s", path, strerror(errno));
        return;
    }
    (void)acknowledge();
    take_bytes(fd, item->size, &reason);
    if (reason == 0 && ftruncate(fd, (off_t)item->size) != 0 && errno != EINVAL)
        reason = errno;
    if (scp->keeps_times && fchmod(fd, item->mode) != 0 && reason == 0)
        reason = errno;
    if (times->are_set)
        (void)futimens(fd, times->access_change);
    if (close(fd) != 0 && reason == 0)
        reason = errno;
    bool is_complete = await_answer(scp);
    if (reason != 0)
        complain(scp, "%s: %s", path, strerror(reason));
    else if (is_complete)
        (void)acknowledge();
}

static bool is_folder(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static void take_items(struct scp *scp, const char *target);

static void take_folder(struct scp *scp, const char *path, const struct scp_item *item,
                        const struct times *times)
{
    if (!scp->is_recursive) {
        complain(scp, "%s: a folder, and -r was not given", path);
        exit(1);
    }
    if (++scp->depth > DEPTH_MAX) {
        complain(scp, "%s: too deep", path);
        exit(1);
    }
    bool is_new = !is_folder(path);
    if (is_new && mkdir(path, item->mode | S_IRWXU) != 0) {
        complain(scp, "%s: %s", path, strerror(errno));
        exit(1);
    }
    (void)acknowledge();
    take_items(scp, path);
    if (times->are_set)
        (void)utimensat(AT_FDCWD, path, times->access_change, 0);
    if (is_new || scp->keeps_times)
        (void)chmod(path, item->mode);
    scp->depth--;
}

/* Until the folder ends, or at the top the input. */
static void take_items(struct scp *scp, const char *target)
{
    char line[LINE_SIZE], path[PATH_SIZE];
    struct times times = { 0 };
    struct scp_item item;
    int64_t changed, accessed;

    (void)(scp->depth == 0 ? acknowledge() : true);
    while (read_line(line)) {
        if (line[0] == '\1') {
            scp->has_failed = true;
            continue;
        }
        if (line[0] == 'E' && scp->depth > 0) {
            (void)acknowledge();
            return;
        }
        if (line[0] == 'T' && scp_parse_times(line, &changed, &accessed)) {
            times = (struct times){ true, { { .tv_sec = accessed }, { .tv_sec = changed } } };
            (void)acknowledge();
            continue;
        }
        if ((line[0] != 'C' && line[0] != 'D') || !scp_parse_item(line, &item)) {
            complain(scp, "the client's line is malformed");
            exit(1);
        }
        bool is_inside = scp->depth > 0 || is_folder(target);
        if (snprintf(path, sizeof(path), "%s%s%s", target, is_inside ? "/" : "",
                     is_inside ? item.name : "") >= (int)sizeof(path)) {
            complain(scp, "%s: the path is too long", target);
            exit(1);
        }
        if (line[0] == 'C')
            take_file(scp, path, &item, &times);
        else
            take_folder(scp, path, &item, &times);
        times = (struct times){ 0 };
    }
    if (scp->depth > 0)
        exit(1);
}

static int sink(struct scp *scp, const char *target)
{
    if (scp->wants_folder && !is_folder(target)) {
        complain(scp, "%s: not a folder", target);
        return 1;
    }
    take_items(scp, target);
    return scp->has_failed ? 1 : 0;
}

/* Line by line what is about to come; true where the client wants it. */
static bool announce(struct scp *scp, char kind, const char *name, const struct stat *found)
{
    char line[LINE_SIZE];

    if (scp->keeps_times) {
        (void)snprintf(line, sizeof(line), "T%lld 0 %lld 0\n", (long long)found->st_mtim.tv_sec,
                       (long long)found->st_atim.tv_sec);
        if (!put(line, strlen(line)) || !await_answer(scp))
            return false;
    }
    (void)snprintf(line, sizeof(line), "%c%04o %lld %s\n", kind,
                   (unsigned)(found->st_mode & MODE_MASK),
                   kind == 'C' ? (long long)found->st_size : 0LL, name);
    return put(line, strlen(line)) && await_answer(scp);
}

/* As many bytes as were announced: a file that shrank is filled up, and complained about. */
static int give_bytes(int fd, uint64_t size)
{
    static char bytes[CHUNK];
    int reason = 0;

    while (size > 0) {
        size_t wanted = size < sizeof(bytes) ? (size_t)size : sizeof(bytes);
        ssize_t got = reason == 0 ? read(fd, bytes, wanted) : 0;

        if (got <= 0) {
            reason = reason != 0 ? reason : got < 0 ? errno : EIO;
            memset(bytes, 0, wanted);
            got = (ssize_t)wanted;
        }
        if (!put(bytes, (size_t)got))
            exit(1);
        size -= (uint64_t)got;
    }
    return reason;
}

static void give(struct scp *scp, const char *path);

static void give_folder(struct scp *scp, const char *path, const char *name,
                        const struct stat *found)
{
    char inside[PATH_SIZE];
    DIR *folder = scp->depth < DEPTH_MAX ? opendir(path) : NULL;

    if (folder == NULL) {
        complain(scp, "%s: %s", path, scp->depth < DEPTH_MAX ? strerror(errno) : "too deep");
        return;
    }
    scp->depth++;
    if (announce(scp, 'D', name, found)) {
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            if (snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name) <
                (int)sizeof(inside))
                give(scp, inside);
            else
                complain(scp, "%s: the path is too long", path);
        }
        (void)put("E\n", 2);
        (void)await_answer(scp);
    }
    scp->depth--;
    (void)closedir(folder);
}

static void give(struct scp *scp, const char *path)
{
    struct stat found;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &found) != 0) {
        complain(scp, "%s: %s", path, strerror(errno));
    } else if (strchr(name, '\n') != NULL) {
        complain(scp, "a name with a line's end in it cannot be said");
    } else if (S_ISDIR(found.st_mode) && scp->is_recursive) {
        give_folder(scp, path, name, &found);
    } else if (!S_ISREG(found.st_mode)) {
        complain(scp, "%s: not a regular file", path);
    } else if (announce(scp, 'C', name, &found)) {
        int reason = give_bytes(fd, (uint64_t)found.st_size);

        if (reason == 0)
            (void)acknowledge();
        else
            complain(scp, "%s: %s", path, strerror(reason));
        (void)await_answer(scp);
    }
    if (fd >= 0)
        (void)close(fd);
}

int scp_main(char *const arguments[])
{
    struct scp scp = { 0 };
    char role = '\0';
    size_t at = 1;

    for (; arguments[at] != NULL && arguments[at][0] == '-'; at++) {
        if (strcmp(arguments[at], "--") == 0) {
            at++;
            break;
        }
        for (const char *letter = arguments[at] + 1; *letter != '\0'; letter++) {
            role = *letter == 't' || *letter == 'f' ? *letter : role;
            scp.is_recursive = scp.is_recursive || *letter == 'r';
            scp.keeps_times = scp.keeps_times || *letter == 'p';
            scp.wants_folder = scp.wants_folder || *letter == 'd';
        }
    }
    if (role == 't' && arguments[at] != NULL && arguments[at + 1] == NULL)
        return sink(&scp, arguments[at]);
    if (role != 'f' || arguments[at] == NULL) {
        (void)fprintf(stderr, "berth: scp is here for the far end of scp -O alone\n");
        return 2;
    }
    (void)await_answer(&scp);
    for (; arguments[at] != NULL; at++)
        give(&scp, arguments[at]);
    return scp.has_failed ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/copy.h"
#include "guest/tool.h"

/* Every container has this folder, in memory. */
#define FOLDER "/dev/shm"

#define HELPER "/opt/berth/bin/berth-guest"

enum {
    PATH_SIZE = 4096 + 2,
    CONFIG_SIZE = 1024,
    RULES_SIZE = 3 * PATH_SIZE,
    FOLDER_FD = 7, /* the given folder, whatever its path holds that a configuration cannot */
    CARRY_IN = 8,  /* where the other end is, for copy_carry_main() */
    CARRY_OUT = 9,
    CHUNK = 64 * 1024,
    FILE_NAME_SIZE = 64,
    ARGUMENTS_MAX = 32,
};

static const char *const take_options[] = {
    "rsync",
    "-a",
    "-z",
    "--numeric-ids",
    "--no-inc-recursive",
    "--info=progress2",
    "--outbuf=N",
    "-e",
    HELPER " carry",
};

/* Of a whole instance: nothing that is mounted there, and nothing that each machine writes itself.
 * Nothing is deleted there: a copy never takes away what it does not bring. */
static const char *const whole_options[] = {
    "-H",
    "-x",
    "--exclude=/dev",
    "--exclude=/proc",
    "--exclude=/sys",
    "--exclude=/run/berth*",
    "--exclude=/opt/berth",
    "--exclude=/etc/hosts",
    "--exclude=/etc/hostname",
    "--exclude=/etc/resolv.conf",
    "--exclude=/.dockerenv",
};

/* A path cut where rsync cuts it: the folder that is entered, and what of it is meant; "" is all.
 */
struct cut {
    char folder[PATH_SIZE], name[PATH_SIZE];
};

static int digit(char letter)
{
    const char *digits = "0123456789abcdef";
    const char *found = letter != '\0' ? strchr(digits, letter) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* From the root, whatever it began with. */
static bool path_read(const char *text, char ret[static PATH_SIZE])
{
    size_t length = strlen(text), at = 0;

    if (length == 0 || length % 2 != 0 || length / 2 > PATH_SIZE - 2)
        return false;
    ret[at++] = '/';
    for (size_t i = 0; i < length; i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);

        if (high < 0 || low < 0 || high * 16 + low < ' ')
            return false;
        if (at == 1 && high * 16 + low == '/')
            continue;
        ret[at++] = (char)(high * 16 + low);
    }
    ret[at] = '\0';
    return true;
}

static void path_cut(const char *path, struct cut *ret)
{
    const char *name = strrchr(path, '/') + 1;
    bool is_all = *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

    (void)snprintf(ret->folder, sizeof ret->folder, "%.*s",
                   is_all ? PATH_SIZE - 1 : (int)(name - path), path);
    (void)snprintf(ret->name, sizeof ret->name, "%s", is_all ? "" : name);
}

/* A file in memory with that in it. */
static bool keep_text(const char *text, size_t length, char path[static FILE_NAME_SIZE])
{
    (void)snprintf(path, FILE_NAME_SIZE, "%s", FOLDER "/.berth-copy-XXXXXX");
    int fd = mkstemp(path);

    if (fd < 0 || write(fd, text, length) != (ssize_t)length) {
        (void)fprintf(stderr, "berth: copy: %s: %s\n", FOLDER, strerror(errno));
        return false;
    }
    (void)close(fd);
    return true;
}

static int wrong_path(void)
{
    (void)fprintf(stderr, "berth: copy: that is no path\n");
    return 2;
}

/* Until it ends: then its files go, too. */
static int serve(const char *config_path, const char *rules_path)
{
    char option[FILE_NAME_SIZE + 16];
    const char *const arguments[] = { "rsync", "--server", "--daemon", option, ".", NULL };
    int status = 1;
    pid_t pid;

    (void)snprintf(option, sizeof option, "--config=%s", config_path);
    pid = fork();
    if (pid == 0)
        tool_main((char *const *)arguments);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)unlink(config_path);
    if (*rules_path != '\0')
        (void)unlink(rules_path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Under a changed root, so that no link leads out of the folder; by rules that let nothing but the
 * name through, where there is one. */
static int give(const struct cut *cut)
{
    static char rules[RULES_SIZE];
    char config[CONFIG_SIZE], line[2 * FILE_NAME_SIZE] = "";
    char config_path[FILE_NAME_SIZE], rules_path[FILE_NAME_SIZE] = "";

    int length = snprintf(rules, sizeof rules, "/%s\n/%s/**\n", cut->name, cut->name);
    if (*cut->name != '\0') {
        if (!keep_text(rules, (size_t)length, rules_path))
            return 1;
        (void)snprintf(line, sizeof line, "include from = %s\nexclude = *\n", rules_path);
    }
    length = snprintf(config, sizeof config,
                      "use chroot = yes\nuid = 0\ngid = 0\nread only = yes\nlist = no\n"
                      "munge symlinks = no\nreverse lookup = no\nnumeric ids = yes\n"
                      "log file = /dev/null\n[copy]\npath = /proc/self/fd/%d/.\n%s",
                      FOLDER_FD, line);
    return keep_text(config, (size_t)length, config_path) ? serve(config_path, rules_path) : 1;
}

int copy_give_main(const char *path)
{
    static char whole[PATH_SIZE];
    static struct cut cut;

    if (!path_read(path, whole))
        return wrong_path();
    path_cut(whole, &cut);
    int fd = open(cut.folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || dup2(fd, FOLDER_FD) < 0) {
        (void)fprintf(stderr, "berth: copy: %s: %s\n", cut.folder, strerror(errno));
        return 23;
    }
    return give(&cut);
}

int copy_take_main(const char *from, const char *to)
{
    static char whole[PATH_SIZE], target[PATH_SIZE], source[PATH_SIZE + 16];
    static struct cut cut;

    if (!path_read(from, whole) || !path_read(to, target))
        return wrong_path();
    path_cut(whole, &cut);
    (void)snprintf(source, sizeof source, "berth::copy/%s", cut.name);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(STDIN_FILENO, CARRY_IN) < 0 || dup2(STDOUT_FILENO, CARRY_OUT) < 0 ||
        dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 1;
    bool is_whole = strcmp(whole, "/") == 0 && strcmp(target, "/") == 0;
    const char *arguments[ARGUMENTS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < sizeof take_options / sizeof take_options[0]; i++)
        arguments[count++] = take_options[i];
    for (size_t i = 0; is_whole && i < sizeof whole_options / sizeof whole_options[0]; i++)
        arguments[count++] = whole_options[i];
    arguments[count++] = "--";
    arguments[count++] = source;
    arguments[count++] = target;
    arguments[count] = NULL;
    tool_main((char *const *)arguments);
}

/* What was read is written, whole. False: there is no more, or nobody takes it. */
static bool move(int from, int to)
{
    static char bytes[CHUNK];
    ssize_t got = read(from, bytes, sizeof bytes);

    for (ssize_t put = 0; put < got;) {
        ssize_t count = write(to, bytes + put, (size_t)(got - put));

        if (count < 0 && errno != EINTR)
            return false;
        put += count > 0 ? count : 0;
    }
    return got > 0 || (got < 0 && errno == EINTR);
}

int copy_carry_main(void)
{
    /* rsync hands out what does not block. */
    (void)fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) & ~O_NONBLOCK);
    (void)fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) & ~O_NONBLOCK);
    /* One process a direction: neither ever waits for the other's reader. */
    pid_t pid = fork();

    if (pid < 0)
        return 1;
    if (pid == 0) {
        (void)close(STDOUT_FILENO);
        while (move(STDIN_FILENO, CARRY_OUT)) {
        }
        (void)close(CARRY_OUT);
        _exit(0);
    }
    (void)close(STDIN_FILENO);
    (void)close(CARRY_OUT);
    while (move(CARRY_IN, STDOUT_FILENO)) {
    }
    return 0;
}

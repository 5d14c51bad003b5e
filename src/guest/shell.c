/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/shell.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/user.h"
#include "guest/words.h"

#define TOOLS_PATH   "/opt/berth/bin"
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What to look for where the user's own shell is not there. */
static const char *const SHELLS[] = {
    "/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh", "/bin/ash", "/busybox/sh",
};
static const char *const BUSYBOXES[] = {
    "/bin/busybox", "/usr/bin/busybox", "/busybox", "/busybox/busybox", "/sbin/busybox",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Shells that only turn people away: whoever holds the key owns the container. */
static bool turns_away(const char *shell)
{
    return strcmp(base_name(shell), "nologin") == 0 || strcmp(base_name(shell), "false") == 0;
}

/* The user's shell, or the first that is there; "" without any. `*ret_is_busybox`: it must be
 * told by its name to be a shell. */
static const char *find_shell(const char *own, bool *ret_is_busybox)
{
    *ret_is_busybox = false;
    if (own[0] == '/' && !turns_away(own) && access(own, X_OK) == 0)
        return own;
    for (size_t i = 0; i < COUNT(SHELLS); i++)
        if (access(SHELLS[i], X_OK) == 0)
            return SHELLS[i];
    *ret_is_busybox = true;
    for (size_t i = 0; i < COUNT(BUSYBOXES); i++)
        if (access(BUSYBOXES[i], X_OK) == 0)
            return BUSYBOXES[i];
    return "";
}

static void append_tools(void)
{
    const char *path = getenv("PATH");
    char whole[PATH_MAX * 2];

    if (path == NULL || path[0] == '\0')
        path = PATH_DEFAULT;
    if (strstr(path, TOOLS_PATH) == NULL &&
        snprintf(whole, sizeof(whole), "%s:%s", path, TOOLS_PATH) < (int)sizeof(whole))
        (void)setenv("PATH", whole, 1);
}

void shell_environment(void)
{
    struct user user = user_self();
    bool is_busybox;
    const char *shell = find_shell(user.shell, &is_busybox);

    (void)setenv("USER", user.name, 1);
    (void)setenv("LOGNAME", user.name, 1);
    (void)setenv("HOME", user.home, 1);
    if (shell[0] != '\0' && !is_busybox)
        (void)setenv("SHELL", shell, 1);
    else
        (void)unsetenv("SHELL");
    append_tools();
    if (chdir(user.home) != 0)
        (void)!chdir("/");
}

/* Become the image's shell under `name`, with `arguments` behind it. Returns where there is
 * none. */
static void run_shell(bool is_login, const char *option, const char *argument)
{
    struct user user = user_self();
    bool is_busybox;
    const char *shell = find_shell(user.shell, &is_busybox);
    char name[USER_FIELD_MAX + 1];

    if (shell[0] == '\0')
        return;
    (void)snprintf(name, sizeof(name), "%s%s", is_login ? "-" : "",
                   is_busybox ? "sh" : base_name(shell));
    const char *arguments[SHELL_ARGS_MAX] = { name, option, argument, NULL };
    if (option == NULL)
        arguments[1] = argument;
    execv(shell, (char *const *)arguments);
    (void)fprintf(stderr, "berth: %s: %s\n", shell, strerror(errno));
}

_Noreturn void shell_program(char *const arguments[])
{
    execvp(arguments[0], arguments);
    int reason = errno;
    (void)fprintf(stderr, "berth: %s: %s\n", arguments[0], strerror(reason));
    _exit(reason == ENOENT ? 127 : 126);
}

_Noreturn void shell_run(const char *command)
{
    static char *words[WORDS_MAX];

    run_shell(command == NULL, command != NULL ? "-c" : NULL, command);
    if (command == NULL) {
        (void)fprintf(stderr, "berth: this image has no shell: give the program to run, as in "
                              "ssh ... /path/to/program\n");
        _exit(127);
    }
    size_t size = strlen(command) + 1;
    char *buffer = malloc(size + 1);
    if (buffer == NULL || !words_split(command, buffer, size + 1, words)) {
        (void)fprintf(stderr, "berth: this image has no shell, and that command needs one: give "
                              "a program and its arguments alone\n");
        _exit(127);
    }
    shell_program(words);
}

void shell_script(const char *path)
{
    run_shell(false, NULL, path);
}

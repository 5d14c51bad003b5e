/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/jupyter.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/launch.h"
#include "guest/shell.h"

enum { PAUSE_FIRST_S = 1, PAUSE_MAX_S = 60, FOLDER_MODE = 0755 };

static bool is_program(const char *dir, size_t length, const char *name)
{
    char path[PATH_MAX];

    return length > 0 &&
           snprintf(path, sizeof(path), "%.*s/%s", (int)length, dir, name) < (int)sizeof(path) &&
           access(path, X_OK) == 0;
}

static bool is_in_path(const char *name)
{
    const char *path = getenv("PATH");

    for (const char *at = path; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ":");

        if (is_program(at, length, name))
            return true;
        at += length + (at[length] == ':' ? 1 : 0);
    }
    return false;
}

/* The one that was asked for, or the other one, which is better than none. */
static const char *find_program(const char *app)
{
    static const char *const names[] = { "jupyter-lab", "jupyter-notebook" };
    size_t first = strcmp(app, "notebook") == 0 ? 1 : 0;

    if (is_in_path(names[first]))
        return names[first];
    return is_in_path(names[1 - first]) ? names[1 - first] : NULL;
}

/* A folder that is not there yet is made, with those above it. */
static void make_folder(const char *dir)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
        return;
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        (void)mkdir(path, FOLDER_MODE);
        *at = '/';
    }
    (void)mkdir(path, FOLDER_MODE);
}

/* Become it. Options have two names: of Jupyter's server, and of the notebook before version 7;
 * each program leaves the other's alone. */
static _Noreturn void run_server(const char *program, const char *dir)
{
    char folder[PATH_MAX + 32];

    (void)snprintf(folder, sizeof(folder), "--notebook-dir=%s", dir);
    const char *const arguments[] = {
        program,
        "--allow-root",
        "--no-browser",
        "--ip=0.0.0.0", /* the host leads relays to it; to all others its port is closed */
        "--port=8080",
        folder,
        "--ServerApp.port_retries=0",
        "--NotebookApp.port_retries=0",
        /* Whoever calls through a relay names its host. */
        "--ServerApp.allow_remote_access=True",
        "--NotebookApp.allow_remote_access=True",
        NULL,
    };
    shell_program((char *const *)arguments);
}

static int64_t now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void pause_s(unsigned seconds)
{
    struct timespec left = { .tv_sec = seconds };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* Run it again and again: less often while it fails at once. */
static _Noreturn void keep_running(const char *program, const char *dir)
{
    unsigned pause = PAUSE_FIRST_S;

    for (;;) {
        int64_t began = now_s();
        pid_t child = fork();

        if (child == 0)
            run_server(program, dir);
        while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
            continue;
        pause = now_s() - began > PAUSE_MAX_S ? PAUSE_FIRST_S : pause;
        (void)fprintf(stderr, "berth: %s has ended; it starts again in %u s\n", program, pause);
        pause_s(pause);
        pause = 2 * pause < PAUSE_MAX_S ? 2 * pause : PAUSE_MAX_S;
    }
}

void jupyter_start(const struct jupyter *jupyter)
{
    if (jupyter->app == NULL)
        return;
    const char *program = find_program(jupyter->app);
    if (program == NULL) {
        (void)fprintf(stderr, "berth: this image has no Jupyter: neither jupyter-lab nor "
                              "jupyter-notebook is in its PATH\n");
        return;
    }
    if (launch_detach()) {
        const char *dir = jupyter->dir;

        shell_environment();
        if (dir == NULL)
            dir = getenv("HOME");
        if (dir == NULL || dir[0] != '/')
            dir = "/";
        make_folder(dir);
        (void)!chdir(dir); /* where kernels begin, that were asked for without a notebook */
        keep_running(program, dir);
    }
}

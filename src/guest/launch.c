/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/jupyter.h"
#include "guest/shell.h"

#define ONSTART_SCRIPT "/root/onstart.sh"
#define PREEMPT_NOTICE "/run/berth/preempt.json" /* agent/preempt.h */

enum {
    NAME_SIZE = 65,
    STOP_WAIT_MS = 5000, /* for what runs in the container, after SIGTERM; the engine waits 10 s */
    NOTICE_WAIT_MS = 130000, /* the host kills at the deadline of the notice, which is sooner */
    STOP_STEP_MS = 50,
    NAME_WAIT_MS = 5000, /* for the host name, which the host gives as soon as it sees us */
};

bool launch_detach(void)
{
    (void)fflush(NULL);
    pid_t middle = fork();
    if (middle < 0) {
        (void)fprintf(stderr, "berth: cannot fork: %s\n", strerror(errno));
        return false;
    }
    if (middle > 0) {
        while (waitpid(middle, NULL, 0) < 0 && errno == EINTR) {
        }
        return false;
    }
    if (fork() != 0)
        _exit(0);
    (void)setsid();
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0)
        (void)dup2(nothing, STDIN_FILENO);
    return true;
}

/* A script that may run itself does, by whatever its first line names; else a shell reads it. */
static _Noreturn void run_script(const char *path)
{
    shell_environment();
    if (access(path, X_OK) == 0)
        execl(path, path, (char *)NULL);
    shell_script(path);
    (void)fprintf(stderr, "berth: %s: this image has no shell to run it\n", path);
    _exit(127);
}

static void start_background(const char *variable)
{
    if (access(ONSTART_SCRIPT, R_OK) == 0 && launch_detach())
        run_script(ONSTART_SCRIPT);

    char *command = variable != NULL ? getenv(variable) : NULL;
    if (command == NULL)
        return;
    if (command[0] != '\0' && launch_detach()) {
        /* The copy outlives the variable. */
        char *own = strdup(command);
        (void)unsetenv(variable);
        shell_environment();
        shell_run(own);
    }
    (void)unsetenv(variable);
}

static void sleep_ms(long ms)
{
    struct timespec step = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&step, NULL);
}

/* Ask everything in the container to end, and give it time: the kernel kills what is left when
 * the first process is gone. */
static _Noreturn void stop_all(void)
{
    long wait_ms = access(PREEMPT_NOTICE, F_OK) == 0 ? NOTICE_WAIT_MS : STOP_WAIT_MS;

    (void)kill(-1, SIGTERM);
    (void)kill(-1, SIGCONT);
    for (long waited = 0; waited < wait_ms; waited += STOP_STEP_MS) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        if (kill(-1, 0) != 0)
            break;
        sleep_ms(STOP_STEP_MS);
    }
    _exit(0);
}

/* Nothing to run: keep the container up for those who come in. */
static _Noreturn void wait_for_stop(const sigset_t *wanted)
{
    for (;;) {
        int number = sigwaitinfo(wanted, NULL);

        if (number == SIGCHLD) {
            while (waitpid(-1, NULL, WNOHANG) > 0) {
            }
        } else if (number > 0) {
            stop_all();
        }
    }
}

/* A container that joins another one's network starts under that one's name. */
static void await_name(const char *wanted)
{
    char name[NAME_SIZE];

    for (long waited = 0; waited < NAME_WAIT_MS; waited++) {
        if (gethostname(name, sizeof(name)) == 0 && strcmp(name, wanted) == 0)
            return;
        sleep_ms(1);
    }
    (void)fprintf(stderr, "berth: the host has not named this container %s\n", wanted);
}

/* The value of that option, where it comes next; moves behind it. */
static const char *take_option(char *const **arguments, const char *name)
{
    const char *value;

    if (**arguments == NULL || strcmp(**arguments, name) != 0)
        return NULL;
    value = (*arguments)[1];
    if (value == NULL) {
        (void)fprintf(stderr, "berth: launch: %s needs a name\n", name);
        _exit(2);
    }
    *arguments += 2;
    return value;
}

static bool take_flag(char *const **arguments, const char *name)
{
    bool is_given = **arguments != NULL && strcmp(**arguments, name) == 0;

    *arguments += is_given ? 1 : 0;
    return is_given;
}

_Noreturn void launch_main(char *const arguments[])
{
    bool is_idle = take_flag(&arguments, "--idle");
    const char *hostname = take_option(&arguments, "--hostname");
    const char *variable = take_option(&arguments, "--onstart-env");
    struct jupyter jupyter = { .app = take_option(&arguments, "--jupyter") };
    sigset_t wanted, before;

    jupyter.dir = take_option(&arguments, "--jupyter-dir");
    if (arguments[0] != NULL && strcmp(arguments[0], "--") == 0)
        arguments++;

    (void)unlink(PREEMPT_NOTICE); /* of an earlier run */
    if (hostname != NULL)
        await_name(hostname);
    if (!is_idle)
        start_background(variable);
    jupyter_start(&jupyter);
    if (arguments[0] != NULL)
        shell_program(arguments);

    /* Blocked from here on, so that none comes between looking and waiting. */
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGQUIT);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &wanted, &before);
    wait_for_stop(&wanted);
}

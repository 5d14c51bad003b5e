/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/releases.h"
#include "base/parse.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"

enum { NUMBER_SIZE = 16, EXIT_NOT_STARTED = 127 };

struct launcher {
    const struct launch *launch;
    struct releases releases;
    struct releases_state state;
    struct log log;
    int signals;
    sigset_t mask_before;
    char version[RELEASE_VERSION_SIZE]; /* of the child; "": this program */
    pid_t pid;
    int report; /* our end; -1: it has reported, or has none */
    bool is_on_trial, has_reported, is_late, was_told_to_stop;
    int64_t deadline_us;
};

int launch_descriptor(void)
{
    const char *text = getenv(LAUNCH_VARIABLE);
    uint64_t number;

    if (text == NULL || !parse_u64(text, &number) || number > INT_MAX ||
        fcntl((int)number, F_GETFD) < 0)
        return -1;
    /* For this process alone: what it starts in turn is nobody's launcher's child. */
    (void)unsetenv(LAUNCH_VARIABLE);
    (void)fcntl((int)number, F_SETFD, FD_CLOEXEC);
    return (int)number;
}

void launch_report(int *descriptor)
{
    if (*descriptor >= 0)
        (void)!write(*descriptor, "1", 1);
    fd_release(descriptor);
}

static int64_t now_us(void)
{
    return clock_boot_us(&clock_system);
}

static const char *name_of(const struct launcher *launcher)
{
    return *launcher->version != '\0' ? launcher->version : launcher->launch->version;
}

static void save(struct launcher *launcher)
{
    struct error err;

    if (!releases_save(&launcher->releases, &launcher->state, &err))
        log_failure(&launcher->log, "state of updates not saved", &err);
}

/* The child */

static _Noreturn void become(const struct launcher *launcher, int report, pid_t parent)
{
    char path[PATH_MAX] = "/proc/self/exe", number[NUMBER_SIZE];

    /* Killed rather than left alone, as an agent may be at any moment. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_NOT_STARTED);
    if (*launcher->version != '\0')
        (void)snprintf(path, sizeof path, "%s/%s/%s", launcher->releases.path, launcher->version,
                       release_names[0]);
    (void)snprintf(number, sizeof number, "%d", report);
    if (setenv(LAUNCH_VARIABLE, number, 1) != 0 || fcntl(report, F_SETFD, 0) != 0)
        _exit(EXIT_NOT_STARTED);
    (void)sigprocmask(SIG_SETMASK, &launcher->mask_before, NULL);
    (void)execv(path, launcher->launch->arguments);
    log_write(&launcher->log, LOG_ERROR, "update not started", "%s: %s", path, strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

static bool start(struct launcher *launcher, struct error *err)
{
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_system(err, errno, "make a pipe");
    auto_close int read_end = ends[0];
    auto_close int write_end = ends[1];
    launcher->pid = fork();
    if (launcher->pid < 0)
        return error_system(err, errno, "start the agent");
    if (launcher->pid == 0)
        become(launcher, write_end, parent);
    launcher->report = read_end;
    read_end = -1;
    launcher->has_reported = launcher->is_late = false;
    launcher->deadline_us = now_us() + launcher->launch->trial_s * US_PER_SECOND;
    return true;
}

/* The newest that may be tried, or this program itself. One that is on trial counts as failed from
 * its start on, so that one that takes the whole machine down is given up in the end, too. */
static void choose(struct launcher *launcher)
{
    releases_load(&launcher->releases, &launcher->state);
    releases_newest(&launcher->releases, &launcher->state, launcher->launch->version,
                    launcher->version);
    launcher->is_on_trial =
        *launcher->version != '\0' && strcmp(launcher->version, launcher->state.confirmed) != 0;
    if (*launcher->version == '\0')
        return;
    log_write(&launcher->log, LOG_INFO, launcher->is_on_trial ? "update on trial" : "update runs",
              "version %s in place of %s", launcher->version, launcher->launch->version);
    if (launcher->is_on_trial) {
        releases_count(&launcher->state, launcher->version, 1);
        save(launcher);
    }
}

static void confirm(struct launcher *launcher)
{
    launcher->has_reported = true;
    fd_release(&launcher->report);
    if (*launcher->version == '\0')
        return;
    releases_count(&launcher->state, launcher->version, -RELEASES_TRIES);
    (void)snprintf(launcher->state.confirmed, sizeof launcher->state.confirmed, "%s",
                   launcher->version);
    save(launcher);
    releases_keep_only(&launcher->releases, launcher->version);
    if (launcher->is_on_trial)
        log_write(&launcher->log, LOG_INFO, "update confirmed", "version %s", launcher->version);
    launcher->is_on_trial = false;
}

/* Waiting */

static void on_report(struct launcher *launcher)
{
    char byte;
    ssize_t length = read(launcher->report, &byte, 1);

    if (length == 1)
        confirm(launcher);
    else if (length == 0 || (errno != EINTR && errno != EAGAIN))
        fd_release(&launcher->report); /* it ends, or will never say */
}

static void on_signal(struct launcher *launcher)
{
    struct signalfd_siginfo info;

    if (read(launcher->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
        launcher->was_told_to_stop = true;
        (void)kill(launcher->pid, (int)info.ssi_signo);
    }
}

static int patience_ms(const struct launcher *launcher)
{
    int64_t left_us = launcher->deadline_us - now_us();

    if (!launcher->is_on_trial || launcher->is_late || launcher->was_told_to_stop)
        return -1;
    return left_us <= 0 ? 0 : (int)(left_us / US_PER_MS + 1);
}

/* Until it ends: how. */
static int wait_for(struct launcher *launcher)
{
    int status;

    for (;;) {
        struct pollfd fds[] = { { .fd = launcher->signals, .events = POLLIN },
                                { .fd = launcher->report, .events = POLLIN } };

        if (waitpid(launcher->pid, &status, WNOHANG) == launcher->pid)
            break;
        int count = poll(fds, 2, patience_ms(launcher));
        if (count > 0 && fds[1].revents != 0)
            on_report(launcher);
        if (count > 0 && fds[0].revents != 0)
            on_signal(launcher);
        if (patience_ms(launcher) == 0) {
            launcher->is_late = true;
            (void)kill(launcher->pid, SIGKILL);
        }
    }
    if (launcher->report >= 0)
        on_report(launcher); /* its last word */
    fd_release(&launcher->report);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A trial that has failed: back to what ran before. */
static void roll_back(struct launcher *launcher, int status)
{
    int64_t tries = releases_failures(&launcher->state, launcher->version);

    if (launcher->is_late)
        log_write(&launcher->log, LOG_ERROR, "update rolled back",
                  "version %s had no heartbeat accepted within %lld s", launcher->version,
                  (long long)launcher->launch->trial_s);
    else
        log_write(&launcher->log, LOG_ERROR, "update rolled back", "version %s ended with %d",
                  launcher->version, status);
    if (tries >= RELEASES_TRIES)
        log_write(&launcher->log, LOG_ERROR, "update given up", "version %s, after %lld trials",
                  launcher->version, (long long)tries);
    releases_forget(&launcher->releases, launcher->version);
}

/* Whether to go on with another child. */
static bool goes_on(struct launcher *launcher, int status)
{
    if (launcher->was_told_to_stop) {
        if (launcher->is_on_trial) { /* it had no fair one */
            releases_count(&launcher->state, launcher->version, -1);
            save(launcher);
        }
        return false;
    }
    if (launcher->is_on_trial) {
        roll_back(launcher, status);
        return true;
    }
    if (status == LAUNCH_AGAIN)
        return true;
    /* One that worked and cannot start any more: in the end this program does its work again. */
    if (*launcher->version != '\0' && !launcher->has_reported) {
        releases_count(&launcher->state, launcher->version, 1);
        save(launcher);
    }
    return false;
}

static bool open_signals(struct launcher *launcher, struct error *err)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &signals, &launcher->mask_before);
    launcher->signals = signalfd(-1, &signals, SFD_CLOEXEC);
    return launcher->signals >= 0 || error_system(err, errno, "listen to signals");
}

bool launch_run(const struct launch *launch, int *ret_status, struct error *err)
{
    struct launcher launcher = {
        .launch = launch, .log = log_standard(), .signals = -1, .report = -1, .releases.dir = -1
    };
    bool is_done;
    int status;

    if (!releases_open(launch->data_dir, launch->key, &launcher.releases, err))
        return false;
    is_done = open_signals(&launcher, err);
    while (is_done) {
        choose(&launcher);
        is_done = start(&launcher, err);
        if (!is_done)
            break;
        status = wait_for(&launcher);
        if (!goes_on(&launcher, status)) {
            *ret_status = status;
            break;
        }
        log_write(&launcher.log, LOG_INFO, "agent started anew", "after %s", name_of(&launcher));
    }
    fd_release(&launcher.signals);
    releases_close(&launcher.releases);
    return is_done;
}

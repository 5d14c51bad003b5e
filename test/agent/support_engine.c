/* SPDX-License-Identifier: Apache-2.0 */
#include "support_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { START_MS = 20000, STOP_MS = 20000, STEP_US = 10000, RUN_MS = 60000 };

static char dir[64], socket_path[128];
static pid_t engine_pid;

const char *engine_dir(void)
{
    return dir;
}

const char *engine_path(void)
{
    return socket_path;
}

static void give_up(const char *reason)
{
    const char *required = getenv("BERTH_REQUIRE_ENGINE");

    (void)printf("ENGINE TESTS NOT RUN: %s\n", reason);
    exit(required != NULL && strcmp(required, "1") == 0 ? 1 : CHECK_SKIP);
}

static void run(const char *const *arguments, const char *input)
{
    struct child_run child = { arguments, input, RUN_MS };
    auto_buf struct buf output = buf_of(65536);
    struct error err;
    int status = -1;

    CHECK_OK(child_run(&child, &output, &status, &err), &err);
    if (status != 0)
        print_error("%s: %s\n", arguments[0], output.bytes != NULL ? output.bytes : "");
    CHECK_INT(status, 0);
}

void engine_need(const char *name)
{
    const char *const arguments[] = { "sh", "-c", "command -v \"$0\"", name, NULL };
    struct child_run child = { arguments, NULL, RUN_MS };
    auto_buf struct buf output = buf_of(4096);
    char reason[128];
    struct error err;
    int status = -1;

    (void)snprintf(reason, sizeof reason, "%s is not installed", name);
    if (!child_run(&child, &output, &status, &err) || status != 0)
        give_up(reason);
}

void engine_enter(void)
{
    static const char *const programs[] = { "dockerd",  "containerd", "runc",
                                            "iptables", "ip",         "busybox" };
    const char *const up[] = { "ip", "link", "set", "lo", "up", NULL };
    char wider[4096];

    (void)snprintf(wider, sizeof wider, "%s:/usr/sbin:/sbin", getenv("PATH"));
    (void)setenv("PATH", wider, 1);
    if (geteuid() != 0)
        give_up("not root");
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        engine_need(programs[i]);
    if (unshare(CLONE_NEWNET) != 0)
        give_up("cannot make a network namespace");
    run(up, NULL);
}

static int make_folder(void)
{
    (void)snprintf(dir, sizeof dir, "/var/tmp/berth-agent-%d", (int)getpid());
    (void)snprintf(socket_path, sizeof socket_path, "%s/d.sock", dir);
    return mkdir(dir, 0700);
}

static int remove_folder(void)
{
    const char *const arguments[] = { "rm", "-rf", dir, NULL };

    run(arguments, NULL);
    return 0;
}

int engine_folder_setup(void **state)
{
    (void)state;
    return make_folder();
}

int engine_folder_teardown(void **state)
{
    (void)state;
    return remove_folder();
}

static void show_log(void)
{
    auto_buf struct buf text = buf_of(16 << 20);
    char log[128];
    struct error err;

    (void)snprintf(log, sizeof log, "%s/d.log", dir);
    if (file_read(AT_FDCWD, log, &text, &err) && text.length > 0)
        print_error("%s", text.length > 4000 ? text.bytes + text.length - 4000 : text.bytes);
}

void engine_wait(const char *socket)
{
    int64_t deadline_us = clock_boot_us(&clock_system) + START_MS * US_PER_MS;
    struct docker_info info;
    struct error err;

    for (;;) {
        auto_docker struct docker docker = docker_open(socket);

        if (docker_info(&docker, &info, &err))
            return;
        if (clock_boot_us(&clock_system) > deadline_us) {
            show_log();
            CHECK_OK(false, &err);
        }
        (void)usleep(STEP_US);
    }
}

void engine_start(void)
{
    char host[160], root[128], exec[128], pidfile[128], log[128];
    struct error err;

    (void)snprintf(host, sizeof host, "unix://%s", socket_path);
    (void)snprintf(root, sizeof root, "%s/data", dir);
    (void)snprintf(exec, sizeof exec, "%s/exec", dir);
    (void)snprintf(pidfile, sizeof pidfile, "%s/d.pid", dir);
    (void)unlink(pidfile);
    (void)snprintf(log, sizeof log, "%s/exec/containerd/containerd.pid", dir);
    (void)unlink(log); /* its process may be dead and not reaped yet */
    (void)snprintf(log, sizeof log, "%s/d.log", dir);
    const char *const arguments[] = { "dockerd",
                                      "--host",
                                      host,
                                      "--data-root",
                                      root,
                                      "--exec-root",
                                      exec,
                                      "--pidfile",
                                      pidfile,
                                      "--bridge",
                                      "none",
                                      "--live-restore",
                                      "--userland-proxy=false",
                                      "--log-level",
                                      "warn",
                                      NULL };
    auto_close int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK_OK(child_start(arguments, log_fd, &engine_pid, &err), &err);
    engine_wait(socket_path);
}

void engine_kill(void)
{
    (void)kill(engine_pid, SIGKILL);
    (void)waitpid(engine_pid, NULL, 0);
}

/* A tar of one folder, made by busybox itself, and imported as an image. */
static void import(const char *socket, const char *image, const char *script)
{
    char command[2048];
    const char *const arguments[] = { "sh", "-c", command, NULL };

    (void)snprintf(command, sizeof command,
                   "set -e; d=$(mktemp -d %s/img.XXXXXX); cd $d; %s; tar -c . | curl -sf -X POST "
                   "--unix-socket %s -H 'Content-Type: application/x-tar' -T - "
                   "'http://engine/v1.41/images/create?fromSrc=-&repo=%s&tag=1&changes=ENV%%20PATH"
                   "%%3D/bin&changes=CMD%%20%%5B%%22/bin/sh%%22%%5D' >/dev/null; rm -rf $d",
                   dir, script, socket, image);
    run(arguments, NULL);
}

void engine_import(const char *socket)
{
    import(socket, "bb",
           "mkdir bin etc root tmp; cp $(command -v busybox) bin/busybox; for a in $(busybox "
           "--list); do [ $a = busybox ] || ln -s busybox bin/$a; done; echo root:x:0:0:root:/root:"
           "/bin/sh >etc/passwd; echo root:x:0: >etc/group");
    import(socket, "bare", "mkdir bin; cp $(command -v busybox) bin/sleep");
}

int engine_setup(void **state)
{
    (void)state;
    if (make_folder() != 0)
        return -1;
    engine_start();
    engine_import(socket_path);
    return 0;
}

static void kill_containers(void)
{
    auto_docker struct docker docker = docker_open(socket_path);
    struct docker_call list = { .method = "GET", .path = "/containers/json?all=1" };
    auto_json json_t *all = NULL;
    struct error err;
    size_t index;
    json_t *item;

    if (!docker_call(&docker, &list, &all, &err))
        return;
    json_array_foreach(all, index, item)(void) !docker_remove(
        &docker, json_string_value(json_object_get(item, "Id")), &err);
}

int engine_teardown(void **state)
{
    char root[128];

    (void)state;
    kill_containers();
    (void)kill(engine_pid, SIGTERM);
    for (int64_t waited_us = 0; waitpid(engine_pid, NULL, WNOHANG) == 0; waited_us += STEP_US) {
        if (waited_us > STOP_MS * US_PER_MS)
            (void)kill(engine_pid, SIGKILL);
        (void)usleep(STEP_US);
    }
    (void)snprintf(root, sizeof root, "%s/data", dir);
    /* The engine's own, and below that perhaps a file system that a test made. */
    while (umount2(root, MNT_DETACH) == 0) {
    }
    (void)snprintf(root, sizeof root, "%s/exec/netns/default", dir);
    (void)umount2(root, MNT_DETACH);
    return remove_folder();
}

void engine_shell(const char *command)
{
    const char *const arguments[] = { "sh", "-c", command, NULL };
    struct child_run child = { arguments, NULL, RUN_MS };
    auto_buf struct buf output = buf_of(65536);
    struct error err;
    int status = -1;

    CHECK_OK(child_run(&child, &output, &status, &err), &err);
    if (status != 0)
        print_error("%s: %s\n", command, output.bytes != NULL ? output.bytes : "");
    CHECK_INT(status, 0);
}

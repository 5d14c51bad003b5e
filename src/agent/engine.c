/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/docker.h"
#include "agent/engine_neighbour.h"
#include "agent/engine_rules.h"
#include "agent/slots.h"
#include "base/buf.h"
#include "base/parse.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/file.h"

enum {
    TEND_MS = 500,
    PATH_SIZE = 320,
    ARGUMENT_SIZE = PATH_SIZE + 16,
    STOP_SECONDS = 30,
    STEP_US = 20000,
    LOG_KEPT_MAX = 16 << 20,
};

struct engine {
    struct loop *loop;
    struct log log;
    char data[PATH_SIZE], socket[PATH_SIZE];
    struct loop_timer *timer;
    pid_t child; /* the engine, if we started it; 0 */
    int start_count;
    int64_t starts_us[ENGINE_STARTS_MAX]; /* the last ones, oldest first */
    char failure[256];
};

static char *path_of(const char *data, const char *name, char path[static PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%.*s/engine/%.64s", PATH_SIZE - 80, data, name);
    return path;
}

/* Whether the process was started with that among its arguments. */
static bool has_argument(int64_t pid, const char *argument)
{
    auto_buf struct buf text = buf_of(65536);
    struct error ignored;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/cmdline", pid);
    if (!file_read(AT_FDCWD, path, &text, &ignored) || text.length == 0)
        return false; /* a zombie's is empty */
    for (size_t i = 0; i < text.length; i += strlen(text.bytes + i) + 1) {
        if (strcmp(text.bytes + i, argument) == 0)
            return true;
    }
    return false;
}

/* The process in a pidfile, if it has that argument. 0: none. */
static int64_t find_process(const char *pidfile, const char *argument)
{
    auto_buf struct buf text = buf_of(64);
    struct error ignored;
    uint64_t pid;

    if (!file_read(AT_FDCWD, pidfile, &text, &ignored) || text.length == 0)
        return 0;
    text.bytes[strcspn(text.bytes, "\n")] = '\0';
    if (!parse_u64(text.bytes, &pid) || pid < 2 || pid > INT32_MAX)
        return 0;
    return has_argument((int64_t)pid, argument) ? (int64_t)pid : 0;
}

int64_t engine_find(const char *data)
{
    char pidfile[PATH_SIZE];

    (void)path_of(data, "docker.pid", pidfile);
    return find_process(pidfile, pidfile);
}

/* A pidfile that names somebody else, or a process that is dead and not reaped yet, would stop the
 * engine from starting, or have it wait for a containerd that is no more. */
static bool remove_stale(const char *pidfile, const char *argument, struct error *err)
{
    if (find_process(pidfile, argument) > 0)
        return true;
    if (unlink(pidfile) != 0 && errno != ENOENT)
        return error_system(err, errno, "remove %s", pidfile);
    return true;
}

/* The engine's settings that a host's owner may want to change, such as a registry mirror. */
static bool make_config(const char *data, struct error *err)
{
    char path[PATH_SIZE];

    if (access(path_of(data, "daemon.json", path), F_OK) == 0)
        return true;
    return file_replace(AT_FDCWD, path, 0600, "{}\n", 3, err);
}

/* Its log, begun anew when it has grown. */
static bool open_log(const char *data, int *ret_fd, struct error *err)
{
    char path[PATH_SIZE];

    int fd =
        open(path_of(data, "docker.log", path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(err, errno, "open %s", path);
    if (lseek(fd, 0, SEEK_END) > LOG_KEPT_MAX && ftruncate(fd, 0) != 0) {
        (void)error_system(err, errno, "shorten %s", path);
        (void)close(fd);
        return false;
    }
    *ret_fd = fd;
    return true;
}

static bool launch(struct engine *engine, struct error *err)
{
    char root[PATH_SIZE], exec[PATH_SIZE], pidfile[PATH_SIZE], config[PATH_SIZE];
    char containerd_pid[PATH_SIZE], containerd_config[PATH_SIZE];
    char host[ARGUMENT_SIZE];
    int log_fd = -1;

    (void)path_of(engine->data, "docker.pid", pidfile);
    (void)path_of(engine->data, "exec/containerd/containerd.pid", containerd_pid);
    (void)path_of(engine->data, "exec/containerd/containerd.toml", containerd_config);
    if (!remove_stale(pidfile, pidfile, err) ||
        !remove_stale(containerd_pid, containerd_config, err))
        return false;
    if (!make_config(engine->data, err) || !open_log(engine->data, &log_fd, err))
        return false;
    auto_close int log = log_fd;
    (void)snprintf(host, sizeof host, "unix://%s", engine->socket);
    const char *const arguments[] = {
        "dockerd",
        "--host",
        host,
        "--data-root",
        path_of(engine->data, "data", root),
        "--exec-root",
        path_of(engine->data, "exec", exec),
        "--pidfile",
        pidfile,
        "--config-file",
        path_of(engine->data, "daemon.json", config),
        "--bridge",
        "none",
        "--live-restore",
        "--userland-proxy=false",
        "--log-level",
        "warn",
        NULL,
    };
    return child_start(arguments, log, &engine->child, err);
}

/* The oldest of the last starts must be long ago. */
static bool may_start(struct engine *engine)
{
    int64_t now_us = loop_now_us(engine->loop);

    if (engine->start_count == ENGINE_STARTS_MAX) {
        if (now_us - engine->starts_us[0] < ENGINE_WINDOW_SECONDS * US_PER_SECOND)
            return false;
        memmove(engine->starts_us, engine->starts_us + 1,
                (ENGINE_STARTS_MAX - 1) * sizeof engine->starts_us[0]);
        engine->start_count--;
    }
    engine->starts_us[engine->start_count++] = now_us;
    return true;
}

static void reap(struct engine *engine)
{
    int status;

    if (engine->child > 0 && waitpid(engine->child, &status, WNOHANG) == engine->child)
        engine->child = 0;
}

static void tend(void *context)
{
    struct engine *engine = context;
    struct error err;

    loop_timer_set(engine->timer, TEND_MS);
    reap(engine);
    if (engine->child > 0 || engine_find(engine->data) > 0)
        return;
    if (!may_start(engine)) {
        if (*engine->failure == '\0')
            log_write(&engine->log, LOG_ERROR, "engine given up",
                      "it ended %d times in %d s; see %s/engine/docker.log", ENGINE_STARTS_MAX,
                      ENGINE_WINDOW_SECONDS, engine->data);
        (void)snprintf(engine->failure, sizeof engine->failure, "the engine ended %d times in %d s",
                       ENGINE_STARTS_MAX, ENGINE_WINDOW_SECONDS);
        return;
    }
    *engine->failure = '\0';
    log_write(&engine->log, LOG_WARNING, "engine starts again", "%s", engine->socket);
    if (!launch(engine, &err)) {
        log_failure(&engine->log, "engine not started", &err);
        (void)snprintf(engine->failure, sizeof engine->failure, "%s", err.text);
    }
}

bool engine_open(struct loop *loop, const char *data, const struct log *log, struct engine **ret,
                 struct error *err)
{
    char dir[PATH_SIZE];

    if (strlen(data) > ENGINE_PATH_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE,
                         "the data folder's path has over %d characters, and the engine's sockets "
                         "in it would have too long names",
                         ENGINE_PATH_MAX);
    (void)snprintf(dir, sizeof dir, "%s/engine", data);
    if (!file_make_dir(dir, 0700, err))
        return false;

    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        abort();
    engine->loop = loop;
    engine->log = *log;
    (void)snprintf(engine->data, sizeof engine->data, "%s", data);
    (void)path_of(data, "docker.sock", engine->socket);
    if (engine_find(data) > 0) {
        log_write(log, LOG_INFO, "engine runs already", "%s", engine->socket);
    } else if (!engine_rules_note(dir, err) || !may_start(engine) || !launch(engine, err)) {
        free(engine);
        return false;
    }
    engine->timer = loop_timer(loop, tend, engine);
    loop_timer_set(engine->timer, TEND_MS);
    *ret = engine;
    return true;
}

void engine_close(struct engine **engine)
{
    if (*engine == NULL)
        return;
    loop_timer_close(&(*engine)->timer);
    free(*engine);
    *engine = NULL;
}

const char *engine_socket(const struct engine *engine)
{
    return engine->socket;
}

const char *engine_failure(const struct engine *engine)
{
    return *engine->failure != '\0' ? engine->failure : NULL;
}

/* Containers first: the engine would leave them running. */
static void kill_containers(const char *data)
{
    char socket[PATH_SIZE], path[128];
    auto_docker struct docker docker = docker_open(path_of(data, "docker.sock", socket));
    struct docker_call list = { .method = "GET", .path = "/containers/json" };
    auto_json json_t *all = NULL;
    struct error ignored;
    size_t index;
    json_t *item;

    if (!docker_call(&docker, &list, &all, &ignored))
        return;
    json_array_foreach(all, index, item)
    {
        const char *id = json_string_value(json_object_get(item, "Id"));
        struct docker_call end = { .method = "POST", .path = path };

        (void)snprintf(path, sizeof path, "/containers/%.64s/kill", id != NULL ? id : "");
        if (!docker_call(&docker, &end, NULL, &ignored))
            continue;
    }
}

/* One by one, as the rules are somebody else's too. They are made again when they are needed. */
static void remove_networks(const char *data)
{
    char socket[PATH_SIZE];
    auto_docker struct docker docker = docker_open(path_of(data, "docker.sock", socket));
    struct docker_call list = { .method = "GET", .path = "/networks" };
    auto_json json_t *all = NULL;
    struct error ignored;
    size_t index;
    json_t *item;

    if (!docker_call(&docker, &list, &all, &ignored))
        return;
    json_array_foreach(all, index, item)
    {
        const char *name = json_string_value(json_object_get(item, "Name"));

        if (name != NULL && strlen(name) < SLOT_TEXT_SIZE && strncmp(name, "bt", 2) == 0 &&
            !docker_network_remove(&docker, name, &ignored))
            continue;
    }
}

bool engine_stop(const char *data, struct error *err)
{
    int64_t pid = engine_find(data);
    char root[PATH_SIZE], neighbour[NEIGHBOUR_DIR_SIZE];

    if (pid > 0) {
        kill_containers(data);
        if (engine_neighbour_find(pid, neighbour) > 0)
            remove_networks(data);
        if (kill((pid_t)pid, SIGTERM) != 0 && errno != ESRCH)
            return error_system(err, errno, "stop the engine");
        for (int64_t left_us = STOP_SECONDS * US_PER_SECOND; engine_find(data) == pid;
             left_us -= STEP_US) {
            if (left_us <= 0)
                return error_set(err, ERROR_TIMEOUT,
                                 "the engine (process %" PRId64 ") did not end within %d s", pid,
                                 STOP_SECONDS);
            (void)usleep(STEP_US);
        }
    }
    /* The engine mounts its folder onto itself, and may leave it so. */
    if (umount2(path_of(data, "data", root), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
        return error_system(err, errno, "unmount %s", root);
    (void)snprintf(root, sizeof root, "%s/engine", data);
    return engine_rules_undo(root, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/jupyter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/access_netns.h"
#include "agent/agent.h"
#include "agent/diary.h"
#include "market/launch.h"
#include "proto/heartbeat.h"
#include "sys/fd.h"
#include "sys/http_client.h"

enum {
    PATH_DIRS_MAX = 32,
    URL_SIZE = 2048,
    REQUEST_SIZE = 512,
    WAIT_MS = 180000, /* a large image from a slow disk takes its time to load Python */
    ANSWER_MS = 2000,
    PAUSE_MS = 250,
    WATCH_MS = WAIT_MS + 10000,
};

bool jupyter_is_wanted(const struct instance_spec *spec)
{
    struct launch_mode mode;
    struct error ignored;

    return spec->jupyter_token != NULL &&
           launch_mode_parse(spec->runtype, spec->arg_count > 0, &mode, &ignored) &&
           mode.has_jupyter;
}

/* Is it in the image? */

/* The engine looks at the files of a container whether it runs or not. */
static bool has_file(struct docker *docker, const char *container, const char *path, bool *ret,
                     struct error *err)
{
    auto_buf struct buf url = buf_of(URL_SIZE), reply = buf_of(URL_SIZE);
    struct http_request request = { .method = "HEAD", .timeout_ms = DOCKER_CALL_MS };
    int status = 0;

    buf_printf(&url, "%s/containers/%s/archive?path=", DOCKER_URL, container);
    docker_escape(&url, path);
    *ret = false;
    if (url.has_overflowed)
        return true;
    request.url = url.bytes;
    if (!http_client_send(docker->client, &request, &status, &reply, err))
        return error_context(err, "look for Jupyter");
    *ret = status == 200;
    return true;
}

static const char *path_of(const json_t *inspected)
{
    const json_t *env = json_object_get(json_object_get(inspected, "Config"), "Env");

    for (size_t i = 0; i < json_array_size(env); i++) {
        const char *text = json_string_value(json_array_get(env, i));

        if (text != NULL && strncmp(text, "PATH=", 5) == 0)
            return text + 5;
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

bool jupyter_need(struct docker *docker, const char *container, struct error *err)
{
    static const char *const names[] = { "jupyter-lab", "jupyter-notebook" };
    auto_json json_t *inspected = NULL;
    char file[URL_SIZE / 4];

    if (!docker_inspect(docker, container, &inspected, err))
        return false;
    const char *path = path_of(inspected);
    for (size_t dirs = 0; *path != '\0' && dirs < PATH_DIRS_MAX; dirs++) {
        size_t length = strcspn(path, ":");

        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            bool has = false;
            int size = snprintf(file, sizeof file, "%.*s/%s", (int)length, path, names[i]);

            if (size < (int)sizeof file && !has_file(docker, container, file, &has, err))
                return false;
            if (has)
                return true;
        }
        path += length + (path[length] == ':' ? 1 : 0);
    }
    return error_set(err, ERROR_UNAVAILABLE,
                     "the image has no Jupyter: neither jupyter-lab nor jupyter-notebook is in its "
                     "PATH. Take an image that has one, or rent it with SSH alone");
}

/* Does it answer? */

struct watch {
    const struct seen *seen;
    const char *token;
};

/* "HTTP/1.1 200": it is up and takes the token. */
static bool answers(int fd, const char *token)
{
    char text[REQUEST_SIZE];
    int length = snprintf(text, sizeof text,
                          "GET /api/status?token=%s HTTP/1.0\r\nHost: localhost:%d\r\n\r\n", token,
                          LAUNCH_JUPYTER_PORT);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(LAUNCH_JUPYTER_PORT),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    size_t got = 0;

    if (fd < 0 || length >= (int)sizeof text ||
        (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
         errno != EINPROGRESS) ||
        poll(&ready, 1, ANSWER_MS) != 1 ||
        send(fd, text, (size_t)length, MSG_NOSIGNAL) != (ssize_t)length)
        return false;
    ready.events = POLLIN;
    while (got < 12 && poll(&ready, 1, ANSWER_MS) == 1) {
        ssize_t count = recv(fd, text + got, sizeof text - got, 0);

        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    return got >= 12 && memcmp(text, "HTTP/1.", 7) == 0 && memcmp(text + 8, " 200", 4) == 0;
}

static bool watch_work(void *context, const struct job_report *report, struct buf *result,
                       struct error *err)
{
    const struct watch *watch = context;
    auto_netns struct netns netns = NETNS_NONE;
    struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

    (void)report;
    (void)result;
    if (!netns_open((pid_t)watch->seen->pid, watch->seen->id, &netns, err))
        return false;
    for (int waited = 0; waited < WAIT_MS && netns_is_alive(&netns); waited += PAUSE_MS) {
        auto_close int fd = netns_socket(&netns, AF_INET, SOCK_STREAM);

        if (answers(fd, watch->token))
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return error_set(err, ERROR_TIMEOUT, "Jupyter does not answer");
}

static void on_end(void *context, const struct job_end *end)
{
    struct instance *instance = context;
    struct agent *agent = instance->agent;

    instance->jupyter = end->is_done ? JUPYTER_UP : JUPYTER_SILENT;
    diary_write(agent->identity.instances_dir, instance->id, "jupyter: %s",
                end->is_done ? "answers" : end->err.text);
    if (agent->link != NULL)
        link_hurry(agent->link);
}

static void watch(struct instance *instance, const struct seen *seen)
{
    struct watch work = { seen, instance->desired->spec.jupyter_token };
    struct job_spec spec = { .work = watch_work,
                             .work_context = &work,
                             .timeout_ms = WATCH_MS,
                             .on_end = on_end,
                             .context = instance };
    struct error err;

    job_cancel(&instance->jupyter_job);
    instance->jupyter = JUPYTER_STARTING;
    if (!job_start(instance->agent->loop, &spec, &instance->jupyter_job, &err)) {
        instance->jupyter = JUPYTER_SILENT;
        log_failure(&instance->agent->log, "Jupyter is not watched", &err);
    }
}

void jupyter_tend(struct agent *agent)
{
    for (size_t i = 0; i < agent->instances.count; i++) {
        struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);
        char token[sizeof instance->jupyter_run];

        if (instance->desired == NULL || instance->desired->state != DESIRED_RUNNING ||
            seen == NULL || seen->state != SEEN_RUNNING || instance->under_way != PLAN_NOTHING ||
            !jupyter_is_wanted(&instance->desired->spec))
            continue;
        if (strcmp(seen_start_token(seen, token), instance->jupyter_run) == 0)
            continue;
        memcpy(instance->jupyter_run, token, sizeof token);
        watch(instance, seen);
    }
}

const char *jupyter_message(const struct instance *instance)
{
    if (instance->desired == NULL || !jupyter_is_wanted(&instance->desired->spec) ||
        instance->jupyter == JUPYTER_UP)
        return "";
    return instance->jupyter == JUPYTER_SILENT ? JUPYTER_SILENT_TEXT : JUPYTER_STARTING_TEXT;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "support_scripted.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "sys/fd.h"

enum { CALLS_MAX = 64 };

struct call {
    struct scripted *scripted;
    int fd; /* -1: free */
    struct loop_watch *watch;
    struct buf text;
};

struct scripted {
    struct loop *loop;
    scripted_respond *respond;
    void *context;
    char url[64];
    int listener;
    struct loop_watch *watch;
    struct call calls[CALLS_MAX];
};

static void hang_up(struct call *call)
{
    if (call->fd < 0)
        return;
    loop_unwatch(&call->watch);
    fd_release(&call->fd);
    buf_release(&call->text);
}

static void on_bytes(void *context, short revents)
{
    struct call *call = context;
    struct http_got request;
    char chunk[65536];

    (void)revents;
    ssize_t count = recv(call->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (count <= 0) {
        hang_up(call);
        return;
    }
    buf_append(&call->text, chunk, (size_t)count);
    if (!http_parse(&call->text, &request))
        return;
    bool goes_on = call->scripted->respond(call->scripted->context, call->fd, &request);
    buf_release(&call->text);
    if (!goes_on)
        hang_up(call);
}

static void on_connection(void *context, short revents)
{
    struct scripted *scripted = context;
    int fd = accept4(scripted->listener, NULL, NULL, SOCK_CLOEXEC);
    size_t i = 0;

    (void)revents;
    while (i < CALLS_MAX && scripted->calls[i].fd >= 0)
        i++;
    CHECK(fd >= 0 && i < CALLS_MAX);
    scripted->calls[i] = (struct call){ scripted, fd, NULL, buf_of(HTTP_MAX) };
    scripted->calls[i].watch =
        loop_watch(scripted->loop, fd, POLLIN, on_bytes, &scripted->calls[i]);
}

static int listen_at(const char *path)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    if (path != NULL) {
        (void)snprintf(local.sun_path, sizeof local.sun_path, "%s", path);
        CHECK(bind(fd, (const struct sockaddr *)&local, sizeof local) == 0);
    } else {
        CHECK(bind(fd, (const struct sockaddr *)&any, sizeof any) == 0);
    }
    CHECK(listen(fd, CALLS_MAX) == 0);
    return fd;
}

struct scripted *scripted_open(struct loop *loop, const char *path, scripted_respond *respond,
                               void *context)
{
    struct scripted *scripted = calloc(1, sizeof *scripted);
    struct sockaddr_in bound = { 0 };
    socklen_t size = sizeof bound;

    CHECK(scripted != NULL);
    scripted->loop = loop;
    scripted->respond = respond;
    scripted->context = context;
    for (size_t i = 0; i < CALLS_MAX; i++)
        scripted->calls[i].fd = -1;
    scripted->listener = listen_at(path);
    if (path == NULL)
        CHECK(getsockname(scripted->listener, (struct sockaddr *)&bound, &size) == 0);
    (void)snprintf(scripted->url, sizeof scripted->url, "http://127.0.0.1:%u",
                   (unsigned)ntohs(bound.sin_port));
    scripted->watch = loop_watch(loop, scripted->listener, POLLIN, on_connection, scripted);
    return scripted;
}

void scripted_close(struct scripted **scripted)
{
    for (size_t i = 0; i < CALLS_MAX; i++)
        hang_up(&(*scripted)->calls[i]);
    loop_unwatch(&(*scripted)->watch);
    fd_release(&(*scripted)->listener);
    free(*scripted);
    *scripted = NULL;
}

const char *scripted_url(const struct scripted *scripted)
{
    return scripted->url;
}

bool scripted_say(int fd, int status, const char *body)
{
    return scripted_say_later(fd, status, 0, body);
}

bool scripted_say_later(int fd, int status, int64_t retry_after_s, const char *body)
{
    struct http_said said = { .status = status,
                              .body = buf_of(HTTP_MAX),
                              .retry_after_s = retry_after_s };

    buf_append(&said.body, body, strlen(body));
    bool is_said = http_answer(fd, &said);
    buf_release(&said.body);
    return is_said;
}

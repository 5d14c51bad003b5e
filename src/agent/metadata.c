/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/metadata.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/access_netns.h"
#include "agent/preempt.h"
#include "base/buf.h"
#include "sys/fd.h"

enum { TOKEN_SIZE = 128, REPLY_MAX = 4096, LOOPBACK_INDEX = 1, ANSWER_MS = 1000 };

struct place;

struct call {
    struct place *place;
    int fd; /* -1: free */
    struct loop_watch *watch;
    int64_t due_us;
    size_t length;
    char request[METADATA_REQUEST_MAX];
};

/* An instance that is served, or could not be: then `fd` is -1, and it is not tried again. */
struct place {
    struct metadata *metadata;
    int64_t instance_id;
    char token[TOKEN_SIZE];
    char notice[PREEMPT_TEXT_MAX];
    int fd;
    struct loop_watch *watch;
    bool is_wanted;
    struct call calls[METADATA_CALLS_MAX];
};

struct metadata {
    struct loop *loop;
    struct log log;
    struct loop_timer *timer; /* of calls that take too long */
    size_t call_count;
    size_t count;
    struct place *places[METADATA_INSTANCES_MAX]; /* owned, each */
};

static void end_call(struct call *call)
{
    if (call->fd < 0)
        return;
    loop_unwatch(&call->watch);
    fd_release(&call->fd);
    call->place->metadata->call_count--;
}

static void close_place(struct place *place)
{
    for (size_t i = 0; i < METADATA_CALLS_MAX; i++)
        end_call(&place->calls[i]);
    if (place->watch != NULL)
        loop_unwatch(&place->watch);
    fd_release(&place->fd);
    free(place);
}

static void on_time(void *context)
{
    struct metadata *metadata = context;
    int64_t now_us = loop_now_us(metadata->loop);

    for (size_t i = 0; i < metadata->count; i++)
        for (size_t k = 0; k < METADATA_CALLS_MAX; k++) {
            struct call *call = &metadata->places[i]->calls[k];

            if (call->fd < 0)
                continue;
            if (call->due_us <= now_us)
                end_call(call);
            else
                loop_timer_hurry(metadata->timer, (call->due_us - now_us) / US_PER_MS + 1);
        }
}

struct metadata *metadata_open(struct loop *loop, const struct log *log)
{
    struct metadata *metadata = calloc(1, sizeof *metadata);

    if (metadata == NULL)
        abort();
    metadata->loop = loop;
    metadata->log = *log;
    metadata->timer = loop_timer(loop, on_time, metadata);
    return metadata;
}

void metadata_close(struct metadata **owner)
{
    struct metadata *metadata = *owner;

    if (metadata == NULL)
        return;
    for (size_t i = 0; i < metadata->count; i++)
        close_place(metadata->places[i]);
    loop_timer_close(&metadata->timer);
    free(metadata);
    *owner = NULL;
}

/* The part of a request that counts: "GET /path HTTP/1." */
static bool asks_for(const char *request, const char *path)
{
    size_t length = strlen(path);

    return strncmp(request, "GET ", 4) == 0 && strncmp(request + 4, path, length) == 0 &&
           request[4 + length] == ' ';
}

static void answer(struct buf *out, const struct place *place, const char *request)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    const char *status = "200 OK";

    if (asks_for(request, "/berth/preempt.json") && *place->notice != '\0') {
        buf_printf(&body, "%s", place->notice);
    } else if (asks_for(request, "/berth/instance")) {
        buf_printf(&body, "{\"id\":%" PRId64 ",\"label\":\"C.%" PRId64 "\"}", place->instance_id,
                   place->instance_id);
    } else {
        status = "404 Not Found";
        buf_printf(&body, "{}");
    }
    buf_printf(out,
               "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s\n",
               status, body.length + 1, body.bytes);
}

static void on_call(void *context, short revents)
{
    struct call *call = context;
    auto_buf struct buf reply = buf_of(REPLY_MAX);

    (void)revents;
    ssize_t count =
        read(call->fd, call->request + call->length, sizeof call->request - 1 - call->length);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        end_call(call);
        return;
    }
    call->length += (size_t)count;
    call->request[call->length] = '\0';
    bool is_full = call->length == sizeof call->request - 1;
    if (strstr(call->request, "\r\n\r\n") == NULL && strstr(call->request, "\n\n") == NULL &&
        !is_full)
        return;
    answer(&reply, call->place, call->request);
    /* It fits any socket's buffer: who reads none of it gets none of it. */
    if (write(call->fd, reply.bytes, reply.length) == (ssize_t)reply.length)
        (void)shutdown(call->fd, SHUT_WR);
    end_call(call);
}

static struct call *find_free(struct place *place)
{
    for (size_t i = 0; i < METADATA_CALLS_MAX; i++)
        if (place->calls[i].fd < 0 && place->metadata->call_count < METADATA_CALLS_ALL_MAX)
            return &place->calls[i];
    return NULL;
}

static void on_connection(void *context, short revents)
{
    struct place *place = context;
    struct metadata *metadata = place->metadata;

    (void)revents;
    int fd = accept4(place->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct call *call = find_free(place);
    if (call == NULL) {
        fd_release(&fd);
        return;
    }
    metadata->call_count++;
    call->place = place;
    call->fd = fd;
    call->length = 0;
    call->due_us = loop_now_us(metadata->loop) + METADATA_CALL_MS * US_PER_MS;
    call->watch = loop_watch(metadata->loop, fd, POLLIN, on_call, call);
    loop_timer_hurry(metadata->timer, METADATA_CALL_MS);
}

/* Give the loopback device in there the address. One that has it already is fine. */
static bool add_address(const struct netns *netns, struct error *err)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg address;
        struct rtattr attribute;
        struct in_addr value;
    } ask = {
        .header = { .nlmsg_len = sizeof ask,
                    .nlmsg_type = RTM_NEWADDR,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE },
        .address = { .ifa_family = AF_INET,
                     .ifa_prefixlen = 32,
                     .ifa_scope = RT_SCOPE_HOST,
                     .ifa_index = LOOPBACK_INDEX },
        .attribute = { .rta_len = sizeof(struct rtattr) + sizeof(struct in_addr),
                       .rta_type = IFA_LOCAL },
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr result;
        char rest[256];
    } reply = { 0 };

    if (inet_pton(AF_INET, METADATA_ADDRESS, &ask.value) != 1)
        return error_set(err, ERROR_INVALID, "not an address");
    auto_close int fd = netns_socket(netns, AF_NETLINK, SOCK_RAW);
    struct pollfd answered = { .fd = fd, .events = POLLIN };
    if (fd < 0 || send(fd, &ask, sizeof ask, 0) != (ssize_t)sizeof ask ||
        poll(&answered, 1, ANSWER_MS) != 1 ||
        recv(fd, &reply, sizeof reply, 0) < (ssize_t)(sizeof reply.header + sizeof(int)))
        return error_system(err, errno, "add an address");
    if (reply.header.nlmsg_type != NLMSG_ERROR || reply.result.error != 0)
        return error_system(err, -reply.result.error, "add an address");
    return true;
}

static bool listen_inside(const struct metadata_entry *entry, int *ret_fd, struct error *err)
{
    auto_netns struct netns netns = NETNS_NONE;
    uint16_t port;

    if (!netns_open((pid_t)entry->pid, entry->container_id, &netns, err) ||
        !add_address(&netns, err))
        return false;
    int fd = netns_listen(&netns, 4, METADATA_ADDRESS, METADATA_PORT, &port);
    if (fd < 0)
        return error_system(err, errno, "listen at %s", METADATA_ADDRESS);
    *ret_fd = fd;
    return true;
}

static void open_place(struct metadata *metadata, const struct metadata_entry *entry)
{
    struct error err;

    if (metadata->count == METADATA_INSTANCES_MAX)
        return;
    struct place *place = calloc(1, sizeof *place);
    if (place == NULL)
        abort();
    place->metadata = metadata;
    place->instance_id = entry->instance_id;
    place->fd = -1;
    for (size_t i = 0; i < METADATA_CALLS_MAX; i++)
        place->calls[i].fd = -1;
    (void)snprintf(place->token, sizeof place->token, "%s", entry->token);
    metadata->places[metadata->count++] = place;
    if (!listen_inside(entry, &place->fd, &err)) {
        log_failure(&metadata->log, "no metadata for an instance", &err);
        return;
    }
    place->watch = loop_watch(metadata->loop, place->fd, POLLIN, on_connection, place);
}

static struct place *find_place(struct metadata *metadata, const struct metadata_entry *entry)
{
    for (size_t i = 0; i < metadata->count; i++)
        if (metadata->places[i]->instance_id == entry->instance_id &&
            strcmp(metadata->places[i]->token, entry->token) == 0)
            return metadata->places[i];
    return NULL;
}

void metadata_update(struct metadata *metadata, const struct metadata_entry *entries, size_t count)
{
    for (size_t i = 0; i < metadata->count; i++)
        metadata->places[i]->is_wanted = false;
    for (size_t i = 0; i < count; i++) {
        struct place *place = find_place(metadata, &entries[i]);

        if (place != NULL)
            place->is_wanted = true;
    }
    /* First those that are over: the next start of one may be in the same network. */
    for (size_t i = metadata->count; i-- > 0;) {
        if (metadata->places[i]->is_wanted)
            continue;
        close_place(metadata->places[i]);
        metadata->places[i] = metadata->places[--metadata->count];
    }
    for (size_t i = 0; i < count; i++) {
        if (find_place(metadata, &entries[i]) == NULL)
            open_place(metadata, &entries[i]);
        struct place *place = find_place(metadata, &entries[i]);
        if (place != NULL)
            (void)snprintf(place->notice, sizeof place->notice, "%s", entries[i].notice);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/access_channel.h"
#include "agent/access_program.h"
#include "sys/fd.h"

struct peer {
    struct sockaddr_storage address;
    socklen_t size;
};

/* 4 or 6; 0 where the text is no address. */
static int parse_address(const char *text, uint16_t port, struct peer *ret_peer)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(&ret_peer->address, &four, sizeof(four));
        ret_peer->size = sizeof(four);
        return 4;
    }
    if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        memcpy(&ret_peer->address, &six, sizeof(six));
        ret_peer->size = sizeof(six);
        return 6;
    }
    return 0;
}

static void add_address(struct destination *destination, const char *text)
{
    struct peer peer;

    if (destination->address_count < SESSION_ADDRESSES_MAX &&
        parse_address(text, destination->port, &peer) != 0)
        (void)snprintf(destination->addresses[destination->address_count++],
                       sizeof(destination->addresses[0]), "%s", text);
}

/* Ask for a socket to the next address, or give up. */
static void try_next(struct session *session, struct channel *channel)
{
    struct destination *destination = channel->destination;
    struct peer peer;

    if (destination->address_at >= destination->address_count) {
        forward_refused(session, channel);
        return;
    }
    const char *text = destination->addresses[destination->address_at];
    const struct wire_message question = {
        .type = WIRE_SOCKET,
        .tag = channel->tag,
        .number = (uint32_t)parse_address(text, destination->port, &peer),
    };
    channel->state = CHANNEL_ASKED;
    if (!wire_send(session->broker, &question, NULL, 0))
        forward_refused(session, channel);
}

void forward_start(struct session *session, struct channel *channel)
{
    struct destination *destination = channel->destination;

    if (destination->address_count > 0) {
        try_next(session, channel);
        return;
    }
    struct channel *resolver = channel_take(session, CHANNEL_RESOLVE);
    if (resolver == NULL) {
        forward_refused(session, channel);
        return;
    }
    resolver->forward = channel_index(session, channel);
    resolver->wanted = WIRE_RESOLVE;
    resolver->command = strdup(destination->name);
    resolver->state = CHANNEL_WAITING;
    channel->state = CHANNEL_ASKED;
}

void forward_open(struct session *session, ssh_message message)
{
    const char *name = ssh_message_channel_request_open_destination(message);
    int port = ssh_message_channel_request_open_destination_port(message);
    struct channel *channel = NULL;

    if (name != NULL && strlen(name) <= SESSION_NAME_MAX && name[0] != '\0' && port > 0 &&
        port <= UINT16_MAX)
        channel = channel_take(session, CHANNEL_FORWARD);
    if (channel == NULL) {
        (void)ssh_message_reply_default(message);
        ssh_message_free(message);
        return;
    }
    struct destination *destination = calloc(1, sizeof(*destination));
    if (destination == NULL)
        abort();
    channel->request = message;
    channel->destination = destination;
    destination->port = (uint16_t)port;
    memcpy(destination->name, name, strlen(name) + 1);
    if (strcmp(name, "localhost") == 0) {
        add_address(destination, "127.0.0.1");
        add_address(destination, "::1");
    } else {
        add_address(destination, name);
    }
    channel->state = CHANNEL_WAITING;
    session_ask_helper(session);
}

void forward_refused(struct session *session, struct channel *channel)
{
    channel_drop(session, channel);
}

void forward_granted(struct session *session, struct channel *channel, int fd)
{
    struct destination *destination = channel->destination;
    struct peer peer = { 0 };
    const int yes = 1;

    if (destination == NULL || channel->state != CHANNEL_ASKED ||
        parse_address(destination->addresses[destination->address_at], destination->port, &peer) ==
            0) {
        (void)close(fd);
        return;
    }
    destination->address_at++;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(fd, (const struct sockaddr *)&peer.address, peer.size) != 0 &&
        errno != EINPROGRESS) {
        (void)close(fd);
        try_next(session, channel);
        return;
    }
    /* Writable is connected, or failed. */
    channel->streams[STREAM_IN] = (struct stream){ .fd = fd };
    session_watch(session, session_stream_event(channel_index(session, channel), STREAM_IN),
                  &channel->streams[STREAM_IN], EPOLLOUT);
}

/* A second descriptor, so that each direction is watched by itself. */
static void open_streams(struct session *session, struct channel *channel, int fd)
{
    int out = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (out < 0) {
        (void)close(fd);
        channel_drop(session, channel);
        return;
    }
    channel_set_streams(channel, fd, out, -1);
}

void forward_connected(struct session *session, struct channel *channel)
{
    struct stream *stream = &channel->streams[STREAM_IN];
    int reason = 0;
    socklen_t size = sizeof(reason);

    session_watch(session, 0, stream, 0);
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason != 0) {
        fd_release(&stream->fd);
        try_next(session, channel);
        return;
    }
    int fd = stream->fd;
    ssh_channel ssh = ssh_message_channel_request_open_reply_accept(channel->request);
    ssh_message_free(channel->request);
    channel->request = NULL;
    if (ssh == NULL) {
        channel_drop(session, channel);
        return;
    }
    channel_attach(channel, ssh);
    open_streams(session, channel, fd);
}

void resolve_read(struct session *session, struct channel *channel)
{
    struct stream *stream = &channel->streams[STREAM_OUT];
    uint8_t bytes[SESSION_RESOLVED_MAX];

    /* At most 16 lines, written at once: what one read brings is all of it. */
    ssize_t length = read(stream->fd, bytes, sizeof(bytes) - 1);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    struct channel *forward = &session->channels[channel->forward];
    bytes[length > 0 ? length : 0] = '\0';
    if (forward->kind == CHANNEL_FORWARD && forward->destination != NULL) {
        for (char *at = (char *)bytes; *at != '\0';) {
            char *line = at;

            at += strcspn(at, "\n");
            if (*at == '\n')
                *at++ = '\0';
            add_address(forward->destination, line);
        }
    }
    resolve_done(session, channel);
}

void resolve_done(struct session *session, struct channel *channel)
{
    struct channel *forward = &session->channels[channel->forward];

    program_tell(session, channel, WIRE_CLOSE, 0);
    channel_drop(session, channel);
    if (forward->kind == CHANNEL_FORWARD && forward->destination != NULL &&
        forward->state == CHANNEL_ASKED)
        try_next(session, forward);
}

void forward_reverse(struct session *session, struct channel *channel)
{
    int result = ssh_channel_open_reverse_forward(channel->ssh, channel->reverse_address,
                                                  channel->reverse_port, channel->reverse_from,
                                                  channel->reverse_from_port);

    if (result == SSH_OK)
        open_streams(session, channel, channel->streams[STREAM_IN].fd);
    else if (result != SSH_AGAIN)
        channel_drop(session, channel);
}

/* The port of the same request; -1 where there is none. */
static int find_listener(const struct session *session, const char *address, int port)
{
    for (int i = 0; i < SESSION_LISTENERS_MAX; i++) {
        const struct listener *listener = &session->listeners[i];

        if (listener->is_used && listener->port == port && strcmp(listener->address, address) == 0)
            return i;
    }
    return -1;
}

static void close_listener(struct session *session, struct listener *listener)
{
    session_watch(session, 0, &listener->stream, 0);
    fd_release(&listener->stream.fd);
    if (listener->request != NULL) {
        (void)ssh_message_reply_default(listener->request);
        ssh_message_free(listener->request);
    }
    *listener = (struct listener){ .stream.fd = -1 };
}

static bool cancel(struct session *session, const char *address, int port)
{
    int index = find_listener(session, address, port);

    if (index < 0)
        return false;
    close_listener(session, &session->listeners[index]);
    return true;
}

/* Takes the request over. False: it could not be. */
static bool begin(struct session *session, ssh_message message, const char *address, int port)
{
    for (size_t i = 0; i < SESSION_LISTENERS_MAX; i++) {
        struct listener *listener = &session->listeners[i];

        if (listener->is_used)
            continue;
        *listener = (struct listener){
            .is_used = true,
            .stream.fd = -1,
            .port = (uint16_t)port,
            .request = message,
        };
        memcpy(listener->address, address, strlen(address) + 1);
        session_ask_helper(session);
        return true;
    }
    return false;
}

void listener_request(struct session *session, ssh_message message)
{
    int what = ssh_message_subtype(message);
    const char *address = ssh_message_global_request_address(message);
    int port = ssh_message_global_request_port(message);
    bool is_sound =
        address != NULL && strlen(address) <= SESSION_NAME_MAX && port >= 0 && port <= UINT16_MAX;

    if (is_sound && what == SSH_GLOBAL_REQUEST_TCPIP_FORWARD &&
        find_listener(session, address, port) < 0 && begin(session, message, address, port))
        return;
    if (is_sound && what == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD &&
        cancel(session, address, port))
        (void)ssh_message_global_request_reply_success(message, 0);
    else
        (void)ssh_message_reply_default(message);
    ssh_message_free(message);
}

void listener_start(struct session *session, size_t index)
{
    struct listener *listener = &session->listeners[index];
    const struct wire_message question = {
        .type = WIRE_LISTEN,
        .tag = (uint16_t)(SESSION_CHANNELS_MAX + index),
        .number = strchr(listener->address, ':') != NULL ? 6 : 4,
        .port = listener->port,
        .text = listener->address,
    };

    listener->is_asked = true;
    if (!wire_send(session->broker, &question, NULL, 0))
        close_listener(session, listener);
}

void listener_granted(struct session *session, size_t index, uint16_t port, int fd)
{
    struct listener *listener = &session->listeners[index];

    if (!listener->is_used || listener->request == NULL) {
        (void)close(fd);
        return;
    }
    listener->stream = (struct stream){ .fd = fd };
    listener->port = port;
    (void)ssh_message_global_request_reply_success(listener->request, port);
    ssh_message_free(listener->request);
    listener->request = NULL;
    session_watch(session, session_listener_event(index), &listener->stream, EPOLLIN);
}

void listener_refused(struct session *session, size_t index)
{
    close_listener(session, &session->listeners[index]);
}

static void name_peer(const struct sockaddr_storage *address, struct channel *channel)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    memcpy(&four, address, sizeof(four));
    memcpy(&six, address, sizeof(six));
    if (address->ss_family == AF_INET) {
        (void)inet_ntop(AF_INET, &four.sin_addr, channel->reverse_from,
                        sizeof(channel->reverse_from));
        channel->reverse_from_port = ntohs(four.sin_port);
    } else {
        (void)inet_ntop(AF_INET6, &six.sin6_addr, channel->reverse_from,
                        sizeof(channel->reverse_from));
        channel->reverse_from_port = ntohs(six.sin6_port);
    }
}

void listener_accept(struct session *session, size_t index)
{
    struct listener *listener = &session->listeners[index];
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);

    int fd = accept4(listener->stream.fd, (struct sockaddr *)&address, &size,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct channel *channel = channel_take(session, CHANNEL_FORWARD);
    ssh_channel ssh = channel != NULL ? ssh_channel_new(session->ssh) : NULL;
    if (ssh == NULL) {
        if (channel != NULL)
            channel_drop(session, channel);
        (void)close(fd);
        return;
    }
    channel_attach(channel, ssh);
    channel->is_reverse = true;
    channel->state = CHANNEL_ASKED;
    channel->streams[STREAM_IN].fd = fd;
    memcpy(channel->reverse_address, listener->address, sizeof(channel->reverse_address));
    channel->reverse_port = listener->port;
    name_peer(&address, channel);
    forward_reverse(session, channel);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "agent/access_channel.h"
#include "agent/access_forward.h"
#include "agent/access_login.h"
#include "agent/access_program.h"
#include "agent/access_sandbox.h"
#include "sys/fd.h"

enum {
    KEEPALIVE_MS = 60000,
    TICK_MS = 5000,
    RETRY_MS = 20,  /* while something waits for the helper to have room */
    READS_MAX = 32, /* of libssh's 4 kB, before anybody else gets a turn */
    PUMPS_MAX = 8,  /* of as many reads each, before processes get one */
    EVENT_SHIFT = 32,
};

enum event { EVENT_CLIENT, EVENT_BROKER, EVENT_HELPER, EVENT_STREAM, EVENT_LISTENER };

int64_t session_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t event_of(enum event event, size_t index)
{
    return (uint64_t)event << EVENT_SHIFT | (uint64_t)index;
}

uint64_t session_stream_event(size_t index, int stream)
{
    return event_of(EVENT_STREAM, index * STREAM_COUNT + (size_t)stream);
}

uint64_t session_listener_event(size_t index)
{
    return event_of(EVENT_LISTENER, index);
}

void session_watch(struct session *session, uint64_t what, struct stream *stream, uint32_t events)
{
    struct epoll_event wanted = { .events = events, .data.u64 = what };
    int how = EPOLL_CTL_MOD;

    if (stream->fd < 0 || stream->watched == events)
        return;
    if (stream->watched == 0)
        how = EPOLL_CTL_ADD;
    else if (events == 0)
        /* Else a hangup would be told again and again to nobody who can use it. */
        how = EPOLL_CTL_DEL;
    /* A regular file, which a container may have handed us, is always ready and not watched. */
    if (epoll_ctl(session->epoll, how, stream->fd, &wanted) == 0)
        stream->watched = events;
    else
        fd_release(&stream->fd);
}

static void watch(struct session *session, enum event event, int fd)
{
    struct stream stream = { .fd = fd };

    session_watch(session, event_of(event, 0), &stream, EPOLLIN);
}

static bool has_copies_waiting(const struct session *session)
{
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++)
        if (session->channels[i].state == CHANNEL_WAITING &&
            program_is_copy(session, &session->channels[i]))
            return true;
    return false;
}

void session_ask_helper(struct session *session)
{
    bool copies = has_copies_waiting(session);
    const struct wire_message question = {
        .type = WIRE_HELPER,
        .tag = SESSION_HELPER_TAG,
        .number = copies ? 1 : 0,
    };

    if (session->helper_state != SESSION_HELPER_NONE)
        return;
    session->has_asked_to_copy = copies;
    if (wire_send(session->broker, &question, NULL, 0))
        session->helper_state = SESSION_HELPER_ASKED;
}

static bool is_waiting(const struct session *session)
{
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++)
        if (session->channels[i].state == CHANNEL_WAITING)
            return true;
    for (size_t i = 0; i < SESSION_LISTENERS_MAX; i++)
        if (session->listeners[i].is_used && !session->listeners[i].is_asked)
            return true;
    return false;
}

/* All of it; or all that is no copy, where those may go on, or were not asked for yet. */
static void refuse_waiting(struct session *session, const char *why)
{
    bool spares_copies =
        session->helper_state == SESSION_HELPER_READY || !session->has_asked_to_copy;

    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->kind == CHANNEL_NONE || channel->state != CHANNEL_WAITING ||
            (spares_copies && program_is_copy(session, channel)))
            continue;
        if (channel->kind == CHANNEL_PROGRAM)
            program_refused(channel, why);
        else if (channel->kind == CHANNEL_RESOLVE)
            resolve_done(session, channel);
        else
            forward_refused(session, channel);
    }
    for (size_t i = 0; i < SESSION_LISTENERS_MAX; i++)
        if (session->listeners[i].is_used && !session->listeners[i].is_asked)
            listener_refused(session, i);
}

/* Start what waits for the helper, or have one first. Where that is there for copies alone, what
 * else waits is refused. */
static void start_waiting(struct session *session)
{
    if (session->helper_state == SESSION_HELPER_NONE && is_waiting(session))
        session_ask_helper(session);
    if (session->helper_state != SESSION_HELPER_READY)
        return;
    if (session->copies_text[0] != '\0')
        refuse_waiting(session, session->copies_text);
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->kind == CHANNEL_NONE || channel->state != CHANNEL_WAITING)
            continue;
        if (channel->kind == CHANNEL_FORWARD)
            forward_start(session, channel);
        else
            program_start(session, channel);
    }
    for (size_t i = 0; i < SESSION_LISTENERS_MAX; i++)
        if (session->listeners[i].is_used && !session->listeners[i].is_asked)
            listener_start(session, i);
}

static void close_fds(int fds[static WIRE_FDS_MAX])
{
    for (size_t i = 0; i < WIRE_FDS_MAX; i++)
        fd_release(&fds[i]);
}

/* The broker's answer about the helper. */
static void handle_helper_answer(struct session *session, const struct wire_message *message,
                                 int *fd)
{
    if (message->type == WIRE_GRANTED && *fd >= 0) {
        session->helper = *fd;
        *fd = -1;
        session->helper_state = SESSION_HELPER_READY;
        (void)snprintf(session->copies_text, sizeof(session->copies_text), "%s", message->text);
        watch(session, EVENT_HELPER, session->helper);
    } else {
        session->helper_state = SESSION_HELPER_NONE;
        refuse_waiting(session, message->text);
    }
}

/* The channel that a message is about; NULL where that is gone. */
static struct channel *channel_of(struct session *session, uint16_t tag)
{
    size_t index = tag % SESSION_TAGS;

    if (index >= SESSION_CHANNELS_MAX || session->channels[index].kind == CHANNEL_NONE ||
        session->channels[index].tag != tag)
        return NULL;
    return &session->channels[index];
}

/* Takes over what it uses of `fd`. */
static void handle_answer(struct session *session, const struct wire_message *message, int *fd)
{
    bool is_granted = message->type == WIRE_GRANTED && *fd >= 0;
    size_t index = message->tag % SESSION_TAGS;
    struct channel *channel = channel_of(session, message->tag);

    if (index == SESSION_HELPER_TAG) {
        if (session->helper_state == SESSION_HELPER_ASKED)
            handle_helper_answer(session, message, fd);
    } else if (index >= SESSION_CHANNELS_MAX && is_granted) {
        listener_granted(session, index - SESSION_CHANNELS_MAX, message->port, *fd);
        *fd = -1;
    } else if (index >= SESSION_CHANNELS_MAX) {
        listener_refused(session, index - SESSION_CHANNELS_MAX);
    } else if (channel != NULL && channel->kind == CHANNEL_FORWARD && is_granted) {
        forward_granted(session, channel, *fd);
        *fd = -1;
    } else if (channel != NULL && channel->kind == CHANNEL_FORWARD) {
        forward_refused(session, channel);
    }
}

static void handle_broker(struct session *session)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    struct wire_message message;
    int fds[WIRE_FDS_MAX];

    int got = wire_receive(session->broker, bytes, &message, fds);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        session->is_over = true;
        return;
    }
    handle_answer(session, &message, &fds[0]);
    close_fds(fds);
}

/* The streams of something that the helper has started. */
static void handle_started(struct session *session, struct channel *channel, int *fds)
{
    size_t want = channel->has_terminal ? 1 : WIRE_FDS_MAX;

    for (size_t i = 0; i < want; i++)
        if (fds[i] < 0)
            return;
    if (channel->has_terminal)
        fds[1] = dup(fds[0]);
    channel_set_streams(channel, fds[0], fds[1], fds[2]);
    program_greet(session, channel);
    for (size_t i = 0; i < WIRE_FDS_MAX; i++)
        fds[i] = -1;
    if (channel->kind == CHANNEL_RESOLVE)
        session_watch(session, session_stream_event(channel_index(session, channel), STREAM_OUT),
                      &channel->streams[STREAM_OUT], EPOLLIN);
}

/* Whatever ran there is gone, or nobody's any more. */
static void lose_helper(struct session *session)
{
    (void)close(session->helper);
    session->helper = -1;
    session->helper_state = SESSION_HELPER_NONE;
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->state < CHANNEL_ASKED || channel->has_exited)
            continue;
        if (channel->kind == CHANNEL_PROGRAM)
            program_refused(channel, "the instance was stopped or restarted");
        else if (channel->kind == CHANNEL_RESOLVE)
            resolve_done(session, channel);
    }
}

static void handle_helper(struct session *session)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    struct wire_message message;
    int fds[WIRE_FDS_MAX];

    int got = wire_receive(session->helper, bytes, &message, fds);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        lose_helper(session);
        return;
    }
    struct channel *channel = channel_of(session, message.tag);
    bool is_known =
        channel != NULL && (channel->kind == CHANNEL_PROGRAM || channel->kind == CHANNEL_RESOLVE);
    if (is_known && message.type == WIRE_STARTED && channel->state == CHANNEL_ASKED)
        handle_started(session, channel, fds);
    else if (is_known && message.type == WIRE_EXITED && channel->kind == CHANNEL_PROGRAM) {
        channel->has_exited = true;
        channel->exit_number = message.number;
    } else if (is_known && message.type == WIRE_REFUSED && channel->state == CHANNEL_ASKED) {
        if (channel->kind == CHANNEL_PROGRAM)
            program_refused(channel, message.text);
        else
            resolve_done(session, channel);
    }
    close_fds(fds);
}

/* Takes the message over. */
static void handle_message(struct session *session, ssh_message message)
{
    int type = ssh_message_type(message), what = ssh_message_subtype(message);

    /* Whose key is good for one errand has no use for the ways into a network. */
    bool is_way_in = (type == SSH_REQUEST_CHANNEL_OPEN && what == SSH_CHANNEL_DIRECT_TCPIP) ||
                     type == SSH_REQUEST_GLOBAL;
    if (session->errand != NULL && is_way_in) {
        (void)ssh_message_reply_default(message);
        ssh_message_free(message);
        return;
    }
    if (type == SSH_REQUEST_CHANNEL_OPEN && what == SSH_CHANNEL_DIRECT_TCPIP) {
        forward_open(session, message);
        return;
    }
    if (type == SSH_REQUEST_GLOBAL) {
        listener_request(session, message);
        return;
    }
    if (type == SSH_REQUEST_SERVICE || type == SSH_REQUEST_AUTH)
        login_handle(session, message);
    else if (type == SSH_REQUEST_CHANNEL_OPEN && what == SSH_CHANNEL_SESSION)
        program_open(session, message);
    else if (type == SSH_REQUEST_CHANNEL)
        program_request(session, message);
    else
        (void)ssh_message_reply_default(message);
    ssh_message_free(message);
}

static bool has_input(int fd)
{
    int count = 0;

    return ioctl(fd, FIONREAD, &count) == 0 && count > 0;
}

/* What the client has sent. libssh reads it whenever it is called, from within a write as well;
 * so messages may be waiting that no event will tell of. */
static void serve_client(struct session *session)
{
    ssh_message message;

    for (int i = 0; i < READS_MAX; i++) {
        /* Reads and handles packets; our callbacks run within. */
        while (!session->is_over && (message = ssh_message_get(session->ssh)) != NULL)
            handle_message(session, message);
        if (session->is_over || !has_input(session->tcp))
            break;
    }
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->is_reverse && channel->state == CHANNEL_ASKED)
            forward_reverse(session, channel);
    }
    if ((ssh_get_status(session->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0 ||
        ssh_is_connected(session->ssh) == 0)
        session->is_over = true;
}

static void dispatch(struct session *session, uint64_t data)
{
    size_t index = (size_t)(data & UINT32_MAX);

    switch ((enum event)(data >> EVENT_SHIFT)) {
    case EVENT_CLIENT:
        /* Every turn of the loop reads. */
        session->heard_ms = session_now_ms();
        break;
    case EVENT_BROKER:
        handle_broker(session);
        break;
    case EVENT_HELPER:
        handle_helper(session);
        break;
    case EVENT_STREAM:
        channel_ready(session, &session->channels[index / STREAM_COUNT],
                      (int)(index % STREAM_COUNT));
        break;
    case EVENT_LISTENER:
        listener_accept(session, index);
        break;
    }
}

/* Everything that may have become possible. */
static void pump_channels(struct session *session)
{
    start_waiting(session);
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->kind != CHANNEL_NONE)
            channel_pump(session, channel);
    }
    struct stream client = { .fd = session->tcp, .watched = session->tcp_watched };
    bool has_output = (ssh_get_status(session->ssh) & SSH_WRITE_PENDING) != 0;
    session_watch(session, event_of(EVENT_CLIENT, 0), &client,
                  has_output ? EPOLLIN | EPOLLOUT : EPOLLIN);
    session->tcp_watched = client.watched;
}

/* Until what was read has had all its effects, and those effects have brought nothing new; or for
 * so long that processes get a turn. False: there may be more. */
static bool pump_all(struct session *session)
{
    for (int i = 0; i < PUMPS_MAX && !session->is_over; i++) {
        serve_client(session);
        uint64_t packets = session->counter.in_packets;
        pump_channels(session);
        if (session->counter.in_packets == packets)
            return true;
    }
    return false;
}

static void keep_alive(struct session *session)
{
    int64_t now_ms = session_now_ms();

    if (session->is_authenticated && now_ms - session->heard_ms >= KEEPALIVE_MS) {
        session->heard_ms = now_ms;
        (void)ssh_send_keepalive(session->ssh);
    }
}

static void run(struct session *session)
{
    watch(session, EVENT_BROKER, session->broker);
    while (!session->is_over) {
        struct epoll_event ready;
        bool is_settled = pump_all(session);
        if (session->is_over)
            return;
        /* What still waits, with a helper there, waits for room in its socket. */
        bool is_stuck = session->helper_state == SESSION_HELPER_READY && is_waiting(session);
        int patience_ms = is_stuck ? RETRY_MS : TICK_MS;
        /* One at a time: handling it may end what the next would be about. */
        int count = epoll_wait(session->epoll, &ready, 1, is_settled ? patience_ms : 0);
        if (count > 0)
            dispatch(session, ready.data.u64);
        else if (count < 0 && errno != EINTR)
            return;
        keep_alive(session);
    }
}

/* libssh, over a socket that is connected. */
static bool open_ssh(struct session *session)
{
    const struct access_session *start = session->start;
    const bool no_config = false;
    ssh_bind bind = ssh_bind_new();

    session->ssh = ssh_new();
    if (bind == NULL || session->ssh == NULL ||
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_config) != 0 ||
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BANNER, "Berth") != 0 ||
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, start->keys->ed25519) != 0 ||
        ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, start->keys->rsa) != 0 ||
        ssh_bind_accept_fd(bind, session->ssh, session->tcp) != SSH_OK)
        return false;
    ssh_set_blocking(session->ssh, 0);
    ssh_set_counters(session->ssh, NULL, &session->counter);
    ssh_set_auth_methods(session->ssh, SSH_AUTH_METHOD_PUBLICKEY);
    return true;
}

/* The broker gives it half a minute. */
static bool exchange_keys(struct session *session)
{
    for (;;) {
        int result = ssh_handle_key_exchange(session->ssh);

        if (result == SSH_OK)
            return true;
        if (result != SSH_AGAIN)
            return false;
        bool has_output = (ssh_get_status(session->ssh) & SSH_WRITE_PENDING) != 0;
        struct pollfd ready[] = {
            { .fd = session->tcp, .events = has_output ? POLLIN | POLLOUT : POLLIN },
            { .fd = session->broker, .events = 0 },
        };
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            return false;
        if (ready[1].revents != 0)
            return false;
    }
}

_Noreturn void access_session_run(const struct access_session *start)
{
    static struct session session;
    const struct sandbox sandbox = { .jail = start->jail, .uid = start->uid, .gid = start->gid };

    session = (struct session){
        .start = start,
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .tcp = start->tcp,
        .broker = start->broker,
        .helper = -1,
        .heard_ms = session_now_ms(),
    };
    for (size_t i = 0; i < SESSION_LISTENERS_MAX; i++)
        session.listeners[i].stream.fd = -1;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_NAME, "berth-ssh-visit");
    if (session.epoll < 0 || !sandbox_enter(&sandbox))
        _exit(2);
    if (open_ssh(&session) && exchange_keys(&session)) {
        run(&session);
        ssh_disconnect(session.ssh);
    }
    _exit(0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/access_forward.h"
#include "agent/access_program.h"
#include "sys/fd.h"

size_t channel_index(const struct session *session, const struct channel *channel)
{
    return (size_t)(channel - session->channels);
}

struct channel *channel_take(struct session *session, enum channel_kind kind)
{
    for (size_t i = 0; i < SESSION_CHANNELS_MAX; i++) {
        struct channel *channel = &session->channels[i];

        if (channel->kind != CHANNEL_NONE)
            continue;
        *channel = (struct channel){
            .session = session,
            .kind = kind,
            .tag = (uint16_t)(session->tags_used++ * SESSION_TAGS + i),
        };
        for (int stream = 0; stream < STREAM_COUNT; stream++)
            channel->streams[stream].fd = -1;
        return channel;
    }
    return NULL;
}

static void close_stream(struct session *session, struct channel *channel, int which)
{
    struct stream *stream = &channel->streams[which];

    session_watch(session, 0, stream, 0);
    fd_release(&stream->fd);
}

void channel_drop(struct session *session, struct channel *channel)
{
    for (int stream = 0; stream < STREAM_COUNT; stream++)
        close_stream(session, channel, stream);
    if (channel->ssh != NULL) {
        (void)ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
        ssh_channel_free(channel->ssh);
    }
    if (channel->request != NULL) {
        (void)ssh_message_reply_default(channel->request);
        ssh_message_free(channel->request);
    }
    free(channel->to_process.bytes);
    free(channel->to_client.bytes);
    free(channel->env);
    free(channel->command);
    free(channel->destination);
    *channel = (struct channel){ 0 };
}

/* Room for as many bytes, all of which the caller fills. There is nothing in it any more. */
static uint8_t *backlog_fill(struct backlog *backlog, size_t length)
{
    assert(backlog->at == backlog->end);
    if (backlog->room < length) {
        free(backlog->bytes);
        backlog->room = length < SESSION_CHUNK ? SESSION_CHUNK : length;
        backlog->bytes = malloc(backlog->room);
    }
    if (backlog->bytes == NULL)
        abort();
    backlog->at = 0;
    backlog->end = length;
    return backlog->bytes;
}

static size_t backlog_length(const struct backlog *backlog)
{
    return backlog->end - backlog->at;
}

/* How much of it the process took. Where it takes nothing any more, all of it is gone. */
static size_t give_process(struct session *session, struct channel *channel, const uint8_t *bytes,
                           size_t length)
{
    struct stream *in = &channel->streams[STREAM_IN];

    if (in->fd < 0)
        return length;
    ssize_t put = write(in->fd, bytes, length);
    if (put >= 0)
        return (size_t)put;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    close_stream(session, channel, STREAM_IN);
    return length;
}

/* libssh has bytes from the client. What we do not take stays in its buffer, and the client's
 * window closes by as much. */
static int on_data(ssh_session ssh, ssh_channel ssh_channel, void *data, uint32_t length,
                   int is_error, void *context)
{
    struct channel *channel = context;
    size_t taken = 0;

    (void)ssh;
    (void)ssh_channel;
    if (is_error != 0)
        return (int)length;
    if (channel->state == CHANNEL_OPEN && backlog_length(&channel->to_process) == 0)
        taken = give_process(channel->session, channel, data, length);
    channel->client_pending = length - (uint32_t)taken;
    return (int)taken;
}

static void on_eof(ssh_session ssh, ssh_channel ssh_channel, void *context)
{
    struct channel *channel = context;

    (void)ssh;
    (void)ssh_channel;
    channel->client_has_ended = true;
}

static void on_close(ssh_session ssh, ssh_channel ssh_channel, void *context)
{
    struct channel *channel = context;

    (void)ssh;
    (void)ssh_channel;
    channel->client_has_ended = true;
    channel->client_has_closed = true;
}

void channel_attach(struct channel *channel, ssh_channel ssh)
{
    channel->ssh = ssh;
    channel->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = channel,
        .channel_data_function = on_data,
        .channel_eof_function = on_eof,
        .channel_close_function = on_close,
        .channel_signal_function = program_signalled,
    };
    ssh_callbacks_init(&channel->callbacks);
    (void)ssh_set_channel_callbacks(ssh, &channel->callbacks);
}

void channel_set_streams(struct channel *channel, int in, int out, int err)
{
    const int fds[STREAM_COUNT] = { in, out, err };

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        channel->streams[stream] = (struct stream){ .fd = fds[stream] };
        if (fds[stream] >= 0)
            (void)fcntl(fds[stream], F_SETFL, fcntl(fds[stream], F_GETFL) | O_NONBLOCK);
    }
    channel->state = CHANNEL_OPEN;
}

/* All that libssh holds, in one go. Whoever reads some of it has libssh open the client's window
 * in full, whatever it holds still: a client that is faster than the process would send more and
 * more. Like this there are two windows at most, one here and one there. */
static void take_pending(struct channel *channel)
{
    struct backlog *backlog = &channel->to_process;
    uint32_t wanted = channel->client_pending;

    int got = ssh_channel_read_nonblocking(channel->ssh, backlog_fill(backlog, wanted), wanted, 0);
    backlog->end = got > 0 ? (size_t)got : 0;
    channel->client_pending = got > 0 ? wanted - (uint32_t)got : 0;
}

/* Move what the client sent on to the process, until one has no more or the other takes none. */
static void pump_to_process(struct session *session, struct channel *channel)
{
    struct backlog *backlog = &channel->to_process;

    for (;;) {
        size_t left = backlog_length(backlog);

        if (left > 0)
            backlog->at += give_process(session, channel, backlog->bytes + backlog->at, left);
        if (backlog_length(backlog) > 0)
            return;
        if (channel->client_pending == 0)
            break;
        take_pending(channel);
    }
    if (backlog->bytes != NULL) {
        /* Who is not behind needs none, and there are many channels. */
        free(backlog->bytes);
        *backlog = (struct backlog){ 0 };
    }
}

/* Room for bytes to the client: its window, unless those before are still on their way. */
static size_t client_room(const struct session *session, const struct channel *channel)
{
    if (backlog_length(&channel->to_client) > 0 || channel->client_has_closed ||
        (ssh_get_status(session->ssh) & SSH_WRITE_PENDING) != 0)
        return 0;
    uint32_t window = ssh_channel_window_size(channel->ssh);
    return window < SESSION_CHUNK ? window : SESSION_CHUNK;
}

static size_t give_client(struct channel *channel, const uint8_t *bytes, size_t length,
                          bool is_error)
{
    int put = is_error ? ssh_channel_write_stderr(channel->ssh, bytes, (uint32_t)length)
                       : ssh_channel_write(channel->ssh, bytes, (uint32_t)length);

    /* A channel that takes nothing is ending; what was meant for it goes nowhere. */
    return put < 0 ? length : (size_t)put;
}

static void flush_to_client(struct session *session, struct channel *channel)
{
    struct backlog *backlog = &channel->to_client;
    size_t left = backlog_length(backlog);
    uint32_t window = ssh_channel_window_size(channel->ssh);

    if (left == 0 || window == 0 || (ssh_get_status(session->ssh) & SSH_WRITE_PENDING) != 0)
        return;
    backlog->at += give_client(channel, backlog->bytes + backlog->at, left < window ? left : window,
                               channel->is_error_backlog);
}

/* A stream of the process has something, or has ended. */
static void pump_to_client(struct session *session, struct channel *channel, int which)
{
    static uint8_t bytes[SESSION_CHUNK];
    struct stream *stream = &channel->streams[which];
    size_t room = client_room(session, channel);

    if (room == 0 || stream->fd < 0)
        return;
    ssize_t got = read(stream->fd, bytes, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        /* A terminal ends in an error, EIO: nobody has it open any more. */
        close_stream(session, channel, which);
        return;
    }
    bool is_error = which == STREAM_ERR;
    size_t put = give_client(channel, bytes, (size_t)got, is_error);
    /* Within the window, all of it goes; unless keys are being exchanged just now. */
    if (put < (size_t)got) {
        size_t left = (size_t)got - put;
        memcpy(backlog_fill(&channel->to_client, left), bytes + put, left);
        channel->is_error_backlog = is_error;
    }
}

/* The client has said all it had to say, and the process has heard it. */
static void end_input(struct session *session, struct channel *channel)
{
    struct stream *in = &channel->streams[STREAM_IN];

    if (!channel->client_has_ended || in->fd < 0 || channel->client_pending > 0 ||
        backlog_length(&channel->to_process) > 0)
        return;
    /* Closing a terminal's end would hang it up. Its user says when to end. */
    if (channel->has_terminal)
        return;
    if (channel->kind == CHANNEL_FORWARD)
        (void)shutdown(in->fd, SHUT_WR);
    close_stream(session, channel, STREAM_IN);
}

static bool output_has_ended(const struct channel *channel)
{
    return channel->streams[STREAM_OUT].fd < 0 && channel->streams[STREAM_ERR].fd < 0 &&
           backlog_length(&channel->to_client) == 0;
}

/* True: the channel is no more. */
static bool end_channel(struct session *session, struct channel *channel)
{
    if (channel->kind == CHANNEL_PROGRAM) {
        if (channel->client_has_closed)
            program_tell(session, channel, WIRE_CLOSE, 0);
        else if (channel->has_exited && output_has_ended(channel))
            program_end(channel);
        else
            return false;
        channel_drop(session, channel);
        return true;
    }
    bool is_silent = output_has_ended(channel);
    if (is_silent && !channel->client_has_closed && !channel->has_sent_eof) {
        channel->has_sent_eof = true;
        (void)ssh_channel_send_eof(channel->ssh);
    }
    bool is_deaf = channel->streams[STREAM_IN].fd < 0;
    if ((is_silent && is_deaf) || (channel->client_has_closed && is_deaf)) {
        channel_drop(session, channel);
        return true;
    }
    return false;
}

void channel_pump(struct session *session, struct channel *channel)
{
    if (channel->ssh == NULL)
        return;
    if (channel->state == CHANNEL_OPEN) {
        pump_to_process(session, channel);
        flush_to_client(session, channel);
        end_input(session, channel);
    }
    /* Before it is open there is only the client that could end it. */
    if (channel->state == CHANNEL_OPEN || channel->client_has_closed) {
        if (end_channel(session, channel))
            return;
    }
    if (channel->state != CHANNEL_OPEN)
        return;
    size_t index = channel_index(session, channel);
    uint32_t in = backlog_length(&channel->to_process) > 0 ? EPOLLOUT : 0;
    uint32_t out = client_room(session, channel) > 0 ? EPOLLIN : 0;
    session_watch(session, session_stream_event(index, STREAM_IN), &channel->streams[STREAM_IN],
                  in);
    for (int stream = STREAM_OUT; stream <= STREAM_ERR; stream++)
        session_watch(session, session_stream_event(index, stream), &channel->streams[stream], out);
}

void channel_ready(struct session *session, struct channel *channel, int stream)
{
    if (channel->kind == CHANNEL_RESOLVE)
        resolve_read(session, channel);
    else if (channel->state == CHANNEL_ASKED && stream == STREAM_IN)
        forward_connected(session, channel);
    else if (channel->state == CHANNEL_OPEN && stream != STREAM_IN)
        pump_to_client(session, channel, stream);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tunnel_control.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/link_retry.h"
#include "agent/tunnel_back.h"
#include "agent/tunnel_main.h"
#include "sys/fd.h"
#include "sys/thread.h"

/* Names: the resolver blocks, so it has a thread for each question. */

struct question {
    int64_t relay_id;
    char host[TUNNEL_HOST_SIZE];
    uint16_t port;
    unsigned turn; /* of the addresses that there may be */
    int answer_fd;
};

struct names_answer {
    int64_t relay_id;
    struct sockaddr_storage address;
    socklen_t size; /* 0: no address */
};

static void *resolve(void *context)
{
    struct question *question = context;
    struct names_answer answer = { .relay_id = question->relay_id };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    unsigned count = 0;
    char port[8];

    (void)snprintf(port, sizeof port, "%u", (unsigned)question->port);
    if (getaddrinfo(question->host, port, &hints, &found) == 0) {
        for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
            count++;
        unsigned turn = count > 0 ? question->turn % count : 0;
        const struct addrinfo *at = found;
        while (turn-- > 0)
            at = at->ai_next;
        if (at != NULL && at->ai_addrlen <= sizeof answer.address) {
            memcpy(&answer.address, at->ai_addr, at->ai_addrlen);
            answer.size = at->ai_addrlen;
        }
        freeaddrinfo(found);
    }
    /* Shorter than a pipe's page: written whole. */
    (void)!write(question->answer_fd, &answer, sizeof answer);
    free(question);
    return NULL;
}

static void ask_names(struct tunnel_process *tunnel, struct control *control)
{
    struct question *question = calloc(1, sizeof *question);
    pthread_t thread;
    struct error err;

    if (question == NULL)
        abort();
    question->relay_id = control->id;
    question->port = control->port;
    question->turn = control->failures;
    question->answer_fd = tunnel->names[1];
    memcpy(question->host, control->host, sizeof question->host);
    control->state = CONTROL_NAMES;
    control->deadline_ms = tunnel->now_ms + TUNNEL_HELLO_MS;
    if (thread_start(&thread, resolve, question, &err)) {
        (void)pthread_detach(thread);
    } else {
        free(question);
        control_close(tunnel, control);
    }
}

/* The connection */

void control_close(struct tunnel_process *tunnel, struct control *control)
{
    tls_close(&control->tls);
    fd_release(&control->fd);
    control->state = CONTROL_RESTS;
    control->in_count = control->out_at = control->out_count = 0;
    control->failures++;
    control->dial_ms = tunnel->now_ms + retry_backoff_ms(TUNNEL_BACKOFF_FIRST_MS,
                                                         TUNNEL_BACKOFF_MAX_MS, control->failures);
}

static void fail(struct tunnel_process *tunnel, struct control *control, const char *why)
{
    if (!control->has_told)
        log_write(&tunnel->log, LOG_WARNING, "relay not reached", "%s port %u: %s", control->host,
                  (unsigned)control->port, why);
    control->has_told = true;
    control_close(tunnel, control);
}

struct control *control_find(const struct tunnel_process *tunnel, int64_t id)
{
    for (struct control *control = tunnel->controls; control != NULL; control = control->next)
        if (control->id == id)
            return control;
    return NULL;
}

static void dial(struct tunnel_process *tunnel, struct control *control)
{
    control->watch = (struct tunnel_watch){ TUNNEL_WATCH_CONTROL, 0, control };
    control->fd = tunnel_dial(&control->address, control->address_size);
    control->deadline_ms = tunnel->now_ms + TUNNEL_HELLO_MS;
    control->epoch = tunnel->epoch;
    control->state = CONTROL_DIALS;
    if (control->fd < 0 || !tunnel_watch(tunnel, control->fd, &control->watch))
        fail(tunnel, control, strerror(errno));
}

void controls_named(struct tunnel_process *tunnel)
{
    struct names_answer answer;

    while (read(tunnel->names[0], &answer, sizeof answer) == (ssize_t)sizeof answer) {
        struct control *control = control_find(tunnel, answer.relay_id);

        if (control == NULL || control->state != CONTROL_NAMES)
            continue;
        control->address = answer.address;
        control->address_size = answer.size;
        if (answer.size == 0)
            fail(tunnel, control, "the name has no address");
        else
            dial(tunnel, control);
    }
}

static bool is_busy(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void flush(struct tunnel_process *tunnel, struct control *control)
{
    while (control->fd >= 0 && control->out_count > 0) {
        const uint8_t *at = control->out + control->out_at;
        ssize_t put = control->tls != NULL
                          ? tls_write(control->tls, at, control->out_count)
                          : send(control->fd, at, control->out_count, MSG_NOSIGNAL);

        if (put < 0 && is_busy())
            return;
        if (put <= 0) {
            fail(tunnel, control, "the connection broke");
            return;
        }
        control->out_at += (size_t)put;
        control->out_count -= (size_t)put;
    }
    control->out_at = 0;
}

void control_send(struct tunnel_process *tunnel, struct control *control,
                  const struct relay_frame *frame)
{
    uint8_t bytes[RELAY_FRAME_MAX];
    size_t count = relay_frame_write(frame, bytes);

    if (control->fd < 0)
        return;
    if (control->out_at + control->out_count + count > TUNNEL_OUT) {
        memmove(control->out, control->out + control->out_at, control->out_count);
        control->out_at = 0;
    }
    if (control->out_count + count > TUNNEL_OUT) {
        fail(tunnel, control, "it does not read");
        return;
    }
    memcpy(control->out + control->out_at + control->out_count, bytes, count);
    control->out_count += count;
    flush(tunnel, control);
}

static void take_nonce(struct tunnel_process *tunnel, struct control *control,
                       const struct relay_frame *frame)
{
    struct tunnel_message message = { .type = TUNNEL_SIGN,
                                      .relay_id = control->id,
                                      .epoch = control->epoch };

    /* What one relay asks for is of no use with another. */
    if (frame->relay_id != control->id) {
        fail(tunnel, control, "it is another relay");
        return;
    }
    memcpy(control->nonce, frame->nonce, sizeof control->nonce);
    memcpy(message.nonce, frame->nonce, sizeof message.nonce);
    control->state = CONTROL_SIGNS;
    if (send(TUNNEL_FD, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        fail(tunnel, control, "the agent does not sign");
}

void control_signed(struct tunnel_process *tunnel, const struct tunnel_message *message)
{
    struct control *control = control_find(tunnel, message->relay_id);
    struct relay_frame frame = { .type = RELAY_PROOF };

    if (control == NULL || control->state != CONTROL_SIGNS ||
        memcmp(control->nonce, message->nonce, sizeof control->nonce) != 0)
        return;
    memcpy(frame.signature, message->signature, sizeof frame.signature);
    control->state = CONTROL_PROVES;
    control_send(tunnel, control, &frame);
}

static void take_frame(struct tunnel_process *tunnel, struct control *control,
                       const struct relay_frame *frame)
{
    control->heard_ms = tunnel->now_ms;
    if (control->state == CONTROL_CALLS && frame->type == RELAY_NONCE) {
        take_nonce(tunnel, control, frame);
    } else if (control->state == CONTROL_PROVES && frame->type == RELAY_WELCOME) {
        control->state = CONTROL_OPEN;
        control->failures = 0;
        control->has_told = false;
        control->ping_ms = tunnel->now_ms + RELAY_PING_MS;
        log_write(&tunnel->log, LOG_INFO, "relay connected", "%s port %u%s", control->host,
                  (unsigned)control->port, control->has_pin ? ", TLS" : "");
    } else if (control->state == CONTROL_OPEN &&
               (frame->type == RELAY_OPEN || frame->type == RELAY_OPEN_FLOWS)) {
        back_begin(tunnel, control, frame);
    } else if (control->state == CONTROL_OPEN && frame->type == RELAY_PING) {
        control_send(tunnel, control,
                     &(struct relay_frame){ .type = RELAY_PONG, .number = frame->number });
    } else if (control->state != CONTROL_OPEN || frame->type != RELAY_PONG) {
        fail(tunnel, control, "it says what no relay says");
    }
}

static void read_frames(struct tunnel_process *tunnel, struct control *control)
{
    while (control->fd >= 0) {
        uint8_t *at = control->in + control->in_count;
        size_t room = TUNNEL_IN - control->in_count, done = 0, used;
        enum relay_read read = RELAY_READ_FRAME;
        struct relay_frame frame;

        ssize_t got = control->tls != NULL ? tls_read(control->tls, at, room)
                                           : recv(control->fd, at, room, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && is_busy())
            return;
        if (got <= 0) {
            fail(tunnel, control, got == 0 ? "it has hung up" : "the connection broke");
            return;
        }
        control->in_count += (size_t)got;
        while (control->fd >= 0 && read == RELAY_READ_FRAME) {
            read = relay_frame_read(control->in + done, control->in_count - done, &frame, &used);
            if (read == RELAY_READ_FRAME) {
                done += used;
                take_frame(tunnel, control, &frame);
            }
        }
        if (control->fd >= 0 && read == RELAY_READ_BAD)
            fail(tunnel, control, "it does not speak the language");
        if (control->fd < 0)
            return;
        control->in_count -= done;
        memmove(control->in, control->in + done, control->in_count);
    }
}

static void call(struct tunnel_process *tunnel, struct control *control)
{
    control->state = CONTROL_CALLS;
    control_send(tunnel, control,
                 &(struct relay_frame){ .type = RELAY_CALL,
                                        .machine_id = tunnel->machine_id,
                                        .epoch = control->epoch });
}

void control_handle(struct tunnel_process *tunnel, struct control *control)
{
    if (control->fd < 0)
        return;
    if (control->state == CONTROL_DIALS) {
        int reason = tunnel_dialled(control->fd);

        if (reason == EINPROGRESS)
            return;
        if (reason != 0) {
            fail(tunnel, control, strerror(reason));
            return;
        }
        pump_set_patience(control->fd);
        control->state = CONTROL_SHAKES;
        control->tls = control->has_pin ? tls_open(tunnel->tls, control->fd, control->pin) : NULL;
    }
    if (control->state == CONTROL_SHAKES) {
        enum tls_state state = control->tls != NULL ? tls_shake(control->tls) : TLS_OPEN;

        if (state == TLS_FAILED || (control->has_pin && control->tls == NULL))
            fail(tunnel, control, "it is not the relay with that key");
        else if (state == TLS_OPEN)
            call(tunnel, control);
        if (control->state != CONTROL_CALLS)
            return;
    }
    flush(tunnel, control);
    read_frames(tunnel, control);
}

void control_tend(struct tunnel_process *tunnel, struct control *control)
{
    if (control->state == CONTROL_RESTS) {
        if (tunnel->epoch > 0 && tunnel->now_ms >= control->dial_ms)
            ask_names(tunnel, control);
        return;
    }
    /* An older session is turned away in any case. */
    if (control->epoch != tunnel->epoch && control->state != CONTROL_NAMES) {
        control_close(tunnel, control);
        control->failures = 0;
        control->dial_ms = tunnel->now_ms;
        return;
    }
    if (control->state != CONTROL_OPEN) {
        if (tunnel->now_ms >= control->deadline_ms)
            fail(tunnel, control, "no answer");
        return;
    }
    if (tunnel->now_ms - control->heard_ms > RELAY_DEAD_MS) {
        fail(tunnel, control, "not a word from it");
        return;
    }
    if (tunnel->now_ms < control->ping_ms)
        return;
    control->ping_ms = tunnel->now_ms + RELAY_PING_MS;
    control_send(tunnel, control,
                 &(struct relay_frame){ .type = RELAY_PING, .number = (uint64_t)tunnel->now_ms });
}

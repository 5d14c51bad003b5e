/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/relay_calls.h"
#include "sys/crypto.h"
#include "sys/fd.h"

enum { ACCEPTS_MAX = 64 };

/* How many hellos come from that address. */
static int64_t count_hellos(const struct relay_engine *engine, const struct sockaddr_storage *from)
{
    int64_t count = 0;

    for (const struct relay_node *node = engine->links.next; node != &engine->links;
         node = node->next) {
        const struct relay_link *link = RELAY_OF(relay_link, node, node);

        count += link->state != LINK_CONTROL && relay_same_address(&link->from, from);
    }
    return count;
}

static void enter(struct relay_engine *engine, int fd, const struct sockaddr_storage *from)
{
    struct relay_link *link = calloc(1, sizeof *link);
    struct tls_context *tls = engine->options.tls;

    if (link == NULL)
        abort();
    *link = (struct relay_link){ .state = tls != NULL ? LINK_SHAKES : LINK_HELLO,
                                 .fd = fd,
                                 .tls = tls != NULL ? tls_open(tls, fd, NULL) : NULL,
                                 .from = *from,
                                 .deadline_ms = engine->now_ms + RELAY_HELLO_MS,
                                 .watch = { WATCH_LINK, 0, link } };
    if ((tls != NULL && link->tls == NULL) || !relay_watch(engine, fd, PUMP_EVENTS, &link->watch)) {
        link_free(link);
        return;
    }
    pump_set_patience(fd);
    relay_list_add(&engine->links, &link->node);
    engine->hello_count++;
}

void links_accept(struct relay_engine *engine)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t size = sizeof from;
        int fd =
            accept4(engine->door, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        if (engine->hello_count >= RELAY_HELLOS_MAX ||
            count_hellos(engine, &from) >= RELAY_HELLOS_PER_ADDRESS)
            (void)close(fd);
        else
            enter(engine, fd, &from);
    }
}

void link_free(struct relay_link *link)
{
    tls_close(&link->tls);
    if (link->fd >= 0)
        (void)close(link->fd);
    free(link->out);
    free(link);
}

void link_end(struct relay_engine *engine, struct relay_link *link, const char *why)
{
    if (link->is_dead)
        return;
    link->is_dead = true;
    if (link->machine != NULL && link->machine->control == link) {
        link->machine->control = NULL;
        link->machine->lost_ms = engine->now_ms;
        log_write(&engine->options.log, LOG_INFO, "relay lost an agent", "machine %lld: %s",
                  (long long)link->machine_id, why);
    }
    engine->hello_count -= link->state != LINK_CONTROL;
    /* Closed at once, so that nothing more comes of it; freed when this round is over. */
    relay_unwatch(engine, link->fd);
    tls_close(&link->tls);
    fd_release(&link->fd);
    relay_list_remove(&link->node);
    relay_list_add(&engine->graveyard, &link->node);
}

static bool is_busy(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void flush(struct relay_engine *engine, struct relay_link *link)
{
    while (!link->is_dead && link->out_count > 0) {
        const uint8_t *at = link->out + link->out_at;
        ssize_t put = link->tls != NULL ? tls_write(link->tls, at, link->out_count)
                                        : send(link->fd, at, link->out_count, MSG_NOSIGNAL);

        if (put < 0 && is_busy())
            return;
        if (put <= 0) {
            link_end(engine, link, "its connection broke");
            return;
        }
        link->out_at += (size_t)put;
        link->out_count -= (size_t)put;
    }
    link->out_at = 0;
}

void link_send(struct relay_engine *engine, struct relay_link *link,
               const struct relay_frame *frame)
{
    uint8_t bytes[RELAY_FRAME_MAX];
    size_t count = relay_frame_write(frame, bytes);

    if (link == NULL || link->is_dead)
        return;
    if (link->out == NULL)
        link->out = malloc(LINK_OUT);
    if (link->out == NULL)
        abort();
    if (link->out_at + link->out_count + count > LINK_OUT) {
        memmove(link->out, link->out + link->out_at, link->out_count);
        link->out_at = 0;
    }
    if (link->out_count + count > LINK_OUT) {
        link_end(engine, link, "it does not read");
        return;
    }
    memcpy(link->out + link->out_at + link->out_count, bytes, count);
    link->out_count += count;
    flush(engine, link);
}

void relay_take_keys(const struct relay_engine *engine, struct relay_machine *machine,
                     const struct relay_route *route)
{
    memcpy(machine->public_key, route->public_key, sizeof machine->public_key);
    memcpy(machine->former_key, route->former_key, sizeof machine->former_key);
    machine->former_until_ms = engine->now_ms + route->former_left_us / US_PER_MS;
}

static bool is_proved(const struct relay_engine *engine, const struct relay_link *link,
                      const struct relay_machine *machine)
{
    auto_buf struct buf text = buf_of(256);
    const struct relay_claim claim = { engine->relay_id, link->machine_id, link->epoch,
                                       link->nonce };
    struct signature signature;

    relay_signed(&text, &claim);
    memcpy(signature.bytes, link->signature, sizeof signature.bytes);
    return !text.has_overflowed &&
           (crypto_verify(machine->public_key, &signature, text.bytes, text.length) ||
            (engine->now_ms < machine->former_until_ms &&
             crypto_verify(machine->former_key, &signature, text.bytes, text.length)));
}

static void welcome(struct relay_engine *engine, struct relay_link *link,
                    struct relay_machine *machine)
{
    if (machine->control != NULL)
        link_end(engine, machine->control, "it has come anew");
    engine->hello_count--;
    link->state = LINK_CONTROL;
    link->machine = machine;
    link->heard_ms = engine->now_ms;
    link->ping_ms = engine->now_ms + RELAY_PING_MS;
    machine->control = link;
    log_write(&engine->options.log, LOG_INFO, "relay has an agent", "machine %lld, epoch %lld",
              (long long)machine->id, (long long)link->epoch);
    link_send(engine, link, &(struct relay_frame){ .type = RELAY_WELCOME });
    if (!link->is_dead)
        calls_ask(engine, machine);
}

/* It has shown its proof: is there a machine that it proves? */
static void judge(struct relay_engine *engine, struct relay_link *link)
{
    struct relay_machine *machine = relay_find_machine(engine, link->machine_id);

    if (machine != NULL && !is_proved(engine, link, machine))
        link_end(engine, link, "its proof is wrong");
    else if (machine != NULL && link->epoch < machine->epoch)
        link_end(engine, link, "its session is over");
    else if (machine != NULL && link->epoch == machine->epoch)
        welcome(engine, link, machine);
    else if (link->state != LINK_EARLY) {
        link->state = LINK_EARLY;
        engine->options.on_stale(engine->options.context);
    }
}

static void take_control(struct relay_engine *engine, struct relay_link *link,
                         const struct relay_frame *frame)
{
    link->heard_ms = engine->now_ms;
    if (frame->type == RELAY_PING)
        link_send(engine, link,
                  &(struct relay_frame){ .type = RELAY_PONG, .number = frame->number });
    else if (frame->type == RELAY_REFUSE)
        call_refuse(engine, link->machine, frame->token);
    else if (frame->type != RELAY_PONG)
        link_end(engine, link, "it says what no agent says");
}

static void take_hello(struct relay_engine *engine, struct relay_link *link,
                       const struct relay_frame *frame)
{
    if (frame->type == RELAY_CALL) {
        struct relay_frame nonce = { .type = RELAY_NONCE, .relay_id = engine->relay_id };

        link->machine_id = frame->machine_id;
        link->epoch = frame->epoch;
        crypto_random(link->nonce, sizeof link->nonce);
        memcpy(nonce.nonce, link->nonce, sizeof nonce.nonce);
        link->state = LINK_PROVES;
        link_send(engine, link, &nonce);
    } else if (frame->type == RELAY_BACK &&
               call_answer(engine, frame->token, link->fd, &link->tls)) {
        link->fd = -1; /* the call's */
        link_end(engine, link, "");
    } else {
        link_end(engine, link, "no hello");
    }
}

static void take_frame(struct relay_engine *engine, struct relay_link *link,
                       const struct relay_frame *frame)
{
    if (link->state == LINK_CONTROL) {
        take_control(engine, link, frame);
    } else if (link->state == LINK_HELLO) {
        take_hello(engine, link, frame);
    } else if (link->state == LINK_PROVES && frame->type == RELAY_PROOF) {
        memcpy(link->signature, frame->signature, sizeof link->signature);
        judge(engine, link);
    } else {
        link_end(engine, link, "out of turn");
    }
}

/* How much may be read: what comes behind BACK is the caller's, and not for us. */
static size_t want(const struct relay_link *link)
{
    if (link->state != LINK_HELLO)
        return LINK_IN - link->in_count;
    size_t size = link->in_count < RELAY_HEAD ? RELAY_HEAD : relay_frame_size(link->in);
    return size > link->in_count ? size - link->in_count : 1;
}

static void read_frames(struct relay_engine *engine, struct relay_link *link)
{
    while (!link->is_dead) {
        size_t room = want(link), used = 0;
        struct relay_frame frame;
        enum relay_read read = RELAY_READ_FRAME;

        ssize_t got = link->tls != NULL ? tls_read(link->tls, link->in + link->in_count, room)
                                        : recv(link->fd, link->in + link->in_count, room, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && is_busy())
            return;
        if (got <= 0) {
            link_end(engine, link, got == 0 ? "it has hung up" : "its connection broke");
            return;
        }
        link->in_count += (size_t)got;
        size_t at = 0;
        while (!link->is_dead && read == RELAY_READ_FRAME) {
            read = relay_frame_read(link->in + at, link->in_count - at, &frame, &used);
            if (read == RELAY_READ_FRAME)
                take_frame(engine, link, &frame);
            at += read == RELAY_READ_FRAME ? used : 0;
        }
        if (read == RELAY_READ_BAD)
            link_end(engine, link, "it does not speak the language");
        link->in_count -= at;
        memmove(link->in, link->in + at, link->in_count);
    }
}

void link_handle(struct relay_engine *engine, struct relay_link *link, uint32_t events)
{
    (void)events;
    if (link->is_dead)
        return;
    if (link->state == LINK_SHAKES) {
        enum tls_state state = tls_shake(link->tls);

        if (state == TLS_FAILED)
            link_end(engine, link, "its TLS failed");
        if (state != TLS_OPEN)
            return;
        link->state = LINK_HELLO;
    }
    flush(engine, link);
    read_frames(engine, link);
}

static void tend_control(struct relay_engine *engine, struct relay_link *link)
{
    if (engine->now_ms - link->heard_ms > RELAY_DEAD_MS) {
        link_end(engine, link, "not a word from it");
        return;
    }
    if (engine->now_ms < link->ping_ms)
        return;
    link->ping_ms = engine->now_ms + RELAY_PING_MS;
    link_send(engine, link,
              &(struct relay_frame){ .type = RELAY_PING, .number = (uint64_t)engine->now_ms });
}

void links_tend(struct relay_engine *engine)
{
    struct relay_node *next;

    for (struct relay_node *node = engine->links.next; node != &engine->links; node = next) {
        struct relay_link *link = RELAY_OF(relay_link, node, node);

        next = node->next;
        if (link->state == LINK_CONTROL)
            tend_control(engine, link);
        else if (engine->now_ms >= link->deadline_ms)
            link_end(engine, link, "too late");
    }
}

void links_recheck(struct relay_engine *engine)
{
    struct relay_node *next;

    /* First those that are over: letting one in ends whom it replaces, who may be the next here. */
    for (struct relay_node *node = engine->links.next; node != &engine->links; node = next) {
        struct relay_link *link = RELAY_OF(relay_link, node, node);

        next = node->next;
        if (link->state == LINK_CONTROL && link->epoch < link->machine->epoch)
            link_end(engine, link, "its session is over");
    }
    for (struct relay_node *node = engine->links.next; node != &engine->links; node = next) {
        struct relay_link *link = RELAY_OF(relay_link, node, node);

        next = node->next;
        if (link->state == LINK_EARLY)
            judge(engine, link);
    }
}

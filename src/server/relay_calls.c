/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_calls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/relay_links.h"
#include "sys/crypto.h"

enum { ACCEPTS_MAX = 64 };

/* The address as the agent is told it: IPv6, or IPv4 mapped into it. */
static void tell_from(const struct sockaddr_storage *from, struct relay_frame *frame)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    memcpy(&four, from, sizeof four);
    memcpy(&six, from, sizeof six);
    if (from->ss_family == AF_INET6) {
        memcpy(frame->from, &six.sin6_addr, sizeof frame->from);
        frame->from_port = ntohs(six.sin6_port);
        return;
    }
    frame->from[10] = frame->from[11] = 0xFF;
    memcpy(frame->from + 12, &four.sin_addr, 4);
    frame->from_port = ntohs(four.sin_port);
}

static void ask(struct relay_engine *engine, struct relay_call *call)
{
    struct relay_frame frame = { .type = call->port->protocol == RELAYING_UDP ? RELAY_OPEN_FLOWS
                                                                              : RELAY_OPEN,
                                 .instance_id = call->port->instance->id,
                                 .port = call->port->inside };

    memcpy(frame.token, call->token, sizeof frame.token);
    tell_from(&call->from, &frame);
    call->is_asked = true;
    call->deadline_ms = engine->now_ms + RELAY_BACK_MS;
    link_send(engine, call->port->instance->machine->control, &frame);
}

static int64_t count_from(const struct relay_node *head, const struct sockaddr_storage *from)
{
    int64_t count = 0;

    for (const struct relay_node *node = head->next; node != head; node = node->next)
        count += relay_same_address(&RELAY_OF(relay_call, node, node)->from, from);
    return count;
}

static bool is_crowded(const struct relay_engine *engine, const struct relay_port *port,
                       const struct sockaddr_storage *from)
{
    if (port->protocol == RELAYING_HTTPS)
        return engine->shaking_count >= RELAY_SHAKING_MAX ||
               count_from(&engine->shaking, from) >= RELAY_SHAKING_PER_ADDRESS;
    return engine->waiting_count >= RELAY_WAITING_MAX ||
           count_from(&engine->waiting, from) >= RELAY_WAITING_PER_ADDRESS;
}

/* It waits for the agent's connection, for so long without asking where the agent is not there. */
static void begin_wait(struct relay_engine *engine, struct relay_call *call)
{
    call->deadline_ms = engine->now_ms + RELAY_GRACE_MS;
    relay_list_add(&engine->waiting, &call->node);
    engine->waiting_count++;
    if (call->port->instance->machine->control != NULL)
        ask(engine, call);
}

/* A browser's handshake, as far as it goes; then the agent is asked. */
static void shake(struct relay_engine *engine, struct relay_call *call)
{
    enum tls_state state = tls_shake(call->pump.ends[0].tls);

    if (state == TLS_FAILED)
        call_end(engine, call, false);
    if (state != TLS_OPEN)
        return;
    call->is_shaking = false;
    relay_list_remove(&call->node);
    engine->shaking_count--;
    begin_wait(engine, call);
}

static void begin_shake(struct relay_engine *engine, struct relay_call *call)
{
    call->is_shaking = true;
    call->deadline_ms = engine->now_ms + RELAY_SHAKE_MS;
    relay_list_add(&engine->shaking, &call->node);
    engine->shaking_count++;
    shake(engine, call);
}

/* Whether it makes sense to let one more in. */
static bool has_room(const struct relay_engine *engine, const struct relay_port *port)
{
    const struct relay_machine *machine = port->instance->machine;
    bool is_there = machine->control != NULL || engine->now_ms - machine->lost_ms < RELAY_GRACE_MS;

    return is_there && engine->call_count < engine->call_max &&
           port->calls < RELAY_CALLS_PER_PORT && port->instance->calls < RELAY_CALLS_PER_INSTANCE &&
           machine->calls < RELAY_CALLS_PER_MACHINE;
}

static void enter(struct relay_engine *engine, struct relay_port *port, int fd,
                  const struct sockaddr_storage *from)
{
    struct relay_call *call = calloc(1, sizeof *call);
    bool is_https = port->protocol == RELAYING_HTTPS;
    struct tls *tls = is_https ? tls_open(engine->https, fd, NULL) : NULL;

    if (call == NULL)
        abort();
    call->port = port;
    call->from = *from;
    crypto_random(call->token, sizeof call->token);
    pump_open(&call->pump, (struct pump_end){ .fd = fd, .tls = tls },
              (struct pump_end){ .fd = -1 });
    for (int end = 0; end < 2; end++)
        call->watches[end] = (struct relay_watch){ WATCH_CALL, end, call };
    if ((is_https && tls == NULL) || !relay_watch(engine, fd, PUMP_EVENTS, &call->watches[0])) {
        pump_close(&call->pump, &engine->bed, true);
        free(call);
        return;
    }
    pump_set_patience(fd);
    engine->call_count++;
    port->calls++;
    port->instance->calls++;
    port->instance->machine->calls++;
    if (is_https)
        begin_shake(engine, call);
    else
        begin_wait(engine, call);
}

void calls_accept(struct relay_engine *engine, struct relay_port *port)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t size = sizeof from;
        int fd =
            accept4(port->listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        if (has_room(engine, port) && !is_crowded(engine, port, &from)) {
            enter(engine, port, fd, &from);
            continue;
        }
        atomic_fetch_add(&engine->refused, 1);
        (void)close(fd);
    }
}

bool calls_begin(struct relay_engine *engine, struct relay_port *port, int fd)
{
    const struct sockaddr_storage from = { .ss_family = AF_INET };

    if (has_room(engine, port)) {
        enter(engine, port, fd, &from);
        return true;
    }
    atomic_fetch_add(&engine->refused, 1);
    (void)close(fd);
    return false;
}

/* What was carried since the last time, for whoever counts. */
static void count(struct relay_engine *engine, struct relay_call *call)
{
    struct relay_instance *instance = call->port->instance;
    uint64_t down = call->pump.ways[0].bytes - call->counted[0];
    uint64_t up = call->pump.ways[1].bytes - call->counted[1];

    call->counted[0] += down;
    call->counted[1] += up;
    atomic_fetch_add(&instance->bytes_down, down);
    atomic_fetch_add(&instance->bytes_up, up);
    atomic_fetch_add(&engine->bytes_down, down);
    atomic_fetch_add(&engine->bytes_up, up);
}

void call_end(struct relay_engine *engine, struct relay_call *call, bool is_failed)
{
    if (call->is_dead)
        return;
    count(engine, call);
    call->is_dead = true;
    atomic_fetch_add(call->is_open ? &engine->served : &engine->refused, 1);
    engine->shaking_count -= call->is_shaking;
    engine->waiting_count -= !call->is_shaking && !call->is_open;
    engine->call_count--;
    call->port->calls--;
    call->port->instance->calls--;
    call->port->instance->machine->calls--;
    for (int end = 0; end < 2; end++)
        relay_unwatch(engine, call->pump.ends[end].fd);
    pump_close(&call->pump, &engine->bed, is_failed);
    relay_list_remove(&call->node);
    relay_list_remove(&call->ready);
    /* epoll may still have a word about it. */
    relay_list_add(&engine->dead_calls, &call->node);
}

void call_free(struct relay_call *call)
{
    free(call);
}

static void run(struct relay_engine *engine, struct relay_call *call)
{
    enum pump_state state = pump_run(&call->pump, &engine->bed);

    relay_list_remove(&call->ready);
    if (state == PUMP_GOES_ON)
        relay_list_add(&engine->ready, &call->ready);
    else if (state != PUMP_WAITS)
        call_end(engine, call, state == PUMP_FAILED);
}

void call_handle(struct relay_engine *engine, struct relay_call *call, int end, uint32_t events)
{
    if (call->is_dead)
        return;
    pump_ready(&call->pump, end, events);
    if (call->is_open)
        run(engine, call);
    else if (call->is_shaking)
        shake(engine, call);
    else if ((events & (EPOLLERR | EPOLLHUP)) != 0)
        call_end(engine, call, false); /* it has not waited */
}

void calls_run_ready(struct relay_engine *engine)
{
    /* Each once: those that go on join the end. */
    struct relay_node *last = engine->ready.previous, *node = engine->ready.next;

    while (node != &engine->ready) {
        struct relay_node *next = node->next;
        bool is_last = node == last;

        run(engine, RELAY_OF(relay_call, ready, node));
        if (is_last)
            break;
        node = next;
    }
}

static struct relay_call *find_waiting(const struct relay_engine *engine, const uint8_t *token)
{
    for (struct relay_node *node = engine->waiting.next; node != &engine->waiting;
         node = node->next) {
        struct relay_call *call = RELAY_OF(relay_call, node, node);

        if (call->is_asked && crypto_equal(call->token, token, sizeof call->token))
            return call;
    }
    return NULL;
}

bool call_answer(struct relay_engine *engine, const uint8_t *token, int fd, struct tls **tls)
{
    struct relay_call *call = find_waiting(engine, token);
    struct epoll_event wanted = { .events = PUMP_EVENTS };

    if (call == NULL)
        return false;
    wanted.data.ptr = &call->watches[1];
    if (epoll_ctl(engine->epoll, EPOLL_CTL_MOD, fd, &wanted) != 0)
        return false;
    call->pump.ends[1] =
        (struct pump_end){ .fd = fd, .tls = *tls, .can_read = true, .can_write = true };
    *tls = NULL;
    call->is_open = true;
    engine->waiting_count--;
    relay_list_remove(&call->node);
    relay_list_add(&engine->running, &call->node);
    pump_set_patience(fd);
    run(engine, call);
    return true;
}

void call_refuse(struct relay_engine *engine, const struct relay_machine *machine,
                 const uint8_t *token)
{
    struct relay_call *call = find_waiting(engine, token);

    if (call != NULL && call->port->instance->machine == machine)
        call_end(engine, call, false);
}

void calls_ask(struct relay_engine *engine, struct relay_machine *machine)
{
    struct relay_node *next;

    for (struct relay_node *node = engine->waiting.next; node != &engine->waiting; node = next) {
        struct relay_call *call = RELAY_OF(relay_call, node, node);

        next = node->next;
        /* Asked of a control that is gone, and not answered: perhaps it was not heard. */
        if (call->port->instance->machine == machine && machine->control != NULL)
            ask(engine, call);
    }
}

static void end_list(struct relay_engine *engine, struct relay_node *head,
                     const struct relay_port *port)
{
    struct relay_node *next;

    for (struct relay_node *node = head->next; node != head; node = next) {
        struct relay_call *call = RELAY_OF(relay_call, node, node);

        next = node->next;
        if (call->port == port)
            call_end(engine, call, true);
    }
}

void calls_end_of(struct relay_engine *engine, const struct relay_port *port)
{
    end_list(engine, &engine->shaking, port);
    end_list(engine, &engine->waiting, port);
    end_list(engine, &engine->running, port);
}

static void end_late(struct relay_engine *engine, const struct relay_node *head)
{
    struct relay_node *next;

    for (struct relay_node *node = head->next; node != head; node = next) {
        struct relay_call *call = RELAY_OF(relay_call, node, node);

        next = node->next;
        if (engine->now_ms >= call->deadline_ms)
            call_end(engine, call, false);
    }
}

void calls_tend(struct relay_engine *engine)
{
    end_late(engine, &engine->shaking);
    end_late(engine, &engine->waiting);
    for (struct relay_node *node = engine->running.next; node != &engine->running;
         node = node->next)
        count(engine, RELAY_OF(relay_call, node, node));
}

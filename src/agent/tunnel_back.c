/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tunnel_back.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tunnel_control.h"
#include "agent/tunnel_flows.h"
#include "agent/tunnel_main.h"

int tunnel_compare_ports(const void *left, const void *right)
{
    const struct tunnel_port *a = left, *b = right;

    if (a->instance_id != b->instance_id)
        return a->instance_id < b->instance_id ? -1 : 1;
    return a->inside != b->inside ? (int)a->inside - (int)b->inside
                                  : (int)a->is_udp - (int)b->is_udp;
}

/* NULL: nowhere that a relay may lead to. */
static const struct tunnel_port *find_port(const struct tunnel_process *tunnel,
                                           const struct relay_frame *frame)
{
    const struct tunnel_port wanted = { .instance_id = frame->instance_id,
                                        .inside = frame->port,
                                        .is_udp = frame->type == RELAY_OPEN_FLOWS };

    return tunnel->port_count == 0 ? NULL
                                   : bsearch(&wanted, tunnel->ports, tunnel->port_count,
                                             sizeof wanted, tunnel_compare_ports);
}

static void refuse(struct tunnel_process *tunnel, int64_t relay_id, const uint8_t *token)
{
    struct control *control = control_find(tunnel, relay_id);
    struct relay_frame frame = { .type = RELAY_REFUSE };

    memcpy(frame.token, token, sizeof frame.token);
    if (control != NULL && control->state == CONTROL_OPEN)
        control_send(tunnel, control, &frame);
}

static void unready(struct tunnel_process *tunnel, struct back *back)
{
    struct back **at = &tunnel->ready;

    while (*at != NULL && *at != back)
        at = &(*at)->ready_next;
    if (*at != NULL)
        *at = back->ready_next;
    back->is_ready = false;
}

static void end(struct tunnel_process *tunnel, struct back *back, bool is_failed)
{
    if (back->is_dead)
        return;
    back->is_dead = true;
    if (back->state == BACK_DIALS_HOST)
        refuse(tunnel, back->relay_id, back->token);
    if (back->is_ready)
        unready(tunnel, back);
    pump_close(&back->pump, &tunnel->bed, is_failed);
    if (back->previous != NULL)
        back->previous->next = back->next;
    else
        tunnel->backs = back->next;
    if (back->next != NULL)
        back->next->previous = back->previous;
    tunnel->back_count--;
    back->next = tunnel->dead;
    tunnel->dead = back;
}

void backs_bury(struct tunnel_process *tunnel)
{
    while (tunnel->dead != NULL) {
        struct back *back = tunnel->dead;

        tunnel->dead = back->next;
        free(back);
    }
}

static void run(struct tunnel_process *tunnel, struct back *back)
{
    enum pump_state state = pump_run(&back->pump, &tunnel->bed);

    if (state == PUMP_GOES_ON && !back->is_ready) {
        back->is_ready = true;
        back->ready_next = tunnel->ready;
        tunnel->ready = back;
    } else if (state != PUMP_WAITS && state != PUMP_GOES_ON) {
        end(tunnel, back, state == PUMP_FAILED);
    }
}

void backs_run_ready(struct tunnel_process *tunnel)
{
    struct back *next, *list = tunnel->ready;

    tunnel->ready = NULL;
    for (struct back *back = list; back != NULL; back = next) {
        next = back->ready_next;
        back->is_ready = false;
        run(tunnel, back);
    }
}

static struct pump_end *relay_end(struct back *back)
{
    return &back->pump.ends[0];
}

static bool dial_relay(struct tunnel_process *tunnel, struct back *back)
{
    relay_end(back)->fd = tunnel_dial(&back->address, back->address_size);
    if (relay_end(back)->fd < 0 || !tunnel_watch(tunnel, relay_end(back)->fd, &back->watches[0]))
        return false;
    back->state = BACK_DIALS_RELAY;
    return true;
}

/* The token, and from there on the caller's bytes. */
static bool say_back(struct back *back, bool *ret_waits)
{
    uint8_t bytes[RELAY_FRAME_MAX];
    struct relay_frame frame = { .type = RELAY_BACK };
    struct pump_end *relay = relay_end(back);

    memcpy(frame.token, back->token, sizeof frame.token);
    size_t count = relay_frame_write(&frame, bytes);
    while (back->said < count) {
        ssize_t put = relay->tls != NULL
                          ? tls_write(relay->tls, bytes + back->said, count - back->said)
                          : send(relay->fd, bytes + back->said, count - back->said, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        *ret_waits = put < 0 && errno == EAGAIN;
        if (put <= 0)
            return false;
        back->said += (size_t)put;
    }
    return true;
}

/* As far as it goes; true once it is open. */
static bool progress(struct tunnel_process *tunnel, struct back *back)
{
    bool waits = false;
    int reason;

    if (back->state == BACK_DIALS_HOST) {
        reason = tunnel_dialled(back->pump.ends[1].fd);
        if (reason == EINPROGRESS)
            return false;
        if (reason != 0 || !dial_relay(tunnel, back)) {
            end(tunnel, back, false);
            return false;
        }
        pump_set_patience(back->pump.ends[1].fd);
    }
    if (back->state == BACK_DIALS_RELAY) {
        reason = tunnel_dialled(relay_end(back)->fd);
        if (reason == EINPROGRESS)
            return false;
        if (reason == 0 && back->has_pin)
            relay_end(back)->tls = tls_open(tunnel->tls, relay_end(back)->fd, back->pin);
        if (reason != 0 || (back->has_pin && relay_end(back)->tls == NULL)) {
            end(tunnel, back, false);
            return false;
        }
        pump_set_patience(relay_end(back)->fd);
        back->state = back->has_pin ? BACK_SHAKES : BACK_SAYS;
    }
    if (back->state == BACK_SHAKES) {
        enum tls_state state = tls_shake(relay_end(back)->tls);

        if (state == TLS_FAILED)
            end(tunnel, back, false);
        if (state != TLS_OPEN)
            return false;
        back->state = BACK_SAYS;
    }
    if (!say_back(back, &waits)) {
        if (!waits)
            end(tunnel, back, false);
        return false;
    }
    back->state = BACK_OPEN;
    for (int i = 0; i < 2; i++)
        back->pump.ends[i].can_read = back->pump.ends[i].can_write = true;
    return true;
}

void back_handle(struct tunnel_process *tunnel, struct back *back, int which, uint32_t events)
{
    if (back->is_dead)
        return;
    pump_ready(&back->pump, which, events);
    if (back->state == BACK_OPEN || progress(tunnel, back))
        run(tunnel, back);
}

void back_begin(struct tunnel_process *tunnel, struct control *control,
                const struct relay_frame *frame)
{
    const struct tunnel_port *port = find_port(tunnel, frame);
    struct sockaddr_storage where = { 0 };

    if (port == NULL || tunnel->back_count >= tunnel->back_max) {
        refuse(tunnel, control->id, frame->token);
        return;
    }
    const struct sockaddr_in host = { .sin_family = AF_INET,
                                      .sin_port = htons(port->outside),
                                      .sin_addr = port->address };
    struct back *back = calloc(1, sizeof *back);
    if (back == NULL)
        abort();
    memcpy(&where, &host, sizeof host);
    memcpy(back->token, frame->token, sizeof back->token);
    memcpy(back->pin, control->pin, sizeof back->pin);
    back->has_pin = control->has_pin;
    back->relay_id = control->id;
    back->instance_id = frame->instance_id;
    back->address = control->address;
    back->address_size = control->address_size;
    back->deadline_ms = tunnel->now_ms + RELAY_BACK_MS;
    for (int i = 0; i < 2; i++)
        back->watches[i] = (struct tunnel_watch){ TUNNEL_WATCH_BACK, i, back };
    pump_open(&back->pump, (struct pump_end){ .fd = -1 },
              (struct pump_end){ .fd = port->is_udp ? flows_begin(tunnel, port)
                                                    : tunnel_dial(&where, sizeof host) });
    back->next = tunnel->backs;
    if (back->next != NULL)
        back->next->previous = back;
    tunnel->backs = back;
    tunnel->back_count++;
    if (back->pump.ends[1].fd < 0 ||
        !tunnel_watch(tunnel, back->pump.ends[1].fd, &back->watches[1]))
        end(tunnel, back, false);
    else if (progress(tunnel, back))
        run(tunnel, back);
}

void backs_tend(struct tunnel_process *tunnel)
{
    struct back *next;

    for (struct back *back = tunnel->backs; back != NULL; back = next) {
        next = back->next;
        if (back->state != BACK_OPEN && tunnel->now_ms >= back->deadline_ms)
            end(tunnel, back, false);
    }
}

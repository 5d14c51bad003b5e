/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/relay_calls.h"
#include "sys/datagrams.h"
#include "sys/fd.h"

enum { TURN_MAX = 64 }; /* datagrams, then it is the next one's */

/* A source. */
struct flow_of {
    uint32_t id; /* its place below, and a number that is new with each source; 0: nobody's */
    struct sockaddr_storage from;
    socklen_t from_size;
    int64_t heard_ms;
    uint64_t bytes_in, bytes_out;
    unsigned turns; /* how often it has said something behind an answer */
    bool is_answered;
};

struct relay_flows {
    struct datagrams stream; /* to the call */
    struct relay_watch watch;
    int64_t called_ms;
    uint32_t sources; /* so far */
    struct flow_of all[FLOWS_PER_PORT];
};

int relay_flows_open(struct relay_engine *engine, struct relay_port *port)
{
    int fd = relay_listen(engine->options.bind, port->port, SOCK_DGRAM);

    if (fd >= 0 && port->flows == NULL) {
        port->flows = calloc(1, sizeof *port->flows);
        if (port->flows == NULL)
            abort();
        port->flows->stream = DATAGRAMS_CLOSED;
        port->flows->called_ms = engine->now_ms - FLOWS_AGAIN_MS;
        port->flows->watch = (struct relay_watch){ WATCH_FLOWS, 0, port };
    }
    return fd;
}

void relay_flows_close(struct relay_engine *engine, struct relay_port *port)
{
    (void)engine;
    if (port->flows == NULL)
        return;
    datagrams_close(&port->flows->stream);
    free(port->flows);
    port->flows = NULL;
}

/* A call of its own to the host, which takes what waits in the stream once it is through. */
static bool call(struct relay_engine *engine, struct relay_port *port)
{
    struct relay_flows *flows = port->flows;
    int other;

    if (flows->stream.fd >= 0)
        return true;
    if (engine->now_ms - flows->called_ms < FLOWS_AGAIN_MS)
        return false;
    flows->called_ms = engine->now_ms;
    if (!datagrams_pair(&flows->stream, &other))
        return false;
    if (!relay_watch(engine, flows->stream.fd, EPOLLIN, &flows->watch)) {
        (void)close(other);
        datagrams_close(&flows->stream);
        return false;
    }
    if (!calls_begin(engine, port, other))
        datagrams_close(&flows->stream);
    return flows->stream.fd >= 0;
}

static bool is_proved(const struct flow_of *flow)
{
    return flow->turns >= FLOWS_TURNS;
}

static bool is_of(const struct flow_of *flow, const struct sockaddr_storage *from, socklen_t size)
{
    return flow->id != 0 && flow->from_size == size && memcmp(&flow->from, from, size) == 0;
}

/* The one that was heard of least lately among those that may have to go. */
static struct flow_of *find_place(struct relay_flows *flows)
{
    struct flow_of *oldest = NULL;

    for (size_t i = 0; i < FLOWS_PER_PORT; i++) {
        struct flow_of *flow = &flows->all[i];

        if (flow->id == 0)
            return flow;
        if (!is_proved(flow) && (oldest == NULL || flow->heard_ms < oldest->heard_ms))
            oldest = flow;
    }
    return oldest;
}

/* NULL: there is no place for one more. */
static struct flow_of *find_flow(struct relay_flows *flows, const struct sockaddr_storage *from,
                                 socklen_t size)
{
    size_t neighbours = 0;

    for (size_t i = 0; i < FLOWS_PER_PORT; i++) {
        if (is_of(&flows->all[i], from, size))
            return &flows->all[i];
        neighbours += flows->all[i].id != 0 && relay_same_address(&flows->all[i].from, from);
    }
    struct flow_of *flow = neighbours < FLOWS_PER_ADDRESS ? find_place(flows) : NULL;
    if (flow == NULL)
        return NULL;
    flows->sources++;
    *flow = (struct flow_of){ .id = flows->sources * FLOWS_PER_PORT + (uint32_t)(flow - flows->all),
                              .from = *from,
                              .from_size = size };
    if (flow->id < FLOWS_PER_PORT) /* the count of sources has come around */
        flow->id += FLOWS_PER_PORT;
    return flow;
}

void relay_flows_hear(struct relay_engine *engine, struct relay_port *port)
{
    for (int i = 0; i < TURN_MAX; i++) {
        struct sockaddr_storage from = { 0 };
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(port->listener, engine->bed.copy, PUMP_COPY, MSG_DONTWAIT,
                               (struct sockaddr *)&from, &size);

        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got < 0 || !call(engine, port))
            continue; /* also what the network says of one that was sent: lost */
        struct flow_of *flow = find_flow(port->flows, &from, size);
        if (flow == NULL)
            continue;
        flow->heard_ms = engine->now_ms;
        flow->bytes_in += (uint64_t)got;
        flow->turns += flow->is_answered && flow->turns < FLOWS_TURNS;
        flow->is_answered = false;
        if (!datagrams_write(&port->flows->stream, flow->id, engine->bed.copy, (size_t)got))
            datagrams_close(&port->flows->stream);
    }
}

void relay_flows_answer(struct relay_engine *engine, struct relay_port *port)
{
    struct relay_flows *flows = port->flows;

    (void)engine;
    for (int i = 0; i < TURN_MAX; i++) {
        const uint8_t *bytes;
        uint32_t id;
        size_t count;
        enum datagrams_read read = datagrams_read(&flows->stream, &id, &bytes, &count);

        if (read == DATAGRAMS_ENDED)
            datagrams_close(&flows->stream);
        if (read != DATAGRAMS_ONE)
            return;
        struct flow_of *flow = &flows->all[id % FLOWS_PER_PORT];
        if (flow->id != id ||
            (!is_proved(flow) && flow->bytes_out + count > FLOWS_FACTOR * flow->bytes_in))
            continue;
        flow->bytes_out += count;
        flow->is_answered = true;
        (void)sendto(port->listener, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL,
                     (const struct sockaddr *)&flow->from, flow->from_size);
    }
}

void relay_flows_tend(struct relay_engine *engine, struct relay_port *port)
{
    struct relay_flows *flows = port->flows;
    bool has_flows = false;

    for (size_t i = 0; i < FLOWS_PER_PORT; i++) {
        if (flows->all[i].id != 0 && engine->now_ms - flows->all[i].heard_ms >= FLOWS_IDLE_MS)
            flows->all[i].id = 0;
        has_flows = has_flows || flows->all[i].id != 0;
    }
    if (!has_flows && flows->stream.fd >= 0)
        datagrams_close(&flows->stream);
}

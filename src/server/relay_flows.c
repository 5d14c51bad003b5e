/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_flows.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/relay_calls.h"
#include "sys/datagrams.h"
#include "sys/fd.h"

enum { TURN_MAX = 64 }; /* datagrams, then it is the next one's */

/* Which of the relay's own addresses a datagram was sent to: answers come from the same one. The
 * kernel alone would take that of the way back, which a caller at another one does not wait for. */
struct own_address {
    int level, type; /* of the control message that says it; 0: it is not known */
    socklen_t size;
    union {
        struct in_pktinfo four;
        struct in6_pktinfo six;
    };
};

union control {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* A source. */
struct flow_of {
    uint32_t id; /* its place below, and a number that is new with each source; 0: nobody's */
    struct sockaddr_storage from;
    socklen_t from_size;
    struct own_address own;
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

static void end_stream(struct relay_engine *engine, struct relay_flows *flows)
{
    relay_unwatch(engine, flows->stream.fd);
    datagrams_close(&flows->stream);
}

void relay_flows_close(struct relay_engine *engine, struct relay_port *port)
{
    if (port->flows == NULL)
        return;
    end_stream(engine, port->flows);
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
        end_stream(engine, flows);
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

static struct own_address find_own(struct msghdr *message)
{
    struct own_address own = { 0 };

    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        bool is_four = at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO;

        if (!is_four && (at->cmsg_level != IPPROTO_IPV6 || at->cmsg_type != IPV6_PKTINFO))
            continue;
        own.level = at->cmsg_level;
        own.type = at->cmsg_type;
        own.size = is_four ? sizeof own.four : sizeof own.six;
        memcpy(&own.four, CMSG_DATA(at), own.size);
        if (is_four)
            own.four.ipi_ifindex = 0; /* the way back is the kernel's to choose */
        else if (!IN6_IS_ADDR_LINKLOCAL(&own.six.ipi6_addr))
            own.six.ipi6_ifindex = 0;
    }
    return own;
}

static ssize_t receive(int fd, void *bytes, size_t size, struct sockaddr_storage *from,
                       socklen_t *ret_size, struct own_address *ret_own)
{
    struct iovec piece = { bytes, size };
    union control control;
    struct msghdr message = { .msg_name = from,
                              .msg_namelen = sizeof *from,
                              .msg_iov = &piece,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes };
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);

    if (got < 0)
        return got;
    *ret_size = message.msg_namelen;
    *ret_own = find_own(&message);
    return got;
}

static void answer(int fd, struct flow_of *flow, const uint8_t *bytes, size_t count)
{
    struct iovec piece = { (void *)bytes, count };
    union control control = { 0 };
    struct msghdr message = {
        .msg_name = &flow->from, .msg_namelen = flow->from_size, .msg_iov = &piece, .msg_iovlen = 1
    };

    if (flow->own.size > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(flow->own.size);
        struct cmsghdr *own = CMSG_FIRSTHDR(&message);
        own->cmsg_level = flow->own.level;
        own->cmsg_type = flow->own.type;
        own->cmsg_len = CMSG_LEN(flow->own.size);
        memcpy(CMSG_DATA(own), &flow->own.four, flow->own.size);
    }
    (void)sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void relay_flows_hear(struct relay_engine *engine, struct relay_port *port)
{
    for (int i = 0; i < TURN_MAX; i++) {
        struct sockaddr_storage from = { 0 };
        struct own_address own;
        socklen_t size;
        ssize_t got = receive(port->listener, engine->bed.copy, PUMP_COPY, &from, &size, &own);

        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got < 0 || !call(engine, port))
            continue; /* also what the network says of one that was sent: lost */
        struct flow_of *flow = find_flow(port->flows, &from, size);
        if (flow == NULL)
            continue;
        flow->heard_ms = engine->now_ms;
        flow->own = own;
        flow->bytes_in += (uint64_t)got;
        flow->turns += flow->is_answered && flow->turns < FLOWS_TURNS;
        flow->is_answered = false;
        if (!datagrams_write(&port->flows->stream, flow->id, engine->bed.copy, (size_t)got))
            end_stream(engine, port->flows);
    }
}

void relay_flows_answer(struct relay_engine *engine, struct relay_port *port)
{
    struct relay_flows *flows = port->flows;

    for (int i = 0; i < TURN_MAX; i++) {
        const uint8_t *bytes;
        uint32_t id;
        size_t count;
        enum datagrams_read read = datagrams_read(&flows->stream, &id, &bytes, &count);

        if (read == DATAGRAMS_ENDED)
            end_stream(engine, flows);
        if (read != DATAGRAMS_ONE)
            return;
        struct flow_of *flow = &flows->all[id % FLOWS_PER_PORT];
        if (flow->id != id ||
            (!is_proved(flow) && flow->bytes_out + count > FLOWS_FACTOR * flow->bytes_in))
            continue;
        flow->bytes_out += count;
        flow->is_answered = true;
        answer(port->listener, flow, bytes, count);
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
        end_stream(engine, flows);
}

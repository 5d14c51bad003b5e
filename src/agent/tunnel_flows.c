/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tunnel_flows.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/tunnel_main.h"
#include "sys/datagrams.h"
#include "sys/fd.h"

enum { TURN_MAX = 64 }; /* datagrams, then it is the next one's */

struct flow {
    struct tunnel_watch watch;
    uint32_t id;
    int fd; /* -1: none */
    int64_t used_ms;
};

struct flows {
    struct flows *next;
    struct tunnel_watch watch;
    struct datagrams stream;
    struct tunnel_port port;
    struct flow all[TUNNEL_FLOWS_MAX];
};

int flows_begin(struct tunnel_process *tunnel, const struct tunnel_port *port)
{
    struct flows *flows = calloc(1, sizeof *flows);
    int other;

    if (flows == NULL)
        abort();
    flows->port = *port;
    flows->watch = (struct tunnel_watch){ TUNNEL_WATCH_FLOWS, 0, flows };
    for (int i = 0; i < TUNNEL_FLOWS_MAX; i++) {
        flows->all[i].fd = -1;
        flows->all[i].watch = (struct tunnel_watch){ TUNNEL_WATCH_FLOW, i, flows };
    }
    if (!datagrams_pair(&flows->stream, &other)) {
        free(flows);
        return -1;
    }
    if (!tunnel_watch_input(tunnel, flows->stream.fd, &flows->watch)) {
        datagrams_close(&flows->stream);
        free(flows);
        (void)close(other);
        return -1;
    }
    flows->next = tunnel->flows;
    tunnel->flows = flows;
    return other;
}

static void end_flow(struct tunnel_process *tunnel, struct flow *flow)
{
    tunnel->flow_count -= flow->fd >= 0;
    fd_release(&flow->fd);
}

static void end(struct tunnel_process *tunnel, struct flows *flows)
{
    datagrams_close(&flows->stream);
    for (int i = 0; i < TUNNEL_FLOWS_MAX; i++)
        end_flow(tunnel, &flows->all[i]);
}

/* A datagram of an older caller's number may still be under way: its place is the newer one's. */
static struct flow *find_flow(struct tunnel_process *tunnel, struct flows *flows, uint32_t id)
{
    struct flow *flow = &flows->all[id % TUNNEL_FLOWS_MAX];
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(flows->port.outside),
                                    .sin_addr = flows->port.address };

    if (flow->fd >= 0 && flow->id == id)
        return flow;
    end_flow(tunnel, flow);
    if (tunnel->flow_count >= tunnel->back_max)
        return NULL;
    flow->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (flow->fd < 0)
        return NULL;
    tunnel->flow_count++;
    flow->id = id;
    if (connect(flow->fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        tunnel_watch_input(tunnel, flow->fd, &flow->watch))
        return flow;
    end_flow(tunnel, flow);
    return NULL;
}

void flows_handle(struct tunnel_process *tunnel, struct flows *flows)
{
    for (int i = 0; i < TURN_MAX; i++) {
        const uint8_t *bytes;
        uint32_t id;
        size_t count;
        enum datagrams_read read = datagrams_read(&flows->stream, &id, &bytes, &count);

        if (read == DATAGRAMS_ENDED)
            end(tunnel, flows);
        if (read != DATAGRAMS_ONE)
            return;
        struct flow *flow = find_flow(tunnel, flows, id);
        if (flow == NULL)
            continue;
        flow->used_ms = tunnel->now_ms;
        /* That nobody listens there is told to the next one who sends or reads, and is no news. */
        (void)send(flow->fd, bytes, count, MSG_NOSIGNAL);
    }
}

void flow_handle(struct tunnel_process *tunnel, struct flows *flows, int place)
{
    struct flow *flow = &flows->all[place];

    for (int i = 0; i < TURN_MAX && flow->fd >= 0; i++) {
        ssize_t got = recv(flow->fd, tunnel->bed.copy, PUMP_COPY, 0);

        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got < 0)
            continue;
        flow->used_ms = tunnel->now_ms;
        if (!datagrams_write(&flows->stream, flow->id, tunnel->bed.copy, (size_t)got))
            end(tunnel, flows);
    }
}

void flows_tend(struct tunnel_process *tunnel)
{
    for (struct flows *flows = tunnel->flows; flows != NULL; flows = flows->next)
        for (int i = 0; i < TUNNEL_FLOWS_MAX; i++)
            if (flows->all[i].fd >= 0 &&
                tunnel->now_ms - flows->all[i].used_ms >= TUNNEL_FLOW_IDLE_MS)
                end_flow(tunnel, &flows->all[i]);
}

void flows_bury(struct tunnel_process *tunnel)
{
    struct flows **at = &tunnel->flows;

    while (*at != NULL) {
        struct flows *flows = *at;

        if (flows->stream.fd >= 0) {
            at = &flows->next;
            continue;
        }
        *at = flows->next;
        free(flows);
    }
}

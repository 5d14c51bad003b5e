/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/relays.h"

#include <stdlib.h>

#include "agent/agent.h"
#include "proto/relay.h"

void relays_open(struct agent *agent, uid_t uid, gid_t gid)
{
    const struct tunnel_options options = {
        .loop = agent->loop, .identity = &agent->identity, .uid = uid, .gid = gid, .log = agent->log
    };

    agent->tunnel = tunnel_open(&options);
}

/* SSH even while it is stopped, for the front to say so; what the container publishes always. */
static size_t add_ports(const struct instance *instance, struct tunnel_port *ports, size_t max)
{
    const struct record *record = &instance->record;
    size_t count = 0;

    if (instance->desired == NULL || instance->desired->state == DESIRED_ABSENT ||
        !instance->has_record)
        return 0;
    if (record->ssh_port > 0 && count < max)
        ports[count++] =
            (struct tunnel_port){ instance->id, RELAY_SSH_PORT, (uint16_t)record->ssh_port };
    for (int64_t i = 0; i < record->port_count && count < max; i++) {
        const struct port_mapping *port = &record->ports[i];

        if (!port->is_udp && !(record->ssh_port > 0 && port->port == RELAY_SSH_PORT))
            ports[count++] = (struct tunnel_port){ instance->id, (uint16_t)port->port,
                                                   (uint16_t)port->host_port };
    }
    return count;
}

void relays_update(struct agent *agent)
{
    bool is_open = agent->link != NULL && link_is_connected(agent->link);
    struct tunnel_state state = { .epoch = is_open ? link_epoch(agent->link) : 0 };

    if (agent->keep.has_desired) {
        state.relays = agent->keep.desired.relays;
        state.relay_count = (size_t)agent->keep.desired.relay_count;
    }
    size_t max = state.relay_count == 0 ? 0 : agent->instances.count * (SPEC_PORTS_MAX + 1);
    max = max < TUNNEL_PORTS_MAX ? max : TUNNEL_PORTS_MAX;
    struct tunnel_port *ports = calloc(max + 1, sizeof *ports);
    if (ports == NULL)
        abort();
    for (size_t i = 0; i < agent->instances.count && state.port_count < max; i++)
        state.port_count +=
            add_ports(agent->instances.all[i], ports + state.port_count, max - state.port_count);
    state.ports = ports;
    tunnel_update(agent->tunnel, &state);
    free(ports);
}

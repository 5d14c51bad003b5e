/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/relays.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/access_netns.h"
#include "agent/agent.h"
#include "agent/jupyter.h"
#include "agent/slots.h"
#include "market/launch.h"
#include "proto/relay.h"

#define SUBNET_MASK 0xfffffff8U /* a network's addresses, /29 */

void relays_open(struct agent *agent, uid_t uid, gid_t gid)
{
    const struct tunnel_options options = {
        .loop = agent->loop, .identity = &agent->identity, .uid = uid, .gid = gid, .log = agent->log
    };

    agent->tunnel = tunnel_open(&options);
}

/* Of its container, in each run anew. It is looked for in the container's own network, where a
 * guest cannot change it; nevertheless nobody is led anywhere but into the network that is its own.
 */
static struct in_addr address_of(struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    auto_netns struct netns netns = NETNS_NONE;
    struct in_addr gateway = { 0 }, found;
    char token[sizeof instance->addressed], text[SLOT_TEXT_SIZE];
    struct error ignored;

    if (seen == NULL || seen->state != SEEN_RUNNING || seen->pid <= 0)
        return (struct in_addr){ 0 };
    if (strcmp(seen_start_token(seen, token), instance->addressed) == 0)
        return instance->address;
    (void)inet_pton(AF_INET, slots_gateway(instance->record.slot, text), &gateway);
    if (!netns_open((pid_t)seen->pid, seen->id, &netns, &ignored) ||
        !netns_address(&netns, &found, &ignored) ||
        ((ntohl(found.s_addr) ^ ntohl(gateway.s_addr)) & SUBNET_MASK) != 0)
        return (struct in_addr){ 0 };
    memcpy(instance->addressed, token, sizeof token);
    instance->address = found;
    return found;
}

/* Where the tunnel finds one of its published ports. Datagrams are sent to the container itself:
 * the engine's own way keeps no flows apart that it does not know from their first packet on. */
static bool find_port(struct instance *instance, const struct port_mapping *port,
                      struct tunnel_port *ret)
{
    const struct in_addr local = { htonl(INADDR_LOOPBACK) };

    *ret = (struct tunnel_port){ .instance_id = instance->id,
                                 .address = port->is_udp ? address_of(instance) : local,
                                 .inside = (uint16_t)port->port,
                                 .outside = (uint16_t)(port->is_udp ? port->port : port->host_port),
                                 .is_udp = port->is_udp };
    return ret->address.s_addr != 0;
}

/* What the host itself answers for: SSH even while it is stopped, for the front to say so; and its
 * notebook, of which a relay makes https://, and which is published nowhere else. */
static size_t add_own(struct instance *instance, struct tunnel_port *ports, size_t max)
{
    const struct port_mapping ssh = { .port = RELAY_SSH_PORT,
                                      .host_port = instance->record.ssh_port };
    size_t count = 0;

    if (instance->record.ssh_port > 0 && count < max)
        count += find_port(instance, &ssh, &ports[count]);
    if (!jupyter_is_wanted(&instance->desired->spec) || count == max)
        return count;
    ports[count] = (struct tunnel_port){ .instance_id = instance->id,
                                         .address = address_of(instance),
                                         .inside = LAUNCH_JUPYTER_PORT,
                                         .outside = LAUNCH_JUPYTER_PORT };
    return count + (ports[count].address.s_addr != 0);
}

static size_t add_ports(struct instance *instance, struct tunnel_port *ports, size_t max)
{
    const struct record *record = &instance->record;

    if (instance->desired == NULL || instance->desired->state == DESIRED_ABSENT ||
        !instance->has_record)
        return 0;
    size_t count = add_own(instance, ports, max), own_count = count;
    for (int64_t i = 0; i < record->port_count && count < max; i++) {
        bool is_own = false;

        for (size_t k = 0; k < own_count; k++)
            is_own =
                is_own || (!record->ports[i].is_udp && ports[k].inside == record->ports[i].port);
        if (!is_own)
            count += find_port(instance, &record->ports[i], &ports[count]);
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
    size_t max = state.relay_count == 0 ? 0 : agent->instances.count * (SPEC_PORTS_MAX + 2);
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

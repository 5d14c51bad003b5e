/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/slots.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "market/launch.h"
#include "sys/fd.h"

enum { SSH_PORT = 22 };

/* TCP and UDP are kept together: a host port belongs to one instance, whatever the protocol. */
static bool is_taken(const struct record *record, int64_t port)
{
    if (record->ssh_port == port)
        return true;
    for (int64_t i = 0; i < record->port_count; i++) {
        if (record->ports[i].host_port == port)
            return true;
    }
    return false;
}

static bool is_free(const struct slots *slots, const struct record *others, size_t count,
                    int64_t port)
{
    for (size_t i = 0; i < count; i++) {
        if (is_taken(&others[i], port))
            return false;
    }
    return slots->is_free(port, false) && slots->is_free(port, true);
}

/* 0: none is left. */
static int64_t take_port(const struct slots *slots, const struct record *others, size_t count,
                         const struct record *record)
{
    for (int64_t port = slots->port_first; port <= slots->port_last; port++) {
        if (port > 0 && !is_taken(record, port) && is_free(slots, others, count, port))
            return port;
    }
    return 0;
}

int64_t slots_network(const struct slots *slots, const struct record *others, size_t count)
{
    for (int64_t slot = 1; slot <= SLOT_MAX; slot++) {
        bool is_used = false;

        for (size_t i = 0; i < count && !is_used; i++)
            is_used = others[i].slot == slot;
        if (!is_used && (slots->is_slot_free == NULL || slots->is_slot_free(slots->context, slot)))
            return slot;
    }
    return 0;
}

static bool is_mapped(const struct record *record, int64_t port, bool is_udp)
{
    for (int64_t i = 0; i < record->port_count; i++) {
        if (record->ports[i].port == port && record->ports[i].is_udp == is_udp)
            return true;
    }
    return false;
}

/* `relayed`: a relay's port that leads there; 0: none does. */
static bool add_port(const struct slots *slots, const struct record *others, size_t count,
                     const struct spec_port *port, int64_t relayed, struct record *record)
{
    bool is_identity = port->port >= LAUNCH_IDENTITY_PORT;

    /* The gateway answers for SSH's own port where there is one. */
    if (record->ssh_port > 0 && port->port == SSH_PORT && !port->is_udp)
        return true;
    if (!is_identity && is_mapped(record, port->port, port->is_udp))
        return true;
    int64_t host_port = take_port(slots, others, count, record);
    if (host_port == 0 || record->port_count == SPEC_PORTS_MAX)
        return false;
    record->ports[record->port_count++] = (struct port_mapping){
        .port = is_identity && relayed > 0 ? relayed
                : is_identity              ? host_port
                                           : port->port,
        .is_udp = port->is_udp,
        .host_port = host_port,
    };
    return true;
}

bool slots_has_ssh(const struct instance_spec *spec)
{
    struct launch_mode mode;
    struct error ignored;

    return launch_mode_parse(spec->runtype, spec->arg_count > 0, &mode, &ignored) && mode.has_ssh;
}

bool slots_assign(const struct slots *slots, const struct record *others, size_t count,
                  const struct instance_spec *spec, struct record *record, struct error *err)
{
    bool has_ssh = slots_has_ssh(spec);

    record->slot = slots_network(slots, others, count);
    record->port_count = 0;
    record->ssh_port = has_ssh ? take_port(slots, others, count, record) : 0;
    if (record->slot == 0)
        return error_set(err, ERROR_UNAVAILABLE, "no free network is left on the host");
    if (has_ssh && record->ssh_port == 0)
        return error_set(err, ERROR_UNAVAILABLE,
                         "no free port of %" PRId64 " to %" PRId64 " is left on the host",
                         slots->port_first, slots->port_last);
    for (int64_t i = 0; i < spec->port_count; i++) {
        const struct spec_port *port = &spec->ports[i];
        int64_t relayed = instance_spec_relayed(spec, port->port, port->is_udp);

        if (!add_port(slots, others, count, port, relayed, record))
            return error_set(err, ERROR_UNAVAILABLE,
                             "%" PRId64 " ports are wanted, and the host "
                             "has not so many left of %" PRId64 " to %" PRId64,
                             spec->port_count, slots->port_first, slots->port_last);
    }
    return true;
}

void slots_expose(const struct slots *slots, const struct record *others, size_t count,
                  const struct pull_image *image, struct record *record)
{
    for (int64_t i = 0; i < image->port_count; i++) {
        struct spec_port port = { image->ports[i].port, image->ports[i].is_udp };

        if (!add_port(slots, others, count, &port, 0, record))
            return;
    }
}

char *slots_bridge(int64_t slot, char text[static SLOT_TEXT_SIZE])
{
    (void)snprintf(text, SLOT_TEXT_SIZE, "bt%" PRId64, slot);
    return text;
}

static char *address(int64_t slot, int64_t host, const char *suffix,
                     char text[static SLOT_TEXT_SIZE])
{
    int64_t low = slot * 8 + host;

    assert(slot >= 1 && slot <= SLOT_MAX);
    (void)snprintf(text, SLOT_TEXT_SIZE, "10.200.%u.%u%s", (unsigned)(low / 256) & 0xff,
                   (unsigned)(low % 256) & 0xff, suffix);
    return text;
}

char *slots_subnet(int64_t slot, char text[static SLOT_TEXT_SIZE])
{
    return address(slot, 0, "/29", text);
}

char *slots_gateway(int64_t slot, char text[static SLOT_TEXT_SIZE])
{
    return address(slot, 1, "", text);
}

bool slots_has_no_device(int64_t slot)
{
    char name[SLOT_TEXT_SIZE];

    return if_nametoindex(slots_bridge(slot, name)) == 0;
}

bool slots_is_free(int64_t port, bool is_udp)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
    int on = 1;

    auto_close int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    /* Connections that linger in TIME_WAIT do not count. */
    if (!is_udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return false;
    return bind(fd, (const struct sockaddr *)&any, sizeof any) == 0;
}

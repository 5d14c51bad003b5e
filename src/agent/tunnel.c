/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agent/oneself.h"
#include "agent/tunnel_wire.h"
#include "base/buf.h"
#include "sys/crypto.h"
#include "sys/fd.h"

struct tunnel {
    struct tunnel_options options;
    int64_t epoch;
    struct buf table;
    bool has_relays, is_delivered;
    pid_t pid; /* 0: none runs */
    int socket;
    struct loop_watch *watch;
};

struct tunnel *tunnel_open(const struct tunnel_options *options)
{
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);

    if (tunnel == NULL)
        abort();
    tunnel->options = *options;
    tunnel->socket = -1;
    tunnel->table = buf_of(TUNNEL_TABLE_MAX);
    return tunnel;
}

/* One signature, over the epoch that is ours now: an older one is not worth having. */
static void sign(struct tunnel *tunnel, struct tunnel_message *message)
{
    const struct identity *identity = tunnel->options.identity;
    const struct relay_claim claim = { message->relay_id, identity->machine_id, tunnel->epoch,
                                       message->nonce };
    auto_buf struct buf text = buf_of(256);

    if (message->type != TUNNEL_SIGN || message->epoch != tunnel->epoch)
        return;
    relay_signed(&text, &claim);
    struct signature signature = crypto_sign_with(identity_keys(identity), text.bytes, text.length);
    memcpy(message->signature, signature.bytes, sizeof message->signature);
    message->type = TUNNEL_SIGNED;
    (void)send(tunnel->socket, message, sizeof *message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void on_message(void *context, short revents)
{
    struct tunnel *tunnel = context;
    struct tunnel_message message;

    (void)revents;
    ssize_t got = recv(tunnel->socket, &message, sizeof message, MSG_DONTWAIT);
    if (got == (ssize_t)sizeof message)
        sign(tunnel, &message);
    else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        loop_unwatch(&tunnel->watch); /* it has ended: tunnel_tend() sees to it */
}

static bool start(struct tunnel *tunnel, struct error *err)
{
    const struct oneself process = { .what = "the tunnel",
                                     .verb = TUNNEL_VERB,
                                     .uid = tunnel->options.uid,
                                     .gid = tunnel->options.gid,
                                     .log = &tunnel->options.log,
                                     .file = -1 };

    if (!oneself_start(&process, &tunnel->pid, &tunnel->socket, err))
        return false;
    tunnel->is_delivered = false;
    tunnel->watch = loop_watch(tunnel->options.loop, tunnel->socket, POLLIN, on_message, tunnel);
    return true;
}

static bool deliver(const struct tunnel *tunnel)
{
    const struct tunnel_message message = { .type = TUNNEL_TABLE };

    return oneself_deliver(tunnel->socket, &message, sizeof message, &tunnel->table);
}

static void write_table(const struct tunnel *tunnel, const struct tunnel_state *state,
                        struct buf *out)
{
    char address[INET_ADDRSTRLEN];

    buf_printf(out, "machine %" PRId64 " %" PRId64 "\n", tunnel->options.identity->machine_id,
               state->epoch);
    for (size_t i = 0; i < state->relay_count; i++) {
        const struct desired_relay *relay = &state->relays[i];

        /* It is a word of the table, and a name for the resolver. */
        if (strpbrk(relay->host, " \t") == NULL)
            buf_printf(out, "relay %" PRId64 " %s %" PRId64 " %s\n", relay->id, relay->host,
                       relay->port, *relay->pin != '\0' ? relay->pin : "-");
    }
    for (size_t i = 0; i < state->port_count; i++) {
        const struct tunnel_port *port = &state->ports[i];

        buf_printf(out, "port %" PRId64 " %u %s %u %s\n", port->instance_id, (unsigned)port->inside,
                   inet_ntop(AF_INET, &port->address, address, sizeof address),
                   (unsigned)port->outside, port->is_udp ? "udp" : "tcp");
    }
}

void tunnel_update(struct tunnel *tunnel, const struct tunnel_state *state)
{
    auto_buf struct buf table = buf_of(TUNNEL_TABLE_MAX);
    struct error err;

    write_table(tunnel, state, &table);
    if (table.has_overflowed) {
        log_write(&tunnel->options.log, LOG_ERROR, "tunnel", "the table is too long");
        return;
    }
    tunnel->epoch = state->epoch;
    tunnel->has_relays = state->relay_count > 0;
    if (tunnel->pid == 0 && tunnel->has_relays && !start(tunnel, &err))
        log_failure(&tunnel->options.log, "tunnel", &err);
    if (tunnel->is_delivered && tunnel->table.length == table.length &&
        memcmp(tunnel->table.bytes, table.bytes, table.length) == 0)
        return;
    buf_release(&tunnel->table);
    tunnel->table = table;
    table = buf_of(0);
    tunnel->is_delivered = deliver(tunnel);
}

void tunnel_tend(struct tunnel *tunnel)
{
    struct error err;
    int status;

    if (tunnel->pid > 0 && waitpid(tunnel->pid, &status, WNOHANG) == tunnel->pid) {
        log_write(&tunnel->options.log, LOG_ERROR, "tunnel died", "status %d: starting again",
                  status);
        loop_unwatch(&tunnel->watch);
        fd_release(&tunnel->socket);
        tunnel->pid = 0;
    }
    if (tunnel->pid == 0 && tunnel->has_relays && !start(tunnel, &err))
        log_failure(&tunnel->options.log, "tunnel", &err);
    if (tunnel->pid > 0 && !tunnel->is_delivered)
        tunnel->is_delivered = deliver(tunnel);
}

void tunnel_close(struct tunnel **owner)
{
    struct tunnel *tunnel = *owner;

    if (tunnel == NULL)
        return;
    loop_unwatch(&tunnel->watch);
    fd_release(&tunnel->socket); /* and with it, the tunnel ends */
    if (tunnel->pid > 0)
        while (waitpid(tunnel->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    buf_release(&tunnel->table);
    free(tunnel);
    *owner = NULL;
}

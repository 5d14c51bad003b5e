/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/access_broker.h"
#include "agent/tunnel_wire.h"
#include "base/buf.h"
#include "sys/crypto.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { ARGUMENTS = 5, NUMBER_SIZE = 24 };

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

/* In the child: this program again, with nothing of ours but a socket. */
static _Noreturn void become_tunnel(const struct tunnel *tunnel, int socket)
{
    const struct tunnel_options *options = &tunnel->options;
    const unsigned values[ARGUMENTS] = { options->uid, options->gid, options->log.fd >= 0 ? 1 : 0,
                                         (unsigned)options->log.level_min,
                                         options->log.is_terminal ? 1 : 0 };
    char numbers[ARGUMENTS][NUMBER_SIZE];
    sigset_t none;

    (void)setsid();
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (options->log.fd >= 0 && dup2(options->log.fd, STDERR_FILENO) < 0)
        _exit(1);
    broker_keep_only(socket, -1);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        _exit(1);
    (void)close(nothing);
    (void)fcntl(BROKER_CONTROL_FD, F_SETFD, 0);
    for (size_t i = 0; i < ARGUMENTS; i++)
        (void)snprintf(numbers[i], NUMBER_SIZE, "%u", values[i]);
    execl("/proc/self/exe", "berth-host", TUNNEL_VERB, numbers[0], numbers[1], numbers[2],
          numbers[3], numbers[4], (char *)NULL);
    _exit(1);
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
    struct signature signature = crypto_sign_with(&identity->keys, text.bytes, text.length);
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
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return error_system(err, errno, "make a socket for the tunnel");
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become_tunnel(tunnel, pair[1]);
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return error_system(err, errno, "start the tunnel");
    }
    tunnel->pid = pid;
    tunnel->socket = pair[0];
    tunnel->is_delivered = false;
    tunnel->watch = loop_watch(tunnel->options.loop, pair[0], POLLIN, on_message, tunnel);
    return true;
}

/* A memory file, since a table may be larger than a datagram. */
static bool deliver(struct tunnel *tunnel)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct tunnel_message message = { .type = TUNNEL_TABLE };
    struct iovec part = { .iov_base = &message, .iov_len = sizeof message };
    struct msghdr out = { .msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof control.bytes };
    struct error ignored;
    auto_close int file = memfd_create("berth-tunnel-table", MFD_CLOEXEC);

    if (file < 0 || tunnel->socket < 0 ||
        !file_write_all(file, tunnel->table.bytes, tunnel->table.length, &ignored))
        return false;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&out);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &file, sizeof(int));
    return sendmsg(tunnel->socket, &out, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
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

        buf_printf(out, "port %" PRId64 " %u %s %u\n", port->instance_id, (unsigned)port->inside,
                   inet_ntop(AF_INET, &port->address, address, sizeof address),
                   (unsigned)port->outside);
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

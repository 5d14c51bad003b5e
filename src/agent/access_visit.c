/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_visit.h"

/* linux/tcp.h has all of struct tcp_info; it must not meet netinet/tcp.h. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/access_door.h"
#include "agent/access_keys.h"
#include "agent/access_session.h"
#include "sys/fd.h"

/* The door it came through; NULL where that is gone, and perhaps another's by now. */
static struct door *door_of(struct broker *broker, const struct visit *visit)
{
    struct door *door = &broker->doors[visit->door];

    return door->instance_id == visit->instance_id ? door : NULL;
}

static struct access_slot *slot_of(struct broker *broker, const struct visit *visit)
{
    const struct door *door = door_of(broker, visit);

    if (door == NULL)
        return NULL;
    /* The agent may have given it away already. */
    struct access_slot *slot = &broker->slots[door->slot];
    return atomic_load(&slot->instance_id) == visit->instance_id ? slot : NULL;
}

/* What the kernel has carried, without what it had to send again. */
static void count_bytes(struct broker *broker, struct visit *visit)
{
    struct tcp_info info = { 0 };
    socklen_t size = sizeof(info);
    struct access_slot *slot = slot_of(broker, visit);

    if (slot == NULL || getsockopt(visit->tcp, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return;
    uint64_t up = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
    uint64_t down = info.tcpi_bytes_received;
    if (up > visit->counted_up)
        atomic_fetch_add(&slot->bytes_up, up - visit->counted_up);
    if (down > visit->counted_down)
        atomic_fetch_add(&slot->bytes_down, down - visit->counted_down);
    visit->counted_up = up;
    visit->counted_down = down;
}

static void name_address(int tcp, bool is_peer, char *text, size_t size, const char *joint)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    socklen_t length = sizeof(address);
    char number[INET6_ADDRSTRLEN] = "?";

    (void)(is_peer ? getpeername(tcp, (struct sockaddr *)&address, &length)
                   : getsockname(tcp, (struct sockaddr *)&address, &length));
    memcpy(&four, &address, sizeof(four));
    memcpy(&six, &address, sizeof(six));
    if (address.ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &four.sin_addr, number, sizeof(number));
    else if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        (void)inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], number, sizeof(number));
    else
        (void)inet_ntop(AF_INET6, &six.sin6_addr, number, sizeof(number));
    (void)snprintf(text, size, "%s%s%u", number, joint,
                   (unsigned)ntohs(address.ss_family == AF_INET ? four.sin_port : six.sin6_port));
}

static struct visit *find_place(struct broker *broker, int64_t instance_id)
{
    struct visit *place = NULL;
    size_t count = 0;

    for (size_t i = 0; i < BROKER_VISITS_MAX; i++) {
        struct visit *visit = &broker->visits[i];

        if (visit->pid == 0)
            place = place == NULL ? visit : place;
        else if (visit->instance_id == instance_id)
            count++;
    }
    return count < BROKER_VISITS_PER_INSTANCE ? place : NULL;
}

static _Noreturn void become_session(struct broker *broker, const struct visit *visit, int socket)
{
    char peer[64], own[64];
    struct access_session session = {
        .keys = &broker->keys,
        .jail = broker->jail,
        .uid = broker->options.session_uid,
        .gid = broker->options.session_gid,
        .instance_id = visit->instance_id,
    };

    name_address(visit->tcp, true, peer, sizeof(peer), " ");
    name_address(visit->tcp, false, own, sizeof(own), " ");
    (void)snprintf(session.connection, sizeof(session.connection), "%s %s", peer, own);
    broker_keep_only(visit->tcp, socket);
    session.tcp = 3;
    session.broker = 4;
    access_session_run(&session);
}

void visit_begin(struct broker *broker, size_t door, int tcp, struct limit_key from)
{
    struct visit *visit = find_place(broker, broker->doors[door].instance_id);
    int pair[2];

    if (visit == NULL ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        limit_release(&broker->limit, from);
        (void)close(tcp);
        return;
    }
    *visit = (struct visit){
        .process = -1,
        .socket = pair[0],
        .tcp = tcp,
        .door = door,
        .instance_id = broker->doors[door].instance_id,
        .from = from,
        .login_by_ms = broker_now_ms() + BROKER_LOGIN_MS,
    };
    name_address(tcp, true, visit->address, sizeof(visit->address), " port ");
    visit->pid = fork();
    if (visit->pid == 0)
        become_session(broker, visit, pair[1]);
    (void)close(pair[1]);
    if (visit->pid > 0)
        visit->process = (int)syscall(SYS_pidfd_open, visit->pid, 0);
    if (visit->process < 0) {
        if (visit->pid > 0)
            (void)kill(visit->pid, SIGKILL);
        limit_release(&broker->limit, from);
        fd_release(&visit->socket);
        fd_release(&visit->tcp);
        visit->pid = 0;
        return;
    }
    size_t index = (size_t)(visit - broker->visits);
    broker_watch(broker, EVENT_VISIT, index, visit->socket);
    broker_watch(broker, EVENT_PROCESS, index, visit->process);
}

void visit_end(struct broker *broker, size_t index)
{
    struct visit *visit = &broker->visits[index];
    int status = 0;

    assert(visit->pid > 0);

    while (waitpid(visit->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        log_write(&broker->options.log, LOG_ERROR, "ssh session crashed",
                  "instance %lld, from %s: signal %d", (long long)visit->instance_id,
                  visit->address, WTERMSIG(status));
    if (visit->has_logged_in) {
        struct access_slot *slot = slot_of(broker, visit);

        count_bytes(broker, visit);
        if (slot != NULL)
            atomic_fetch_sub(&slot->connection_count, 1);
    } else {
        limit_release(&broker->limit, visit->from);
    }
    broker_unwatch(broker, &visit->process);
    broker_unwatch(broker, &visit->socket);
    fd_release(&visit->tcp);
    *visit = (struct visit){ 0 };
}

/* It asked what it may not: nothing else that it says is worth hearing. */
static void expel(struct broker *broker, const struct visit *visit, const char *why)
{
    log_write(&broker->options.log, LOG_ERROR, "ssh session expelled", "instance %lld, from %s: %s",
              (long long)visit->instance_id, visit->address, why);
    (void)kill(visit->pid, SIGKILL);
}

static void reply(struct broker *broker, struct visit *visit, const struct wire_message *message,
                  int fd)
{
    /* A session that does not read what it asked for is stuck or hostile. */
    if (!wire_send(visit->socket, message, &fd, fd >= 0 ? 1 : 0) && errno == EAGAIN)
        expel(broker, visit, "does not read its answers");
}

static void refuse(struct broker *broker, struct visit *visit, uint16_t tag, int reason,
                   const char *why)
{
    const struct wire_message message = {
        .type = WIRE_REFUSED,
        .tag = tag,
        .number = (uint32_t)reason,
        .text = why,
    };

    reply(broker, visit, &message, -1);
}

static void grant(struct broker *broker, struct visit *visit, uint16_t tag, uint16_t port, int fd)
{
    const struct wire_message message = { .type = WIRE_GRANTED, .tag = tag, .port = port };

    reply(broker, visit, &message, fd);
}

static void log_in(struct broker *broker, struct visit *visit, const char *fingerprint)
{
    struct access_slot *slot = slot_of(broker, visit);

    visit->has_logged_in = true;
    limit_release(&broker->limit, visit->from);
    if (slot != NULL)
        atomic_fetch_add(&slot->connection_count, 1);
    log_write(&broker->options.log, LOG_INFO, "ssh login", "instance %lld, from %s, key %s",
              (long long)visit->instance_id, visit->address, fingerprint);
}

static void handle_key(struct broker *broker, struct visit *visit,
                       const struct wire_message *message)
{
    const struct door *door = door_of(broker, visit);
    const struct access_row *row = door != NULL ? door_row(broker, door) : NULL;
    char fingerprint[ACCESS_FINGERPRINT_SIZE];
    const char *errand = "";

    if (visit->has_logged_in || ++visit->key_asks > BROKER_KEY_ASKS_MAX) {
        expel(broker, visit, "asks about keys out of turn");
        return;
    }
    access_key_fingerprint(message->text, fingerprint);
    if (row == NULL || !access_row_has_key(row, message->text, &errand)) {
        log_write(&broker->options.log, LOG_INFO, "ssh key refused",
                  "instance %lld, from %s, key %s: not one of the instance's keys",
                  (long long)visit->instance_id, visit->address, fingerprint);
        refuse(broker, visit, message->tag, EACCES, "");
        return;
    }
    visit->is_on_errand = *errand != '\0';
    if (message->number == 1)
        log_in(broker, visit, fingerprint);
    const struct wire_message answer = {
        .type = WIRE_GRANTED,
        .tag = message->tag,
        .text = errand,
    };
    reply(broker, visit, &answer, -1);
}

/* Somebody wants the files of one that is stopped; as long as somebody does, they stay open. */
static void note_copies(struct broker *broker, const struct visit *visit)
{
    struct access_slot *slot = slot_of(broker, visit);

    if (slot != NULL)
        atomic_store(&slot->copies_asked_s, broker_now_ms() / 1000);
}

/* With it goes what to say to those who want more than copies. */
static void grant_helper(struct broker *broker, struct visit *visit, uint16_t tag,
                         const struct access_row *row, int fd)
{
    const struct wire_message message = {
        .type = WIRE_GRANTED,
        .tag = tag,
        .text = row->is_for_copies ? row->state_text : "",
    };

    reply(broker, visit, &message, fd);
}

static void handle_helper(struct broker *broker, struct visit *visit, uint16_t tag)
{
    struct door *door = door_of(broker, visit);
    const struct access_row *row = door != NULL ? door_row(broker, door) : NULL;

    if (row != NULL && visit->wants_copy && (row->may_open || row->is_for_copies))
        note_copies(broker, visit);
    if (row != NULL && visit->wants_copy && row->may_open) {
        /* The agent opens it, and says so by the next table. */
        visit->is_waiting = true;
        visit->waiting_tag = tag;
        if (visit->waiting_until_ms == 0)
            visit->waiting_until_ms = broker_now_ms() + BROKER_OPEN_MS;
        return;
    }
    visit->waiting_until_ms = 0;
    if (row == NULL || row->container_id[0] == '\0') {
        refuse(broker, visit, tag, 0, row != NULL ? row->state_text : "the instance is gone");
        return;
    }
    door_prepare(broker, door);
    if (door->helper == HELPER_READY) {
        auto_close int fd = netns_connect(&door->netns, door->helper_name);

        if (fd >= 0) {
            grant_helper(broker, visit, tag, row, fd);
            return;
        }
        if (errno == EAGAIN) {
            refuse(broker, visit, tag, EAGAIN, "too many connections at once: try again");
            return;
        }
        /* Somebody in the container ended it: start another. */
        netns_close(&door->netns);
        door->helper = HELPER_NONE;
        door_prepare(broker, door);
    }
    visit->is_waiting = door->helper == HELPER_STARTING;
    visit->waiting_tag = tag;
    if (!visit->is_waiting)
        refuse(broker, visit, tag, 0,
               door->why[0] != '\0' ? door->why : "the helper does not start: try again");
}

void visits_helper(struct broker *broker, size_t door, const char *why)
{
    for (size_t i = 0; i < BROKER_VISITS_MAX; i++) {
        struct visit *visit = &broker->visits[i];

        if (visit->pid == 0 || !visit->is_waiting || visit->door != door)
            continue;
        visit->is_waiting = false;
        if (why[0] != '\0')
            refuse(broker, visit, visit->waiting_tag, 0, why);
        else
            handle_helper(broker, visit, visit->waiting_tag);
    }
}

static void handle_socket(struct broker *broker, struct visit *visit,
                          const struct wire_message *message)
{
    const struct door *door = door_of(broker, visit);
    uint16_t port = 0;
    auto_close int fd = -1;

    errno = ENETDOWN;
    if (door != NULL && door->helper == HELPER_READY && netns_is_alive(&door->netns)) {
        int version = (int)message->number;

        fd = message->type == WIRE_SOCKET
                 ? netns_socket(&door->netns, version == 4 ? AF_INET : AF_INET6, SOCK_STREAM)
                 : netns_listen(&door->netns, version, message->text, message->port, &port);
    }
    if (fd >= 0)
        grant(broker, visit, message->tag, port, fd);
    else
        refuse(broker, visit, message->tag, errno, strerror(errno));
}

static void handle_message(struct broker *broker, struct visit *visit,
                           const struct wire_message *message)
{
    if (message->type == WIRE_KEY)
        handle_key(broker, visit, message);
    else if (!visit->has_logged_in)
        expel(broker, visit, "asks for more than it may before login");
    else if (message->type == WIRE_HELPER && !visit->is_waiting) {
        visit->wants_copy = message->number == 1;
        handle_helper(broker, visit, message->tag);
    } else if ((message->type == WIRE_SOCKET || message->type == WIRE_LISTEN) &&
               !visit->is_on_errand)
        handle_socket(broker, visit, message);
    else
        expel(broker, visit, "asks what no session asks");
}

void visit_handle(struct broker *broker, size_t index)
{
    static uint8_t bytes[WIRE_SIZE_MAX];
    struct visit *visit = &broker->visits[index];
    struct wire_message message;
    int fds[WIRE_FDS_MAX];

    assert(visit->pid > 0);
    int got = wire_receive(visit->socket, bytes, &message, fds);
    bool has_fds = false;
    for (size_t i = 0; i < WIRE_FDS_MAX; i++) {
        has_fds = has_fds || fds[i] >= 0;
        fd_release(&fds[i]);
    }
    if (got > 0 && !has_fds)
        handle_message(broker, visit, &message);
    else if (got == 0)
        /* It is ending; its process tells when it has. */
        broker_unwatch(broker, &visit->socket);
    else if (got > 0 || errno != EAGAIN)
        expel(broker, visit, "does not speak the language");
}

void visits_tend(struct broker *broker)
{
    int64_t now_ms = broker_now_ms();

    for (size_t i = 0; i < BROKER_VISITS_MAX; i++) {
        struct visit *visit = &broker->visits[i];

        if (visit->pid == 0)
            continue;
        if (visit->has_logged_in)
            count_bytes(broker, visit);
        else if (now_ms > visit->login_by_ms)
            (void)kill(visit->pid, SIGKILL);
        if (visit->is_waiting && visit->waiting_until_ms != 0 && now_ms > visit->waiting_until_ms) {
            visit->is_waiting = false;
            visit->waiting_until_ms = 0;
            refuse(broker, visit, visit->waiting_tag, 0,
                   "the instance's host does not open its files: try again");
        }
    }
}

void visits_kill(struct broker *broker, int64_t instance_id)
{
    for (size_t i = 0; i < BROKER_VISITS_MAX; i++) {
        struct visit *visit = &broker->visits[i];

        if (visit->pid != 0 && visit->instance_id == instance_id) {
            count_bytes(broker, visit);
            (void)kill(visit->pid, SIGKILL);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tunnel_main.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/tunnel_back.h"
#include "agent/tunnel_control.h"
#include "agent/tunnel_flows.h"
#include "base/hex.h"
#include "base/parse.h"
#include "sys/crypto.h"
#include "sys/fd.h"

enum { TICK_MS = 250, EVENTS_MAX = 128, WORDS_MAX = 6, DESCRIPTORS_OF_A_BACK = 6 };

int64_t tunnel_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool tunnel_watch(struct tunnel_process *tunnel, int fd, struct tunnel_watch *watch)
{
    struct epoll_event wanted = { .events = PUMP_EVENTS, .data.ptr = watch };

    return epoll_ctl(tunnel->epoll, EPOLL_CTL_ADD, fd, &wanted) == 0;
}

bool tunnel_watch_input(struct tunnel_process *tunnel, int fd, struct tunnel_watch *watch)
{
    struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = watch };

    return epoll_ctl(tunnel->epoll, EPOLL_CTL_ADD, fd, &wanted) == 0;
}

int tunnel_dial(const struct sockaddr_storage *address, socklen_t size)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, size) != 0 &&
        errno != EINPROGRESS) {
        int reason = errno;

        fd_release(&fd);
        errno = reason;
    }
    return fd;
}

int tunnel_dialled(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer, reason_size = sizeof(int);
    int reason = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &reason_size) != 0)
        return errno;
    if (reason != 0)
        return reason;
    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 ? 0 : EINPROGRESS;
}

/* The table */

static size_t split(char *line, char *words[WORDS_MAX])
{
    size_t count = 0;

    for (char *at = line; *at != '\0' && count < WORDS_MAX;) {
        size_t length = strcspn(at, " ");

        words[count++] = at;
        at += length + (at[length] == ' ');
        words[count - 1][length] = '\0';
    }
    return count;
}

static bool number(const char *text, uint64_t max, uint64_t *ret)
{
    return parse_u64(text, ret) && *ret <= max;
}

static bool read_relay(struct tunnel_process *tunnel, char *words[WORDS_MAX])
{
    uint8_t pin[TLS_PIN_SIZE] = { 0 };
    bool has_pin = strcmp(words[4], "-") != 0;
    uint64_t id, port;
    size_t length = strlen(words[2]);

    if (!number(words[1], INT64_MAX, &id) || !number(words[3], UINT16_MAX, &port) ||
        length >= TUNNEL_HOST_SIZE || (has_pin && !hex_parse(words[4], pin, sizeof pin)))
        return false;
    struct control *control = control_find(tunnel, (int64_t)id);
    if (control == NULL) {
        control = calloc(1, sizeof *control);
        if (control == NULL)
            abort();
        control->id = (int64_t)id;
        control->fd = -1;
        control->next = tunnel->controls;
        tunnel->controls = control;
    } else if (strcmp(control->host, words[2]) != 0 || control->port != port ||
               control->has_pin != has_pin || memcmp(control->pin, pin, sizeof pin) != 0) {
        control_close(tunnel, control);
        control->dial_ms = tunnel->now_ms;
    }
    memcpy(control->host, words[2], length + 1);
    memcpy(control->pin, pin, sizeof pin);
    control->port = (uint16_t)port;
    control->has_pin = has_pin;
    control->is_kept = true;
    return true;
}

static bool read_port(struct tunnel_process *tunnel, char *words[WORDS_MAX])
{
    struct tunnel_port port = { 0 };
    uint64_t instance_id, inside, outside;

    if (tunnel->port_count == TUNNEL_PORTS_MAX || !number(words[1], INT64_MAX, &instance_id) ||
        !number(words[2], UINT16_MAX, &inside) ||
        inet_pton(AF_INET, words[3], &port.address) != 1 || !number(words[4], UINT16_MAX, &outside))
        return false;
    port.instance_id = (int64_t)instance_id;
    port.inside = (uint16_t)inside;
    port.outside = (uint16_t)outside;
    port.is_udp = strcmp(words[5], "udp") == 0;
    tunnel->ports[tunnel->port_count++] = port;
    return true;
}

static bool read_line(struct tunnel_process *tunnel, char *line)
{
    char *words[WORDS_MAX];
    size_t count = split(line, words);
    uint64_t first, second;

    if (count == 5 && strcmp(words[0], "relay") == 0)
        return read_relay(tunnel, words);
    if (count == 6 && strcmp(words[0], "port") == 0)
        return read_port(tunnel, words);
    if (count == 3 && strcmp(words[0], "machine") == 0) {
        if (!number(words[1], INT64_MAX, &first) || !number(words[2], INT64_MAX, &second))
            return false;
        tunnel->machine_id = (int64_t)first;
        tunnel->epoch = (int64_t)second;
        return true;
    }
    return false;
}

static void drop_controls(struct tunnel_process *tunnel)
{
    struct control **at = &tunnel->controls;

    while (*at != NULL) {
        struct control *control = *at;

        if (control->is_kept) {
            control->is_kept = false;
            at = &control->next;
            continue;
        }
        control_close(tunnel, control);
        *at = control->next;
        free(control);
    }
}

static void read_table(struct tunnel_process *tunnel, char *text)
{
    char *rest = NULL;

    tunnel->port_count = 0;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (!read_line(tunnel, line))
            log_write(&tunnel->log, LOG_ERROR, "tunnel", "a line of the table is none");
    qsort(tunnel->ports, tunnel->port_count, sizeof *tunnel->ports, tunnel_compare_ports);
    drop_controls(tunnel);
}

static void take_table(struct tunnel_process *tunnel, int file)
{
    struct stat found;
    size_t length = 0;

    if (fstat(file, &found) != 0 || found.st_size < 0 || found.st_size > TUNNEL_TABLE_MAX)
        return;
    char *text = malloc((size_t)found.st_size + 1);
    if (text == NULL)
        abort();
    while (length < (size_t)found.st_size) {
        ssize_t got = pread(file, text + length, (size_t)found.st_size - length, (off_t)length);

        if (got <= 0)
            break;
        length += (size_t)got;
    }
    text[length] = '\0';
    read_table(tunnel, text);
    free(text);
}

/* False: there is nothing more to read. */
static bool hear_agent(struct tunnel_process *tunnel)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct tunnel_message message;
    struct iovec part = { .iov_base = &message, .iov_len = sizeof message };
    struct msghdr in = { .msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes };
    auto_close int file = -1;

    ssize_t got = recvmsg(TUNNEL_FD, &in, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0)
        _exit(0); /* the agent is gone: the next one starts its own */
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&in);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&file, CMSG_DATA(rights), sizeof file);
    if (got != (ssize_t)sizeof message)
        return true;
    if (message.type == TUNNEL_TABLE && file >= 0)
        take_table(tunnel, file);
    else if (message.type == TUNNEL_SIGNED)
        control_signed(tunnel, &message);
    return true;
}

/* The loop */

static void dispatch(struct tunnel_process *tunnel, const struct epoll_event *event)
{
    struct tunnel_watch *watch = event->data.ptr;

    switch (watch->kind) {
    case TUNNEL_WATCH_AGENT:
        break; /* behind all others: it may free what they are about */
    case TUNNEL_WATCH_NAMES:
        controls_named(tunnel);
        break;
    case TUNNEL_WATCH_CONTROL:
        control_handle(tunnel, watch->owner);
        break;
    case TUNNEL_WATCH_BACK:
        back_handle(tunnel, watch->owner, watch->end, event->events);
        break;
    case TUNNEL_WATCH_FLOWS:
        flows_handle(tunnel, watch->owner);
        break;
    case TUNNEL_WATCH_FLOW:
        flow_handle(tunnel, watch->owner, watch->end);
        break;
    }
}

static _Noreturn void run(struct tunnel_process *tunnel)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t tick_ms = 0;

    for (;;) {
        int64_t left_ms = tick_ms - tunnel_now_ms();
        int wait_ms = tunnel->ready != NULL || left_ms < 0 ? 0 : (int)left_ms;
        int count = epoll_wait(tunnel->epoll, events, EVENTS_MAX, wait_ms);

        tunnel->now_ms = tunnel_now_ms();
        for (int i = 0; i < count; i++)
            dispatch(tunnel, &events[i]);
        backs_run_ready(tunnel);
        while (hear_agent(tunnel))
            tick_ms = 0; /* a new relay is dialled at once */
        if (tunnel->now_ms >= tick_ms) {
            tick_ms = tunnel->now_ms + TICK_MS;
            backs_tend(tunnel);
            flows_tend(tunnel);
            for (struct control *control = tunnel->controls; control != NULL;
                 control = control->next)
                control_tend(tunnel, control);
        }
        backs_bury(tunnel);
        flows_bury(tunnel);
    }
}

/* Nobody, who cannot become anybody else. The resolver needs its files, so there are files. */
static bool lower(uid_t uid, gid_t gid)
{
    const struct rlimit none = { 0, 0 };
    struct rlimit descriptors;

    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &descriptors);
    }
    return uid != 0 && gid != 0 && setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
           setresuid(uid, uid, uid) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0 &&
           prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           setrlimit(RLIMIT_CORE, &none) == 0;
}

static bool open_process(struct tunnel_process *tunnel, struct error *err)
{
    struct rlimit descriptors = { 0 };

    tunnel->epoll = epoll_create1(EPOLL_CLOEXEC);
    tunnel->ports = calloc(TUNNEL_PORTS_MAX, sizeof *tunnel->ports);
    if (tunnel->ports == NULL)
        abort();
    pump_bed_open(&tunnel->bed);
    (void)getrlimit(RLIMIT_NOFILE, &descriptors);
    tunnel->back_max = (size_t)descriptors.rlim_cur / DESCRIPTORS_OF_A_BACK;
    tunnel->agent_watch = (struct tunnel_watch){ TUNNEL_WATCH_AGENT, 0, NULL };
    tunnel->names_watch = (struct tunnel_watch){ TUNNEL_WATCH_NAMES, 0, NULL };
    return tls_client_open(&tunnel->tls, err) && tunnel->epoll >= 0 &&
           pipe2(tunnel->names, O_CLOEXEC | O_NONBLOCK) == 0 &&
           tunnel_watch(tunnel, TUNNEL_FD, &tunnel->agent_watch) &&
           tunnel_watch(tunnel, tunnel->names[0], &tunnel->names_watch);
}

int tunnel_main(int count, char *arguments[])
{
    static struct tunnel_process tunnel;
    uint64_t uid, gid, has_log, level, is_terminal;
    struct error err;

    if (count != 7 || !number(arguments[2], UINT32_MAX - 1, &uid) ||
        !number(arguments[3], UINT32_MAX - 1, &gid) || !number(arguments[4], 1, &has_log) ||
        !number(arguments[5], LOG_ERROR, &level) || !number(arguments[6], 1, &is_terminal))
        return 2;
    crypto_start();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_NAME, "berth-tunnel");
    tunnel.log = (struct log){ .fd = has_log == 1 ? STDERR_FILENO : -1,
                               .level_min = (enum log_level)level,
                               .is_terminal = is_terminal == 1 };
    if (!lower((uid_t)uid, (gid_t)gid) || !open_process(&tunnel, &err)) {
        log_write(&tunnel.log, LOG_ERROR, "tunnel", "cannot start: %s", strerror(errno));
        return 1;
    }
    run(&tunnel);
}

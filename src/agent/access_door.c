/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_door.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/access_engine.h"
#include "agent/access_visit.h"
#include "base/parse.h"
#include "sys/crypto.h"
#include "sys/fd.h"

enum { BACKLOG = 128, NAME_RANDOM_BYTES = 12, PIPE_TEXT_MAX = 512 };

const struct access_row *door_row(const struct broker *broker, const struct door *door)
{
    return access_table_find(&broker->table, door->instance_id);
}

static bool parse_bind_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
                               socklen_t *ret_size)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    *ret = (struct sockaddr_storage){ 0 };
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(ret, &four, sizeof(four));
        *ret_size = sizeof(four);
        return true;
    }
    if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        memcpy(ret, &six, sizeof(six));
        *ret_size = sizeof(six);
        return true;
    }
    errno = EINVAL;
    return false;
}

/* Listening, or -1 with errno. */
static int listen_at(const char *address, uint16_t port)
{
    struct sockaddr_storage where;
    socklen_t size;
    const int yes = 1;

    if (!parse_bind_address(address, port, &where, &size))
        return -1;
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (const struct sockaddr *)&where, size) != 0 || listen(fd, BACKLOG) != 0) {
        int reason = errno;

        fd_release(&fd);
        errno = reason;
    }
    return fd;
}

static void door_listen(struct broker *broker, struct door *door)
{
    struct access_slot *slot = &broker->slots[door->slot];

    door->listener = listen_at(broker->options.bind_address, door->port);
    int reason = door->listener < 0 ? errno : 0;
    if (reason == 0)
        broker_watch(broker, EVENT_DOOR, (size_t)(door - broker->doors), door->listener);
    else if (atomic_load(&slot->listen_errno) != reason)
        log_write(&broker->options.log, LOG_ERROR, "ssh port",
                  "instance %lld: cannot listen at port %u: %s", (long long)door->instance_id,
                  (unsigned)door->port, strerror(reason));
    atomic_store(&slot->listen_errno, reason);
}

static void forget_helper(struct broker *broker, struct door *door)
{
    if (door->starter > 0) {
        (void)kill(door->starter, SIGKILL);
        while (waitpid(door->starter, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    door->starter = 0;
    broker_unwatch(broker, &door->starter_pipe);
    netns_close(&door->netns);
    door->helper = HELPER_NONE;
    door->retry_at_ms = 0;
}

static void door_close(struct broker *broker, struct door *door)
{
    visits_kill(broker, door->instance_id);
    forget_helper(broker, door);
    broker_unwatch(broker, &door->listener);
    *door = (struct door){ .listener = -1, .starter_pipe = -1, .netns = NETNS_NONE };
}

static struct door *find_door(struct broker *broker, int64_t instance_id)
{
    for (size_t i = 0; i < ACCESS_ENTRIES_MAX; i++)
        if (broker->doors[i].instance_id == instance_id)
            return &broker->doors[i];
    return NULL;
}

static void door_open(struct broker *broker, const struct access_row *row)
{
    struct door *door = find_door(broker, row->instance_id);

    if (door == NULL) {
        door = find_door(broker, 0);
        assert(door != NULL);
        *door = (struct door){
            .instance_id = row->instance_id,
            .listener = -1,
            .starter_pipe = -1,
            .netns = NETNS_NONE,
        };
    }
    if (strcmp(door->container_id, row->container_id) != 0) {
        forget_helper(broker, door);
        memcpy(door->container_id, row->container_id, sizeof(door->container_id));
        visits_helper(broker, (size_t)(door - broker->doors), "");
    } else if (door->container_id[0] == '\0' && !row->may_open) {
        /* For one that cannot be opened after all. */
        visits_helper(broker, (size_t)(door - broker->doors), row->state_text);
    }
    bool has_moved = door->port != row->port || door->slot != row->slot;
    door->port = row->port;
    door->slot = row->slot;
    if (has_moved) {
        broker_unwatch(broker, &door->listener);
        door_listen(broker, door);
    }
}

void doors_update(struct broker *broker)
{
    for (size_t i = 0; i < ACCESS_ENTRIES_MAX; i++) {
        struct door *door = &broker->doors[i];

        if (door->instance_id != 0 && door_row(broker, door) == NULL)
            door_close(broker, door);
    }
    /* Ports that move between instances are free by now, or will be at the next tick. */
    for (size_t i = 0; i < broker->table.count; i++)
        door_open(broker, &broker->table.rows[i]);
}

void doors_tend(struct broker *broker)
{
    for (size_t i = 0; i < ACCESS_ENTRIES_MAX; i++) {
        struct door *door = &broker->doors[i];

        if (door->instance_id != 0 && door->listener < 0)
            door_listen(broker, door);
    }
}

/* A peer that vanished without a word holds a process: let the kernel find out. */
static void set_patience(int tcp)
{
    const int yes = 1, idle_s = 60, interval_s = 15, probes = 6, unacknowledged_ms = 180000;

    (void)setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    (void)setsockopt(tcp, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(tcp, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    (void)setsockopt(tcp, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    (void)setsockopt(tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof(unacknowledged_ms));
    (void)setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void door_accept(struct broker *broker, size_t index)
{
    struct door *door = &broker->doors[index];
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);

    int tcp =
        accept4(door->listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (tcp < 0)
        return;
    struct limit_key from = limit_key_of(&address);
    if (!limit_admit(&broker->limit, from, broker_now_ms())) {
        (void)close(tcp);
        return;
    }
    set_patience(tcp);
    visit_begin(broker, index, tcp, from);
    /* While they shake hands: at most one start for each start of the container. */
    door_prepare(broker, door);
}

static _Noreturn void run_starter(struct broker *broker, const struct door *door, int pipe_end)
{
    const struct access_engine engine = {
        .socket = broker->options.engine_socket,
        .container_id = door->container_id,
        .name = door->helper_name,
    };
    struct error err;
    char text[PIPE_TEXT_MAX];
    pid_t pid;

    broker_keep_only(pipe_end, -1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (access_engine_start(&engine, &pid, &err))
        (void)snprintf(text, sizeof(text), "%ld", (long)pid);
    else
        (void)snprintf(text, sizeof(text), "!%s", err.text);
    _exit(write(3, text, strlen(text)) > 0 ? 0 : 1);
}

void door_prepare(struct broker *broker, struct door *door)
{
    uint8_t random[NAME_RANDOM_BYTES];
    char digits[HEX_SIZE(NAME_RANDOM_BYTES)];
    int ends[2];

    if (door->helper == HELPER_READY && !netns_is_alive(&door->netns))
        forget_helper(broker, door);
    if (door->helper != HELPER_NONE || door->container_id[0] == '\0' ||
        broker_now_ms() < door->retry_at_ms)
        return;
    crypto_random(random, sizeof(random));
    (void)snprintf(door->helper_name, sizeof(door->helper_name), "berth-%s",
                   hex_format(random, sizeof(random), digits));
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    door->starter = fork();
    if (door->starter == 0)
        run_starter(broker, door, ends[1]);
    (void)close(ends[1]);
    if (door->starter < 0) {
        door->starter = 0;
        (void)close(ends[0]);
        return;
    }
    door->helper = HELPER_STARTING;
    door->starter_pipe = ends[0];
    door->why[0] = '\0';
    broker_watch(broker, EVENT_STARTER, (size_t)(door - broker->doors), ends[0]);
}

void door_started(struct broker *broker, size_t index)
{
    struct door *door = &broker->doors[index];
    char text[PIPE_TEXT_MAX + 1] = "";
    struct netns netns;
    struct error err = { .text = "the helper could not be started" };
    uint64_t pid;

    ssize_t length = read(door->starter_pipe, text, PIPE_TEXT_MAX);
    text[length > 0 ? length : 0] = '\0';
    bool is_ready = parse_u64(text, &pid) && pid <= INT32_MAX &&
                    netns_open((pid_t)pid, door->container_id, &netns, &err);
    /* Not killed: it has said all it had to say. */
    while (waitpid(door->starter, NULL, 0) < 0 && errno == EINTR) {
    }
    door->starter = 0;
    forget_helper(broker, door);
    if (is_ready) {
        door->helper = HELPER_READY;
        door->netns = netns;
        visits_helper(broker, index, "");
        return;
    }
    const char *why = text[0] == '!' ? text + 1 : err.text;
    door->retry_at_ms = broker_now_ms() + BROKER_RETRY_MS;
    (void)snprintf(door->why, sizeof(door->why), "%.255s", why);
    log_write(&broker->options.log, LOG_WARNING, "ssh helper", "instance %lld: %s",
              (long long)door->instance_id, why);
    visits_helper(broker, index, door->why);
}

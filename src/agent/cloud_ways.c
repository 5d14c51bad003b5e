/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cloud_ways.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/address.h"
#include "sys/fd.h"
#include "sys/pump.h"

enum {
    ASK_S = 30, /* for all that a client says before it is connected */
    DIAL_MS = 20000,
    SILENCE_MS = 600000,
    BACKLOG = 64,
    HOST_SIZE = 256,
    SOCKS_VERSION = 5,
    SOCKS_CONNECT = 1,
    SOCKS_REPLY_SIZE = 10,
};

enum socks_address { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 };
enum socks_reply {
    SOCKS_DONE = 0,
    SOCKS_NOT_ALLOWED = 2,
    SOCKS_UNREACHABLE = 4,
    SOCKS_BAD_COMMAND = 7,
};

void cloud_ways_close(struct cloud_ways *ways)
{
    fd_release(&ways->network);
    fd_release(&ways->socks);
    fd_release(&ways->files);
}

static int listen_here(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
                    listen(fd, BACKLOG) != 0))
        fd_release(&fd);
    return fd;
}

static bool raise_loopback(void)
{
    auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

    return fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &loopback) == 0;
}

bool cloud_ways_open(struct cloud_ways *ways, struct error *err)
{
    auto_close int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (home < 0 || unshare(CLONE_NEWNET) != 0)
        return error_system(err, errno, "make a network for a copy");
    bool is_up = raise_loopback();
    ways->socks = listen_here(CLOUD_WAYS_PORT_SOCKS);
    ways->files = listen_here(CLOUD_WAYS_PORT_FILES);
    ways->network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int reason = errno;
    /* Nothing could be reached from in there, and nobody would know why. */
    if (setns(home, CLONE_NEWNET) != 0)
        abort();
    if (is_up && ways->socks >= 0 && ways->files >= 0 && ways->network >= 0)
        return true;
    cloud_ways_close(ways);
    return error_system(err, reason, "make a network for a copy");
}

bool cloud_ways_allow(const char *allowed, const char *host, uint16_t port)
{
    char name[HOST_SIZE + 8];

    if (allowed == NULL || strcmp(allowed, CLOUD_WAYS_ALL) == 0)
        return allowed != NULL;
    size_t length = (size_t)snprintf(name, sizeof name, "%s:%u", host, (unsigned)port);
    for (const char *at = allowed; *at != '\0'; at += strspn(at, ",")) {
        size_t word = strcspn(at, ",");

        if (word == length && strncasecmp(at, name, length) == 0)
            return true;
        at += word;
    }
    return false;
}

/* Exactly so many bytes. */
static bool hear(int fd, void *bytes, size_t count)
{
    for (size_t got = 0; got < count;) {
        ssize_t length = recv(fd, (char *)bytes + got, count - got, 0);

        if (length == 0 || (length < 0 && errno != EINTR))
            return false;
        got += length > 0 ? (size_t)length : 0;
    }
    return true;
}

static void reply(int client, enum socks_reply code)
{
    const uint8_t bytes[SOCKS_REPLY_SIZE] = { SOCKS_VERSION, (uint8_t)code, 0, SOCKS_IPV4 };

    (void)send(client, bytes, sizeof bytes, MSG_NOSIGNAL);
}

/* The name, or the address as text. */
static bool hear_host(int client, uint8_t kind, char host[static HOST_SIZE])
{
    uint8_t bytes[HOST_SIZE], length = 0;

    switch (kind) {
    case SOCKS_NAME:
        if (!hear(client, &length, 1) || length == 0 || !hear(client, host, length))
            return false;
        host[length] = '\0';
        return strlen(host) == length;
    case SOCKS_IPV4:
        return hear(client, bytes, sizeof(struct in_addr)) &&
               inet_ntop(AF_INET, bytes, host, HOST_SIZE) != NULL;
    case SOCKS_IPV6:
        return hear(client, bytes, sizeof(struct in6_addr)) &&
               inet_ntop(AF_INET6, bytes, host, HOST_SIZE) != NULL;
    default:
        return false;
    }
}

/* -1: no connection. */
static int dial(const struct addrinfo *address)
{
    auto_close int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    socklen_t size = sizeof(int);
    int reason = 0, done;

    if (fd < 0 ||
        (connect(fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) ||
        poll(&ready, 1, DIAL_MS) != 1 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size) != 0 || reason != 0)
        return -1;
    done = fd;
    fd = -1;
    return done;
}

/* The first address that answers, of those that may be gone to. */
static int connect_to(const char *host, uint16_t port, const char *allowed, enum socks_reply *why)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    bool may_be_private = cloud_ways_allow(allowed, host, port);
    struct addrinfo *addresses = NULL;
    char service[8];
    int fd = -1;

    *why = SOCKS_UNREACHABLE;
    (void)snprintf(service, sizeof service, "%u", (unsigned)port);
    if (getaddrinfo(host, service, &hints, &addresses) != 0)
        return -1;
    for (const struct addrinfo *at = addresses; at != NULL && fd < 0; at = at->ai_next) {
        if (may_be_private || address_is_public(at->ai_addr))
            fd = dial(at);
        else
            *why = SOCKS_NOT_ALLOWED;
    }
    freeaddrinfo(addresses);
    return fd;
}

int cloud_ways_answer(int client, const char *allowed)
{
    const uint8_t no_login[] = { SOCKS_VERSION, 0 };
    const struct timeval patience = { .tv_sec = ASK_S };
    uint8_t front[2], methods[UINT8_MAX], request[4], port[2];
    enum socks_reply why;
    char host[HOST_SIZE];

    (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!hear(client, front, sizeof front) || front[0] != SOCKS_VERSION ||
        !hear(client, methods, front[1]) || memchr(methods, 0, front[1]) == NULL)
        return -1;
    if (send(client, no_login, sizeof no_login, MSG_NOSIGNAL) != sizeof no_login ||
        !hear(client, request, sizeof request) || request[0] != SOCKS_VERSION)
        return -1;
    if (!hear_host(client, request[3], host) || !hear(client, port, sizeof port))
        return -1;
    if (request[1] != SOCKS_CONNECT) {
        reply(client, SOCKS_BAD_COMMAND);
        return -1;
    }
    int fd = connect_to(host, (uint16_t)(port[0] << 8 | port[1]), allowed, &why);
    reply(client, fd >= 0 ? SOCKS_DONE : why);
    return fd;
}

/* Until both ways have ended. */
static void carry(int a, int b)
{
    auto_close int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[2];
    struct pump_bed bed;
    struct pump pump;

    (void)fcntl(a, F_SETFL, O_NONBLOCK);
    (void)fcntl(b, F_SETFL, O_NONBLOCK);
    pump_set_patience(a);
    pump_set_patience(b);
    pump_bed_open(&bed);
    pump_open(&pump, (struct pump_end){ .fd = a }, (struct pump_end){ .fd = b });
    for (int end = 0; end < 2; end++) {
        struct epoll_event event = { .events = PUMP_EVENTS, .data.u32 = (uint32_t)end };

        if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, end == 0 ? a : b, &event) != 0)
            _exit(1);
    }
    for (enum pump_state state = PUMP_WAITS; state == PUMP_WAITS || state == PUMP_GOES_ON;) {
        int count = epoll_wait(epoll, events, 2, state == PUMP_GOES_ON ? 0 : SILENCE_MS);

        if (count < 0 && errno != EINTR)
            break;
        if (count == 0 && state == PUMP_WAITS)
            break;
        for (int i = 0; i < count; i++)
            pump_ready(&pump, (int)events[i].data.u32, events[i].events);
        state = pump_run(&pump, &bed);
        if (state == PUMP_ENDED || state == PUMP_FAILED) {
            pump_close(&pump, &bed, state == PUMP_FAILED);
            _exit(0);
        }
    }
    pump_close(&pump, &bed, true);
}

static int dial_instance(int64_t port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct addrinfo address = { .ai_family = AF_INET,
                                      .ai_addr = (struct sockaddr *)&at,
                                      .ai_addrlen = sizeof at };

    return dial(&address);
}

static _Noreturn void serve(const struct cloud_ways *ways, int client, bool is_files)
{
    pid_t parent = getppid();

    if (setgroups(0, NULL) != 0 || setresgid(ways->uid, ways->uid, ways->uid) != 0 ||
        setresuid(ways->uid, ways->uid, ways->uid) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        _exit(1);
    (void)close(ways->network);
    (void)close(ways->socks);
    (void)close(ways->files);
    int far = is_files ? dial_instance(ways->ssh_port) : cloud_ways_answer(client, ways->allowed);
    if (far >= 0)
        carry(client, far);
    _exit(0);
}

void cloud_ways_take(struct cloud_ways *ways, int listener)
{
    auto_close int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (client < 0 || ways->count >= CLOUD_WAYS_MAX)
        return;
    pid_t pid = fork();
    if (pid == 0)
        serve(ways, client, listener == ways->files);
    ways->count += pid > 0;
}

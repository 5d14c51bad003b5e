/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_netns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "sys/fd.h"
#include "sys/file.h"

enum { CGROUP_TEXT_MAX = 64 * 1024, BACKLOG = 64 };

void netns_close(struct netns *netns)
{
    fd_release(&netns->process);
    fd_release(&netns->network);
}

static bool is_of_container(int process, const char *container_id)
{
    auto_buf struct buf text = buf_of(CGROUP_TEXT_MAX);
    struct error ignored;

    return file_read(process, "cgroup", &text, &ignored) && text.length > 0 &&
           strstr(text.bytes, container_id) != NULL;
}

bool netns_open(pid_t pid, const char *container_id, struct netns *ret_netns, struct error *err)
{
    auto_netns struct netns netns = NETNS_NONE;
    char path[32];

    (void)snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
    netns.process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (netns.process < 0 || !is_of_container(netns.process, container_id))
        return error_set(err, ERROR_NOT_FOUND, "the container has just ended");
    netns.network = openat(netns.process, "ns/net", O_RDONLY | O_CLOEXEC);
    if (netns.network < 0)
        return error_system(err, errno, "open the container's network");
    *ret_netns = netns;
    netns = NETNS_NONE;
    return true;
}

bool netns_is_alive(const struct netns *netns)
{
    struct stat ignored;

    return netns->process >= 0 && fstatat(netns->process, "ns/net", &ignored, 0) == 0;
}

int netns_socket(const struct netns *netns, int domain, int type)
{
    auto_close int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (home < 0 || setns(netns->network, CLONE_NEWNET) != 0)
        return -1;
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int reason = errno;
    /* Going on in a renter's network would be far worse than going down. */
    if (setns(home, CLONE_NEWNET) != 0)
        abort();
    errno = reason;
    return fd;
}

bool netns_address(const struct netns *netns, struct in_addr *ret_address, struct error *err)
{
    auto_close int fd = netns_socket(netns, AF_INET, SOCK_DGRAM);
    struct ifreq asked = { .ifr_name = "eth0" };
    struct sockaddr_in found;

    if (fd < 0 || ioctl(fd, SIOCGIFADDR, &asked) != 0)
        return error_set(err, ERROR_NOT_FOUND, "the container has no address");
    memcpy(&found, &asked.ifr_addr, sizeof found);
    *ret_address = found.sin_addr;
    return true;
}

int netns_connect(const struct netns *netns, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = strlen(name);

    assert(length > 0 && length < sizeof(address.sun_path));
    memcpy(address.sun_path + 1, name, length);
    int fd = netns_socket(netns, AF_UNIX, SOCK_SEQPACKET);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) != 0) {
        int reason = errno;

        fd_release(&fd);
        errno = reason;
    }
    return fd;
}

/* False, with errno: that is no address of this version. */
static bool parse_address(int version, const char *text, uint16_t port,
                          struct sockaddr_storage *ret_address)
{
    bool is_any = text[0] == '\0' || strcmp(text, "*") == 0;
    bool is_local = strcmp(text, "localhost") == 0;
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    errno = EADDRNOTAVAIL;
    *ret_address = (struct sockaddr_storage){ 0 };
    if (version == 4) {
        four.sin_addr.s_addr = htonl(is_local ? INADDR_LOOPBACK : INADDR_ANY);
        if (!is_any && !is_local && inet_pton(AF_INET, text, &four.sin_addr) != 1)
            return false;
        memcpy(ret_address, &four, sizeof(four));
    } else {
        six.sin6_addr = is_local ? in6addr_loopback : in6addr_any;
        if (!is_any && !is_local && inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
            return false;
        memcpy(ret_address, &six, sizeof(six));
    }
    return true;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    socklen_t size = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    memcpy(&four, &address, sizeof(four));
    memcpy(&six, &address, sizeof(six));
    return ntohs(address.ss_family == AF_INET ? four.sin_port : six.sin6_port);
}

int netns_listen(const struct netns *netns, int version, const char *address, uint16_t port,
                 uint16_t *ret_port)
{
    struct sockaddr_storage where;
    const int yes = 1;

    if (!parse_address(version, address, port, &where))
        return -1;
    int fd = netns_socket(netns, where.ss_family, SOCK_STREAM);
    socklen_t size = version == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (version == 6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    if (bind(fd, (const struct sockaddr *)&where, size) != 0 || listen(fd, BACKLOG) != 0) {
        int reason = errno;

        fd_release(&fd);
        errno = reason;
        return -1;
    }
    *ret_port = bound_port(fd);
    return fd;
}

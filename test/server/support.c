/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"

int socket_to(const char *address)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
    CHECK_INT(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

void socket_send(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            return; /* closed on us: the reply says why */
        bytes += sent;
        length -= (size_t)sent;
    }
}

bool socket_read(int fd, char *text, size_t size, int wait_ms)
{
    int64_t until_us = clock_boot_us(&clock_system) + wait_ms * US_PER_MS;
    size_t used = 0;

    text[0] = '\0';
    while (used + 1 < size) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        int64_t left_ms = (until_us - clock_boot_us(&clock_system)) / US_PER_MS;

        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) != 1)
            return false;
        ssize_t count = recv(fd, text + used, size - used - 1, 0);
        if (count <= 0)
            return true;
        used += (size_t)count;
        text[used] = '\0';
    }
    return false;
}

int socket_reply(int fd, char *text, size_t size)
{
    size_t used = 0, needed = SIZE_MAX;

    text[0] = '\0';
    while (used < needed && used + 1 < size) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };

        if (poll(&ready, 1, WAIT_MS) != 1)
            return 0;
        ssize_t count = recv(fd, text + used, needed == SIZE_MAX ? 1 : needed - used, 0);
        if (count <= 0)
            return 0;
        used += (size_t)count;
        text[used] = '\0';
        if (needed == SIZE_MAX && strstr(text, "\r\n\r\n") != NULL) {
            const char *length = strstr(text, "Content-Length: ");

            needed = used + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    return (int)strtol(text + sizeof "HTTP/1.1 " - 1, NULL, 10);
}

int exchange_bytes(const char *address, const char *bytes, size_t length, char *text, size_t size)
{
    int fd = socket_to(address);

    socket_send(fd, bytes, length);
    bool is_closed = socket_read(fd, text, size, 700);
    (void)close(fd);
    if (strncmp(text, "HTTP/1.", 7) == 0)
        return (int)strtol(text + sizeof "HTTP/1.1 " - 1, NULL, 10);
    return is_closed ? 0 : -1;
}

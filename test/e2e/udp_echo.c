/* SPDX-License-Identifier: Apache-2.0 */
/* Sends every datagram back to where it came from, at each port that is named. Linked statically:
 * the image that it runs in holds no libraries. */

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { PORTS_MAX = 8 };

static char bytes[65536];

static int listen_at(const char *text)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(text)) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0)
        exit(1);
    return fd;
}

int main(int count, char *arguments[])
{
    struct pollfd ready[PORTS_MAX];
    nfds_t ports = 0;

    for (int i = 1; i < count && ports < PORTS_MAX; i++)
        ready[ports++] = (struct pollfd){ .fd = listen_at(arguments[i]), .events = POLLIN };
    while (poll(ready, ports, -1) >= 0) {
        for (nfds_t i = 0; i < ports; i++) {
            struct sockaddr_in from;
            socklen_t size = sizeof from;

            if ((ready[i].revents & POLLIN) == 0)
                continue;
            ssize_t got =
                recvfrom(ready[i].fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);
            if (got >= 0)
                (void)sendto(ready[i].fd, bytes, (size_t)got, 0, (const struct sockaddr *)&from,
                             size);
        }
    }
    return 1;
}

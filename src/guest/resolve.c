/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

enum { ADDRESSES_MAX = 16 };

int resolve_main(const char *name)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    char text[NI_MAXHOST];
    int count = 0;

    int reason = getaddrinfo(name, NULL, &hints, &found);
    if (reason != 0) {
        (void)fprintf(stderr, "berth: %s: %s\n", name, gai_strerror(reason));
        return 1;
    }
    for (const struct addrinfo *at = found; at != NULL && count < ADDRESSES_MAX; at = at->ai_next)
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) ==
                0 &&
            printf("%s\n", text) > 0)
            count++;
    freeaddrinfo(found);
    return fflush(stdout) == 0 && count > 0 ? 0 : 1;
}

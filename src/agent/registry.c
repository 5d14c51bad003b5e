/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/registry.h"

#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "sys/address.h"

/* The whole name, with its port if it has one. */
static bool is_listed(const char *host, const char *allowed)
{
    size_t length = strlen(host);

    if (strcmp(allowed, REGISTRY_ALL) == 0)
        return true;
    for (const char *at = allowed; *at != '\0';) {
        size_t span = strcspn(at, ",");

        if (span == length && strncasecmp(at, host, length) == 0)
            return true;
        at += span + (at[span] == ',' ? 1 : 0);
    }
    return false;
}

bool registry_check(const struct image *image, const char *allowed, struct error *err)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *addresses = NULL;
    char name[IMAGE_HOST_SIZE];
    bool is_public = true;

    if (*image->host == '\0' || (allowed != NULL && is_listed(image->host, allowed)))
        return true;
    memcpy(name, image->host, sizeof name);
    name[strcspn(name, ":")] = '\0';
    int status = getaddrinfo(name, NULL, &hints, &addresses);
    if (status != 0)
        return error_set(err, ERROR_UNREACHABLE, "the registry %s: %s", name, gai_strerror(status));
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next)
        is_public = is_public && address_is_public(at->ai_addr);
    freeaddrinfo(addresses);
    return is_public ||
           error_set(err, ERROR_FORBIDDEN,
                     "the registry %s is in a private network, where this host lets no images go "
                     "to or come from",
                     image->host);
}

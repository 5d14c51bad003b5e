/* SPDX-License-Identifier: Apache-2.0 */
#include "server/peers.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_COUNT = 4096, TRUSTED_MAX = 16, IPV6_NETWORK_BYTES = 8 };

struct peer {
    struct peer *next;
    struct in6_addr network;
    unsigned count; /* never 0 */
};

struct peers {
    unsigned per_address_max;
    size_t trusted_count;
    struct in6_addr trusted[TRUSTED_MAX];
    struct peer *buckets[BUCKET_COUNT];
};

/* Numeric text of either family, mapped into IPv6. */
static bool parse_address(const char *text, struct in6_addr *ret_address)
{
    struct in_addr v4;

    if (inet_pton(AF_INET6, text, ret_address) == 1)
        return true;
    if (inet_pton(AF_INET, text, &v4) != 1)
        return false;
    *ret_address = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
    memcpy(&ret_address->s6_addr[12], &v4, sizeof v4);
    return true;
}

bool peers_open(const char *const *trusted, unsigned per_address_max, struct peers **ret_peers,
                struct error *err)
{
    struct peers *peers = calloc(1, sizeof *peers);

    if (peers == NULL)
        abort();
    peers->per_address_max = per_address_max;
    for (size_t i = 0; trusted != NULL && trusted[i] != NULL; i++) {
        if (i == TRUSTED_MAX) {
            free(peers);
            return error_set(err, ERROR_OUT_OF_RANGE, "at most %d proxies can be trusted",
                             TRUSTED_MAX);
        }
        if (!parse_address(trusted[i], &peers->trusted[i])) {
            free(peers);
            return error_set(err, ERROR_INVALID, "'%.64s' is not an address", trusted[i]);
        }
        peers->trusted_count = i + 1;
    }
    *ret_peers = peers;
    return true;
}

void peers_close(struct peers **address)
{
    struct peers *peers = *address;

    if (peers == NULL)
        return;
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        while (peers->buckets[i] != NULL) {
            struct peer *peer = peers->buckets[i];

            peers->buckets[i] = peer->next;
            free(peer);
        }
    }
    free(peers);
    *address = NULL;
}

struct in6_addr peer_address(const struct sockaddr *address)
{
    struct in6_addr result = IN6ADDR_ANY_INIT;

    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, address, sizeof v6);
        result = v6.sin6_addr;
    } else if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, address, sizeof v4);
        result.s6_addr[10] = 0xff;
        result.s6_addr[11] = 0xff;
        memcpy(&result.s6_addr[12], &v4.sin_addr, sizeof v4.sin_addr);
    }
    return result;
}

char *peer_format(const struct in6_addr *address, char text[static HTTP_ADDRESS_SIZE])
{
    const char *written;

    if (IN6_IS_ADDR_V4MAPPED(address))
        written = inet_ntop(AF_INET, &address->s6_addr[12], text, HTTP_ADDRESS_SIZE);
    else
        written = inet_ntop(AF_INET6, address, text, HTTP_ADDRESS_SIZE);
    assert(written != NULL);
    return text;
}

bool peers_trust(const struct peers *peers, const struct in6_addr *address)
{
    for (size_t i = 0; i < peers->trusted_count; i++) {
        if (IN6_ARE_ADDR_EQUAL(&peers->trusted[i], address))
            return true;
    }
    return false;
}

static struct in6_addr network_of(const struct in6_addr *address)
{
    struct in6_addr network = *address;

    if (!IN6_IS_ADDR_V4MAPPED(address))
        memset(&network.s6_addr[IPV6_NETWORK_BYTES], 0, sizeof network - IPV6_NETWORK_BYTES);
    return network;
}

/* Where the network's peer is, or where it would be put. */
static struct peer **find(struct peers *peers, const struct in6_addr *network)
{
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < sizeof network->s6_addr; i++)
        hash = (hash ^ network->s6_addr[i]) * 16777619;

    struct peer **at = &peers->buckets[hash % BUCKET_COUNT];
    while (*at != NULL && !IN6_ARE_ADDR_EQUAL(&(*at)->network, network))
        at = &(*at)->next;
    return at;
}

bool peers_admit(struct peers *peers, const struct in6_addr *address)
{
    struct in6_addr network = network_of(address);
    struct peer **at = find(peers, &network);

    return *at == NULL || (*at)->count < peers->per_address_max || peers_trust(peers, address);
}

void peers_enter(struct peers *peers, const struct in6_addr *address)
{
    struct in6_addr network = network_of(address);
    struct peer **at = find(peers, &network);

    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        if (*at == NULL)
            abort();
        (*at)->network = network;
    }
    (*at)->count++;
}

void peers_leave(struct peers *peers, const struct in6_addr *address)
{
    struct in6_addr network = network_of(address);
    struct peer **at = find(peers, &network);

    assert(*at != NULL && (*at)->count > 0);
    if (--(*at)->count == 0) {
        struct peer *peer = *at;

        *at = peer->next;
        free(peer);
    }
}

struct in6_addr peers_client(const struct peers *peers, const struct in6_addr *address,
                             const char *forwarded)
{
    struct in6_addr client = *address;
    size_t end = forwarded != NULL ? strlen(forwarded) : 0;

    /* From the right: each hop vouches for the one before it, as long as it is trusted itself. */
    while (end > 0 && peers_trust(peers, &client)) {
        size_t start = end;
        char text[HTTP_ADDRESS_SIZE] = "";

        while (start > 0 && forwarded[start - 1] != ',')
            start--;
        size_t first = start, last = end;
        while (first < last && (forwarded[first] == ' ' || forwarded[first] == '\t'))
            first++;
        while (last > first && (forwarded[last - 1] == ' ' || forwarded[last - 1] == '\t'))
            last--;
        if (last - first >= sizeof text)
            break;
        memcpy(text, forwarded + first, last - first);
        if (!parse_address(text, &client))
            break;
        end = start > 0 ? start - 1 : 0;
    }
    return client;
}

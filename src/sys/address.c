/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IPV4(a, b, c, d)                                                                           \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct {
    uint32_t network;
    int bits;
} not_public_v4[] = {
    { IPV4(0, 0, 0, 0), 8 },      { IPV4(10, 0, 0, 0), 8 },     { IPV4(100, 64, 0, 0), 10 },
    { IPV4(127, 0, 0, 0), 8 },    { IPV4(169, 254, 0, 0), 16 }, { IPV4(172, 16, 0, 0), 12 },
    { IPV4(192, 0, 0, 0), 24 },   { IPV4(192, 0, 2, 0), 24 },   { IPV4(192, 88, 99, 0), 24 },
    { IPV4(192, 168, 0, 0), 16 }, { IPV4(198, 18, 0, 0), 15 },  { IPV4(198, 51, 100, 0), 24 },
    { IPV4(203, 0, 113, 0), 24 }, { IPV4(224, 0, 0, 0), 4 },    { IPV4(240, 0, 0, 0), 4 },
};

static bool is_public_v4(uint32_t address)
{
    for (size_t i = 0; i < sizeof not_public_v4 / sizeof not_public_v4[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - not_public_v4[i].bits);

        if ((address & mask) == not_public_v4[i].network)
            return false;
    }
    return true;
}

static const struct {
    uint8_t network[4];
    int bits; /* at most 32 */
} not_public_v6[] = {
    { { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* protocols, Teredo among them */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02, 0x00, 0x00 }, 16 }, /* 6to4 */
    { { 0x3f, 0xff, 0x00, 0x00 }, 20 }, /* documentation */
};

static uint32_t word_of(const uint8_t bytes[static 4])
{
    return IPV4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

static bool is_public_v6(const struct in6_addr *address)
{
    uint32_t first = word_of(address->s6_addr);

    if (IN6_IS_ADDR_V4MAPPED(address))
        return is_public_v4(word_of(address->s6_addr + 12));
    if (first >> 29 != 1)
        return false;
    for (size_t i = 0; i < sizeof not_public_v6 / sizeof not_public_v6[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - not_public_v6[i].bits);

        if ((first & mask) == word_of(not_public_v6[i].network))
            return false;
    }
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        return is_public_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&v6, address, sizeof v6);
    return is_public_v6(&v6.sin6_addr);
}

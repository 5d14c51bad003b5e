/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/isolate_table.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "agent/slots.h"

enum { BITS_MAX = 32, NET_BITS_MIN = 8, BURST_MIN_BYTES = 256 * 1024 };

/* What no route leads to from the internet, and so only leads into somebody's own network. */
static const char private_networks[] =
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
    "192.0.0.0/24, 192.0.2.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/3";

/* Sets outlive a rebuilding, and chains are filled anew: `flush table` clears rules alone. */
static const char sets[] = " set guests { type ifname; }\n"
                           " set addresses { type ifname . ipv4_addr; flags interval; }\n"
                           " set private { type ipv4_addr; flags interval; auto-merge; }\n"
                           " set near { type ipv4_addr; flags interval; auto-merge; }\n"
                           " map up_limits { type ifname : limit; }\n"
                           " map down_limits { type ifname : limit; }\n";

/* Before anything is translated, counted or routed: who one says one is, and how fast. */
static const char before[] = " chain before {\n"
                             "  type filter hook prerouting priority -310; policy accept;\n"
                             "  iifname != @guests accept\n"
                             "  meta nfproto ipv6 drop\n"
                             "  iifname . ip saddr != @addresses drop\n"
                             "  limit name iifname map @up_limits drop\n"
                             " }\n";

/* To the host itself: answers, and a ping of the gateway. */
static const char input[] = " chain input {\n"
                            "  type filter hook input priority -10; policy accept;\n"
                            "  iifname != @guests accept\n"
                            "  ct state established,related accept\n"
                            "  icmp type echo-request limit rate 10/second accept\n"
                            "  reject with icmpx type admin-prohibited\n"
                            " }\n";

/* Answers to what came in by a published port go back to wherever that was. */
static const char forward[] = " chain from_guest {\n"
                              "  ct state invalid drop\n"
                              "  ct direction reply accept\n"
                              "  ip daddr @private reject with icmpx type admin-prohibited\n"
                              "  ip daddr @near reject with icmpx type admin-prohibited\n"
                              "  tcp dport 25 reject with tcp reset\n"
                              " }\n"
                              " chain to_guest {\n"
                              "  iifname @guests drop\n"
                              "  ct state established,related accept\n"
                              "  ct status dnat accept\n"
                              "  drop\n"
                              " }\n"
                              " chain forward {\n"
                              "  type filter hook forward priority -10; policy accept;\n"
                              "  oifname @guests meta nfproto ipv6 drop\n"
                              "  iifname @guests jump from_guest\n"
                              "  oifname @guests jump to_guest\n"
                              " }\n";

static const char after[] = " chain after {\n"
                            "  type filter hook postrouting priority 300; policy accept;\n"
                            "  oifname != @guests accept\n"
                            "  meta nfproto ipv6 drop\n"
                            "  limit name oifname map @down_limits drop\n"
                            " }\n";

static void add_network(struct buf *out, const struct isolate *isolate, struct in_addr address,
                        int bits)
{
    char text[INET_ADDRSTRLEN];

    (void)inet_ntop(AF_INET, &address, text, sizeof text);
    buf_printf(out, "add element inet %s near { %s/%d }\n", isolate->table, text, bits);
}

static void add_interface(struct buf *out, const struct isolate *isolate,
                          const struct ifaddrs *interface)
{
    if (interface->ifa_addr == NULL || interface->ifa_netmask == NULL ||
        interface->ifa_addr->sa_family != AF_INET)
        return;
    struct in_addr address =
        ((const struct sockaddr_in *)(const void *)interface->ifa_addr)->sin_addr;
    struct in_addr mask =
        ((const struct sockaddr_in *)(const void *)interface->ifa_netmask)->sin_addr;
    int bits = __builtin_popcount(mask.s_addr);

    /* A wider one than any real neighbourhood would close the internet; itself stays closed. */
    if (bits < NET_BITS_MIN)
        bits = BITS_MAX;
    else
        address.s_addr &= mask.s_addr;
    add_network(out, isolate, address, bits);
}

/* Whoever shares a network with the host, by whatever address, and the router's public one, which
 * leads back to us. */
static void add_neighbours(struct buf *out, const struct isolate *isolate)
{
    struct ifaddrs *interfaces = NULL;
    struct in_addr address;

    /* Until the public one is known, that which the agent before us knew stays. */
    if (*isolate->public_ip != '\0')
        buf_printf(out, "flush set inet %s near\n", isolate->table);
    if (inet_pton(AF_INET, isolate->public_ip, &address) == 1)
        add_network(out, isolate, address, BITS_MAX);
    if (getifaddrs(&interfaces) != 0)
        return;
    for (const struct ifaddrs *at = interfaces; at != NULL; at = at->ifa_next)
        add_interface(out, isolate, at);
    freeifaddrs(interfaces);
}

void isolate_table(struct buf *out, const struct isolate *isolate)
{
    const char *table = isolate->table;

    buf_printf(out, "table inet %s {\n%s}\nflush table inet %s\n", table, sets, table);
    buf_printf(out, "flush set inet %s private\nadd element inet %s private { %s }\n", table, table,
               private_networks);
    add_neighbours(out, isolate);
    buf_printf(out, "table inet %s {\n%s%s%s%s}\n", table, before, input, forward, after);
}

/* Beside what the kernel always lets through at once, which is a second's worth. */
static int64_t burst_bytes(int64_t bytes_per_second)
{
    int64_t burst = bytes_per_second / 8;

    return burst > BURST_MIN_BYTES ? burst : BURST_MIN_BYTES;
}

/* The kernel does not change a limit: what may be there is made sure of, and removed. */
static void drop_limit(struct buf *out, const struct isolate *isolate, const char *direction,
                       int64_t slot)
{
    const char *table = isolate->table;
    char bridge[SLOT_TEXT_SIZE];

    (void)slots_bridge(slot, bridge);
    buf_printf(out, "add limit inet %s %s_%s { rate over 1 bytes/second }\n", table, direction,
               bridge);
    buf_printf(out, "add element inet %s %s_limits { \"%s\" : \"%s_%s\" }\n", table, direction,
               bridge, direction, bridge);
    buf_printf(out, "delete element inet %s %s_limits { \"%s\" : \"%s_%s\" }\n", table, direction,
               bridge, direction, bridge);
    buf_printf(out, "delete limit inet %s %s_%s\n", table, direction, bridge);
}

static void set_limit(struct buf *out, const struct isolate *isolate, const char *direction,
                      int64_t slot, int64_t mbit)
{
    const char *table = isolate->table;
    int64_t rate = mbit * 1000000 / 8;
    char bridge[SLOT_TEXT_SIZE];

    drop_limit(out, isolate, direction, slot);
    if (mbit <= 0)
        return;
    (void)slots_bridge(slot, bridge);
    buf_printf(out,
               "add limit inet %s %s_%s { rate over %" PRId64 " bytes/second burst %" PRId64
               " bytes }\n",
               table, direction, bridge, rate, burst_bytes(rate));
    buf_printf(out, "add element inet %s %s_limits { \"%s\" : \"%s_%s\" }\n", table, direction,
               bridge, direction, bridge);
}

void isolate_guest(struct buf *out, const struct isolate *isolate, int64_t slot)
{
    char bridge[SLOT_TEXT_SIZE], subnet[SLOT_TEXT_SIZE];

    (void)slots_bridge(slot, bridge);
    buf_printf(out, "add element inet %s guests { \"%s\" }\n", isolate->table, bridge);
    buf_printf(out, "add element inet %s addresses { \"%s\" . %s }\n", isolate->table, bridge,
               slots_subnet(slot, subnet));
    set_limit(out, isolate, "up", slot, isolate->up_mbit);
    set_limit(out, isolate, "down", slot, isolate->down_mbit);
    add_neighbours(out, isolate);
}

void isolate_no_guest(struct buf *out, const struct isolate *isolate, int64_t slot)
{
    static const char *const verbs[] = { "add", "delete" };
    char bridge[SLOT_TEXT_SIZE], subnet[SLOT_TEXT_SIZE];

    (void)slots_bridge(slot, bridge);
    (void)slots_subnet(slot, subnet);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        buf_printf(out, "%s element inet %s addresses { \"%s\" . %s }\n", verbs[i], isolate->table,
                   bridge, subnet);
        buf_printf(out, "%s element inet %s guests { \"%s\" }\n", verbs[i], isolate->table, bridge);
    }
    drop_limit(out, isolate, "up", slot);
    drop_limit(out, isolate, "down", slot);
}

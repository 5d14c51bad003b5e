/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_limit.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

/* Where IPv4 lives in IPv6: ::ffff:0:0/96. */
static const uint64_t MAPPED = 0xffff00000000;

static uint64_t read_u64(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

struct limit_key limit_key_of(const struct sockaddr_storage *address)
{
    struct limit_key key = { 0, 0 };

    if (address->ss_family == AF_INET) {
        struct sockaddr_in four;

        memcpy(&four, address, sizeof(four));
        key.low = MAPPED | ntohl(four.sin_addr.s_addr);
    } else if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 six;

        memcpy(&six, address, sizeof(six));
        key.high = read_u64(six.sin6_addr.s6_addr);
        key.low = read_u64(six.sin6_addr.s6_addr + 8);
        /* A /64 is one customer. All of ::/64 is not one: there live IPv4 and loopback. */
        if (key.high != 0)
            key.low = 0;
    }
    return key;
}

static bool is_loopback(struct limit_key key)
{
    return key.high == 0 && (key.low == 1 || key.low >> 24 == (MAPPED >> 24 | 127));
}

static struct limit_entry *find(struct limit *limit, struct limit_key key)
{
    for (size_t i = 0; i < limit->count; i++)
        if (limit->entries[i].key.high == key.high && limit->entries[i].key.low == key.low)
            return &limit->entries[i];
    return NULL;
}

/* A place for a new address: a free one, or that of who was seen least lately and has nothing
 * under way. Pending ones are bounded below the size of the table, so there is one. */
static struct limit_entry *make_place(struct limit *limit)
{
    struct limit_entry *oldest = NULL;

    if (limit->count < LIMIT_ADDRESSES_MAX)
        return &limit->entries[limit->count++];
    for (size_t i = 0; i < limit->count; i++) {
        struct limit_entry *entry = &limit->entries[i];

        if (entry->pending == 0 && (oldest == NULL || entry->seen_ms < oldest->seen_ms))
            oldest = entry;
    }
    assert(oldest != NULL);
    return oldest;
}

_Static_assert(LIMIT_PENDING_MAX < LIMIT_ADDRESSES_MAX, "somebody in the table is not pending");

static bool admit_address(struct limit *limit, struct limit_key key, int64_t now_ms)
{
    struct limit_entry *entry = find(limit, key);

    if (entry == NULL) {
        entry = make_place(limit);
        *entry = (struct limit_entry){ .key = key, .seen_ms = now_ms };
    }
    int64_t passed = now_ms - entry->seen_ms;
    entry->seen_ms = now_ms;
    entry->spent_ms = entry->spent_ms > passed ? entry->spent_ms - passed : 0;
    if (entry->pending >= LIMIT_PENDING_PER_ADDRESS ||
        entry->spent_ms > (int64_t)(LIMIT_BURST - 1) * LIMIT_REFILL_MS)
        return false;
    entry->spent_ms += LIMIT_REFILL_MS;
    entry->pending++;
    return true;
}

bool limit_admit(struct limit *limit, struct limit_key key, int64_t now_ms)
{
    if (limit->pending >= LIMIT_PENDING_MAX)
        return false;
    if (!is_loopback(key) && !admit_address(limit, key, now_ms))
        return false;
    limit->pending++;
    return true;
}

void limit_release(struct limit *limit, struct limit_key key)
{
    struct limit_entry *entry = is_loopback(key) ? NULL : find(limit, key);

    assert(limit->pending > 0);
    limit->pending--;
    if (entry != NULL && entry->pending > 0)
        entry->pending--;
}

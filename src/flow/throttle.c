/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/throttle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "store/throttle.h"

enum { NAME_SIZE = 512, NETWORK_BYTES = 8 };

#define MINUTE_US (60 * US_PER_SECOND)

static const struct throttle_rule rules[THROTTLE_KINDS] = {
    [THROTTLE_ADDRESS] = { 100, 36 * US_PER_SECOND }, [THROTTLE_PASSWORD] = { 10, 6 * MINUTE_US },
    [THROTTLE_FACTOR] = { 5, US_PER_HOUR },           [THROTTLE_CODE] = { 10, 6 * MINUTE_US },
    [THROTTLE_MAIL] = { 4, 15 * MINUTE_US },          [THROTTLE_SIGN_UP] = { 20, 3 * MINUTE_US },
};

static struct throttle_rule rule_of(const struct flow *flow, enum throttle_kind kind)
{
    struct throttle_rule rule = rules[kind];

    rule.capacity *= flow->guess_factor;
    rule.refill_us /= flow->guess_factor;
    return rule;
}

/* Whoever has a network of IPv6 has as many addresses as they like: the network counts. */
static void network_of(const char *address, char text[static INET6_ADDRSTRLEN])
{
    struct in6_addr parsed;

    (void)snprintf(text, INET6_ADDRSTRLEN, "%s", address);
    if (inet_pton(AF_INET6, address, &parsed) != 1 || IN6_IS_ADDR_V4MAPPED(&parsed))
        return;
    memset(parsed.s6_addr + NETWORK_BYTES, 0, sizeof parsed.s6_addr - NETWORK_BYTES);
    (void)inet_ntop(AF_INET6, &parsed, text, INET6_ADDRSTRLEN);
}

static struct hash name_of(enum throttle_kind kind, const char *subject)
{
    char text[NAME_SIZE];
    int length = snprintf(text, sizeof text, "%d %s", (int)kind, subject);

    /* One that is cut counts for all that begin alike, which is no harm. */
    return crypto_sha256(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* The one or two buckets of a guess. */
struct bucket {
    struct hash name;
    struct throttle_rule rule;
};

static size_t buckets_of(const struct flow *flow, const struct guess *guess,
                         struct bucket buckets[static 2])
{
    char network[INET6_ADDRSTRLEN];
    size_t count = 0;

    if (flow->guess_factor == 0)
        return 0;
    if (guess->subject != NULL)
        buckets[count++] =
            (struct bucket){ name_of(guess->kind, guess->subject), rule_of(flow, guess->kind) };
    if (guess->address != NULL) {
        enum throttle_kind kind =
            guess->kind == THROTTLE_SIGN_UP ? THROTTLE_SIGN_UP : THROTTLE_ADDRESS;

        network_of(guess->address, network);
        buckets[count++] = (struct bucket){ name_of(kind, network), rule_of(flow, kind) };
    }
    return count;
}

bool throttle_guess(struct db *db, const struct flow *flow, const struct guess *guess,
                    struct instant now, int64_t *ret_wait_us, struct error *err)
{
    struct bucket buckets[2];
    size_t count = buckets_of(flow, guess, buckets);

    *ret_wait_us = 0;
    for (size_t i = 0; i < count && *ret_wait_us == 0; i++) {
        if (!throttle_take(db, &buckets[i].name, &buckets[i].rule, now, ret_wait_us, err))
            return false;
        /* Nothing is counted that is not judged. */
        if (*ret_wait_us > 0 && i > 0 &&
            !throttle_give_back(db, &buckets[0].name, &buckets[0].rule, now, err))
            return false;
    }
    return true;
}

bool throttle_right(struct db *db, const struct flow *flow, const struct guess *guess,
                    struct instant now, struct error *err)
{
    struct bucket buckets[2];
    size_t count = buckets_of(flow, guess, buckets);

    for (size_t i = 0; i < count; i++) {
        if (!throttle_give_back(db, &buckets[i].name, &buckets[i].rule, now, err))
            return false;
    }
    return true;
}

struct guess_work {
    const struct flow *flow;
    const struct guess *guess;
    struct instant now;
    int64_t wait_us;
};

static bool guess_work(struct db *db, void *context, struct error *err)
{
    struct guess_work *work = context;

    return throttle_guess(db, work->flow, work->guess, work->now, &work->wait_us, err);
}

bool flow_guess(const struct flow *flow, const struct guess *guess, int64_t *ret_wait_us,
                struct error *err)
{
    struct guess_work work = { .flow = flow, .guess = guess, .now = clock_now(flow->clock) };

    *ret_wait_us = 0;
    if (flow->guess_factor == 0)
        return true;
    if (!store_write(flow->store, guess_work, &work, err))
        return error_context(err, "count a guess");
    *ret_wait_us = work.wait_us;
    return true;
}

static bool right_work(struct db *db, void *context, struct error *err)
{
    struct guess_work *work = context;

    return throttle_right(db, work->flow, work->guess, work->now, err);
}

bool flow_guess_right(const struct flow *flow, const struct guess *guess, struct error *err)
{
    struct guess_work work = { .flow = flow, .guess = guess, .now = clock_now(flow->clock) };

    if (flow->guess_factor == 0)
        return true;
    return store_write(flow->store, right_work, &work, err) || error_context(err, "count a guess");
}

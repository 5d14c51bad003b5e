/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/access_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static struct limit_key key_of(const char *text)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(&address, &four, sizeof(four));
    } else {
        CHECK_INT(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
        memcpy(&address, &six, sizeof(six));
    }
    return limit_key_of(&address);
}

static bool same(const char *a, const char *b)
{
    struct limit_key left = key_of(a), right = key_of(b);

    return left.high == right.high && left.low == right.low;
}

static void test_an_address_is_one_wherever_it_is_written(void **state)
{
    (void)state;
    CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
    CHECK(!same("192.0.2.1", "192.0.2.2"));
    CHECK(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
    CHECK(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    CHECK(!same("::1", "::2"));
}

static void test_an_address_has_only_so_many_under_way(void **state)
{
    struct limit *limit = calloc(1, sizeof(*limit));
    struct limit_key one = key_of("192.0.2.1"), other = key_of("192.0.2.2");

    (void)state;
    for (int i = 0; i < LIMIT_PENDING_PER_ADDRESS; i++)
        CHECK(limit_admit(limit, one, 0));
    CHECK(!limit_admit(limit, one, 0));
    CHECK(limit_admit(limit, other, 0));
    limit_release(limit, one);
    CHECK(limit_admit(limit, one, 0));
    CHECK(!limit_admit(limit, one, 0));
    free(limit);
}

/* Connections that come and go cost the bucket, and time fills it again. */
static void test_a_bucket_empties_and_fills(void **state)
{
    struct limit *limit = calloc(1, sizeof(*limit));
    struct limit_key one = key_of("192.0.2.1");
    int64_t now_ms = 1000;

    (void)state;
    for (int i = 0; i < LIMIT_BURST; i++) {
        check_row("connection %d", i);
        CHECK(limit_admit(limit, one, now_ms));
        limit_release(limit, one);
    }
    CHECK(!limit_admit(limit, one, now_ms));
    CHECK(!limit_admit(limit, one, now_ms + LIMIT_REFILL_MS - 1));
    now_ms += LIMIT_REFILL_MS;
    CHECK(limit_admit(limit, one, now_ms));
    limit_release(limit, one);
    CHECK(!limit_admit(limit, one, now_ms));
    now_ms += (int64_t)LIMIT_BURST * LIMIT_REFILL_MS;
    for (int i = 0; i < LIMIT_BURST; i++) {
        CHECK(limit_admit(limit, one, now_ms));
        limit_release(limit, one);
    }
    CHECK(!limit_admit(limit, one, now_ms));
    free(limit);
}

static void test_loopback_has_no_bucket_but_all_have_an_end(void **state)
{
    static const char *const addresses[] = { "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1" };
    struct limit *limit = calloc(1, sizeof(*limit));

    (void)state;
    for (int i = 0; i < LIMIT_PENDING_MAX; i++)
        CHECK(limit_admit(limit, key_of(addresses[i % 4]), 0));
    CHECK(!limit_admit(limit, key_of("127.0.0.1"), 0));
    CHECK(!limit_admit(limit, key_of("192.0.2.1"), 0));
    limit_release(limit, key_of("127.0.0.1"));
    CHECK(limit_admit(limit, key_of("192.0.2.1"), 0));
    free(limit);
}

/* However many addresses come, and in whatever order they go, the counts are right and those
 * under way are never forgotten. */
static void test_the_table_holds_under_a_flood(void **state)
{
    enum { HELD_MAX = LIMIT_PENDING_MAX };
    struct limit *limit = calloc(1, sizeof(*limit));
    struct limit_key held[HELD_MAX];
    int held_count = 0;

    (void)state;
    for (int64_t step = 0; step < 20000; step++) {
        /* The first stays for ever, and is soon the one least seen. */
        if (held_count > 1 && check_random(3) == 0) {
            int which = 1 + (int)check_random((uint64_t)held_count - 1);

            limit_release(limit, held[which]);
            held[which] = held[--held_count];
        } else {
            struct limit_key key = { 0, UINT64_C(0xffff0a000000) + check_random(5000) };

            bool is_in = limit_admit(limit, key, step);
            CHECK(is_in || held_count == HELD_MAX);
            if (is_in)
                held[held_count++] = key;
        }
        CHECK_INT(limit->pending, held_count);
        CHECK(limit->count <= LIMIT_ADDRESSES_MAX);
    }
    int pending = 0;
    for (size_t i = 0; i < limit->count; i++)
        pending += limit->entries[i].pending;
    CHECK_INT(pending, held_count);
    free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_one_wherever_it_is_written),
        cmocka_unit_test(test_an_address_has_only_so_many_under_way),
        cmocka_unit_test(test_a_bucket_empties_and_fills),
        cmocka_unit_test(test_loopback_has_no_bucket_but_all_have_an_end),
        cmocka_unit_test(test_the_table_holds_under_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

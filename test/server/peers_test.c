/* SPDX-License-Identifier: Apache-2.0 */
#include "server/peers.h"

#include <arpa/inet.h>
#include <string.h>

#include "check.h"

static struct in6_addr at(const char *text)
{
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in v4 = { .sin_family = AF_INET };

    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        return peer_address((struct sockaddr *)&v6);
    CHECK_INT(inet_pton(AF_INET, text, &v4.sin_addr), 1);
    return peer_address((struct sockaddr *)&v4);
}

static struct peers *peers_with(const char *const *trusted, unsigned count_max)
{
    struct peers *peers = NULL;
    struct error err;

    CHECK_OK(peers_open(trusted, count_max, &peers, &err), &err);
    return peers;
}

static void test_the_client_is_who_the_last_trusted_hop_names(void **state)
{
    static const char *const trusted[] = { "10.0.0.1", "10.0.0.2", "fd00::1", NULL };
    static const struct {
        const char *peer, *forwarded, *client;
    } rows[] = {
        { "203.0.113.5", NULL, "203.0.113.5" },
        { "203.0.113.5", "192.0.2.1", "203.0.113.5" },
        { "10.0.0.1", NULL, "10.0.0.1" },
        { "10.0.0.1", "", "10.0.0.1" },
        { "10.0.0.1", "192.0.2.1", "192.0.2.1" },
        { "10.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1" },
        { "10.0.0.1", "192.0.2.1,10.0.0.2", "192.0.2.1" },
        { "10.0.0.1", " 192.0.2.1\t, 10.0.0.2 ", "192.0.2.1" },
        { "10.0.0.1", "10.0.0.2", "10.0.0.2" },
        { "10.0.0.1", "nonsense", "10.0.0.1" },
        { "10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1" },
        { "10.0.0.1", "192.0.2.1,", "10.0.0.1" },
        { "10.0.0.1", "2001:db8::7", "2001:db8::7" },
        { "fd00::1", "2001:db8::7", "2001:db8::7" },
        { "::ffff:10.0.0.1", "192.0.2.1", "192.0.2.1" },
        { "10.0.0.1", "11111111111111111111111111111111111111111111111111", "10.0.0.1" },
    };
    struct peers *peers = peers_with(trusted, 1);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct in6_addr peer = at(rows[i].peer);
        struct in6_addr client = peers_client(peers, &peer, rows[i].forwarded);
        char text[HTTP_ADDRESS_SIZE];

        check_row("%s, %s", rows[i].peer, rows[i].forwarded != NULL ? rows[i].forwarded : "-");
        CHECK_TEXT(peer_format(&client, text), rows[i].client);
    }
    peers_close(&peers);
}

static void test_addresses_are_counted_by_what_one_customer_has(void **state)
{
    static const char *const trusted[] = { "10.0.0.1", NULL };
    struct peers *peers = peers_with(trusted, 2);
    struct in6_addr a = at("192.0.2.1"), b = at("192.0.2.2"), proxy = at("10.0.0.1");
    struct in6_addr six = at("2001:db8::1"), neighbour = at("2001:db8::2");
    struct in6_addr other = at("2001:db8:0:1::1");

    (void)state;
    for (int i = 0; i < 2; i++) {
        CHECK(peers_admit(peers, &a));
        peers_enter(peers, &a);
    }
    CHECK(!peers_admit(peers, &a));
    CHECK(peers_admit(peers, &b));
    peers_leave(peers, &a);
    CHECK(peers_admit(peers, &a));
    peers_enter(peers, &six);
    peers_enter(peers, &neighbour);
    CHECK(!peers_admit(peers, &six));
    CHECK(peers_admit(peers, &other));
    for (int i = 0; i < 10; i++)
        peers_enter(peers, &proxy);
    CHECK(peers_admit(peers, &proxy));
    peers_close(&peers);
}

/* Many come and go in any order: nobody is forgotten, and nobody is counted who has left. */
static void test_counts_come_back_to_zero(void **state)
{
    enum { ADDRESSES = 500, STEPS = 20000 };
    struct peers *peers = peers_with(NULL, 3);
    unsigned counts[ADDRESSES] = { 0 };

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        size_t which = check_random(ADDRESSES);
        struct in6_addr address = { .s6_addr = { 0x20, 1, (uint8_t)(which >> 8), (uint8_t)which } };

        CHECK_INT(peers_admit(peers, &address), counts[which] < 3);
        if (counts[which] > 0 && (counts[which] == 3 || check_random(2) == 0)) {
            peers_leave(peers, &address);
            counts[which]--;
        } else {
            peers_enter(peers, &address);
            counts[which]++;
        }
    }
    peers_close(&peers);
}

static void test_a_proxy_that_is_no_address_is_refused(void **state)
{
    static const char *const trusted[] = { "10.0.0.1", "localhost", NULL };
    struct peers *peers = NULL;
    struct error err;

    (void)state;
    CHECK_FAILS(peers_open(trusted, 1, &peers, &err), &err, ERROR_INVALID);
    CHECK(peers == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_client_is_who_the_last_trusted_hop_names),
        cmocka_unit_test(test_addresses_are_counted_by_what_one_customer_has),
        cmocka_unit_test(test_counts_come_back_to_zero),
        cmocka_unit_test(test_a_proxy_that_is_no_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

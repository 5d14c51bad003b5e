/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "check.h"

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_public((const struct sockaddr *)&v4);
    CHECK_INT(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_public((const struct sockaddr *)&v6);
}

/* Each network: its first and last address are not public, what is just outside is. */
static void test_no_network_of_a_special_purpose_is_public(void **state)
{
    static const struct {
        const char *before, *first, *last, *after; /* NULL: what is there is special, too */
    } rows[] = {
        { NULL, "0.0.0.0", "0.255.255.255", "1.0.0.0" },
        { "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
        { "100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0" },
        { "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0" },
        { "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0" },
        { "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0" },
        { "191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0" },
        { "192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0" },
        { "192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0" },
        { "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0" },
        { "198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0" },
        { "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0" },
        { "203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0" },
        { "223.255.255.255", "224.0.0.0", "255.255.255.255", NULL },
        { NULL, "::", "1fff:ffff::", "2003::" },
        { NULL, "2001::", "2001:1ff:ffff::", "2001:200::" },
        { "2001:db7:ffff::", "2001:db8::", "2001:db8:ffff::", "2001:db9::" },
        { "2001:ffff:ffff::", "2002::", "2002:ffff:ffff::", "2003::" },
        { "3ffe:ffff::", "3fff::", "3fff:fff:ffff::", "3fff:1000::" },
        { "3fff:ffff:ffff::", "4000::", "ffff:ffff::", NULL },
        { NULL, "fc00::", "fdff:ffff::", NULL },
        { NULL, "fe80::", "fe80::1", NULL },
        { NULL, "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:8.8.8.8" },
        { NULL, "64:ff9b::7f00:1", "::1", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].first);
        CHECK(rows[i].before == NULL || is_public(rows[i].before));
        CHECK(!is_public(rows[i].first));
        CHECK(!is_public(rows[i].last));
        CHECK(rows[i].after == NULL || is_public(rows[i].after));
    }
}

static void test_what_is_no_internet_address_is_not_public(void **state)
{
    const struct sockaddr local = { .sa_family = AF_UNIX };

    (void)state;
    CHECK(!address_is_public(&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_network_of_a_special_purpose_is_public),
        cmocka_unit_test(test_what_is_no_internet_address_is_not_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

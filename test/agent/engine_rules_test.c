/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/engine_rules.h"

#include "check.h"

static void test_rules_of_ours_are_told_from_others(void **state)
{
    static const struct {
        const char *line;
        bool is_ours;
    } rows[] = {
        { "-A FORWARD -j DOCKER-USER", true },
        { "-A FORWARD -j DOCKER-ISOLATION-STAGE-1", true },
        { "-A FORWARD -o bt1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", true },
        { "-A FORWARD -i bt12 ! -o bt12 -j ACCEPT", true },
        { "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", true },
        { "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER", true },
        { "-A POSTROUTING -s 10.200.0.8/29 ! -o bt1 -j MASQUERADE", true },
        /* Inside a chain of Docker's: it goes with the chain. */
        { "-A DOCKER-USER -j RETURN", false },
        { "-A DOCKER-ISOLATION-STAGE-1 -i bt1 ! -o bt1 -j DOCKER-ISOLATION-STAGE-2", false },
        /* Somebody else's. */
        { "-P FORWARD DROP", false },
        { "-N DOCKER", false },
        { "-A FORWARD -i eth0 -j ACCEPT", false },
        { "-A FORWARD -i btrfs0 -j ACCEPT", false },
        { "-A FORWARD -i bt -j ACCEPT", false },
        { "-A FORWARD -i bt1x -j ACCEPT", false },
        { "-A FORWARD -m comment --comment bt1 -j ACCEPT", false },
        { "-A INPUT -j UFW-DOCKER", false },
        { "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].line);
        CHECK(engine_rules_is_ours(rows[i].line) == rows[i].is_ours);
    }
}

static void test_without_a_note_nothing_is_touched(void **state)
{
    struct error err;

    (void)state;
    CHECK_OK(engine_rules_undo("/nonexistent/engine", &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_of_ours_are_told_from_others),
        cmocka_unit_test(test_without_a_note_nothing_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

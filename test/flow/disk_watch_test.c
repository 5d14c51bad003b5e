/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/disk_watch.h"

#include <string.h>

#include "flow/instance_change.h"
#include "market/disk_watch.h"
#include "support.h"

enum { GB = 1024, BEAT_S = 20 };

/* Heartbeats that say how much of its disk an instance uses, `seconds` long. */
static void use(struct world *world, struct world_machine *machine, int64_t used_mb, int seconds)
{
    for (int passed = 0; passed < seconds; passed += BEAT_S) {
        auto_arena struct arena arena = arena_of(WORLD_ARENA);

        world_pass(world, BEAT_S * US_PER_SECOND);
        struct heartbeat heartbeat = world_obey(world, machine, &arena);
        for (int64_t i = 0; i < heartbeat.instance_count; i++)
            heartbeat.instances[i].disk_used_mb = used_mb;
        CHECK_INT(world_send(world, machine, &heartbeat), TAKE_DONE);
    }
}

static int64_t mails(struct world *world, const char *sql)
{
    return world_number(world, sql);
}

static void test_it_is_told_and_then_stopped_and_keeps_its_files(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t disk_gb = world_contract(&world, id).share.disk_gb;
    const char *low = "SELECT COUNT(*) FROM outbox WHERE body LIKE '%disk_low%'";
    const char *full = "SELECT COUNT(*) FROM outbox WHERE body LIKE '%disk_full%'";

    use(&world, &machine, disk_gb * GB * 9 / 10, 600);
    CHECK_INT(mails(&world, low), 0);
    use(&world, &machine, disk_gb * GB, 3600);
    CHECK_INT(mails(&world, low), 1);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    use(&world, &machine, disk_gb * GB / 2, BEAT_S);
    CHECK_INT(world_contract(&world, id).disk_warned.microseconds, 0);

    use(&world, &machine, disk_gb * GB + GB, 120);
    CHECK_INT(mails(&world, low), 2);
    CHECK_INT(mails(&world, full), 0);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    use(&world, &machine, disk_gb * GB + GB, BEAT_S);
    struct contract_row contract = world_contract(&world, id);
    CHECK_INT(contract.state, RENTAL_STOPPING);
    CHECK_INT(contract.reason, REASON_DISK_FULL);
    char want[64];
    (void)snprintf(want, sizeof want, "%lld.0 of %lld GB", (long long)disk_gb + 1,
                   (long long)disk_gb);
    CHECK_TEXT(contract.reason_detail, want);
    CHECK_INT(mails(&world, full), 1);
    world_pass(&world, US_PER_SECOND);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK_INT(world_contract(&world, id).state, RENTAL_STOPPED);
    CHECK_INT(world_contract(&world, id).destroyed.microseconds, 0);

    /* Started again it has time to delete something. */
    CHECK_OK(flow_start(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    use(&world, &machine, disk_gb * GB * 2, 120);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    use(&world, &machine, disk_gb * GB / 2, 3600);
    CHECK_INT(world_contract(&world, id).state, RENTAL_RUNNING);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_told_and_then_stopped_and_keeps_its_files),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

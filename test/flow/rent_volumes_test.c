/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rent_volumes.h"

#include <string.h>

#include "flow/desired.h"
#include "flow/disk_watch.h"
#include "flow/instance_change.h"
#include "flow/remake.h"
#include "market/disk_watch.h"
#include "support_volumes.h"

enum { GB = 1024 };

struct market {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t offer;
};

static void market_open(struct market *market, void *state)
{
    world_open(&market->world, state);
    market->ada = world_user(&market->world, "ada@berth.test", 25);
    market->bob = world_user(&market->world, "bob@berth.test", 25);
    world_host(&market->world, &market->machine, "a", 4);
    market->offer = volumes_offer(&market->world, &market->machine, 100, VOLUME_MONTH, 0);
}

static void market_close(struct market *market)
{
    world_check(&market->world);
    world_close(&market->world);
}

/* One GPU with 10 GB, without a volume yet. */
static struct rental_request some_request(struct market *market)
{
    return (struct rental_request){
        .offer_id = world_offer(&market->world, market->machine.id, 1),
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
    };
}

static struct rental_reply rent(struct market *market, struct caller renter,
                                const struct rental_request *request)
{
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&market->world.flow, &renter, request, &reply, &err), &err);
    return reply;
}

static struct desired_instance *desired_of(struct market *market, int64_t id)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&market->world.flow, market->machine.id, &market->world.arena, &desired,
                          &has, &err),
             &err);
    for (int64_t i = 0; i < desired.instance_count; i++)
        if (desired.instances[i].id == id)
            return &desired.instances[i];
    CHECK(false); /* there is such an instance */
    return NULL;
}

static void destroy(struct market *market, int64_t id)
{
    enum change_outcome outcome;
    struct error err;

    CHECK_OK(flow_destroy(&market->world.flow, &market->ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    world_pass(&market->world, US_PER_SECOND);
    CHECK_INT(world_beat(&market->world, &market->machine), TAKE_DONE);
    CHECK_INT(world_contract(&market->world, id).state, RENTAL_DESTROYED);
}

/* What was made in the same instant is paid for from that instant: nothing of the first hour is
 * forgotten, on either bill. */
static void test_one_that_is_made_with_its_instance_costs_from_then_on(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    int64_t before = world_credit(world, market.ada);
    struct rental_request request = some_request(&market);
    request.spec.runtype = "ssh";
    request.starts_stopped = true; /* so that nothing but disks is charged */
    request.volume = (struct rental_volume){ market.offer, 20, "data", "/data" };
    struct rental_reply reply = rent(&market, market.ada, &request);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    CHECK(reply.volume_id > 0 && reply.volume_id != reply.instance_id);
    CHECK_TEXT(world_contract(world, reply.volume_id).label, "data");

    world_run(world, &market.machine, 36 * US_PER_HOUR);
    CHECK_INT(volumes_charged(world, reply.volume_id), 100000000);
    /* $0.15 x 10 GB x 36 h / 720 h. */
    CHECK_INT(volumes_charged(world, reply.instance_id), 75000000);
    CHECK_INT(before - world_credit(world, market.ada), 175000000);

    const struct instance_spec *spec = &desired_of(&market, reply.instance_id)->spec;
    CHECK_INT(spec->volume_count, 1);
    CHECK_INT(spec->volumes[0].id, reply.volume_id);
    CHECK_INT(spec->volumes[0].size_gb, 20);
    CHECK_TEXT(spec->volumes[0].path, "/data");
    market_close(&market);
}

static void test_it_outlives_its_instance_and_the_next_one_mounts_it(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    struct rental_request request = some_request(&market);
    request.volume = (struct rental_volume){ market.offer, 20, NULL, "/data" };
    struct rental_reply first = rent(&market, market.ada, &request);
    CHECK_INT(first.outcome, RENTAL_MADE);
    world_run(world, &market.machine, 60 * US_PER_SECOND);
    struct volume_delete_reply refused = volumes_delete(world, market.ada, first.volume_id);
    CHECK_INT(refused.outcome, VOLUME_IN_USE);
    CHECK_INT(refused.instance_id, first.instance_id);
    destroy(&market, first.instance_id);
    CHECK_INT(volumes_count(world, market.ada), 1);

    struct spec_volume mount = { first.volume_id, 1, "/mnt/old" };
    struct rental_request again = some_request(&market);
    again.spec.volumes = &mount;
    again.spec.volume_count = 1;
    struct rental_reply second = rent(&market, market.ada, &again);
    CHECK_INT(second.outcome, RENTAL_MADE);
    CHECK_INT(second.volume_id, 0);
    const struct instance_spec *spec = &desired_of(&market, second.instance_id)->spec;
    CHECK_INT(spec->volume_count, 1);
    CHECK_INT(spec->volumes[0].size_gb, 20);
    CHECK_TEXT(spec->volumes[0].path, "/mnt/old");
    CHECK_INT(volumes_delete(world, market.ada, first.volume_id).outcome, VOLUME_IN_USE);
    destroy(&market, second.instance_id);
    CHECK_INT(volumes_delete(world, market.ada, first.volume_id).outcome, VOLUME_DELETED);
    market_close(&market);
}

static void test_only_ones_own_of_that_machine_are_mounted(void **state)
{
    struct market market;
    struct world *world = &market.world;
    struct world_machine other;

    market_open(&market, *state);
    world_host(world, &other, "b", 1);
    int64_t elsewhere =
        volumes_make(world, market.ada, volumes_offer(world, &other, 50, VOLUME_MONTH, 0), 5).id;
    int64_t bobs = volumes_make(world, market.bob, market.offer, 5).id;
    int64_t gone = volumes_make(world, market.ada, market.offer, 5).id;
    CHECK_INT(volumes_delete(world, market.ada, gone).outcome, VOLUME_DELETED);
    struct hash before = world_dump(world);
    const int64_t ids[] = { elsewhere, bobs, gone, 987654321 };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct spec_volume mount = { ids[i], 1, "/data" };
        struct rental_request request = some_request(&market);

        check_row("%zu", i);
        request.spec.volumes = &mount;
        request.spec.volume_count = 1;
        struct rental_reply reply = rent(&market, market.ada, &request);
        CHECK_INT(reply.outcome, RENTAL_BAD_VOLUME);
        CHECK_INT(reply.volume_id, ids[i]);
    }
    CHECK_UNCHANGED(world, before);
    market_close(&market);
}

/* The credit has to last for both, the disk for both, and nothing is made of one without the
 * other. */
static void test_both_are_made_or_neither(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    struct rental_request request = some_request(&market);
    int64_t disk_gb = market.machine.facts.disk_gb;
    int64_t dear = volumes_offer(world, &market.machine, disk_gb, INT64_C(1000000000000), 0);
    struct hash before = world_dump(world);

    /* $1000 x 20 GB / 720 h are $27.78 an hour. */
    request.volume = (struct rental_volume){ dear, 20, NULL, "/data" };
    struct rental_reply reply = rent(&market, market.ada, &request);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_NO_CREDIT);
    CHECK(reply.is_about_volume);
    /* $1000 x 17 GB / 720 h are $23.61: alone it could be had, with 4 GPUs at $1.44 not. */
    request.offer_id = world_offer(world, market.machine.id, 4);
    request.volume.size_gb = 17;
    reply = rent(&market, market.ada, &request);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_NO_CREDIT);
    CHECK(!reply.is_about_volume);
    CHECK_INT(volumes_make(world, market.ada, dear, disk_gb + 1).outcome, RENT_DISK_TOO_LARGE);
    CHECK_UNCHANGED(world, before);

    int64_t cheap = volumes_offer(world, &market.machine, disk_gb, 0, 0);
    request.volume = (struct rental_volume){ cheap, disk_gb - 5, NULL, "/data" };
    before = world_dump(world);
    reply = rent(&market, market.ada, &request);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_DISK_TOO_LARGE);
    CHECK(!reply.is_about_volume);
    CHECK_UNCHANGED(world, before);
    request.volume.size_gb = disk_gb - 10;
    CHECK_INT(rent(&market, market.ada, &request).outcome, RENTAL_MADE);
    market_close(&market);
}

/* A repetition of the same request is the same rental, and makes no second volume. */
static void test_asked_twice_it_is_made_once(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    struct rental_request request = some_request(&market);
    request.volume = (struct rental_volume){ market.offer, 20, NULL, "/data" };
    struct rental_reply first = rent(&market, market.ada, &request);
    struct rental_reply again = rent(&market, market.ada, &request);
    CHECK_INT(again.outcome, RENTAL_REPEATED);
    CHECK_INT(again.instance_id, first.instance_id);
    CHECK_INT(volumes_count(world, market.ada), 1);
    request.volume.size_gb = 21;
    CHECK_INT(rent(&market, market.ada, &request).outcome, RENTAL_REFUSED);
    market_close(&market);
}

static void test_an_instance_that_is_made_again_keeps_its_volumes(void **state)
{
    struct market market;
    struct world *world = &market.world;
    struct instance_spec launch = { .image = "debian:12", .runtype = "ssh" };
    struct remake_reply done;
    struct error err;

    market_open(&market, *state);
    struct rental_request request = some_request(&market);
    request.volume = (struct rental_volume){ market.offer, 20, NULL, "/data" };
    int64_t id = rent(&market, market.ada, &request).instance_id;
    world_run(world, &market.machine, 60 * US_PER_SECOND);
    struct remake_request remake = { .instance_id = id, .launch = &launch };
    CHECK_OK(flow_remake(&world->flow, &market.ada, &remake, &done, &err), &err);
    CHECK_INT(done.outcome, REMAKE_DONE);
    const struct instance_spec *spec = &desired_of(&market, id)->spec;
    CHECK_TEXT(spec->image, "debian:12");
    CHECK_INT(spec->volume_count, 1);
    market_close(&market);
}

/* Heartbeats for so long that say how much is in a volume. */
static void fill(struct market *market, int64_t volume_id, int64_t used_mb, int seconds)
{
    struct world *world = &market->world;

    for (int passed = 0; passed < seconds; passed += 20) {
        auto_arena struct arena arena = arena_of(WORLD_ARENA);

        world_pass(world, 20 * US_PER_SECOND);
        struct heartbeat heartbeat = world_obey(world, &market->machine, &arena);
        struct instance_report *reports =
            arena_alloc(&arena, (size_t)heartbeat.instance_count + 1, sizeof *reports);
        memcpy(reports, heartbeat.instances, (size_t)heartbeat.instance_count * sizeof *reports);
        reports[heartbeat.instance_count++] = (struct instance_report){
            .id = volume_id,
            .phase = PHASE_STOPPED,
            .start_token = "",
            .exit_code = -1,
            .disk_used_mb = used_mb,
            .cpu_permille = -1,
            .ram_used_mb = -1,
            .gpu_permille = -1,
            .message = "",
        };
        heartbeat.instances = reports;
        CHECK_INT(world_send(world, &market->machine, &heartbeat), TAKE_DONE);
    }
}

static void test_one_that_is_outgrown_stops_what_mounts_it(void **state)
{
    struct market market;
    struct world *world = &market.world;

    market_open(&market, *state);
    struct rental_request request = some_request(&market);
    request.volume = (struct rental_volume){ market.offer, 20, NULL, "/data" };
    struct rental_reply made = rent(&market, market.ada, &request);
    int64_t bystander = world_running(world, &market.machine, market.ada, 1);
    world_run(world, &market.machine, 300 * US_PER_SECOND);
    fill(&market, made.volume_id, 18 * GB, 600);
    CHECK_INT(world_contract(world, made.instance_id).state, RENTAL_RUNNING);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM outbox"), 0);
    fill(&market, made.volume_id, 21 * GB, 120);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%disk_low%'"), 1);
    CHECK_INT(world_contract(world, made.instance_id).state, RENTAL_RUNNING);
    fill(&market, made.volume_id, 21 * GB, 40);
    CHECK_INT(world_contract(world, made.instance_id).reason, REASON_DISK_FULL);
    CHECK_INT(rental_intent(world_contract(world, made.instance_id).state), RENTAL_STOP);
    CHECK_INT(world_contract(world, bystander).state, RENTAL_RUNNING);
    CHECK_INT(world_contract(world, made.volume_id).state, RENTAL_STOPPED);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%disk_full%'"), 1);
    market_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_that_is_made_with_its_instance_costs_from_then_on),
        cmocka_unit_test(test_it_outlives_its_instance_and_the_next_one_mounts_it),
        cmocka_unit_test(test_only_ones_own_of_that_machine_are_mounted),
        cmocka_unit_test(test_both_are_made_or_neither),
        cmocka_unit_test(test_asked_twice_it_is_made_once),
        cmocka_unit_test(test_an_instance_that_is_made_again_keeps_its_volumes),
        cmocka_unit_test(test_one_that_is_outgrown_stops_what_mounts_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

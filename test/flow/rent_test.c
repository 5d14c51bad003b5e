/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rent.h"

#include <pthread.h>
#include <string.h>

#include "flow/account.h"
#include "flow/admin.h"
#include "flow/desired.h"
#include "flow/instance.h"
#include "flow/list_machine.h"
#include "flow/ssh_keys.h"
#include "flow/usage.h"
#include "support.h"

static struct rental_request request_of(int64_t offer_id)
{
    return (struct rental_request){
        .offer_id = offer_id,
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 10 },
    };
}

static struct rental_reply rent(struct world *world, struct caller renter,
                                const struct rental_request *request)
{
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&world->flow, &renter, request, &reply, &err), &err);
    return reply;
}

static void test_an_instance_runs_and_is_charged_to_the_second(void **state)
{
    struct world world;
    struct world_machine machine;
    enum change_outcome outcome;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    int64_t id = world_running(&world, &machine, ada, 1);
    world_check(&world);

    /* 754 s at $0.36 an hour are $0.0754; 10 GB at $0.15 a month for as long. */
    world_run(&world, &machine, 754 * US_PER_SECOND);
    int64_t disk = INT64_C(150000000) * 10 * 754 / 2592000;
    CHECK_INT(world_charged(&world, ada, id), 75400000 + disk);
    CHECK_INT(world_credit(&world, ada), INT64_C(25000000000) - 75400000 - disk);

    CHECK_OK(flow_stop(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_INT(world_charged(&world, ada, id), 75400000 + disk);
    world_check(&world);
    world_close(&world);
}

static void test_what_storage_costs_out_of_contact_is_agreed(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    int64_t charged = world_running(&world, &machine, ada, 1);
    world.flow.skips_disk_offline = true;
    int64_t skipped = world_running(&world, &machine, ada, 1);
    CHECK_INT(world_contract(&world, charged).disk_offline_us, USAGE_DISK_OFFLINE_US);
    CHECK_INT(world_contract(&world, skipped).disk_offline_us, 0);
    world_close(&world);
}

static void test_what_was_asked_is_what_the_host_gets(void **state)
{
    struct spec_variable env[] = { { "TZ", "UTC" }, { "A", "b=c" } };
    struct spec_port ports[] = { { 8081, false }, { 70000, true } };
    const char *args[] = { "-c", "echo 'hi'" };
    struct world world;
    struct world_machine machine;
    struct desired desired;
    struct error err;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    struct ssh_keys_reply key;
    CHECK_OK(flow_ssh_key_add(&world.flow, &ada, KEY_ED25519, &world.arena, &key, &err), &err);

    struct rental_request request = request_of(world_offer(&world, machine.id, 2));
    request.label = "train";
    request.spec.env = env;
    request.spec.env_count = 2;
    request.spec.ports = ports;
    request.spec.port_count = 2;
    request.spec.args = args;
    request.spec.arg_count = 2;
    request.spec.onstart = "touch /ready\n";
    request.spec.registry_login = "-u ada -p secret registry.test";
    struct rental_reply reply = rent(&world, ada, &request);
    CHECK_INT(reply.outcome, RENTAL_MADE);

    CHECK_OK(flow_desired(&world.flow, machine.id, &world.arena, &desired, &has, &err), &err);
    CHECK_INT(desired.instance_count, 1);
    const struct desired_instance *instance = &desired.instances[0];
    CHECK_INT(instance->id, reply.instance_id);
    CHECK_INT(instance->state, DESIRED_RUNNING);
    CHECK_INT(instance->gpu_count, 2);
    CHECK_TEXT(instance->gpus[0], "GPU-a-0");
    CHECK_TEXT(instance->spec.image, "ubuntu:24.04");
    CHECK_TEXT(instance->spec.env[1].value, "b=c");
    CHECK_INT(instance->spec.ports[1].port, 70000);
    CHECK(instance->spec.ports[1].is_udp);
    CHECK_TEXT(instance->spec.args[1], "echo 'hi'");
    CHECK_TEXT(instance->spec.onstart, "touch /ready\n");
    CHECK_TEXT(instance->spec.registry_login, "-u ada -p secret registry.test");
    CHECK_TEXT(instance->spec.ssh_keys[0], KEY_ED25519);
    /* Half of the machine's GPUs: half of its threads and memory, and the disk that was rented. */
    CHECK_INT(instance->spec.cpu_millis, 8000);
    CHECK_INT(instance->spec.ram_mb, 32768);
    CHECK_INT(instance->spec.disk_gb, 10);
    CHECK_TEXT(world_instance(&world, ada, reply.instance_id).contract->label, "train");
    world_check(&world);
    world_close(&world);
}

static void test_an_instance_has_a_key_that_opens_it_alone(void **state)
{
    struct world world;
    struct world_machine machine;
    struct caller caller;
    struct error err;
    bool is_known;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    struct rental_reply first = world_rent(&world, ada, world_offer(&world, machine.id, 1));
    struct rental_reply second = world_rent(&world, ada, world_offer(&world, machine.id, 1));
    struct hash hash = crypto_sha256(first.api_key, strlen(first.api_key));
    CHECK_OK(flow_authenticate(&world.flow, &hash, &caller, &is_known, &err), &err);
    CHECK(is_known);
    CHECK_INT(caller.instance_id, first.instance_id);
    CHECK_INT(caller.scopes, SCOPE_INSTANCE_READ | SCOPE_INSTANCE_WRITE);

    struct instance_view *views, view;
    enum change_outcome outcome;
    size_t count;
    bool has;
    CHECK_OK(flow_instance_list(&world.flow, &caller, &world.arena, &views, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_OK(flow_instance_show(&world.flow, &caller, second.instance_id, &world.arena, &view, &has,
                                &err),
             &err);
    CHECK(!has);
    CHECK_OK(flow_destroy(&world.flow, &caller, second.instance_id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_NO_INSTANCE);
    /* It cannot rent. */
    struct rental_request request = request_of(world_offer(&world, machine.id, 1));
    CHECK_INT(rent(&world, caller, &request).outcome, RENTAL_REFUSED);
    /* And it ends with its instance. */
    CHECK_OK(flow_destroy(&world.flow, &caller, first.instance_id, &outcome, &err), &err);
    CHECK_INT(outcome, CHANGE_DONE);
    CHECK_OK(flow_authenticate(&world.flow, &hash, &caller, &is_known, &err), &err);
    CHECK(!is_known);
    world_close(&world);
}

static void test_an_offer_is_rented_once_and_the_rest_offered_anew(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    int64_t one = world_offer(&world, machine.id, 1), two = world_offer(&world, machine.id, 2);
    CHECK(world_offer(&world, machine.id, 4) != 0);
    CHECK_INT(world_rent(&world, ada, one).outcome, RENTAL_MADE);
    CHECK_INT(world_offer(&world, machine.id, 4), 0);
    CHECK_INT(world_offer(&world, machine.id, 2), two);
    CHECK(world_offer(&world, machine.id, 1) > one);

    struct rental_reply late = world_rent(&world, bob, one);
    CHECK_INT(late.outcome, RENTAL_REFUSED);
    CHECK_INT(late.refusal, RENT_NO_SUCH_OFFER);
    CHECK_INT(world_rent(&world, bob, two).outcome, RENTAL_MADE);
    CHECK_INT(world_offer(&world, machine.id, 2), 0);
    CHECK_INT(world_rent(&world, bob, world_offer(&world, machine.id, 1)).outcome, RENTAL_MADE);
    CHECK_INT(world_offer(&world, machine.id, 1), 0);
    world_check(&world);
    world_close(&world);
}

static void test_a_machine_without_gpus_is_rented_whole(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "cpu", 0);
    int64_t id = world_running(&world, &machine, ada, 0);
    CHECK_INT(world_offer(&world, machine.id, 0), 0);
    world_run(&world, &machine, 10 * US_PER_SECOND);
    CHECK(world_charged(&world, ada, id) >= 10 * 100000);

    struct instance_view view = world_instance(&world, ada, id);
    CHECK_INT((int64_t)view.gpus_held, 1);
    CHECK_INT(view.contract->share.cpu_millis, 16000);
    enum change_outcome outcome;
    struct error err;
    CHECK_OK(flow_destroy(&world.flow, &ada, id, &outcome, &err), &err);
    CHECK_INT(world_offer(&world, machine.id, 0), 0);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    CHECK(world_offer(&world, machine.id, 0) != 0);
    world_check(&world);
    world_close(&world);
}

static void test_the_same_request_again_is_the_same_rental(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller bob = world_user(&world, "bob@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    int64_t offer_id = world_offer(&world, machine.id, 1);
    struct rental_request request = request_of(offer_id);
    struct rental_reply first = rent(&world, ada, &request);
    struct hash before = world_dump(&world);
    clock_advance(&world.clock, RENT_AGAIN_SECONDS * US_PER_SECOND - 1);
    struct rental_reply again = rent(&world, ada, &request);
    CHECK_INT(again.outcome, RENTAL_REPEATED);
    CHECK_INT(again.instance_id, first.instance_id);
    CHECK_TEXT(again.api_key, "");
    /* Not by another renter, not with another spec, not much later. */
    CHECK_INT(rent(&world, bob, &request).outcome, RENTAL_REFUSED);
    request.label = "x";
    CHECK_INT(rent(&world, ada, &request).outcome, RENTAL_REFUSED);
    request.label = NULL;
    clock_advance(&world.clock, 1);
    CHECK_INT(rent(&world, ada, &request).outcome, RENTAL_REFUSED);
    CHECK_UNCHANGED(&world, before);
    world_close(&world);
}

static void test_refusals_leave_nothing_behind(void **state)
{
    struct world world;
    struct world_machine machine;
    enum list_machine_outcome unlisted;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    struct caller pat = world_user(&world, "pat@berth.test", 0);
    world_host(&world, &machine, "a", 1);
    int64_t offer_id = world_offer(&world, machine.id, 1);
    struct hash before = world_dump(&world);
    struct rental_request request = request_of(offer_id);

    CHECK_INT(rent(&world, pat, &request).refusal, RENT_NO_CREDIT);
    request.spec.disk_gb = 1001;
    CHECK_INT(rent(&world, ada, &request).refusal, RENT_DISK_TOO_LARGE);
    request.spec.disk_gb = 0;
    CHECK_INT(rent(&world, ada, &request).refusal, RENT_BAD_DISK);
    request = request_of(99999);
    CHECK_INT(rent(&world, ada, &request).refusal, RENT_NO_SUCH_OFFER);

    request = request_of(offer_id);
    request.spec.image = NULL;
    CHECK_INT(rent(&world, ada, &request).outcome, RENTAL_BAD_SPEC);
    request.spec.image = "../etc/passwd";
    struct rental_reply reply = rent(&world, ada, &request);
    CHECK_INT(reply.outcome, RENTAL_BAD_SPEC);
    CHECK(reply.why[0] != '\0');
    request.spec.image = "ubuntu";
    struct spec_variable bad = { "A=B", "c" };
    request.spec.env = &bad;
    request.spec.env_count = 1;
    CHECK_INT(rent(&world, ada, &request).outcome, RENTAL_BAD_SPEC);

    char label[LABEL_LENGTH_MAX + 2];
    memset(label, 'x', sizeof label);
    label[sizeof label - 1] = '\0';
    request = request_of(offer_id);
    request.label = label;
    CHECK_INT(rent(&world, ada, &request).outcome, RENTAL_BAD_LABEL);
    CHECK_UNCHANGED(&world, before);
    request.label = label + 1;
    CHECK_INT(rent(&world, ada, &request).outcome, RENTAL_MADE);

    struct world_machine other;
    world_host(&world, &other, "b", 1);
    request = request_of(world_offer(&world, other.id, 1));
    CHECK_OK(flow_unlist_machine(&world.flow, &other.host, other.id, &unlisted, &err), &err);
    CHECK_INT(rent(&world, ada, &request).refusal, RENT_NO_SUCH_OFFER);
    world_close(&world);
}

static void test_one_created_stopped_takes_no_gpu_and_charges_its_disk(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 1);
    struct rental_request request = request_of(world_offer(&world, machine.id, 1));
    request.starts_stopped = true;
    struct rental_reply reply = rent(&world, ada, &request);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    CHECK(world_offer(&world, machine.id, 1) != 0);
    world_run(&world, &machine, 3600 * US_PER_SECOND);
    CHECK_INT(world_charged(&world, ada, reply.instance_id), INT64_C(1500000000) * 3600 / 2592000);
    CHECK_TEXT(world_instance(&world, ada, reply.instance_id).status.actual_status, "stopped");
    world_check(&world);
    world_close(&world);
}

struct racer {
    struct world *world;
    struct caller renter;
    int64_t offer_id;
    struct rental_reply reply;
    struct error err;
    bool is_ok;
};

static void *race(void *context)
{
    struct racer *racer = context;
    struct rental_request request = request_of(racer->offer_id);

    racer->is_ok =
        flow_rent(&racer->world->flow, &racer->renter, &request, &racer->reply, &racer->err);
    return NULL;
}

static void test_of_many_who_want_one_offer_one_gets_it(void **state)
{
    enum { RACERS = 6 };
    struct world world;
    struct world_machine machine;
    struct racer racers[RACERS];
    pthread_t threads[RACERS];

    world_open(&world, *state);
    struct caller renters[RACERS];
    for (int i = 0; i < RACERS; i++)
        renters[i] = world_user(&world, arena_printf(&world.arena, "r%d@berth.test", i), 25);
    world_host(&world, &machine, "a", 4);
    for (int round = 0; round < 2; round++) {
        int64_t offer_id = world_offer(&world, machine.id, 2);
        int made = 0;

        for (int i = 0; i < RACERS; i++) {
            racers[i] = (struct racer){ &world, renters[i], offer_id, { 0 }, { 0 }, false };
            CHECK_INT(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (int i = 0; i < RACERS; i++) {
            CHECK_INT(pthread_join(threads[i], NULL), 0);
            CHECK_OK(racers[i].is_ok, &racers[i].err);
            made += racers[i].reply.outcome == RENTAL_MADE;
        }
        CHECK_INT(made, 1);
        world_check(&world);
    }
    CHECK_INT(world_offer(&world, machine.id, 1), 0);
    world_close(&world);
}

/* $0.36 an hour and a little for the disk: one goes, two do not, until the operator says more. */
static void test_nobody_spends_faster_than_they_may(void **state)
{
    static struct world_machine machines[2];
    struct world world;
    enum admin_outcome outcome;
    struct error err;

    world_open(&world, *state);
    world.flow.spend_cap = (struct money){ 400000000 };
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machines[0], "a", 1);
    world_host(&world, &machines[1], "b", 1);
    CHECK_INT(world_rent(&world, ada, world_offer(&world, machines[0].id, 1)).outcome, RENTAL_MADE);
    int64_t other = world_offer(&world, machines[1].id, 1);
    struct hash before = world_dump(&world);
    struct rental_reply reply = world_rent(&world, ada, other);
    CHECK_INT(reply.outcome, RENTAL_REFUSED);
    CHECK_INT(reply.refusal, RENT_SPEND_CAP);
    CHECK_UNCHANGED(&world, before);
    CHECK_OK(flow_set_spend_cap(&world.flow, ada.user_id, (struct money){ NANODOLLARS_PER_DOLLAR },
                                &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_DONE);
    CHECK_INT(world_rent(&world, ada, other).outcome, RENTAL_MADE);
    CHECK_OK(flow_set_spend_cap(&world.flow, 9999, (struct money){ 1 }, &outcome, &err), &err);
    CHECK_INT(outcome, ADMIN_NOT_FOUND);
    CHECK_OK(flow_set_spend_cap(&world.flow, ada.user_id, (struct money){ -1 }, &outcome, &err),
             &err);
    CHECK_INT(outcome, ADMIN_BAD_AMOUNT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_spends_faster_than_they_may),
        cmocka_unit_test(test_an_instance_runs_and_is_charged_to_the_second),
        cmocka_unit_test(test_what_storage_costs_out_of_contact_is_agreed),
        cmocka_unit_test(test_what_was_asked_is_what_the_host_gets),
        cmocka_unit_test(test_an_instance_has_a_key_that_opens_it_alone),
        cmocka_unit_test(test_an_offer_is_rented_once_and_the_rest_offered_anew),
        cmocka_unit_test(test_a_machine_without_gpus_is_rented_whole),
        cmocka_unit_test(test_the_same_request_again_is_the_same_rental),
        cmocka_unit_test(test_refusals_leave_nothing_behind),
        cmocka_unit_test(test_one_created_stopped_takes_no_gpu_and_charges_its_disk),
        cmocka_unit_test(test_of_many_who_want_one_offer_one_gets_it),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

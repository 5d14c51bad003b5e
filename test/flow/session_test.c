/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flow/admin.h"
#include "support.h"

enum { WAIT_MS = 20000 };

struct hello {
    struct session_request request;
    const struct key_pair *keys;
};

static struct hello hello_of(struct world *world, const struct world_machine *machine)
{
    struct hello hello = { .request = { .machine_id = machine->id,
                                        .boot_id = "boot-1",
                                        .agent_incarnation = 2,
                                        .facts = machine->facts },
                           .keys = &machine->keys };
    struct error err;

    memcpy(hello.request.fingerprint, machine->fingerprint, 32);
    CHECK_OK(flow_session_nonce(&world->flow, machine->id, hello.request.nonce, &err), &err);
    return hello;
}

/* All of it holds for both ways in: main() runs it twice. */
static bool sends_later;

struct answer {
    atomic_bool is_there;
    bool is_stored;
    struct session_open_reply reply;
};

static void hear(void *context, const struct session_open_reply *reply, const struct error *err)
{
    struct answer *answer = context;

    (void)err;
    answer->is_stored = reply != NULL;
    if (answer->is_stored)
        answer->reply = *reply;
    atomic_store(&answer->is_there, true);
}

static void wait_for(const struct answer *answer)
{
    for (int i = 0; !atomic_load(&answer->is_there) && i < WAIT_MS; i++)
        (void)usleep(1000);
    CHECK(answer->is_there && answer->is_stored);
}

static void send_later(struct world *world, struct hello *hello, struct arena *arena,
                       struct answer *answer)
{
    flow_session_open_later(&world->flow,
                            &(struct session_open_call){ .request = &hello->request,
                                                         .server_proc = "proc-7",
                                                         .arena = arena,
                                                         .listener = { hear, answer } });
}

static void sign(struct hello *hello)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);

    hello_signed(&text, &hello->request);
    struct signature signature = crypto_sign_with(hello->keys, text.bytes, text.length);
    memcpy(hello->request.signature, signature.bytes, 64);
}

static struct session_open_reply send(struct world *world, struct hello *hello)
{
    auto_arena struct arena arena = arena_of(PROTO_BODY_MAX);
    struct session_open_reply reply;
    struct answer answer = { 0 };
    struct error err;

    sign(hello);
    if (sends_later) {
        send_later(world, hello, &arena, &answer);
        wait_for(&answer);
        return answer.reply;
    }
    CHECK_OK(flow_session_open(&world->flow, &hello->request, "proc-7", &reply, &err), &err);
    return reply;
}

static void test_each_session_has_the_next_epoch(void **state)
{
    struct world world;
    struct world_machine machine;
    struct session_identity identity;
    struct error err;
    bool has;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT(machine.epoch, 1);
    struct hello hello = hello_of(&world, &machine);
    struct session_open_reply reply = send(&world, &hello);
    CHECK_INT(reply.outcome, SESSION_OPEN);
    CHECK_INT(reply.reply.session_epoch, 2);
    CHECK_INT(reply.reply.lease_ms, 30000);
    CHECK_OK(flow_session_identity(&world.flow, machine.id, &identity, &has, &err), &err);
    CHECK(has);
    CHECK_INT(identity.epoch, 2);
    CHECK(memcmp(identity.public_key, machine.keys.public_key, 32) == 0);
    CHECK_OK(flow_session_identity(&world.flow, 99999, &identity, &has, &err), &err);
    CHECK(!has);
    world_close(&world);
}

static struct session_open_reply open_as(struct world *world, const struct world_machine *machine,
                                         const char *boot_id)
{
    struct hello hello = hello_of(world, machine);

    (void)snprintf(hello.request.boot_id, sizeof hello.request.boot_id, "%s", boot_id);
    struct session_open_reply reply = send(world, &hello);
    CHECK_INT(reply.outcome, SESSION_OPEN);
    return reply;
}

/* As of a disk that was copied: each of the two takes the session from the other. */
static void test_two_machines_with_one_key_are_taken_off_the_market(void **state)
{
    static const char offers[] = "SELECT count(*) FROM offer WHERE removed_us IS NULL";
    static const char mails[] = "SELECT count(*) FROM outbox WHERE body LIKE '%twins%'";
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_list(&world, &machine);
    CHECK(world_number(&world, offers) > 0);
    CHECK(!open_as(&world, &machine, "boot-1").has_twin);
    /* A machine that boots, again and again. */
    CHECK(!open_as(&world, &machine, "boot-2").has_twin);
    CHECK(!open_as(&world, &machine, "boot-2").has_twin);
    CHECK(!open_as(&world, &machine, "boot-3").has_twin);
    CHECK(!open_as(&world, &machine, "boot-4").has_twin);
    for (int turn = 1; turn <= TWINS_TURNS; turn++) {
        CHECK(world_number(&world, offers) > 0);
        clock_advance(&world.clock, 5 * US_PER_SECOND);
        CHECK_INT(open_as(&world, &machine, turn % 2 == 1 ? "boot-3" : "boot-4").has_twin,
                  turn == TWINS_TURNS);
    }
    CHECK_INT(world_number(&world, offers), 0);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM machine WHERE is_listed = 1"), 0);
    CHECK_INT(world_number(&world, mails), 1);
    CHECK(open_as(&world, &machine, "boot-4").has_twin);
    CHECK_INT(world_number(&world, mails), 1);
    /* The other one has ended: it may be listed again. */
    clock_advance(&world.clock, TWINS_WITHIN_US);
    CHECK(!open_as(&world, &machine, "boot-4").has_twin);
    CHECK(!open_as(&world, &machine, "boot-5").has_twin);
    world_list(&world, &machine);
    CHECK(world_number(&world, offers) > 0);
    world_close(&world);
}

static void test_a_nonce_is_taken_once_and_lasts_a_minute(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct hello hello = hello_of(&world, &machine), other = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
    struct hello late = hello_of(&world, &machine);
    struct hash before = world_dump(&world);
    CHECK_INT(send(&world, &hello).outcome, SESSION_REFUSED);
    CHECK_INT(send(&world, &other).outcome, SESSION_REFUSED); /* of an epoch that is over */
    clock_advance(&world.clock, NONCE_SECONDS * US_PER_SECOND);
    CHECK_INT(send(&world, &late).outcome, SESSION_REFUSED);
    CHECK_UNCHANGED(&world, before);
    late = hello_of(&world, &machine);
    CHECK_INT(send(&world, &late).reply.session_epoch, 3);
    world_close(&world);
}

static void test_without_the_machines_key_nothing_is_used_up(void **state)
{
    struct world world;
    struct world_machine machine, other;
    struct key_pair stranger = crypto_key_pair();

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    world_host(&world, &other, "b", 1);
    struct hello hello = hello_of(&world, &machine);
    struct hash before = world_dump(&world);
    hello.keys = &stranger;
    CHECK_INT(send(&world, &hello).outcome, SESSION_REFUSED);
    hello.keys = &other.keys;
    CHECK_INT(send(&world, &hello).outcome, SESSION_REFUSED);
    hello.request.machine_id = 99999;
    CHECK_INT(send(&world, &hello).outcome, SESSION_REFUSED);
    CHECK_UNCHANGED(&world, before);
    hello.request.machine_id = machine.id;
    hello.keys = &machine.keys;
    CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
    world_close(&world);
}

static void test_who_asks_for_nonces_leaves_nothing_and_learns_nothing(void **state)
{
    struct world world;
    struct world_machine machine;
    uint8_t nonce[NONCE_SIZE], unknown[NONCE_SIZE];
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct hash before = world_dump(&world);
    CHECK_OK(flow_session_nonce(&world.flow, machine.id, nonce, &err), &err);
    CHECK_OK(flow_session_nonce(&world.flow, 99999, unknown, &err), &err);
    CHECK_UNCHANGED(&world, before);
    CHECK_INT(memcmp(nonce, unknown, 8), 0); /* when they end, and nothing else that can be read */
    world_close(&world);
}

/* However many come back at once, each has its own next epoch; and of two with the same machine's
 * key at the same time one has it. */
static void test_many_come_back_at_once(void **state)
{
    enum { COUNT = 3 * STORE_BATCH_MAX / 2 };
    static struct world_machine machines[COUNT];
    static struct hello hellos[COUNT + 1];
    static struct answer answers[COUNT + 1];
    auto_arena struct arena arena = arena_of(64 << 20);
    struct world world;

    world_open(&world, *state);
    struct caller host = world_user(&world, "many@berth.test", 0);
    for (size_t i = 0; i < COUNT; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "m%zu", i);
        world_machine(&world, &machines[i], host, name, (int64_t)(i % 4));
        if (i % 10 == 3)
            machines[i].facts.inet_up_kbps++; /* some have news */
        hellos[i] = hello_of(&world, &machines[i]);
    }
    hellos[COUNT] = hello_of(&world, &machines[0]);
    memset(answers, 0, sizeof answers);
    uint64_t writes = store_totals(world.flow.store).writes;
    for (size_t i = 0; i <= COUNT; i++) {
        sign(&hellos[i]);
        send_later(&world, &hellos[i], &arena, &answers[i]);
    }
    for (size_t i = 0; i <= COUNT; i++)
        wait_for(&answers[i]);
    /* Who has no news is no write of their own. */
    if (!store_is_local(world.flow.store))
        CHECK(store_totals(world.flow.store).writes - writes < COUNT / 3);
    for (size_t i = 1; i < COUNT; i++) {
        check_row("%zu", i);
        CHECK_INT(answers[i].reply.outcome, SESSION_OPEN);
        CHECK_INT(answers[i].reply.reply.session_epoch, machines[i].epoch + 1);
        CHECK(memcmp(answers[i].reply.public_key, machines[i].keys.public_key, 32) == 0);
    }
    CHECK_INT((answers[0].reply.outcome == SESSION_OPEN) +
                  (answers[COUNT].reply.outcome == SESSION_OPEN),
              1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM agent_session WHERE epoch = 2"), COUNT);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine WHERE inet_up_kbps = 1000001"),
              (COUNT + 6) / 10);
    world_check(&world);
    world_close(&world);
}

struct taken {
    atomic_bool is_there;
    enum take_outcome outcome;
};

static void hear_taken(void *context, const enum take_outcome *outcome, const struct error *err)
{
    struct taken *taken = context;

    (void)err;
    CHECK(outcome != NULL);
    taken->outcome = *outcome;
    atomic_store(&taken->is_there, true);
}

static enum take_outcome take_poll(struct world *world, struct session_poll_call call)
{
    auto_arena struct arena arena = arena_of(4096);
    struct taken taken = { 0 };

    call.arena = &arena;
    call.done = hear_taken;
    call.context = &taken;
    CHECK(flow_session_poll_later(&world->flow, &call));
    for (int i = 0; !atomic_load(&taken.is_there) && i < WAIT_MS; i++)
        (void)usleep(1000);
    CHECK(taken.is_there);
    return taken.outcome;
}

static void test_a_sequence_number_is_taken_once_in_its_stream(void **state)
{
    static const struct {
        int64_t epoch;
        enum session_stream stream;
        int64_t seq;
        enum take_outcome outcome;
    } rows[] = {
        { 1, STREAM_POLL, 5, TAKE_DONE },   { 1, STREAM_POLL, 5, TAKE_REPLAY },
        { 1, STREAM_POLL, 4, TAKE_REPLAY }, { 1, STREAM_POLL, 6, TAKE_DONE },
        { 1, STREAM_OP, 5, TAKE_DONE },     { 0, STREAM_POLL, 9, TAKE_FENCED },
        { 2, STREAM_POLL, 9, TAKE_FENCED },
    };
    struct world world;
    struct world_machine machine;
    enum take_outcome outcome;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        if (rows[i].stream == STREAM_POLL && sends_later) {
            CHECK_INT(take_poll(&world, (struct session_poll_call){ .machine_id = machine.id,
                                                                    .epoch = rows[i].epoch,
                                                                    .seq = rows[i].seq }),
                      rows[i].outcome);
            continue;
        }
        CHECK_OK(flow_session_take(&world.flow, machine.id, rows[i].epoch, rows[i].stream,
                                   rows[i].seq, &outcome, &err),
                 &err);
        CHECK_INT(outcome, rows[i].outcome);
    }
    CHECK_OK(flow_session_take(&world.flow, 99999, 1, STREAM_POLL, 1, &outcome, &err), &err);
    CHECK_INT(outcome, TAKE_FENCED);
    world_close(&world);
}

static void test_other_hardware_under_rentals_is_quarantined(void **state)
{
    struct world world;
    struct world_machine machine;
    enum admin_outcome cleared;
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 2);
    (void)world_running(&world, &machine, ada, 1);
    CHECK(world_offer(&world, machine.id, 1) != 0);
    machine.fingerprint[5] = 9;
    struct hello hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_QUARANTINED);
    CHECK_INT(world_offer(&world, machine.id, 1), 0);

    /* As it was before: cleared by itself. */
    machine.fingerprint[5] = 0;
    hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
    CHECK(world_offer(&world, machine.id, 1) != 0);

    /* Or an operator looks, and takes it as it is. */
    machine.fingerprint[5] = 9;
    hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_QUARANTINED);
    CHECK_OK(flow_set_verification(&world.flow, machine.id, VERIFICATION_VERIFIED, &cleared, &err),
             &err);
    CHECK_INT(cleared, ADMIN_DONE);
    hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
    world_close(&world);
}

static void test_other_gpus_without_rentals_are_taken_over_unlisted(void **state)
{
    struct world world;
    struct world_machine machine, other;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    world_host(&world, &other, "b", 1);
    CHECK(world_offer(&world, machine.id, 2) != 0);
    machine.facts = world_facts("c", 4);
    struct hello hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
    CHECK_INT(world_offer(&world, machine.id, 2), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM gpu WHERE retired_us IS NULL"), 5);

    /* But not those of a machine that is there. */
    machine.facts = world_facts("b", 1);
    hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_GPU_IN_USE);
    machine.facts.is_simulated = true;
    hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_SIMULATED);
    machine.facts.cpu_cores = 0;
    hello = hello_of(&world, &machine);
    CHECK_INT(send(&world, &hello).outcome, SESSION_BAD_FACTS);
    world_check(&world);
    world_close(&world);
}

enum { TOLD_US = 200000 }; /* what is told comes on a thread of the store's */

static void count_machines(void *context, enum db_topic topic, int64_t id)
{
    (void)id;
    if (topic == TOPIC_MACHINE)
        (void)atomic_fetch_add((atomic_int *)context, 1);
}

/* When all agents come back at once no server looks at any machine's offers again. */
static void test_nobody_is_told_of_a_machine_that_is_as_it_was(void **state)
{
    struct world world;
    struct world_machine machine;
    static atomic_int told; /* the listener outlives this */

    atomic_store(&told, 0);
    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    /* On PostgreSQL it comes with a delay, on another thread. */
    if (store_is_local(world.flow.store)) {
        (void)usleep(TOLD_US);
        store_subscribe(world.flow.store, count_machines, &told);
        struct hello hello = hello_of(&world, &machine);
        CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
        (void)usleep(TOLD_US);
        CHECK_INT(atomic_load(&told), 0);
        machine.facts.inet_up_kbps++;
        hello = hello_of(&world, &machine);
        CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
        (void)usleep(TOLD_US);
        CHECK_INT(atomic_load(&told), 1);
        CHECK_INT(world_number(&world, "SELECT inet_up_kbps FROM machine"),
                  machine.facts.inet_up_kbps);
        hello = hello_of(&world, &machine);
        CHECK_INT(send(&world, &hello).outcome, SESSION_OPEN);
        (void)usleep(TOLD_US);
        CHECK_INT(atomic_load(&told), 1);
    }
    world_check(&world);
    world_close(&world);
}

/* After another boot, and with another driver, a machine is asked soon; coming back is no reason.
 */
static void test_who_comes_back_as_something_else_is_asked_soon(void **state)
{
    static const struct {
        int64_t boot;
        const char *driver;
        bool is_soon;
    } rows[] = { { 1, "570.86.15", false }, { 2, "570.86.15", true }, { 2, "570.86.15", false },
                 { 2, "575.1", true },      { 2, "575.1", false },    { 3, "550.1", true } };
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    (void)snprintf(machine.facts.driver_version, sizeof machine.facts.driver_version, "570.86.15");
    world_session(&world, &machine);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        support_script(world.support, "UPDATE machine SET audit_us = 9000000000000000;");
        machine.boot = rows[i].boot;
        (void)snprintf(machine.facts.driver_version, sizeof machine.facts.driver_version, "%s",
                       rows[i].driver);
        world_session(&world, &machine);
        bool is_soon = world_number(&world, "SELECT audit_us FROM machine") < 9000000000000000;
        CHECK(is_soon == rows[i].is_soon);
        CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    }
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_session_has_the_next_epoch),
        cmocka_unit_test(test_two_machines_with_one_key_are_taken_off_the_market),
        cmocka_unit_test(test_a_nonce_is_taken_once_and_lasts_a_minute),
        cmocka_unit_test(test_without_the_machines_key_nothing_is_used_up),
        cmocka_unit_test(test_who_asks_for_nonces_leaves_nothing_and_learns_nothing),
        cmocka_unit_test(test_many_come_back_at_once),
        cmocka_unit_test(test_a_sequence_number_is_taken_once_in_its_stream),
        cmocka_unit_test(test_other_hardware_under_rentals_is_quarantined),
        cmocka_unit_test(test_other_gpus_without_rentals_are_taken_over_unlisted),
        cmocka_unit_test(test_who_comes_back_as_something_else_is_asked_soon),
        cmocka_unit_test(test_nobody_is_told_of_a_machine_that_is_as_it_was),
    };

    crypto_start();
    int failed = SUPPORT_RUN(tests);
    sends_later = true;
    return failed + SUPPORT_RUN(tests);
}

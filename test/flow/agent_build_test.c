/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/agent_build.h"

#include <string.h>

#include "support_audit.h"

#define GOOD_DIGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define EVIL_DIGEST "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

static enum agent_build_outcome add(struct world *world, const char *digest, const char *version)
{
    enum agent_build_outcome outcome;
    struct error err;

    CHECK_OK(flow_agent_build_add(&world->flow, digest, version, &outcome, &err), &err);
    return outcome;
}

static struct agent_build_view view_of(struct world *world, int64_t machine_id)
{
    struct agent_build_view view;
    struct error err;
    bool has;

    CHECK_OK(flow_agent_build(&world->flow, machine_id, &view, &has, &err), &err);
    CHECK(has);
    return view;
}

/* Opens a session as that program, signed whole, wrongly, or as agents of before do. */
enum signs { SIGNS_NOTHING, SIGNS_WHOLE, SIGNS_WRONGLY };
static enum session_outcome say(struct world *world, struct world_machine *machine,
                                const char *digest, enum signs signs)
{
    struct session_request request = { .machine_id = machine->id,
                                       .agent_incarnation = 1,
                                       .facts = machine->facts,
                                       .body = "{\"all\":\"of it\"}",
                                       .has_whole_signature = signs != SIGNS_NOTHING };
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX), whole = buf_of(PROTO_BODY_MAX);
    struct session_open_reply reply;
    struct error err;

    request.body_length = strlen(request.body);
    memcpy(request.facts.agent_digest, digest, strlen(digest) + 1);
    (void)snprintf(request.boot_id, sizeof request.boot_id, "boot-1");
    memcpy(request.fingerprint, machine->fingerprint, sizeof request.fingerprint);
    CHECK_OK(flow_session_nonce(&world->flow, machine->id, request.nonce, &err), &err);
    hello_signed(&text, &request);
    struct signature signature = crypto_sign_with(&machine->keys, text.bytes, text.length);
    memcpy(request.signature, signature.bytes, sizeof request.signature);
    hello_whole_signed(&whole, machine->id, request.body,
                       request.body_length - (signs == SIGNS_WRONGLY ? 1 : 0));
    signature = crypto_sign_with(&machine->keys, whole.bytes, whole.length);
    memcpy(request.whole_signature, signature.bytes, sizeof request.whole_signature);
    CHECK_OK(flow_session_open(&world->flow, &request, "test", &reply, &err), &err);
    if (reply.outcome == SESSION_OPEN) {
        machine->epoch = reply.reply.session_epoch;
        machine->seq = 0;
        CHECK_INT(world_beat(world, machine), TAKE_DONE);
    }
    return reply.outcome;
}

/* What an agent says of its program counts under its key alone; and one that signs wrongly gets no
 * session. */
static void test_a_program_counts_if_it_is_signed(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT(view_of(&world, machine.id).state, AGENT_BUILD_UNJUDGED);
    CHECK_INT(add(&world, GOOD_DIGEST, "0.1.0"), AGENT_BUILD_DONE);
    CHECK_INT(view_of(&world, machine.id).state, AGENT_BUILD_UNKNOWN);
    CHECK_INT(say(&world, &machine, GOOD_DIGEST, SIGNS_NOTHING), SESSION_OPEN);
    CHECK_TEXT(view_of(&world, machine.id).digest, "");
    CHECK_INT(view_of(&world, machine.id).state, AGENT_BUILD_UNKNOWN);
    CHECK_INT(say(&world, &machine, GOOD_DIGEST, SIGNS_WHOLE), SESSION_OPEN);
    CHECK_TEXT(view_of(&world, machine.id).digest, GOOD_DIGEST);
    CHECK_TEXT(view_of(&world, machine.id).version, "0.1.0");
    CHECK_INT(view_of(&world, machine.id).state, AGENT_BUILD_KNOWN);
    CHECK_INT(say(&world, &machine, EVIL_DIGEST, SIGNS_WRONGLY), SESSION_REFUSED);
    CHECK_INT(view_of(&world, machine.id).state, AGENT_BUILD_KNOWN);
    CHECK_INT(say(&world, &machine, EVIL_DIGEST, SIGNS_WHOLE), SESSION_OPEN);
    CHECK_INT(view_of(&world, machine.id).state, AGENT_BUILD_UNKNOWN);
    world_check(&world);
    world_close(&world);
}

/* The mean of the waits until the next question, in minutes, and what is asked. */
static int64_t mean_wait(struct world *world, int64_t *ret_openings)
{
    int64_t sum_us = 0;

    for (int i = 0; i < 40; i++) {
        support_script(world->support,
                       "UPDATE machine SET audit_us = 0; DELETE FROM machine_proof;");
        struct error err;
        size_t count;

        CHECK_OK(flow_audit_ask(&world->flow, &count, &err), &err);
        sum_us += world_number(world, "SELECT audit_us FROM machine") -
                  clock_now(&world->clock).microseconds;
        *ret_openings = world_number(world, "SELECT openings FROM machine_proof");
    }
    return sum_us / 40 / 60 / US_PER_SECOND;
}

static void test_an_unknown_program_is_asked_more_often(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t openings;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    machine.facts.challenge_level = 1;
    CHECK_INT(say(&world, &machine, EVIL_DIGEST, SIGNS_WHOLE), SESSION_OPEN);
    CHECK(mean_wait(&world, &openings) > 120);
    CHECK_INT(openings, CHALLENGE_OPENINGS);
    CHECK_INT(add(&world, GOOD_DIGEST, "0.1.0"), AGENT_BUILD_DONE);
    CHECK(mean_wait(&world, &openings) < 40);
    CHECK_INT(openings, CHALLENGE_OPENINGS_MAX);
    CHECK_INT(say(&world, &machine, GOOD_DIGEST, SIGNS_WHOLE), SESSION_OPEN);
    CHECK(mean_wait(&world, &openings) > 120);
    CHECK_INT(openings, CHALLENGE_OPENINGS);
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    world_close(&world);
}

static void test_the_list_is_the_operators(void **state)
{
    struct world world;
    struct agent_build_row *builds;
    struct agent_build_view view;
    enum agent_build_outcome outcome;
    struct error err;
    size_t count;
    bool has;

    world_open(&world, *state);
    CHECK_INT(add(&world, "", "1"), AGENT_BUILD_BAD_DIGEST);
    CHECK_INT(add(&world, GOOD_DIGEST "a", "1"), AGENT_BUILD_BAD_DIGEST);
    CHECK_INT(add(&world, &GOOD_DIGEST[1], "1"), AGENT_BUILD_BAD_DIGEST);
    CHECK_INT(add(&world,
                  "G"
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "1"),
              AGENT_BUILD_BAD_DIGEST);
    CHECK_INT(add(&world, GOOD_DIGEST, ""), AGENT_BUILD_BAD_VERSION);
    CHECK_INT(add(&world, GOOD_DIGEST, "12345678901234567890123456789012"),
              AGENT_BUILD_BAD_VERSION);
    CHECK_INT(add(&world, GOOD_DIGEST, "1234567890123456789012345678901"), AGENT_BUILD_DONE);
    CHECK_INT(add(&world, GOOD_DIGEST, "0.2"), AGENT_BUILD_DONE);
    world_pass(&world, US_PER_HOUR);
    CHECK_INT(add(&world, EVIL_DIGEST, "0.3"), AGENT_BUILD_DONE);
    CHECK_OK(flow_agent_build_list(&world.flow, &world.arena, &builds, &count, &err), &err);
    CHECK_INT((int64_t)count, 2);
    CHECK_TEXT(builds[0].version, "0.3");
    CHECK_TEXT(builds[1].version, "0.2");
    CHECK_OK(flow_agent_build_remove(&world.flow, EVIL_DIGEST, &outcome, &err), &err);
    CHECK_INT(outcome, AGENT_BUILD_DONE);
    CHECK_OK(flow_agent_build_remove(&world.flow, EVIL_DIGEST, &outcome, &err), &err);
    CHECK_INT(outcome, AGENT_BUILD_NOT_FOUND);
    for (int i = 1; i < AGENT_BUILDS_MAX; i++) {
        char digest[AGENT_DIGEST_SIZE];

        (void)snprintf(digest, sizeof digest, "%064x", i);
        CHECK_INT(add(&world, digest, "1"), AGENT_BUILD_DONE);
    }
    CHECK_INT(add(&world, EVIL_DIGEST, "0.3"), AGENT_BUILD_FULL);
    CHECK_INT(add(&world, GOOD_DIGEST, "0.4"), AGENT_BUILD_DONE);
    CHECK_OK(flow_agent_build(&world.flow, 77, &view, &has, &err), &err);
    CHECK(!has);
    CHECK_TEXT(agent_build_state_name(AGENT_BUILD_KNOWN), "known");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_program_counts_if_it_is_signed),
        cmocka_unit_test(test_an_unknown_program_is_asked_more_often),
        cmocka_unit_test(test_the_list_is_the_operators),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

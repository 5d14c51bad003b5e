/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs not to answer. */
#include "flow/audit_silence.h"

#include <stdio.h>

#include "support_audit.h"

/* Until it is asked; with its agent there all the while. */
static struct challenge_list run_until_asked_for(struct world *world, struct world_machine *machine,
                                                 struct audit_terms terms, int64_t *seq)
{
    for (int minutes = 0; minutes < 6000; minutes++) {
        if (audits_ask_for(world, terms) > 0) {
            struct challenge_list list = audits_take(world, machine, ++*seq);

            if (list.count > 0)
                return list;
        }
        world_run(world, machine, 60 * US_PER_SECOND);
    }
    fail_msg("it is never asked");
    return (struct challenge_list){ 0 };
}

static struct challenge_list run_until_asked(struct world *world, struct world_machine *machine,
                                             int64_t *seq)
{
    return run_until_asked_for(world, machine, audits_compute, seq);
}

/* The question is left where it is until it is too late. */
static void be_silent(struct world *world, struct world_machine *machine)
{
    struct error err;

    support_script(world->support, "UPDATE machine SET audit_us = 9000000000000000;");
    world_run(world, machine, AUDIT_PATIENCE_US + US_PER_SECOND);
    CHECK_OK(audit_silence(&world->flow, clock_now(&world->clock), &err), &err);
    CHECK_INT(world_number(world, "SELECT COUNT(*) FROM machine_proof WHERE state IN (1, 2, 3)"),
              0);
}

static int64_t suspicion(struct world *world)
{
    return world_number(world, "SELECT audit_suspicion + 16 * audit_claims FROM machine");
}

static int64_t debt(struct world *world)
{
    return world_number(world, "SELECT audit_debt FROM machine");
}

static void answer(struct world *world, struct world_machine *machine, int64_t *seq)
{
    struct challenge_list list = run_until_asked(world, machine, seq);

    for (int64_t i = 0; i < list.count; i++)
        CHECK_TEXT(audits_answer(world, &list.challenges[i], false), "good");
}

/* Once it only hurries the next question; twice it is a wrong answer, and is made up for likewise.
 */
static void test_who_falls_silent_is_taken_off_the_market(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    answer(&world, &machine, &seq);
    (void)run_until_asked(&world, &machine, &seq);
    be_silent(&world, &machine);
    CHECK_INT(suspicion(&world), AUDIT_SILENT_COMPUTE);
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    answer(&world, &machine, &seq);
    CHECK_INT(suspicion(&world), 0);
    for (int time = 1; time <= 3; time++) {
        (void)run_until_asked(&world, &machine, &seq);
        be_silent(&world, &machine);
        CHECK_INT(debt(&world), time == 1 ? 0 : AUDIT_DEBT);
        CHECK_INT(audits_standing(&world, machine.id),
                  time == 1 ? VERIFICATION_UNVERIFIED : VERIFICATION_DEVERIFIED);
    }
    for (int left = AUDIT_DEBT - 1; left >= 0; left--) {
        answer(&world, &machine, &seq);
        CHECK_INT(debt(&world), left);
    }
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
    world_check(&world);
    world_close(&world);
}

/* Nor does it help to answer what one can, and to leave what one cannot. */
static void test_who_never_shows_its_memory_is_silent_of_that(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (int time = 1; time <= 2; time++) {
        answer(&world, &machine, &seq);
        answer(&world, &machine, &seq);
        CHECK_INT(suspicion(&world), time == 1 ? 0 : AUDIT_SILENT_MEMORY);
        CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_UNVERIFIED);
        (void)run_until_asked_for(&world, &machine, audits_memory, &seq);
        be_silent(&world, &machine);
        CHECK_INT(suspicion(&world), AUDIT_SILENT_MEMORY);
    }
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    world_check(&world);
    world_close(&world);
}

/* A machine of which half of the GPUs answer is silent, however often they do. */
static void test_half_an_answer_is_none(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    answer(&world, &machine, &seq);
    for (int time = 1; time <= 2; time++) {
        struct challenge_list list = run_until_asked(&world, &machine, &seq);

        CHECK_INT(list.count, 2);
        CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "good");
        be_silent(&world, &machine);
    }
    CHECK_INT(audits_standing(&world, machine.id), VERIFICATION_DEVERIFIED);
    world_close(&world);
}

/* An agent that is at one question might leave another: it is asked when it is done. */
static void test_one_question_at_a_time(void **state)
{
    static const char count[] = "SELECT COUNT(*) FROM machine_proof";
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    struct challenge_list list = run_until_asked(&world, &machine, &seq);
    for (int minutes = 0; minutes < 5; minutes++) {
        world_run(&world, &machine, 60 * US_PER_SECOND);
        support_script(world.support, "UPDATE machine SET audit_us = 0;");
        CHECK_INT((int64_t)audits_ask(&world), 1);
        CHECK_INT(world_number(&world, count), 1);
        CHECK(world_number(&world, "SELECT audit_us FROM machine") >
              clock_now(&world.clock).microseconds);
    }
    CHECK_TEXT(audits_answer(&world, &list.challenges[0], false), "good");
    support_script(world.support, "UPDATE machine SET audit_us = 0;");
    (void)audits_ask(&world);
    CHECK_INT(world_number(&world, count), 2);
    world_close(&world);
}

enum story { NEVER_ANSWERED, LOST_CONTACT, WAS_RENTED };

static void check_no_silence(void *support, enum story story)
{
    struct world world;
    struct world_machine machine;
    struct error err;
    int64_t seq = 0;

    world_open(&world, support);
    world_host(&world, &machine, "a", 1);
    if (story != NEVER_ANSWERED)
        answer(&world, &machine, &seq);
    (void)run_until_asked(&world, &machine, &seq);
    if (story == LOST_CONTACT) {
        support_script(world.support, "UPDATE machine SET is_online = 0;");
        world_pass(&world, AUDIT_PATIENCE_US + US_PER_SECOND);
        CHECK_OK(audit_silence(&world.flow, clock_now(&world.clock), &err), &err);
    } else {
        if (story == WAS_RENTED)
            (void)world_running(&world, &machine, world_user(&world, "ada@berth.test", 100), 1);
        be_silent(&world, &machine);
    }
    CHECK_INT(suspicion(&world), 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_proof WHERE state = 6"), 1);
    world_close(&world);
}

static void test_who_never_answered_has_nothing_to_lose(void **state)
{
    check_no_silence(*state, NEVER_ANSWERED);
}

static void test_who_lost_contact_is_not_silent(void **state)
{
    check_no_silence(*state, LOST_CONTACT);
}

static void test_who_was_rented_meanwhile_is_not_silent(void **state)
{
    check_no_silence(*state, WAS_RENTED);
}

/* All that is free of it, now. */
static struct challenge_list ask_now(struct world *world, struct world_machine *machine,
                                     struct audit_terms terms, int64_t *seq)
{
    support_script(world->support, "UPDATE machine SET audit_us = 0;");
    CHECK_INT((int64_t)audits_ask_for(world, terms), 1);
    return audits_take(world, machine, ++*seq);
}

/* Those of the list that somebody has now, or that nobody has. */
static void answer_those(struct world *world, const struct challenge_list *list, bool is_held)
{
    for (int64_t i = 0; i < list->count; i++) {
        int64_t held = world_number_of(world,
                                       "SELECT COUNT(*) FROM machine_proof p JOIN gpu g "
                                       "ON g.uuid = p.gpu_uuid JOIN gpu_claim c ON c.gpu_id = g.id "
                                       "WHERE p.id = $1 AND c.released_us IS NULL",
                                       list->challenges[i].id);

        if ((held > 0) == is_held)
            CHECK_TEXT(audits_answer(world, &list->challenges[i], false), "good");
    }
}

static void give_back(struct world *world)
{
    char sql[128];

    (void)snprintf(sql, sizeof sql,
                   "UPDATE gpu_claim SET released_us = %lld WHERE released_us IS NULL;",
                   (long long)clock_now(&world->clock).microseconds);
    support_script(world->support, sql);
}

/* Of two GPUs of which one is rented, each is silent for itself: in some rows it was before they
 * were asked, in some it is free again by the end. */
static void test_silence_beside_an_instance(void **state)
{
    static const struct {
        int64_t level;
        bool is_before, free_answers, is_given_back;
        int64_t want;
    } rows[] = {
        { CHALLENGE_BESIDE, false, true, false, 0 },
        { CHALLENGE_BESIDE, false, true, true, 0 },
        { CHALLENGE_BESIDE, false, false, false, AUDIT_SILENT_COMPUTE },
        { CHALLENGE_BESIDE, true, true, false, 0 },
        { CHALLENGE_BESIDE, true, false, false, AUDIT_SILENT_COMPUTE },
        { CHALLENGE_TRIALS, false, false, false, 0 },
        { CHALLENGE_TRIALS, false, false, true, 0 },
    };
    static const char hold[] = "UPDATE gpu_claim SET released_us = NULL;";

    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 100);
    world_host(&world, &machine, "a", 2);
    (void)world_running(&world, &machine, ada, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        support_script(world.support,
                       "DELETE FROM machine_proof; UPDATE gpu_claim SET released_us = 0; UPDATE "
                       "machine SET audit_suspicion = 0, audit_claims = 0, audit_debt = 0;");
        audits_know(&world, &machine, rows[i].level);
        seq = 0; /* of another session */
        struct challenge_list list = ask_now(&world, &machine, audits_compute, &seq);
        CHECK_INT(list.count, 2);
        answer_those(&world, &list, false);
        if (rows[i].is_before)
            support_script(world.support, hold);
        list = ask_now(&world, &machine, audits_compute, &seq);
        CHECK_INT(list.count, rows[i].is_before ? 1 : 2);
        support_script(world.support, hold);
        if (rows[i].free_answers)
            answer_those(&world, &list, false);
        if (rows[i].is_given_back)
            give_back(&world);
        be_silent(&world, &machine);
        CHECK_INT(suspicion(&world), rows[i].want);
    }
    world_close(&world);
}

/* A GPU that is rented cannot be spoken for by one that is free: the silence of the one goes on
 * until it has answered itself, and so does what is owed. */
static void test_nobody_answers_for_what_is_rented(void **state)
{
    struct world world;
    struct world_machine machine;
    int64_t seq = 0;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 1000);
    world_host(&world, &machine, "a", 2);
    audits_know(&world, &machine, CHALLENGE_BESIDE);
    (void)world_running(&world, &machine, ada, 1);
    support_script(world.support, "UPDATE gpu_claim SET released_us = 0;");
    struct challenge_list list = ask_now(&world, &machine, audits_compute, &seq);
    CHECK_INT(list.count, 2);
    answer_those(&world, &list, false);
    list = ask_now(&world, &machine, audits_compute, &seq);
    support_script(world.support, "UPDATE gpu_claim SET released_us = NULL;");
    answer_those(&world, &list, false); /* and the other leaves it */
    support_script(world.support, "UPDATE gpu_claim SET released_us = 0;");
    be_silent(&world, &machine);
    CHECK_INT(suspicion(&world), AUDIT_SILENT_COMPUTE);
    support_script(world.support, "UPDATE gpu_claim SET released_us = NULL; "
                                  "UPDATE machine SET audit_debt = 3, audit_suspicion = "
                                  "audit_suspicion + 4;");
    for (int time = 0; time < 4; time++) {
        list = ask_now(&world, &machine, audits_compute, &seq);
        CHECK_INT(list.count, 1);
        answer_those(&world, &list, false);
        CHECK_INT(suspicion(&world), AUDIT_SILENT_COMPUTE | AUDIT_SHARED);
        CHECK_INT(debt(&world), AUDIT_DEBT);
    }
    support_script(world.support, "UPDATE gpu_claim SET released_us = 0;");
    list = ask_now(&world, &machine, audits_compute, &seq);
    CHECK_INT(list.count, 2);
    answer_those(&world, &list, false);
    CHECK_INT(suspicion(&world), AUDIT_SHARED); /* which only a comparison ends */
    CHECK_INT(debt(&world), AUDIT_DEBT - 2);
    /* Beside an instance it is made up for as well, by now. */
    support_script(world.support, "UPDATE gpu_claim SET released_us = NULL;");
    list = ask_now(&world, &machine, audits_compute, &seq);
    answer_those(&world, &list, false);
    CHECK_INT(suspicion(&world), AUDIT_SHARED);
    CHECK_INT(debt(&world), AUDIT_DEBT - 3);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_falls_silent_is_taken_off_the_market),
        cmocka_unit_test(test_who_never_shows_its_memory_is_silent_of_that),
        cmocka_unit_test(test_one_question_at_a_time),
        cmocka_unit_test(test_half_an_answer_is_none),
        cmocka_unit_test(test_who_never_answered_has_nothing_to_lose),
        cmocka_unit_test(test_who_lost_contact_is_not_silent),
        cmocka_unit_test(test_who_was_rented_meanwhile_is_not_silent),
        cmocka_unit_test(test_silence_beside_an_instance),
        cmocka_unit_test(test_nobody_answers_for_what_is_rented),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

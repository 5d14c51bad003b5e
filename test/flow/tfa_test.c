/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tfa.h"

#include <string.h>

#include "support.h"

static const struct login_client client = { "192.0.2.1", "a test" };

/* Somebody with an app, whose seed is kept here as the reply had it. */
struct owner {
    struct caller caller;
    struct totp_seed seed;
    struct tfa_codes codes;
};

static char *code_at(const struct world *world, const struct totp_seed *seed, int64_t steps,
                     char text[static TOTP_DIGITS + 1])
{
    int64_t step = world->clock.held_now.microseconds / (TOTP_STEP_SECONDS * US_PER_SECOND);

    return totp_code(seed, step + steps, text);
}

static struct totp_seed read_seed(const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    struct totp_seed seed = { { 0 } };

    for (size_t bit = 0; bit < 8 * sizeof seed.bytes; bit++) {
        size_t symbol = (size_t)(strchr(alphabet, text[bit / 5]) - alphabet);

        seed.bytes[bit / 8] |= (uint8_t)((symbol >> (4 - bit % 5) & 1) << (7 - bit % 8));
    }
    return seed;
}

static struct tfa_reply confirm(struct world *world, const struct owner *owner, const char *code)
{
    const struct tfa_proof proof = { .code = code, .address = "192.0.2.1" };
    struct tfa_reply reply;
    struct error err;

    CHECK_OK(flow_tfa_confirm(&world->flow, &owner->caller, &proof, "phone", &reply, &err), &err);
    return reply;
}

static struct owner owner_of(struct world *world, const char *email)
{
    struct owner owner = { .caller = world_user(world, email, 0) };
    char code[TOTP_DIGITS + 1];
    struct tfa_reply reply;
    struct error err;

    CHECK_OK(flow_tfa_setup(&world->flow, &owner.caller, &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_DONE);
    CHECK(strstr(reply.uri, reply.seed) != NULL && strncmp(reply.uri, "otpauth://totp/", 15) == 0);
    owner.seed = read_seed(reply.seed);
    reply = confirm(world, &owner, code_at(world, &owner.seed, 0, code));
    CHECK_INT(reply.outcome, TFA_DONE);
    CHECK_INT((int64_t)reply.codes.count, BACKUP_CODES);
    owner.codes = reply.codes;
    owner.caller.has_tfa = true;
    return owner;
}

static struct tfa_reply login(struct world *world, const struct owner *owner, const char *code,
                              const char *backup_code)
{
    const struct tfa_login request = { .caller = &owner->caller,
                                       .client = &client,
                                       .proof = { code, backup_code, "192.0.2.1" } };
    struct tfa_reply reply;
    struct error err;

    CHECK_OK(flow_tfa_login(&world->flow, &request, &reply, &err), &err);
    return reply;
}

static void test_a_code_opens_a_session_once(void **state)
{
    struct world world;
    char code[TOTP_DIGITS + 1];

    world_open(&world, *state);
    struct owner ada = owner_of(&world, "ada@berth.test");
    CHECK_INT(login(&world, &ada, code_at(&world, &ada.seed, 0, code), NULL).outcome, TFA_WRONG);
    struct tfa_reply good = login(&world, &ada, code_at(&world, &ada.seed, 1, code), NULL);
    CHECK_INT(good.outcome, TFA_DONE);
    CHECK_INT((int64_t)strlen(good.login.token), 64);
    CHECK_INT(login(&world, &ada, code, NULL).outcome, TFA_WRONG);
    CHECK_INT(login(&world, &ada, NULL, NULL).outcome, TFA_MISSING);
    CHECK_INT(login(&world, &ada, NULL, ada.codes.text[9]).outcome, TFA_DONE);
    CHECK_INT(login(&world, &ada, NULL, ada.codes.text[9]).outcome, TFA_WRONG_BACKUP);
    /* Another's codes are another's. */
    struct owner bo = owner_of(&world, "bo@berth.test");
    CHECK_INT(login(&world, &bo, NULL, ada.codes.text[0]).outcome, TFA_WRONG_BACKUP);
    CHECK_INT(login(&world, &bo, code_at(&world, &ada.seed, 1, code), NULL).outcome, TFA_WRONG);
    world_close(&world);
}

static void test_an_app_that_was_not_confirmed_is_no_factor(void **state)
{
    struct world world;
    struct owner ada;
    struct tfa_reply reply;
    struct error err;

    world_open(&world, *state);
    ada.caller = world_user(&world, "ada@berth.test", 0);
    CHECK_INT(confirm(&world, &ada, "000000").outcome, TFA_NO_METHOD);
    CHECK_OK(flow_tfa_setup(&world.flow, &ada.caller, &reply, &err), &err);
    CHECK_INT(login(&world, &ada, "000000", NULL).outcome, TFA_NO_METHOD);
    CHECK_OK(flow_tfa_setup(&world.flow, &ada.caller, &reply, &err), &err);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM tfa_method"), 1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE tfa_us > 0"), 0);
    CHECK_OK(flow_tfa_regenerate(&world.flow, &ada.caller, &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_NO_METHOD);
    world_close(&world);
}

static void test_the_sixth_guess_waits_though_it_be_right(void **state)
{
    struct world world;
    char code[TOTP_DIGITS + 1];

    world_open(&world, *state);
    struct owner ada = owner_of(&world, "ada@berth.test");
    for (int i = 0; i < 5; i++)
        CHECK_INT(login(&world, &ada, NULL, "AAAA-AAAA-AAAA").outcome, TFA_WRONG_BACKUP);
    struct tfa_reply slowed = login(&world, &ada, code_at(&world, &ada.seed, 1, code), NULL);
    CHECK_INT(slowed.outcome, TFA_THROTTLED);
    CHECK(slowed.wait_us > 0);
    clock_advance(&world.clock, slowed.wait_us);
    CHECK_INT(login(&world, &ada, code_at(&world, &ada.seed, 1, code), NULL).outcome, TFA_DONE);
    world_close(&world);
}

static void test_with_the_last_method_goes_the_factor(void **state)
{
    struct world world;
    struct tfa_method_row *rows;
    struct tfa_reply reply;
    size_t count;
    int64_t left;
    struct error err;

    world_open(&world, *state);
    struct owner ada = owner_of(&world, "ada@berth.test"), bo = owner_of(&world, "bo@berth.test");
    CHECK_OK(flow_tfa_list(&world.flow, &ada.caller, &world.arena, &rows, &count, &left, &err),
             &err);
    CHECK(count == 1 && left == BACKUP_CODES);
    CHECK_TEXT(rows[0].label, "phone");
    CHECK_OK(flow_tfa_label(&world.flow, &bo.caller, rows[0].id, "x", &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_NOT_FOUND);
    CHECK_OK(flow_tfa_label(&world.flow, &ada.caller, rows[0].id, "x", &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_DONE);
    CHECK_OK(flow_tfa_delete(&world.flow, &bo.caller, rows[0].id, &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_NOT_FOUND);
    CHECK_OK(flow_tfa_regenerate(&world.flow, &ada.caller, &reply, &err), &err);
    CHECK(reply.codes.count == BACKUP_CODES &&
          login(&world, &ada, NULL, ada.codes.text[0]).outcome == TFA_WRONG_BACKUP);
    CHECK_OK(flow_tfa_delete(&world.flow, &ada.caller, rows[0].id, &reply, &err), &err);
    CHECK(reply.outcome == TFA_DONE && reply.methods_left == 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM users WHERE tfa_us > 0"), 1);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM backup_code"), BACKUP_CODES);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM outbox WHERE body LIKE '%tfa_changed%'"),
              4);
    world_close(&world);
}

static void test_a_key_shows_no_factor_and_a_session_does(void **state)
{
    struct world world;
    struct tfa_reply reply;
    char code[TOTP_DIGITS + 1];
    struct error err;

    world_open(&world, *state);
    struct owner ada = owner_of(&world, "ada@berth.test");
    const struct tfa_proof proof = { code_at(&world, &ada.seed, 1, code), NULL, "192.0.2.1" };
    CHECK_OK(flow_tfa_step(&world.flow, &ada.caller, &proof, &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_NO_SESSION);
    struct tfa_reply open = login(&world, &ada, NULL, ada.codes.text[0]);
    ada.caller.login_id = open.login.session_id;
    clock_advance(&world.clock, US_PER_HOUR);
    (void)code_at(&world, &ada.seed, 0, code);
    CHECK_OK(flow_tfa_step(&world.flow, &ada.caller, &proof, &reply, &err), &err);
    CHECK_INT(reply.outcome, TFA_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM login_session WHERE stepped_us > "
                                   "created_us"),
              1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_opens_a_session_once),
        cmocka_unit_test(test_an_app_that_was_not_confirmed_is_no_factor),
        cmocka_unit_test(test_the_sixth_guess_waits_though_it_be_right),
        cmocka_unit_test(test_with_the_last_method_goes_the_factor),
        cmocka_unit_test(test_a_key_shows_no_factor_and_a_session_does),
    };
    return SUPPORT_RUN(tests);
}

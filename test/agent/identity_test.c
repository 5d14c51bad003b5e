/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "support_home.h"

static void test_a_host_keeps_its_key(void **state)
{
    struct key_pair before = home_identity()->keys;
    int64_t incarnation = home_identity()->incarnation;
    char key[128];
    struct stat status;

    (void)state;
    CHECK_INT(incarnation, 1);
    home_restart();
    CHECK_INT(memcmp(&before, &home_identity()->keys, sizeof before), 0);
    CHECK_INT(home_identity()->incarnation, 2);
    (void)snprintf(key, sizeof key, "%s/machine.key", home_path());
    CHECK_INT(stat(key, &status), 0);
    CHECK_INT(status.st_mode & 0777, 0600);
}

static void test_enrolment_is_remembered(void **state)
{
    struct enroll_reply reply = { .machine_id = 77 };
    int64_t machine_id;
    bool is_running;
    struct error err;

    (void)state;
    memset(reply.server_key, 5, sizeof reply.server_key);
    CHECK_INT(home_identity()->machine_id, 0);
    CHECK_OK(identity_enrol(home_identity(), &reply, &err), &err);
    home_restart();
    CHECK_INT(home_identity()->machine_id, 77);
    CHECK_INT(home_identity()->server_key[31], 5);
    CHECK_OK(identity_peek(home_path(), &machine_id, &is_running, &err), &err);
    CHECK_INT(machine_id, 77);
}

static void test_two_agents_do_not_share_a_folder(void **state)
{
    struct identity second = { .machine_id = -9 };
    struct error err;

    (void)state;
    CHECK_FAILS(identity_open(home_path(), &second, &err), &err, ERROR_CONFLICT);
    CHECK_INT(second.machine_id, -9);
}

static void test_damage_is_not_taken_for_a_new_host(void **state)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "machine.key", "abc" },
        { "machine.key", "" },
        { "machine.first", "a" },
        { "machine.key.next", "abc" },
        { "machine.key.former", "" },
        { "machine.json", "{" },
        { "machine.json", "{\"machine_id\":0,\"server_key\":\"\"}" },
        { "incarnation", "many" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct identity again;
        struct error err;

        check_row("%s is '%s'", rows[i].name, rows[i].text);
        home_write(rows[i].name, rows[i].text);
        identity_close(home_identity());
        CHECK_FAILS(identity_open(home_path(), &again, &err), &err, ERROR_CORRUPT);
        (void)home_teardown(state);
        CHECK_INT(home_setup(state), 0);
    }
}

/* A server that was put back knows the one before alone. Whichever files a power cut on the way
 * leaves, it comes to the same. */
static void test_the_key_before_is_gone_back_to(void **state)
{
    enum { WHOLE, NEXT_WRITTEN, KEY_WRITTEN, WAYS };
    struct identity *identity = home_identity();
    struct key_pair first, second;
    char hex[HEX_SIZE(SECRET_KEY_SIZE)];
    struct error err;

    for (int way = WHOLE; way < WAYS; way++) {
        check_row("%d", way);
        if (way > WHOLE)
            CHECK_INT(home_setup(state), 0);
        first = identity->keys;
        identity_try_other(identity);
        CHECK_INT(identity->use, IDENTITY_PRESENT); /* it has but one */
        CHECK_OK(identity_make_next(identity, &err), &err);
        CHECK_OK(identity_take_next(identity, &err), &err);
        second = identity->keys;
        CHECK_OK(identity_make_next(identity, &err), &err); /* which nobody heard of */
        if (way >= NEXT_WRITTEN)
            home_write("machine.key.next",
                       hex_format(second.secret_key, sizeof second.secret_key, hex));
        if (way >= KEY_WRITTEN)
            home_write("machine.key", hex_format(first.secret_key, sizeof first.secret_key, hex));
        home_restart();
        while (memcmp(identity_keys(identity), &first, sizeof first) != 0) {
            CHECK(identity->use != IDENTITY_FORMER);
            identity_try_other(identity);
        }
        CHECK_OK(identity_settle(identity, &err), &err);
        home_restart();
        CHECK(memcmp(identity_keys(identity), &first, sizeof first) == 0);
        CHECK(identity->has_next && memcmp(&identity->next, &second, sizeof second) == 0);
        CHECK_OK(identity_take_next(identity, &err), &err);
        CHECK(memcmp(&identity->keys, &second, sizeof second) == 0);
        CHECK(memcmp(&identity->former, &first, sizeof first) == 0);
        if (way < WAYS - 1)
            CHECK_INT(home_teardown(state), 0);
    }
}

/* Whichever of the two files a power cut leaves, the key that the server knows is there. */
static void test_another_key_takes_the_place_of_the_first(void **state)
{
    struct identity *identity = home_identity();
    struct key_pair first = identity->keys, next;
    struct error err;

    (void)state;
    CHECK_OK(identity_take_next(identity, &err), &err); /* there is none: nothing happens */
    CHECK_OK(identity_make_next(identity, &err), &err);
    next = identity->next;
    CHECK(memcmp(&first, &next, sizeof first) != 0);
    home_restart();
    CHECK(identity->has_next && identity->use == IDENTITY_PRESENT);
    CHECK(memcmp(&identity->keys, &first, sizeof first) == 0);
    CHECK(memcmp(&identity->next, &next, sizeof next) == 0);
    CHECK_OK(identity_make_next(identity, &err), &err); /* not a third */
    CHECK(memcmp(&identity->next, &next, sizeof next) == 0);
    CHECK(identity_keys(identity) == &identity->keys);

    CHECK_OK(identity_take_next(identity, &err), &err);
    for (int i = 0; i < 2; i++) {
        CHECK(memcmp(&identity->keys, &next, sizeof next) == 0);
        CHECK(!identity->has_next && identity->use == IDENTITY_PRESENT);
        CHECK(identity->has_former && memcmp(&identity->former, &first, sizeof first) == 0);
        CHECK(memcmp(identity->first_key, first.public_key, sizeof identity->first_key) == 0);
        home_restart();
    }
    /* It is called what it was called, however often that happens. */
    CHECK_OK(identity_make_next(identity, &err), &err);
    CHECK_OK(identity_take_next(identity, &err), &err);
    home_restart();
    CHECK(memcmp(identity->first_key, first.public_key, sizeof identity->first_key) == 0);
}

static void test_its_signature_verifies(void **state)
{
    char text[BASE64_SIZE(SIGNATURE_SIZE)];
    struct signature signature;
    size_t length;

    (void)state;
    (void)identity_sign(home_identity(), "bytes", 5, text);
    CHECK(base64_parse(text, signature.bytes, sizeof signature.bytes, &length));
    CHECK_INT((int64_t)length, SIGNATURE_SIZE);
    CHECK(crypto_verify(home_identity()->keys.public_key, &signature, "bytes", 5));
    CHECK(!crypto_verify(home_identity()->keys.public_key, &signature, "bytEs", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_host_keeps_its_key, home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_enrolment_is_remembered, home_setup, home_teardown),
        cmocka_unit_test_setup_teardown(test_two_agents_do_not_share_a_folder, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_not_taken_for_a_new_host, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_the_key_before_is_gone_back_to, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_another_key_takes_the_place_of_the_first, home_setup,
                                        home_teardown),
        cmocka_unit_test_setup_teardown(test_its_signature_verifies, home_setup, home_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

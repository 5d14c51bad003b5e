/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/keys_fit.h"

#include "flow/vault.h"
#include "store/payment.h"
#include "store/user.h"
#include "support.h"

static const uint8_t KEY_A[SEAL_KEY_SIZE] = { 21 }, KEY_B[SEAL_KEY_SIZE] = { 22 },
                     KEY_C[SEAL_KEY_SIZE] = { 23 };

/* A server of that key and vault starts: what it hears. */
static enum keys_fit start(struct world *world, const struct key_pair *keys,
                           const struct vault *vault, bool is_accepted)
{
    struct flow flow = world->flow;
    enum keys_fit fit;
    struct error err;

    flow.server_keys = keys;
    flow.vault = vault;
    CHECK_OK(flow_keys_fit(&flow, is_accepted, &fit, &err), &err);
    return fit;
}

/* Of another server's key and vault nothing is noted, however often it tries. */
static void test_the_first_server_s_keys_are_the_market_s(void **state)
{
    struct key_pair first = crypto_key_pair(), other = crypto_key_pair();
    struct vault a = vault_of(KEY_A), b = vault_of(KEY_B);
    struct world world;

    world_open(&world, *state);
    CHECK_INT(start(&world, &first, &a, false), KEYS_FIT);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(start(&world, &other, &a, false), KEYS_FIT_OTHER_SERVER);
        CHECK_INT(start(&world, &other, &b, false), KEYS_FIT_OTHER_SERVER);
        CHECK_INT(start(&world, &first, &b, false), KEYS_FIT_OTHER_MASTER);
        CHECK_INT(start(&world, &first, &a, false), KEYS_FIT);
    }
    world_close(&world);
}

static void test_accepted_they_are_the_market_s_and_the_others_are_not(void **state)
{
    struct key_pair first = crypto_key_pair(), other = crypto_key_pair();
    struct vault a = vault_of(KEY_A), b = vault_of(KEY_B);
    struct world world;

    world_open(&world, *state);
    CHECK_INT(start(&world, &first, &a, false), KEYS_FIT);
    CHECK_INT(start(&world, &other, &b, true), KEYS_FIT);
    CHECK_INT(start(&world, &other, &b, false), KEYS_FIT);
    CHECK_INT(start(&world, &first, &b, false), KEYS_FIT_OTHER_SERVER);
    CHECK_INT(start(&world, &other, &a, false), KEYS_FIT_OTHER_MASTER);
    world_close(&world);
}

/* As docs/operator.md has it, with two servers that take each step one after the other. */
static void test_servers_start_at_each_step_of_a_turn_of_the_master_key(void **state)
{
    struct key_pair keys = crypto_key_pair();
    struct vault before = vault_of(KEY_A), waits = before, turned = vault_of(KEY_B), after = turned;
    struct vault stranger = vault_of(KEY_C);
    struct world world;

    vault_add(&waits, KEY_B);
    vault_add(&turned, KEY_A);
    world_open(&world, *state);
    const struct vault *const steps[] = { &before, &before, &waits,  &waits, &turned,
                                          &waits,  &turned, &turned, &after, &after };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        CHECK_INT(start(&world, &keys, steps[i], false), KEYS_FIT);
        CHECK_INT(start(&world, &keys, &stranger, false), KEYS_FIT_OTHER_MASTER);
    }
    CHECK_INT(start(&world, &keys, &before, false), KEYS_FIT_OTHER_MASTER);
    CHECK_INT(start(&world, &keys, &turned, false), KEYS_FIT);
    world_close(&world);
}

struct key_work {
    const struct vault *vault;
    int64_t user_id;
};

static bool key_work(struct db *db, void *context, struct error *err)
{
    const struct key_work *work = context;
    struct vault_key key;

    return user_lock(db, work->user_id, err) &&
           vault_key_need(db, work->vault, work->user_id, (struct instant){ 1 }, &key, err);
}

/* Of books from before anything was noted: what lies in them says which master key it was. */
static void test_older_books_tell_by_what_is_sealed_in_them(void **state)
{
    struct key_pair keys = crypto_key_pair();
    struct vault a = vault_of(KEY_A), b = vault_of(KEY_B), c = vault_of(KEY_C), both = b;
    struct key_work work = { .vault = &a };
    struct world world;
    struct error err;

    vault_add(&both, KEY_A);
    world_open(&world, *state);
    work.user_id = world_user(&world, "ada@berth.test", 0).user_id;
    CHECK_OK(store_write(world.flow.store, key_work, &work, &err), &err);
    CHECK_INT(start(&world, &keys, &b, false), KEYS_FIT_OTHER_MASTER);
    CHECK_INT(start(&world, &keys, &both, false), KEYS_FIT);
    CHECK_INT(start(&world, &keys, &a, false), KEYS_FIT_OTHER_MASTER);
    /* Once accepted it is not asked again, although some stays closed. */
    CHECK_INT(start(&world, &keys, &c, true), KEYS_FIT);
    CHECK_INT(start(&world, &keys, &c, false), KEYS_FIT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_server_s_keys_are_the_market_s),
        cmocka_unit_test(test_accepted_they_are_the_market_s_and_the_others_are_not),
        cmocka_unit_test(test_servers_start_at_each_step_of_a_turn_of_the_master_key),
        cmocka_unit_test(test_older_books_tell_by_what_is_sealed_in_them),
    };

    return SUPPORT_RUN(tests);
}

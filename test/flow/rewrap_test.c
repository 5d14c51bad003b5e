/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rewrap.h"

#include <stdio.h>
#include <string.h>

#include "store/user.h"
#include "support.h"

enum { ACCOUNTS = REWRAP_BATCH_MAX + 3 };

static const uint8_t KEY_BEFORE[SEAL_KEY_SIZE] = { 11 }, KEY_AFTER[SEAL_KEY_SIZE] = { 12 };

struct key_work {
    struct world *world;
    int64_t user_id;
    bool is_needed; /* made where there is none */
    bool has;
    struct vault_key key;
};

static bool key_work(struct db *db, void *context, struct error *err)
{
    struct key_work *work = context;
    const struct vault *vault = &work->world->vault;

    if (!work->is_needed)
        return vault_key_load(db, vault, work->user_id, &work->key, &work->has, err);
    return user_lock(db, work->user_id, err) &&
           vault_key_need(db, vault, work->user_id, clock_now(&work->world->clock), &work->key,
                          err);
}

static struct vault_key key_of(struct world *world, int64_t user_id, bool is_needed)
{
    struct key_work work = { .world = world, .user_id = user_id, .is_needed = is_needed };
    struct error err;

    CHECK_OK(store_write(world->flow.store, key_work, &work, &err), &err);
    CHECK(is_needed || work.has);
    return work.key;
}

static bool opens(struct world *world, int64_t user_id)
{
    struct key_work work = { .world = world, .user_id = user_id };
    struct error err;

    return store_read(world->flow.store, key_work, &work, &err);
}

static size_t rewrap(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_rewrap(&world->flow, &count, &err), &err);
    return count;
}

static void counts_are(struct world *world, const struct vault_master *master, int64_t want,
                       int64_t want_all)
{
    int64_t count, all;
    struct error err;

    CHECK_OK(flow_rewrap_count(&world->flow, master->id, &count, &all, &err), &err);
    CHECK_INT(count, want);
    CHECK_INT(all, want_all);
}

/* Next, turn, forget: at each step every key opens and is what it was, on a server that has taken
 * the step and on one that has not yet. */
static void test_another_master_key_takes_the_place_of_one(void **state)
{
    struct vault_key keys[ACCOUNTS];
    struct caller accounts[ACCOUNTS];
    struct vault before, waits, turned, after;
    struct world world;
    char email[64];

    world_open(&world, *state);
    before = world.vault = vault_of(KEY_BEFORE);
    waits = before;
    vault_add(&waits, KEY_AFTER);
    turned = after = vault_of(KEY_AFTER);
    vault_add(&turned, KEY_BEFORE);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        (void)snprintf(email, sizeof email, "user%zu@berth.test", i);
        accounts[i] = world_user(&world, email, 0);
        world.vault = i % 2 == 0 ? before : waits;
        keys[i] = key_of(&world, accounts[i].user_id, true);
    }
    counts_are(&world, &before.master, ACCOUNTS, ACCOUNTS);
    world.vault = before;
    CHECK_INT((int64_t)rewrap(&world), 0); /* there is no other */
    world.vault = waits;
    CHECK_INT((int64_t)rewrap(&world), 0); /* nothing lies under the next one */
    world.vault = after;
    CHECK(!opens(&world, accounts[0].user_id));

    world.vault = turned;
    CHECK_INT((int64_t)rewrap(&world), REWRAP_BATCH_MAX);
    counts_are(&world, &turned.master, REWRAP_BATCH_MAX, ACCOUNTS);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct vault_key key;

        world.vault = turned;
        key = key_of(&world, accounts[i].user_id, false);
        CHECK(memcmp(&key, &keys[i], sizeof key) == 0);
        world.vault = waits; /* another server, which has not turned yet */
        key = key_of(&world, accounts[i].user_id, false);
        CHECK(memcmp(&key, &keys[i], sizeof key) == 0);
    }
    world.vault = turned;
    CHECK_INT((int64_t)rewrap(&world), ACCOUNTS - REWRAP_BATCH_MAX);
    CHECK_INT((int64_t)rewrap(&world), 0);
    counts_are(&world, &before.master, 0, ACCOUNTS);
    world.vault = after;
    for (size_t i = 0; i < ACCOUNTS; i++) {
        struct vault_key key = key_of(&world, accounts[i].user_id, false);

        CHECK(memcmp(&key, &keys[i], sizeof key) == 0);
    }
    world.vault = before;
    CHECK(!opens(&world, accounts[0].user_id));
    world_close(&world);
}

/* What is damaged, or lies under a key that is not the one of its number, changes nothing. */
static void test_what_does_not_open_is_left_alone(void **state)
{
    struct world world;
    struct error err;
    size_t count = 7;

    world_open(&world, *state);
    world.vault = vault_of(KEY_BEFORE);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    (void)key_of(&world, ada.user_id, true);
    (void)key_of(&world, bob.user_id, true);
    world.vault = vault_of(KEY_AFTER);
    vault_add(&world.vault, KEY_BEFORE);
    world.vault.others[0].key[0] ^= 1;
    struct hash dump = world_dump(&world);
    CHECK(!flow_rewrap(&world.flow, &count, &err));
    CHECK_INT(err.code, ERROR_CORRUPT);
    CHECK_UNCHANGED(&world, dump);
    world.vault.others[0].key[0] ^= 1;
    CHECK_INT((int64_t)rewrap(&world), 2);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_master_key_takes_the_place_of_one),
        cmocka_unit_test(test_what_does_not_open_is_left_alone),
    };

    return SUPPORT_RUN(tests);
}

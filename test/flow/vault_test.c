/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/vault.h"

#include <string.h>

#include "store/user.h"
#include "support.h"

struct need_work {
    struct world *world;
    int64_t user_id;
    struct vault_key key;
};

static bool need_work(struct db *db, void *context, struct error *err)
{
    struct need_work *work = context;

    return user_lock(db, work->user_id, err) &&
           vault_key_need(db, &work->world->vault, work->user_id, clock_now(&work->world->clock),
                          &work->key, err);
}

static struct vault_key need(struct world *world, struct caller caller)
{
    struct need_work work = { .world = world, .user_id = caller.user_id };
    struct error err;

    CHECK_OK(store_write(world->flow.store, need_work, &work, &err), &err);
    return work.key;
}

static void test_an_account_has_one_key_of_its_own(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    struct vault_key first = need(&world, ada), again = need(&world, ada);
    struct vault_key other = need(&world, bob);

    CHECK(memcmp(&first, &again, sizeof first) == 0);
    CHECK(memcmp(&first, &other, sizeof first) != 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM data_key"), 2);
    world_close(&world);
}

static void test_what_is_sealed_opens_with_the_same_words_only(void **state)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    const struct vault_key key = { { 1 } }, other = { { 2 } };
    static const char *const texts[] = { "", "x",
                                         "a longer text, of more than one block of it all" };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct secret_row sealed, twice;
        const char *text = NULL;
        struct error err;

        check_row("%s", texts[i]);
        CHECK_OK(vault_seal(&key, "a thing 7", texts[i], &arena, &sealed, &err), &err);
        CHECK_OK(vault_seal(&key, "a thing 7", texts[i], &arena, &twice, &err), &err);
        CHECK_INT((int64_t)sealed.length, (int64_t)strlen(texts[i]) + SEAL_EXTRA);
        CHECK(memcmp(sealed.sealed, twice.sealed, sealed.length) != 0);
        CHECK_OK(vault_unseal(&key, "a thing 7", &sealed, &arena, &text, &err), &err);
        CHECK_TEXT(text, texts[i]);

        text = NULL;
        CHECK(!vault_unseal(&key, "a thing 8", &sealed, &arena, &text, &err));
        CHECK_INT(err.code, ERROR_CORRUPT);
        CHECK(!vault_unseal(&other, "a thing 7", &sealed, &arena, &text, &err));
        for (size_t at = 0; at < sealed.length; at++) {
            uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.sealed;

            bytes[at] ^= 1;
            CHECK(!vault_unseal(&key, "a thing 7", &sealed, &arena, &text, &err));
            bytes[at] ^= 1;
        }
        sealed.length = SEAL_EXTRA - 1;
        CHECK(!vault_unseal(&key, "a thing 7", &sealed, &arena, &text, &err));
        CHECK(text == NULL);
    }
}

static void test_a_master_key_has_a_number_that_tells_nothing_else(void **state)
{
    struct vault first = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 1 });
    struct vault second = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 2 });

    (void)state;
    CHECK(first.master.id > 0 && second.master.id > 0);
    CHECK(first.master.id != second.master.id);
    CHECK_INT(first.master.id, vault_of(first.master.key).master.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_account_has_one_key_of_its_own),
        cmocka_unit_test(test_what_is_sealed_opens_with_the_same_words_only),
        cmocka_unit_test(test_a_master_key_has_a_number_that_tells_nothing_else),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/desired.h"
#include "support.h"

#define VALUE "hf_do-not-tell"

static enum secret_outcome create(struct world *world, struct caller who, const char *name,
                                  const char *value)
{
    enum secret_outcome outcome;
    struct error err;

    CHECK_OK(flow_secret_create(&world->flow, &who, name, value, &outcome, &err), &err);
    return outcome;
}

static enum secret_outcome update(struct world *world, struct caller who, const char *name,
                                  const char *value)
{
    enum secret_outcome outcome;
    struct error err;

    CHECK_OK(flow_secret_update(&world->flow, &who, name, value, &outcome, &err), &err);
    return outcome;
}

static enum secret_outcome delete (struct world *world, struct caller who, const char *name) {
    enum secret_outcome outcome; struct error err;

    CHECK_OK(flow_secret_delete(&world->flow, &who, name, &outcome, &err), &err);
    return outcome;
}

static size_t count_of(struct world *world, struct caller who, const char *first)
{
    const char **names;
    struct error err;
    size_t count;

    CHECK_OK(flow_secret_list(&world->flow, &who, &world->arena, &names, &count, &err), &err);
    if (count > 0 && first != NULL)
        CHECK_TEXT(names[0], first);
    return count;
}

/* What the host of an instance gets under that name; NULL: nothing. */
static const char *given(struct world *world, const struct world_machine *machine, int64_t id,
                         const char *name)
{
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine->id, &world->arena, &desired, &has, &err), &err);
    for (int64_t i = 0; i < desired.instance_count; i++) {
        const struct instance_spec *spec = &desired.instances[i].spec;

        for (int64_t at = 0; desired.instances[i].id == id && at < spec->env_count; at++) {
            if (strcmp(spec->env[at].name, name) == 0)
                return spec->env[at].value;
        }
    }
    return NULL;
}

static void test_names_and_values_that_are_none(void **state)
{
    static const struct {
        const char *name, *value;
        enum secret_outcome outcome;
    } rows[] = {
        { "HF_TOKEN", VALUE, SECRET_DONE },
        { "lower_case1", "", SECRET_DONE },
        { "_", "line\nand\ttab\r\n", SECRET_DONE },
        { "UTF", "\xc3\xa9", SECRET_DONE },
        { "", "x", SECRET_BAD_NAME },
        { "1A", "x", SECRET_BAD_NAME },
        { "A B", "x", SECRET_BAD_NAME },
        { "A=B", "x", SECRET_BAD_NAME },
        { "A-B", "x", SECRET_BAD_NAME },
        { "\xc3\x84", "x", SECRET_BAD_NAME },
        { "BELL", "\a", SECRET_BAD_VALUE },
        { "DEL", "\x7f", SECRET_BAD_VALUE },
        { "HF_TOKEN", "again", SECRET_EXISTS },
        { "hf_token", "again", SECRET_EXISTS },
    };
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hash before = world_dump(&world);

        check_row("%s", rows[i].name);
        CHECK_INT(create(&world, ada, rows[i].name, rows[i].value), rows[i].outcome);
        CHECK(world_is_unchanged(&world, before) == (rows[i].outcome != SECRET_DONE));
    }
    CHECK_INT((int64_t)count_of(&world, ada, "HF_TOKEN"), 4);
    world_close(&world);
}

static void test_both_edges_of_the_limits(void **state)
{
    char *text = calloc(1, SECRET_VALUE_MAX + 2);
    struct world world;

    CHECK(text != NULL);
    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    memset(text, 'A', SECRET_NAME_MAX);
    CHECK_INT(create(&world, ada, text, "x"), SECRET_DONE);
    text[SECRET_NAME_MAX] = 'A';
    CHECK_INT(create(&world, ada, text, "x"), SECRET_TOO_LONG);
    memset(text, 'v', SECRET_VALUE_MAX);
    CHECK_INT(create(&world, ada, "LONG", text), SECRET_DONE);
    text[SECRET_VALUE_MAX] = 'v';
    CHECK_INT(update(&world, ada, "LONG", text), SECRET_TOO_LONG);
    for (int i = 2; i < SECRETS_MAX; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "N%d", i);
        CHECK_INT(create(&world, ada, name, "x"), SECRET_DONE);
    }
    CHECK_INT(create(&world, ada, "ONE_MORE", "x"), SECRET_TOO_MANY);
    CHECK_INT(delete (&world, ada, "n2"), SECRET_DONE);
    CHECK_INT(create(&world, ada, "ONE_MORE", "x"), SECRET_DONE);
    free(text);
    world_close(&world);
}

static void test_each_account_has_its_own(void **state)
{
    struct world world;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 0);
    struct caller bob = world_user(&world, "bob@berth.test", 0);
    CHECK_INT(create(&world, ada, "TOKEN", VALUE), SECRET_DONE);
    CHECK_INT((int64_t)count_of(&world, bob, NULL), 0);
    CHECK_INT(update(&world, bob, "TOKEN", "x"), SECRET_UNKNOWN);
    CHECK_INT(delete (&world, bob, "TOKEN"), SECRET_UNKNOWN);
    CHECK_INT(create(&world, bob, "TOKEN", VALUE), SECRET_DONE);
    CHECK_INT(delete (&world, ada, "TOKEN"), SECRET_DONE);
    CHECK_INT((int64_t)count_of(&world, bob, "TOKEN"), 1);
    /* Two keys, and the same text is not the same bytes. */
    CHECK_INT(create(&world, ada, "TOKEN", VALUE), SECRET_DONE);
    CHECK_INT(world_number(&world, "SELECT COUNT(DISTINCT sealed) FROM secret"), 2);
    CHECK_INT(world_number(&world, "SELECT COUNT(DISTINCT sealed) FROM data_key"), 2);
    world_close(&world);
}

struct look {
    const char *text;
    bool is_found;
};

/* In the bytes of every secret that is stored. */
static bool look_work(struct db *db, void *context, struct error *err)
{
    struct look *look = context;
    auto_db_rows struct db_rows rows = db_query(
        db, "SELECT sealed FROM secret UNION ALL SELECT sealed FROM contract_env", DB_NO_ARGS);
    size_t count = 0;

    look->is_found = false;
    while (db_next(&rows, err)) {
        size_t length;
        const void *bytes = db_column_bytes(&rows, 0, &length);

        look->is_found |= memmem(bytes, length, look->text, strlen(look->text)) != NULL;
        count++;
    }
    CHECK(count > 0);
    return !rows.has_failed;
}

static void test_every_container_gets_them_and_the_database_has_none(void **state)
{
    struct spec_variable env[] = { { "MINE", "from the request" } };
    struct world world;
    struct world_machine machine;
    struct rental_reply reply;
    struct look look = { .text = VALUE };
    struct error err;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    int64_t before = world_running(&world, &machine, ada, 1);
    CHECK_INT(create(&world, ada, "TOKEN", VALUE), SECRET_DONE);
    CHECK_INT(create(&world, ada, "MINE", "from the account"), SECRET_DONE);

    struct rental_request request = {
        .offer_id = world_offer(&world, machine.id, 1),
        .spec = { .image = "ubuntu:24.04", .disk_gb = 10, .env = env, .env_count = 1 },
    };
    CHECK_OK(flow_rent(&world.flow, &ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    int64_t id = reply.instance_id;
    CHECK_TEXT(given(&world, &machine, id, "TOKEN"), VALUE);
    CHECK_TEXT(given(&world, &machine, id, "MINE"), "from the request");
    CHECK(given(&world, &machine, before, "TOKEN") == NULL);
    support_read(world.support, look_work, &look);
    CHECK(!look.is_found);
    /* Nor does whoever may look at the instance see them. */
    CHECK_INT(world_instance(&world, ada, id).spec->env_count, 1);

    /* A change is for what comes after it: no container is made anew. */
    CHECK_INT(update(&world, ada, "TOKEN", "another"), SECRET_DONE);
    CHECK_TEXT(given(&world, &machine, id, "TOKEN"), VALUE);
    CHECK_INT(delete (&world, ada, "MINE"), SECRET_DONE);
    int64_t later = world_running(&world, &machine, ada, 1);
    CHECK_TEXT(given(&world, &machine, later, "TOKEN"), "another");
    CHECK(given(&world, &machine, later, "MINE") == NULL);
    world_check(&world);
    world_close(&world);
}

struct swap {
    int64_t id, other;
};

static bool swap_work(struct db *db, void *context, struct error *err)
{
    const struct swap *swap = context;

    return db_exec(db,
                   "UPDATE contract_env SET sealed = (SELECT e.sealed FROM contract_env e "
                   "WHERE e.contract_id = $2) WHERE contract_id = $1",
                   DB_ARGS(db_int(swap->id), db_int(swap->other)), err);
}

/* A dump of the database alone opens nothing, and rows put in each other's place neither. */
static void test_without_its_key_nothing_opens(void **state)
{
    struct world world;
    struct world_machine machine;
    struct desired desired;
    struct error err;
    bool has;

    world_open(&world, *state);
    struct caller ada = world_user(&world, "ada@berth.test", 25);
    world_host(&world, &machine, "a", 4);
    CHECK_INT(create(&world, ada, "TOKEN", VALUE), SECRET_DONE);
    int64_t id = world_running(&world, &machine, ada, 1);
    int64_t other = world_running(&world, &machine, ada, 1);
    CHECK_TEXT(given(&world, &machine, id, "TOKEN"), VALUE);

    struct vault right = world.vault;
    world.vault = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 8 });
    CHECK(!flow_desired(&world.flow, machine.id, &world.arena, &desired, &has, &err));
    CHECK_INT(err.code, ERROR_CORRUPT);
    world.vault.master.id = right.master.id;
    CHECK(!flow_desired(&world.flow, machine.id, &world.arena, &desired, &has, &err));
    CHECK_INT(err.code, ERROR_CORRUPT);
    world.vault = right;
    CHECK_TEXT(given(&world, &machine, id, "TOKEN"), VALUE);

    struct swap swap = { id, other };
    support_write(world.support, swap_work, &swap);
    CHECK(!flow_desired(&world.flow, machine.id, &world.arena, &desired, &has, &err));
    CHECK_INT(err.code, ERROR_CORRUPT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_values_that_are_none),
        cmocka_unit_test(test_both_edges_of_the_limits),
        cmocka_unit_test(test_each_account_has_its_own),
        cmocka_unit_test(test_every_container_gets_them_and_the_database_has_none),
        cmocka_unit_test(test_without_its_key_nothing_opens),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/spec.h"

#include <string.h>

#include "flow/desired.h"
#include "support.h"

#define SECRET "do-not-tell"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
};

static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 4);
}

/* A rental with a secret wherever there is room for one. */
static int64_t rent(struct scene *scene, const char *label)
{
    struct spec_variable env[] = { { "TOKEN", SECRET } };
    const struct rental_request request = {
        .offer_id = world_offer(&scene->world, scene->machine.id, 1),
        .label = label,
        .spec = { .image = "ubuntu:24.04",
                  .disk_gb = 10,
                  .env = env,
                  .env_count = 1,
                  .onstart = "export K=" SECRET,
                  .registry_login = "-u ada -p " SECRET " registry.test" },
    };
    struct rental_reply reply;
    struct error err;

    CHECK_OK(flow_rent(&scene->world.flow, &scene->ada, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, RENTAL_MADE);
    return reply.instance_id;
}

static bool loads(struct scene *scene, struct desired *ret, struct error *err)
{
    bool has;

    return flow_desired(&scene->world.flow, scene->machine.id, &scene->world.arena, ret, &has, err);
}

static void test_what_was_rented_with_is_stored_sealed(void **state)
{
    struct scene scene;
    struct desired desired;
    struct error err;

    open_scene(&scene, state);
    int64_t id = rent(&scene, "one");
    const char *stored = world_contract(&scene.world, id).spec;
    CHECK(strncmp(stored, "sealed:", 7) == 0);
    CHECK(strstr(stored, SECRET) == NULL && strstr(stored, "TOKEN") == NULL);

    CHECK_OK(loads(&scene, &desired, &err), &err);
    const struct instance_spec *spec = &desired.instances[0].spec;
    CHECK_TEXT(spec->env[0].value, SECRET);
    CHECK_TEXT(spec->onstart, "export K=" SECRET);
    CHECK_TEXT(spec->registry_login, "-u ada -p " SECRET " registry.test");
    spec = world_instance(&scene.world, scene.ada, id).spec;
    CHECK_TEXT(spec->env[0].value, SECRET);
    world_check(&scene.world);
    world_close(&scene.world);
}

struct change {
    int64_t id;
    const char *spec;
};

static bool set_spec(struct db *db, void *context, struct error *err)
{
    const struct change *change = context;

    return db_exec(db, "UPDATE contract SET spec = $2 WHERE id = $1",
                   DB_ARGS(db_int(change->id), db_text(change->spec)), err);
}

static void test_a_spec_of_another_contract_does_not_open(void **state)
{
    struct scene scene;
    struct desired desired;
    struct error err;

    open_scene(&scene, state);
    int64_t id = rent(&scene, "one"), other = rent(&scene, "two");
    const char *own = world_contract(&scene.world, id).spec;
    const char *const rows[] = {
        world_contract(&scene.world, other).spec,
        "sealed:",
        "sealed:AAAA",
        "sealed:not base64",
        "sealed",
        "{}",
        "",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct change change = { id, rows[i] };

        check_row("%zu", i);
        support_write(scene.world.support, set_spec, &change);
        CHECK(!loads(&scene, &desired, &err));
        CHECK_INT(err.code, ERROR_CORRUPT);
    }
    struct change back = { id, own };
    support_write(scene.world.support, set_spec, &back);
    CHECK_OK(loads(&scene, &desired, &err), &err);
    world_close(&scene.world);
}

/* Rows of before there was a vault, and markets that have none. */
static void test_json_is_read_as_it_is(void **state)
{
    struct scene scene;
    struct desired desired;
    struct error err;

    open_scene(&scene, state);
    scene.world.flow.vault = NULL;
    int64_t id = rent(&scene, "one");
    CHECK(strstr(world_contract(&scene.world, id).spec, SECRET) != NULL);
    CHECK_OK(loads(&scene, &desired, &err), &err);
    CHECK_TEXT(desired.instances[0].spec.env[0].value, SECRET);
    scene.world.flow.vault = &scene.world.vault;
    CHECK_OK(loads(&scene, &desired, &err), &err);
    CHECK_TEXT(desired.instances[0].spec.env[0].value, SECRET);

    /* But what is sealed needs the key. */
    (void)rent(&scene, "two");
    scene.world.flow.vault = NULL;
    CHECK(!loads(&scene, &desired, &err));
    CHECK_INT(err.code, ERROR_CORRUPT);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_rented_with_is_stored_sealed),
        cmocka_unit_test(test_a_spec_of_another_contract_does_not_open),
        cmocka_unit_test(test_json_is_read_as_it_is),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

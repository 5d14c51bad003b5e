/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/snapshot.h"

#include <string.h>

#include "flow/contact_lost.h"
#include "flow/desired.h"
#include "support.h"

#define LOGIN "-u ada -p canary-of-a-registry ghcr.io"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t id;
};

static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static struct snapshot_reply take(struct scene *scene, struct caller caller,
                                  const struct snapshot_request *request)
{
    struct snapshot_reply reply;
    struct error err;

    CHECK_OK(flow_snapshot(&scene->world.flow, &caller, request, &reply, &err), &err);
    return reply;
}

/* The host learns all of it; what waits for it in the database does not show the password. */
static void test_the_host_is_told_and_the_login_is_sealed(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    const struct snapshot_request request = { scene.id, "ghcr.io/ada/work:1", LOGIN, true };
    struct snapshot_reply reply = take(&scene, scene.ada, &request);

    CHECK_INT(reply.outcome, SNAPSHOT_BEGUN);
    CHECK_INT((int64_t)strlen(reply.token), 64);
    struct desired desired = world_desired(&scene.world, scene.machine.id);
    CHECK_INT(desired.op_count, 1);
    CHECK_INT(desired.ops[0].kind, OP_SNAPSHOT);
    CHECK_INT(desired.ops[0].instance_id, scene.id);
    CHECK_TEXT(desired.ops[0].image, "ghcr.io/ada/work:1");
    CHECK_TEXT(desired.ops[0].login, LOGIN);
    CHECK(desired.ops[0].is_paused);
    CHECK(desired.ops[0].expires_ms > 60000);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM op WHERE login IS NOT NULL"), 1);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM op WHERE login LIKE '%canary%'"), 0);
    world_close(&scene.world);
}

static void test_only_what_can_be_done_is_taken(void **state)
{
    static char long_login[SNAPSHOT_LOGIN_LENGTH_MAX + 2],
        long_image[SNAPSHOT_IMAGE_LENGTH_MAX + 2];
    struct scene scene;

    open_scene(&scene, state);
    memset(long_login, 'x', sizeof long_login - 1);
    memcpy(long_login, "-u u -p ", 8);
    memset(long_image, 'x', sizeof long_image - 1);
    const struct {
        struct caller caller;
        struct snapshot_request request;
        enum snapshot_outcome want;
    } rows[] = {
        { scene.bob, { scene.id, "a/b", NULL, true }, SNAPSHOT_NO_INSTANCE },
        { scene.ada, { scene.id + 99, "a/b", NULL, true }, SNAPSHOT_NO_INSTANCE },
        { scene.ada, { scene.id, "A B", NULL, true }, SNAPSHOT_BAD_IMAGE },
        { scene.ada, { scene.id, "--help", NULL, true }, SNAPSHOT_BAD_IMAGE },
        { scene.ada, { scene.id, long_image, NULL, true }, SNAPSHOT_BAD_IMAGE },
        { scene.ada,
          { scene.id, "a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            NULL, true },
          SNAPSHOT_BAD_IMAGE },
        { scene.ada, { scene.id, "a/b", "-u u", true }, SNAPSHOT_BAD_LOGIN },
        { scene.ada, { scene.id, "a/b", long_login, true }, SNAPSHOT_BAD_LOGIN },
    };
    struct hash before = world_dump(&scene.world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct snapshot_reply reply = take(&scene, rows[i].caller, &rows[i].request);

        check_row("row %zu", i);
        CHECK_INT(reply.outcome, rows[i].want);
        CHECK_UNCHANGED(&scene.world, before);
    }
    const struct snapshot_request good = { scene.id, "a/b", NULL, false };
    for (int i = 0; i < DESIRED_OPS_MAX; i++)
        CHECK_INT(take(&scene, scene.ada, &good).outcome, SNAPSHOT_BEGUN);
    CHECK_INT(take(&scene, scene.ada, &good).outcome, SNAPSHOT_BUSY);
    CHECK(!world_desired(&scene.world, scene.machine.id).ops[0].is_paused);
    CHECK(world_desired(&scene.world, scene.machine.id).ops[0].login == NULL);
    world_close(&scene.world);
}

static void test_a_host_that_is_away_is_not_asked(void **state)
{
    struct scene scene;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    world_pass(&scene.world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    const struct snapshot_request request = { scene.id, "a/b", NULL, true };
    CHECK_INT(take(&scene, scene.ada, &request).outcome, SNAPSHOT_NOT_REACHABLE);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_host_is_told_and_the_login_is_sealed),
        cmocka_unit_test(test_only_what_can_be_done_is_taken),
        cmocka_unit_test(test_a_host_that_is_away_is_not_asked),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

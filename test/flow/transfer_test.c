/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/transfer.h"

#include "flow/admin.h"
#include "support.h"

struct scene {
    struct world world;
    struct caller ada, bob;
};

/* Ada has $3 given and $10 bought. */
static void open_scene(struct scene *scene, void **state)
{
    enum admin_outcome outcome;
    struct error err;

    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 3);
    scene->bob = world_user(&scene->world, "bob@berth.test", 0);
    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id,
                          (struct money){ 10 * NANODOLLARS_PER_DOLLAR }, "w", &outcome, &err),
             &err);
}

static enum transfer_outcome send(struct scene *scene, const char *recipient, int64_t nanodollars)
{
    enum transfer_outcome outcome;
    struct error err;

    CHECK_OK(flow_transfer(&scene->world.flow, &scene->ada, recipient,
                           (struct money){ nanodollars }, &outcome, &err),
             &err);
    return outcome;
}

static void test_bought_credit_goes_and_given_stays(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(send(&scene, "bob@berth.test", 10 * NANODOLLARS_PER_DOLLAR + 1), TRANSFER_NO_CREDIT);
    CHECK_INT(send(&scene, "bob@berth.test", 0), TRANSFER_BAD_AMOUNT);
    CHECK_INT(send(&scene, "bob@berth.test", -1), TRANSFER_BAD_AMOUNT);
    CHECK_INT(send(&scene, "carl@berth.test", 1), TRANSFER_NOBODY);
    CHECK_INT(send(&scene, "99999", 1), TRANSFER_NOBODY);
    CHECK_INT(send(&scene, "ada@berth.test", 1), TRANSFER_SELF);
    CHECK_UNCHANGED(&scene.world, before);
    CHECK_INT(send(&scene, "bob@berth.test", 10 * NANODOLLARS_PER_DOLLAR), TRANSFER_DONE);
    CHECK_INT(world_credit(&scene.world, scene.ada), 3 * NANODOLLARS_PER_DOLLAR);
    CHECK_INT(world_credit(&scene.world, scene.bob), 10 * NANODOLLARS_PER_DOLLAR);
    world_check(&scene.world);
    world_close(&scene.world);
}

/* What runs has used some of it, whatever is posted. */
static void test_what_is_used_cannot_be_given_away(void **state)
{
    struct scene scene;
    struct world_machine machine;

    open_scene(&scene, state);
    world_host(&scene.world, &machine, "a", 1);
    (void)world_running(&scene.world, &machine, scene.ada, 1);
    world_run(&scene.world, &machine, 3600 * US_PER_SECOND);
    CHECK_INT(send(&scene, "bob@berth.test", 10 * NANODOLLARS_PER_DOLLAR), TRANSFER_DONE);
    int64_t left = world_credit(&scene.world, scene.ada);
    CHECK(left > 2 * NANODOLLARS_PER_DOLLAR && left < 3 * NANODOLLARS_PER_DOLLAR);
    /* The end of credit has come nearer, and is stored. */
    CHECK(world_number_of(&scene.world, "SELECT t_zero_us FROM users WHERE id = $1",
                          scene.ada.user_id) <
          WORLD_START.microseconds + INT64_C(9) * 3600 * US_PER_SECOND);
    world_check(&scene.world);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bought_credit_goes_and_given_stays),
        cmocka_unit_test(test_what_is_used_cannot_be_given_away),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

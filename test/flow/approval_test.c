/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/approval.h"

#include <stdio.h>
#include <string.h>

#include "flow/account.h"
#include "flow/admin.h"
#include "flow/hold.h"
#include "flow/list_machine.h"
#include "flow/refund.h"
#include "flow/support_check.h"

#define DOLLAR  NANODOLLARS_PER_DOLLAR
#define HOUR_US US_PER_HOUR

/* Two operators, and Ada, who has $1,000 of bought credit. */
struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t op, other_op;
    char keys[2][TOKEN_TEXT_SIZE];
};

static int64_t operator_of(struct scene *scene, const char *email, char key[static TOKEN_TEXT_SIZE])
{
    struct account_request request = { .email = email, .is_admin = true };
    struct account_reply reply;
    struct error err;

    CHECK_OK(flow_account_create(&scene->world.flow, &request, &reply, &err), &err);
    CHECK_INT(reply.outcome, ACCOUNT_CREATED);
    (void)snprintf(key, TOKEN_TEXT_SIZE, "%s", reply.api_key);
    return reply.user_id;
}

static void open_scene(struct scene *scene, void **state)
{
    enum admin_outcome outcome;
    struct error err;

    world_open(&scene->world, *state);
    scene->op = operator_of(scene, "op@berth.test", scene->keys[0]);
    scene->other_op = operator_of(scene, "other@berth.test", scene->keys[1]);
    scene->ada = world_user(&scene->world, "ada@berth.test", 0);
    CHECK_OK(flow_deposit(&scene->world.flow, scene->ada.user_id, (struct money){ 1000 * DOLLAR },
                          "w", &outcome, &err),
             &err);
}

static void close_scene(struct scene *scene)
{
    check_is_clean(scene->world.support);
    world_check(&scene->world);
    world_close(&scene->world);
}

static int64_t number(struct scene *scene, const char *sql)
{
    return world_number(&scene->world, sql);
}

static int64_t hold(struct scene *scene, int64_t dollars, const char *ticket)
{
    struct hold_request request = { .kind = HOLD_CREDIT,
                                    .user_id = scene->ada.user_id,
                                    .amount = { dollars * DOLLAR },
                                    .ticket = ticket,
                                    .note = "",
                                    .until = INSTANT_NEVER };
    enum hold_outcome outcome;
    struct error err;
    int64_t id;

    CHECK_OK(flow_hold_place(&scene->world.flow, &request, &outcome, &id, &err), &err);
    CHECK_INT(outcome, HOLD_DONE);
    return id;
}

static enum hold_outcome take(struct scene *scene, int64_t id, int64_t amount, int64_t operator_id)
{
    struct hold_taking taking = { id, { amount }, operator_id };
    enum hold_outcome outcome;
    struct error err;

    CHECK_OK(flow_hold_take(&scene->world.flow, &taking, &outcome, &err), &err);
    return outcome;
}

static void test_much_that_is_held_is_taken_by_two(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    int64_t id = hold(&scene, 101, "a");
    struct hash dump = world_dump(&scene.world);
    CHECK_INT(take(&scene, id, 0, 0), HOLD_NOBODY);
    CHECK_UNCHANGED(&scene.world, dump);
    CHECK_INT(take(&scene, id, 0, scene.op), HOLD_WAITS);
    dump = world_dump(&scene.world);
    CHECK_INT(take(&scene, id, 0, scene.op), HOLD_WAITS);
    CHECK_UNCHANGED(&scene.world, dump);
    CHECK_INT(number(&scene, "SELECT state FROM hold"), HOLD_OPEN);
    CHECK_INT(world_credit(&scene.world, scene.ada), 899 * DOLLAR);

    /* Another sum is another thing, which is asked for anew. */
    CHECK_INT(take(&scene, id, 100 * DOLLAR + 1, scene.other_op), HOLD_WAITS);
    CHECK_INT(take(&scene, id, 0, scene.other_op), HOLD_WAITS);
    CHECK_INT(take(&scene, id, 0, scene.op), HOLD_DONE);
    CHECK_INT(take(&scene, id, 0, scene.op), HOLD_WAS_DONE);
    CHECK_INT(number(&scene, "SELECT state FROM hold"), HOLD_CAPTURED);
    CHECK_INT(number(&scene, "SELECT asked_by FROM approval"), scene.other_op);
    CHECK_INT(number(&scene, "SELECT given_by FROM approval"), scene.op);
    close_scene(&scene);
}

/* $60 twice in a day are more than $100; a day later they are not. */
static void test_what_goes_in_parts_counts_together(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    CHECK_INT(take(&scene, hold(&scene, 60, "a"), 0, 0), HOLD_DONE);
    int64_t second = hold(&scene, 60, "b"), third = hold(&scene, 40, "c");
    CHECK_INT(take(&scene, second, 0, 0), HOLD_NOBODY);
    CHECK_INT(take(&scene, third, 0, 0), HOLD_DONE);
    CHECK_INT(take(&scene, second, 0, scene.op), HOLD_WAITS);
    world_pass(&scene.world, 24 * HOUR_US - 1);
    CHECK_INT(take(&scene, second, 0, 0), HOLD_NOBODY);
    world_pass(&scene.world, 1);
    CHECK_INT(take(&scene, second, 0, 0), HOLD_DONE);
    close_scene(&scene);
}

static struct refund_reply refund(struct scene *scene, int64_t id, const char *ticket,
                                  int64_t operator_id)
{
    struct refund_request request = { id, COMPONENT_GPU, INT64_MAX, ticket, operator_id };
    struct refund_reply reply;
    struct error err;

    CHECK_OK(flow_refund(&scene->world.flow, &request, &reply, &err), &err);
    return reply;
}

/* On a machine at $300 an hour and GPU. */
static int64_t run_dearly(struct scene *scene)
{
    struct list_machine_request request = { .has_gpu_hour = true,
                                            .values = { .gpu_hour = { 300 * DOLLAR } } };
    struct list_machine_reply reply;
    struct error err;

    world_host(&scene->world, &scene->machine, "a", 1);
    request.machine_id = scene->machine.id;
    CHECK_OK(flow_list_machine(&scene->world.flow, &scene->machine.host, &request, &reply, &err),
             &err);
    CHECK_INT(reply.outcome, LIST_DONE);
    return world_running(&scene->world, &scene->machine, scene->ada, 1);
}

/* What is asked for is not done: it is charged and posted as before. The instance runs on while the
 * refund waits, and all of it is a little more by then. */
static void test_a_large_refund_takes_two(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    int64_t id = run_dearly(&scene);
    world_run(&scene.world, &scene.machine, 1205 * US_PER_SECOND);
    int64_t before = world_credit(&scene.world, scene.ada);

    struct refund_reply reply = refund(&scene, id, "t", 0);
    CHECK_INT(reply.outcome, REFUND_NOBODY);
    reply = refund(&scene, id, "t", scene.op);
    CHECK_INT(reply.outcome, REFUND_WAITS);
    int64_t asked = reply.gross.nanodollars;
    CHECK(asked > 100 * DOLLAR && asked < 101 * DOLLAR);
    CHECK_INT(world_credit(&scene.world, scene.ada), before);
    CHECK_INT(number(&scene, "SELECT count(*) FROM usage_refund"), 0);
    CHECK_INT(number(&scene, "SELECT count(*) FROM journal WHERE kind = 4"), 0);
    CHECK_INT(number(&scene, "SELECT gross_posted FROM meter WHERE comp = 1"), asked);
    world_run(&scene.world, &scene.machine, 60 * US_PER_SECOND);
    CHECK_INT(refund(&scene, id, "t", scene.op).outcome, REFUND_WAITS);
    reply = refund(&scene, id, "t", scene.other_op);
    CHECK_INT(reply.outcome, REFUNDED);
    CHECK_INT(reply.gross.nanodollars, asked + 5 * DOLLAR);
    CHECK_INT(refund(&scene, id, "t", scene.op).outcome, REFUNDED_BEFORE);
    CHECK_INT(number(&scene, "SELECT CAST(SUM(gross) AS BIGINT) FROM usage_refund"),
              reply.gross.nanodollars);
    CHECK_INT(number(&scene, "SELECT gross_posted FROM meter WHERE comp = 1"), 0);

    /* Much has gone back today: what comes after it takes two as well. */
    world_run(&scene.world, &scene.machine, 30 * US_PER_SECOND);
    CHECK_INT(refund(&scene, id, "t2", 0).outcome, REFUND_NOBODY);
    close_scene(&scene);
}

static bool knows(struct scene *scene, const char *key, int64_t *ret_id)
{
    struct hash hash = crypto_sha256(key, strlen(key));
    struct error err;

    CHECK_OK(flow_operator(&scene->world.flow, &hash, ret_id, &err), &err);
    return *ret_id != 0;
}

static void test_an_operator_is_known_by_their_key(void **state)
{
    struct scene scene;
    int64_t id;

    open_scene(&scene, state);
    CHECK(knows(&scene, scene.keys[0], &id) && id == scene.op);
    CHECK(knows(&scene, scene.keys[1], &id) && id == scene.other_op);
    CHECK(!knows(&scene, "nobody's", &id));
    CHECK(number(&scene, "SELECT COUNT(*) FROM api_key") >= 3);
    support_script(scene.world.support, "UPDATE users SET is_admin = 0 WHERE email LIKE 'op@%';");
    CHECK(!knows(&scene, scene.keys[0], &id));
    support_script(scene.world.support, "UPDATE api_key SET scopes = 1;");
    CHECK(!knows(&scene, scene.keys[1], &id));
    close_scene(&scene);
}

static void test_what_waits_is_listed(void **state)
{
    struct scene scene;
    struct approval_filter filter = { .max = 9, .is_waiting = true };
    struct approval_row *rows;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    int64_t id = hold(&scene, 500, "a");
    CHECK_INT(take(&scene, id, 0, scene.op), HOLD_WAITS);
    CHECK_OK(
        flow_approval_list(&scene.world.flow, &filter, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(rows[0].asked_by, scene.op);
    CHECK_INT(rows[0].amount.nanodollars, 500 * DOLLAR);
    CHECK_INT(take(&scene, id, 0, scene.other_op), HOLD_DONE);
    CHECK_OK(
        flow_approval_list(&scene.world.flow, &filter, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 0);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_much_that_is_held_is_taken_by_two),
        cmocka_unit_test(test_what_goes_in_parts_counts_together),
        cmocka_unit_test(test_a_large_refund_takes_two),
        cmocka_unit_test(test_an_operator_is_known_by_their_key),
        cmocka_unit_test(test_what_waits_is_listed),
    };

    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/op.h"

#include <string.h>

#include "flow/contact_lost.h"
#include "flow/desired.h"
#include "flow/instance_change.h"
#include "support.h"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada;
    int64_t id, seq;
};

static void open_scene(struct scene *scene, void **state)
{
    scene->seq = 0;
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 1);
    scene->id = world_running(&scene->world, &scene->machine, scene->ada, 1);
}

static struct op_reply ask(struct scene *scene, struct caller caller,
                           const struct op_request *request)
{
    struct op_reply reply;
    struct error err;

    CHECK_OK(flow_op_create(&scene->world.flow, &caller, request, &reply, &err), &err);
    return reply;
}

static struct op_view fetch(struct scene *scene, const char *token)
{
    struct op_view view;
    struct error err;

    CHECK_OK(flow_op_fetch(&scene->world.flow, token, &scene->world.arena, &view, &err), &err);
    return view;
}

/* The id of the oldest operation that waits. */
static const char *pending(struct scene *scene)
{
    struct desired desired = world_desired(&scene->world, scene->machine.id);

    CHECK(desired.op_count > 0);
    return desired.ops[0].op_id;
}

static enum take_outcome answer(struct scene *scene, const char *op_id, enum op_status status,
                                const char *output)
{
    struct op_result result = {
        .op_id = op_id, .status = status, .output = output, .exit_code = 5
    };
    enum take_outcome outcome;
    struct error err;

    CHECK_OK(flow_op_result(&scene->world.flow, scene->machine.id, scene->machine.epoch,
                            ++scene->seq, &result, &outcome, &err),
             &err);
    return outcome;
}

static void test_a_result_is_fetched_by_its_token_and_kept_as_it_came(void **state)
{
    static const struct {
        enum op_status status;
        enum op_state state;
    } rows[] = { { OP_DONE, OP_STATE_DONE },
                 { OP_FAILED, OP_STATE_FAILED },
                 { OP_UNKNOWN, OP_STATE_UNKNOWN } };
    struct scene scene;

    open_scene(&scene, state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct op_request request = { .instance_id = scene.id, .kind = OP_LOGS, .tail = 10 };
        struct op_reply reply = ask(&scene, scene.ada, &request);

        CHECK_INT(reply.outcome, OP_ACCEPTED);
        CHECK_INT((int64_t)strlen(reply.token), 64);
        CHECK_INT(fetch(&scene, reply.token).state, OP_STATE_PENDING);
        CHECK_INT(fetch(&scene, reply.token).exit_code, -1);
        const char *op_id = pending(&scene);
        CHECK_INT(answer(&scene, op_id, rows[i].status, "line\n"), TAKE_DONE);
        CHECK_INT(fetch(&scene, reply.token).state, rows[i].state);
        CHECK_TEXT(fetch(&scene, reply.token).output, "line\n");
        CHECK_INT(fetch(&scene, reply.token).exit_code, 5);
        /* The first word counts. */
        CHECK_INT(answer(&scene, op_id, OP_FAILED, "other"), TAKE_DONE);
        CHECK_TEXT(fetch(&scene, reply.token).output, "line\n");
    }
    CHECK_INT(fetch(&scene, "0123").state, OP_STATE_NONE);
    CHECK_INT(answer(&scene, "00000000000000000000000000000000", OP_DONE, ""), TAKE_DONE);
    scene.seq = 0;
    struct hash before = world_dump(&scene.world);
    CHECK_INT(answer(&scene, "00000000000000000000000000000000", OP_DONE, ""), TAKE_REPLAY);
    scene.machine.epoch++;
    CHECK_INT(answer(&scene, "00000000000000000000000000000000", OP_DONE, ""), TAKE_FENCED);
    CHECK_UNCHANGED(&scene.world, before);
    world_close(&scene.world);
}

static void test_only_the_instances_machine_answers(void **state)
{
    struct scene scene;
    struct world_machine other;

    open_scene(&scene, state);
    world_host(&scene.world, &other, "b", 1);
    struct op_request request = { .instance_id = scene.id, .kind = OP_LOGS };
    struct op_reply reply = ask(&scene, scene.ada, &request);
    const char *op_id = pending(&scene);
    struct world_machine machine = scene.machine;
    scene.machine = other;
    CHECK_INT(answer(&scene, op_id, OP_DONE, "forged"), TAKE_DONE);
    CHECK_INT(fetch(&scene, reply.token).state, OP_STATE_PENDING);
    scene.machine = machine;
    world_close(&scene.world);
}

static void test_what_is_not_begun_in_time_fails_and_results_do_not_stay(void **state)
{
    struct scene scene;
    struct error err;

    open_scene(&scene, state);
    struct op_request request = { .instance_id = scene.id, .kind = OP_LOGS };
    struct op_reply reply = ask(&scene, scene.ada, &request);
    clock_advance(&scene.world.clock, OP_EXPIRES_SECONDS * US_PER_SECOND - 1);
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
    CHECK_INT(fetch(&scene, reply.token).state, OP_STATE_PENDING);
    clock_advance(&scene.world.clock, 1);
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
    CHECK_INT(fetch(&scene, reply.token).state, OP_STATE_FAILED);
    CHECK(fetch(&scene, reply.token).output[0] != '\0');
    clock_advance(&scene.world.clock, OP_KEPT_SECONDS * US_PER_SECOND);
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
    CHECK_INT(fetch(&scene, reply.token).state, OP_STATE_NONE);
    world_close(&scene.world);
}

static void test_refusals_leave_nothing_behind(void **state)
{
    struct scene scene;
    char command[OP_COMMAND_MAX + 2], filter[OP_FILTER_LENGTH_MAX + 2];
    enum change_outcome changed;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    struct caller eve = world_user(&scene.world, "eve@berth.test", 0);
    struct caller other = scene.ada;
    other.instance_id = scene.id + 1;
    memset(command, 'x', sizeof command);
    command[sizeof command - 1] = '\0';
    memset(filter, 'x', sizeof filter);
    filter[sizeof filter - 1] = '\0';

    struct hash before = world_dump(&scene.world);
    struct op_request exec = { .instance_id = scene.id, .kind = OP_EXEC, .command = "ls" };
    CHECK_INT(ask(&scene, eve, &exec).outcome, OP_NO_INSTANCE);
    CHECK_INT(ask(&scene, other, &exec).outcome, OP_NO_INSTANCE);
    CHECK_TEXT(ask(&scene, eve, &exec).token, "");
    exec.command = "";
    CHECK_INT(ask(&scene, scene.ada, &exec).outcome, OP_BAD_COMMAND);
    exec.command = NULL;
    CHECK_INT(ask(&scene, scene.ada, &exec).outcome, OP_BAD_COMMAND);
    exec.command = command;
    CHECK_INT(ask(&scene, scene.ada, &exec).outcome, OP_BAD_COMMAND);
    struct op_request logs = { .instance_id = scene.id, .kind = OP_LOGS, .filter = filter };
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_BAD_COMMAND);
    logs = (struct op_request){ .instance_id = scene.id, .kind = OP_LOGS, .tail = -1 };
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_BAD_COMMAND);
    logs.tail = DESIRED_TAIL_MAX + 1;
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_BAD_COMMAND);
    logs = (struct op_request){ .instance_id = scene.id, .kind = OP_LOGS, .since = "yesterday" };
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_BAD_COMMAND);
    logs.since = "0";
    logs.is_daemon_log = true; /* whose lines have no times that can be asked for */
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_BAD_COMMAND);
    CHECK_UNCHANGED(&scene.world, before);

    exec.command = command + 1;
    CHECK_INT(ask(&scene, scene.ada, &exec).outcome, OP_ACCEPTED);
    logs = (struct op_request){ .instance_id = scene.id, .kind = OP_LOGS, .filter = filter + 1 };
    for (int i = 1; i < DESIRED_OPS_MAX; i++)
        CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_ACCEPTED);
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_TOO_MANY);
    world_run(&scene.world, &scene.machine, OP_EXPIRES_SECONDS * US_PER_SECOND);
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);

    CHECK_OK(flow_stop(&scene.world.flow, &scene.ada, scene.id, &changed, &err), &err);
    CHECK_INT(ask(&scene, scene.ada, &exec).outcome, OP_NOT_RUNNING);
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_ACCEPTED); /* logs of a stopped one */
    world_pass(&scene.world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_INT(ask(&scene, scene.ada, &logs).outcome, OP_NOT_REACHABLE);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_result_is_fetched_by_its_token_and_kept_as_it_came),
        cmocka_unit_test(test_only_the_instances_machine_answers),
        cmocka_unit_test(test_what_is_not_begun_in_time_fails_and_results_do_not_stay),
        cmocka_unit_test(test_refusals_leave_nothing_behind),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

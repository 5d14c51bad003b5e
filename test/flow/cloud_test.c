/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cloud.h"

#include <string.h>

#include "base/hex.h"
#include "flow/contact_lost.h"
#include "flow/desired.h"
#include "flow/op.h"
#include "support.h"

#define SECRET "wJalrXUtnFEMI"

struct scene {
    struct world world;
    struct world_machine machine;
    struct caller ada, bob;
    int64_t instance, other, foreign, cloud;
};

static enum cloud_outcome create(struct scene *scene, struct caller caller, const char *name,
                                 const char *kind, const char *config, int64_t *ret_id)
{
    auto_json json_t *root = json_loads(config, 0, NULL);
    const struct cloud_request request = { name, kind, root };
    enum cloud_outcome outcome;
    struct cloud_row row = { 0 };
    struct error err, why;

    CHECK_OK(flow_cloud_create(&scene->world.flow, &caller, &request, &row, &outcome, &why, &err),
             &err);
    *ret_id = row.id;
    return outcome;
}

static const char good[] =
    "{\"access_key_id\":\"AKIA\",\"secret_access_key\":\"" SECRET "\",\"region\":\"eu\"}";

static void open_scene(struct scene *scene, void **state)
{
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
    world_host(&scene->world, &scene->machine, "a", 3);
    scene->instance = world_running(&scene->world, &scene->machine, scene->ada, 1);
    scene->other = world_running(&scene->world, &scene->machine, scene->ada, 1);
    scene->foreign = world_running(&scene->world, &scene->machine, scene->bob, 1);
    CHECK_INT(create(scene, scene->ada, "bk", "s3", good, &scene->cloud), CLOUD_DONE);
}

static struct cloud_copy_request request_of(const struct scene *scene)
{
    return (struct cloud_copy_request){ .instance_id = scene->instance,
                                        .cloud_id = scene->cloud,
                                        .instance_path = "/workspace",
                                        .cloud_path = "/bk/run",
                                        .is_to_cloud = true,
                                        .flags = "--dry-run --update" };
}

static struct cloud_copy_reply copy(struct scene *scene, struct caller caller,
                                    const struct cloud_copy_request *request)
{
    struct cloud_copy_reply reply;
    struct error err;

    CHECK_OK(flow_cloud_copy(&scene->world.flow, &caller, request, &reply, &err), &err);
    CHECK_INT(reply.token[0] != '\0', reply.outcome == CLOUD_COPY_BEGUN);
    return reply;
}

static int64_t cancel(struct scene *scene, struct caller caller, int64_t instance_id)
{
    struct error err;
    int64_t count;

    CHECK_OK(flow_cloud_cancel(&scene->world.flow, &caller, instance_id, &count, &err), &err);
    return count;
}

static enum cloud_outcome forget(struct scene *scene, struct caller caller, int64_t id)
{
    enum cloud_outcome outcome;
    struct error err;

    CHECK_OK(flow_cloud_delete(&scene->world.flow, &caller, id, &outcome, &err), &err);
    return outcome;
}

static void test_the_host_is_told_all_of_it_while_it_goes_on(void **state)
{
    struct scene scene;
    uint8_t secret[COPY_KEY_SIZE];

    open_scene(&scene, state);
    struct cloud_copy_request request = request_of(&scene);
    int64_t rev = world_desired(&scene.world, scene.machine.id).desired_rev;
    struct cloud_copy_reply reply = copy(&scene, scene.ada, &request);
    CHECK_INT(reply.outcome, CLOUD_COPY_BEGUN);
    struct desired desired = world_desired(&scene.world, scene.machine.id);
    CHECK(desired.desired_rev > rev);
    CHECK_INT(desired.op_count, 1);
    const struct desired_op *op = &desired.ops[0];
    CHECK_INT(op->kind, OP_CLOUD);
    CHECK_INT(op->instance_id, scene.instance);
    CHECK_TEXT(op->cloud_kind, "s3");
    CHECK_TEXT(op->cloud_path, "/bk/run");
    CHECK_TEXT(op->instance_path, "/workspace");
    CHECK_TEXT(op->cloud_flags, "--dry-run --update");
    CHECK(op->is_to_cloud);
    CHECK(strstr(op->cloud_config, SECRET) != NULL);
    CHECK(hex_parse(op->copy_secret, secret, sizeof secret));

    const struct op_result result = {
        .op_id = op->op_id, .status = OP_DONE, .output = "done", .exit_code = -1
    };
    enum take_outcome outcome;
    struct op_view view;
    struct error err;
    CHECK_OK(flow_op_result(&scene.world.flow, scene.machine.id, scene.machine.epoch, 1, &result,
                            &outcome, &err),
             &err);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).op_count, 0);
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_DONE);
    CHECK_TEXT(view.output, "done");
    world_close(&scene.world);
}

/* Nothing of it is in the database to be read, nor in what is listed. */
static void test_what_it_takes_to_get_in_lies_sealed_and_is_not_shown(void **state)
{
    struct scene scene;
    struct cloud_row *rows;
    struct error err;
    size_t count;

    open_scene(&scene, state);
    CHECK_INT(world_number(&scene.world,
                           "SELECT COUNT(*) FROM cloud_connection "
                           "WHERE config LIKE '%" SECRET "%' OR config LIKE '%AKIA%'"),
              0);
    CHECK_INT(world_number(&scene.world, "SELECT COUNT(*) FROM cloud_connection"), 1);
    CHECK_OK(
        flow_cloud_list(&scene.world.flow, &scene.ada, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 1);
    CHECK_TEXT(rows[0].name, "bk");
    CHECK_TEXT(rows[0].kind, "s3");
    CHECK(rows[0].config == NULL);
    CHECK_OK(
        flow_cloud_list(&scene.world.flow, &scene.bob, &scene.world.arena, &rows, &count, &err),
        &err);
    CHECK_INT((int64_t)count, 0);
    world_close(&scene.world);
}

static void test_connections_that_are_none_are_refused(void **state)
{
    static char name[CLOUD_NAME_MAX + 2];
    struct scene scene;
    int64_t id;

    memset(name, 'n', CLOUD_NAME_MAX + 1);
    open_scene(&scene, state);
    struct hash before = world_dump(&scene.world);
    CHECK_INT(create(&scene, scene.ada, "", "s3", good, &id), CLOUD_BAD_NAME);
    CHECK_INT(create(&scene, scene.ada, name, "s3", good, &id), CLOUD_BAD_NAME);
    CHECK_INT(create(&scene, scene.ada, "a\n", "s3", good, &id), CLOUD_BAD_NAME);
    CHECK_INT(create(&scene, scene.ada, "bk", "ftp", good, &id), CLOUD_BAD_KIND);
    CHECK_INT(create(&scene, scene.ada, "bk", "b2", good, &id), CLOUD_BAD_CONFIG);
    CHECK_INT(forget(&scene, scene.bob, scene.cloud), CLOUD_UNKNOWN);
    CHECK_INT(forget(&scene, scene.ada, scene.cloud + 1), CLOUD_UNKNOWN);
    CHECK_UNCHANGED(&scene.world, before);
    for (int i = 1; i < CLOUDS_MAX; i++)
        CHECK_INT(create(&scene, scene.ada, name + 1, "s3", good, &id), CLOUD_DONE);
    CHECK_INT(create(&scene, scene.ada, "bk", "s3", good, &id), CLOUD_TOO_MANY);
    CHECK_INT(create(&scene, scene.bob, "bk", "s3", good, &id), CLOUD_DONE);
    world_close(&scene.world);
}

static void test_copies_that_make_no_sense_are_refused_and_change_nothing(void **state)
{
    struct scene scene;
    int64_t bobs;

    open_scene(&scene, state);
    CHECK_INT(create(&scene, scene.bob, "his", "s3", good, &bobs), CLOUD_DONE);
    const struct cloud_copy_request request = request_of(&scene);
    struct {
        const char *what;
        struct cloud_copy_request request;
        enum cloud_copy_outcome outcome;
    } rows[] = {
        { "another's instance", request, CLOUD_COPY_NO_INSTANCE },
        { "another's connection", request, CLOUD_COPY_NO_CONNECTION },
        { "no path there", request, CLOUD_COPY_BAD_PATH },
        { "no path here", request, CLOUD_COPY_BAD_PATH },
        { "a flag of rclone's that may not be", request, CLOUD_COPY_BAD_FLAG },
        { "a flag among good ones", request, CLOUD_COPY_BAD_FLAG },
    };
    rows[0].request.instance_id = scene.foreign;
    rows[1].request.cloud_id = bobs;
    rows[2].request.cloud_path = "";
    rows[3].request.instance_path = "a\nb";
    rows[4].request.flags = "--config=/etc/passwd";
    rows[5].request.flags = "--dry-run --rc";
    struct hash before = world_dump(&scene.world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].what);
        CHECK_INT(copy(&scene, scene.ada, &rows[i].request).outcome, rows[i].outcome);
    }
    CHECK_UNCHANGED(&scene.world, before);
    struct error err;
    size_t count;
    world_pass(&scene.world, 31 * US_PER_SECOND);
    CHECK_OK(flow_contact_lost(&scene.world.flow, &count, &err), &err);
    CHECK_INT(copy(&scene, scene.ada, &request).outcome, CLOUD_COPY_NOT_REACHABLE);
    world_close(&scene.world);
}

static void test_one_at_a_time_until_it_is_cancelled(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    struct cloud_copy_request request = request_of(&scene), other = request;
    other.instance_id = scene.other;
    CHECK_INT(copy(&scene, scene.ada, &request).outcome, CLOUD_COPY_BEGUN);
    CHECK_INT(copy(&scene, scene.ada, &request).outcome, CLOUD_COPY_BUSY);
    CHECK_INT(copy(&scene, scene.ada, &other).outcome, CLOUD_COPY_BEGUN);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).op_count, 2);

    struct hash before = world_dump(&scene.world);
    CHECK_INT(cancel(&scene, scene.bob, scene.instance), 0);
    CHECK_INT(cancel(&scene, scene.ada, scene.foreign), 0);
    CHECK_UNCHANGED(&scene.world, before);
    int64_t rev = world_desired(&scene.world, scene.machine.id).desired_rev;
    CHECK_INT(cancel(&scene, scene.ada, scene.instance), 1);
    CHECK_INT(cancel(&scene, scene.ada, scene.instance), 0);
    struct desired desired = world_desired(&scene.world, scene.machine.id);
    CHECK(desired.desired_rev > rev);
    CHECK_INT(desired.op_count, 1);
    CHECK_INT(desired.ops[0].instance_id, scene.other);
    CHECK_INT(copy(&scene, scene.ada, &request).outcome, CLOUD_COPY_BEGUN);
    world_close(&scene.world);
}

static void test_without_its_connection_it_ends(void **state)
{
    struct scene scene;
    struct op_view view;
    struct error err;

    open_scene(&scene, state);
    struct cloud_copy_request request = request_of(&scene);
    struct cloud_copy_reply reply = copy(&scene, scene.ada, &request);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).op_count, 1);
    int64_t rev = world_desired(&scene.world, scene.machine.id).desired_rev;
    CHECK_INT(forget(&scene, scene.ada, scene.cloud), CLOUD_DONE);
    CHECK_INT(world_desired(&scene.world, scene.machine.id).op_count, 0);
    CHECK(world_desired(&scene.world, scene.machine.id).desired_rev > rev);
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_FAILED);
    CHECK_TEXT(view.output, "Its connection was deleted.");
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_host_is_told_all_of_it_while_it_goes_on),
        cmocka_unit_test(test_what_it_takes_to_get_in_lies_sealed_and_is_not_shown),
        cmocka_unit_test(test_connections_that_are_none_are_refused),
        cmocka_unit_test(test_copies_that_make_no_sense_are_refused_and_change_nothing),
        cmocka_unit_test(test_one_at_a_time_until_it_is_cancelled),
        cmocka_unit_test(test_without_its_connection_it_ends),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

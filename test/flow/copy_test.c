/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/copy.h"

#include <string.h>

#include "base/hex.h"
#include "flow/desired.h"
#include "flow/op.h"
#include "support.h"
#include "sys/copy_secret.h"

struct scene {
    struct world world;
    struct world_machine one, two;
    struct caller ada, bob;
    int64_t source, target, foreign, seq;
};

static void open_scene(struct scene *scene, void **state)
{
    scene->seq = 0;
    world_open(&scene->world, *state);
    scene->ada = world_user(&scene->world, "ada@berth.test", 25);
    scene->bob = world_user(&scene->world, "bob@berth.test", 25);
    world_host(&scene->world, &scene->one, "a", 1);
    world_host(&scene->world, &scene->two, "b", 2);
    scene->source = world_running(&scene->world, &scene->one, scene->ada, 1);
    scene->target = world_running(&scene->world, &scene->two, scene->ada, 1);
    scene->foreign = world_running(&scene->world, &scene->two, scene->bob, 1);
}

static struct copy_request request_of(const struct scene *scene)
{
    return (struct copy_request){ .source_id = scene->source,
                                  .target_id = scene->target,
                                  .source_path = "/a/",
                                  .target_path = "/b",
                                  .source_host = "203.0.113.7",
                                  .source_port = 40001 };
}

static struct copy_reply begin(struct scene *scene, struct caller caller,
                               const struct copy_request *request)
{
    struct copy_reply reply;
    struct error err;

    CHECK_OK(flow_copy_begin(&scene->world.flow, &caller, request, &reply, &err), &err);
    return reply;
}

static const struct desired_instance *find(const struct desired *desired, int64_t id)
{
    for (int64_t i = 0; i < desired->instance_count; i++)
        if (desired->instances[i].id == id)
            return &desired->instances[i];
    return NULL;
}

static void answer(struct scene *scene, const char *op_id, enum op_status status,
                   const char *output)
{
    struct op_result result = {
        .op_id = op_id, .status = status, .output = output, .exit_code = -1
    };
    enum take_outcome outcome;
    struct error err;

    CHECK_OK(flow_op_result(&scene->world.flow, scene->two.id, scene->two.epoch, ++scene->seq,
                            &result, &outcome, &err),
             &err);
    CHECK_INT(outcome, TAKE_DONE);
}

static void test_both_hosts_learn_of_it_and_forget_it_when_it_has_ended(void **state)
{
    struct scene scene;

    open_scene(&scene, state);
    struct copy_request request = request_of(&scene);
    int64_t rev_one = world_desired(&scene.world, scene.one.id).desired_rev;
    struct copy_reply reply = begin(&scene, scene.ada, &request);
    CHECK_INT(reply.outcome, COPY_BEGUN);

    /* The host of the target carries it, with a secret that the other is not told. */
    struct desired two = world_desired(&scene.world, scene.two.id);
    CHECK_INT(two.op_count, 1);
    const struct desired_op *op = &two.ops[0];
    CHECK_INT(op->kind, OP_COPY);
    CHECK_INT(op->instance_id, scene.target);
    CHECK_INT(op->source_id, scene.source);
    CHECK_TEXT(op->source_host, "203.0.113.7");
    CHECK_INT(op->source_port, 40001);
    struct copy_secret secret;
    CHECK(hex_parse(op->copy_secret, secret.seed.bytes, sizeof secret.seed.bytes));
    struct key_pair keys = copy_secret_keys(&secret);
    struct hash greeting = copy_secret_greeting(&secret);

    const struct desired_instance *target = find(&two, scene.target);
    CHECK_INT(target->copy_count, 1);
    CHECK(target->copies[0].is_target);
    CHECK_TEXT(target->copies[0].from, "/a/");
    CHECK_TEXT(target->copies[0].to, "/b");
    CHECK(memcmp(target->copies[0].public_key, keys.public_key, COPY_KEY_SIZE) == 0);
    CHECK(memcmp(target->copies[0].greeting, greeting.bytes, COPY_KEY_SIZE) == 0);
    CHECK_INT(find(&two, scene.foreign)->copy_count, 0);

    struct desired one = world_desired(&scene.world, scene.one.id);
    CHECK(one.desired_rev > rev_one);
    CHECK_INT(one.op_count, 0);
    const struct desired_instance *source = find(&one, scene.source);
    CHECK_INT(source->copy_count, 1);
    CHECK(!source->copies[0].is_target);
    CHECK(source->copies[0].to == NULL);
    CHECK(memcmp(source->copies[0].public_key, keys.public_key, COPY_KEY_SIZE) == 0);

    answer(&scene, op->op_id, OP_DONE, "done, 5 bytes in 1 s");
    CHECK_INT(world_desired(&scene.world, scene.two.id).op_count, 0);
    struct desired after = world_desired(&scene.world, scene.one.id);
    CHECK(after.desired_rev > one.desired_rev);
    CHECK_INT(find(&after, scene.source)->copy_count, 0);
    struct op_view view;
    struct error err;
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_DONE);
    CHECK_TEXT(view.output, "done, 5 bytes in 1 s");
    world_close(&scene.world);
}

static void test_what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
    static char path_max[OP_PATH_MAX + 1], path_over[OP_PATH_MAX + 2];
    struct scene scene;

    memset(path_max, 'x', OP_PATH_MAX);
    memset(path_over, 'x', OP_PATH_MAX + 1);
    open_scene(&scene, state);
    const struct copy_request good = request_of(&scene);
    struct {
        struct copy_request request;
        enum copy_outcome want;
    } rows[10];
    size_t count = 0;

#define ROW(outcome, ...)                                                                          \
    do {                                                                                           \
        rows[count].request = good;                                                                \
        rows[count].request.__VA_ARGS__;                                                           \
        rows[count++].want = (outcome);                                                            \
    } while (0)
    ROW(COPY_NO_SOURCE, source_id = scene.foreign);
    ROW(COPY_NO_SOURCE, source_id = 999999);
    ROW(COPY_NO_TARGET, target_id = scene.foreign);
    ROW(COPY_ONE_INSTANCE, target_id = scene.source);
    ROW(COPY_BAD_PATH, source_path = "");
    ROW(COPY_BAD_PATH, source_path = NULL);
    ROW(COPY_BAD_PATH, target_path = "/a\nb");
    ROW(COPY_BAD_PATH, target_path = "/a\x7f");
    ROW(COPY_BAD_PATH, source_path = path_over);
#undef ROW
    struct hash before = world_dump(&scene.world);
    for (size_t i = 0; i < count; i++) {
        check_row("row %zu", i);
        CHECK_INT(begin(&scene, scene.ada, &rows[i].request).outcome, rows[i].want);
    }
    CHECK_INT(begin(&scene, scene.bob, &good).outcome, COPY_NO_SOURCE);
    CHECK_UNCHANGED(&scene.world, before);
    struct copy_request longest = good;
    longest.source_path = path_max;
    CHECK_INT(begin(&scene, scene.ada, &longest).outcome, COPY_BEGUN);
    /* One at a time into one instance. */
    CHECK_INT(begin(&scene, scene.ada, &good).outcome, COPY_BUSY);
    world_close(&scene.world);
}

static void test_one_is_cancelled_by_its_owner_alone(void **state)
{
    struct scene scene;
    struct error err;
    int64_t count;

    open_scene(&scene, state);
    struct copy_request request = request_of(&scene);
    struct copy_reply reply = begin(&scene, scene.ada, &request);
    struct desired one = world_desired(&scene.world, scene.one.id);
    CHECK_OK(flow_copy_cancel(&scene.world.flow, &scene.bob, scene.target, &count, &err), &err);
    CHECK_INT(count, 0);
    /* By where it goes to, not where it comes from. */
    CHECK_OK(flow_copy_cancel(&scene.world.flow, &scene.ada, scene.source, &count, &err), &err);
    CHECK_INT(count, 0);
    CHECK_INT(world_desired(&scene.world, scene.two.id).op_count, 1);
    CHECK_OK(flow_copy_cancel(&scene.world.flow, &scene.ada, scene.target, &count, &err), &err);
    CHECK_INT(count, 1);
    CHECK_INT(world_desired(&scene.world, scene.two.id).op_count, 0);
    CHECK(world_desired(&scene.world, scene.one.id).desired_rev > one.desired_rev);
    CHECK_OK(flow_copy_cancel(&scene.world.flow, &scene.ada, scene.target, &count, &err), &err);
    CHECK_INT(count, 0);
    struct op_view view;
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_FAILED);
    CHECK_TEXT(view.output, "It was cancelled.");
    CHECK_INT(begin(&scene, scene.ada, &request).outcome, COPY_BEGUN);
    world_close(&scene.world);
}

static void test_its_end_comes_even_if_no_host_says_so(void **state)
{
    struct scene scene;
    struct error err;

    open_scene(&scene, state);
    struct copy_request request = request_of(&scene);
    struct copy_reply reply = begin(&scene, scene.ada, &request);
    struct op_view view;
    world_silence(&scene.world, (COPY_SECONDS_MAX - 1) * US_PER_SECOND);
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_PENDING);
    world_silence(&scene.world, US_PER_SECOND);
    struct desired one = world_desired(&scene.world, scene.one.id);
    CHECK_INT(find(&one, scene.source)->copy_count, 0);
    CHECK_OK(flow_op_expire(&scene.world.flow, &err), &err);
    CHECK_OK(flow_op_fetch(&scene.world.flow, reply.token, &scene.world.arena, &view, &err), &err);
    CHECK_INT(view.state, OP_STATE_FAILED);
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_hosts_learn_of_it_and_forget_it_when_it_has_ended),
        cmocka_unit_test(test_what_makes_no_sense_is_refused_and_changes_nothing),
        cmocka_unit_test(test_one_is_cancelled_by_its_owner_alone),
        cmocka_unit_test(test_its_end_comes_even_if_no_host_says_so),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

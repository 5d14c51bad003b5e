/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/image_starts.h"

#include "support.h"

static void tell(struct world *world, struct world_machine *machine, int64_t rate, int64_t start_ms,
                 const struct host_image *images, int64_t count)
{
    auto_arena struct arena arena = arena_of(WORLD_ARENA);

    world_pass(world, US_PER_SECOND);
    struct heartbeat heartbeat = world_obey(world, machine, &arena);
    heartbeat.has_images = true;
    heartbeat.pull_rate = rate;
    heartbeat.start_ms = start_ms;
    heartbeat.images = (struct host_image *)(uintptr_t)images;
    heartbeat.image_count = count;
    CHECK_INT(world_send(world, machine, &heartbeat), TAKE_DONE);
}

static void expect(struct world *world, const char *image, int64_t machine_id, bool is_cached,
                   int64_t ms)
{
    struct image_start start = { .machine_id = machine_id };
    enum image_starts_outcome outcome;
    struct error err;

    check_row("%s on %lld", image, (long long)machine_id);
    CHECK_OK(flow_image_starts(&world->flow, image, &start, 1, &outcome, &err), &err);
    CHECK_INT(outcome, IMAGE_STARTS_FOUND);
    CHECK_INT(start.is_cached, is_cached);
    CHECK_INT(start.ms, ms);
}

static void test_what_hosts_measured_answers(void **state)
{
    const struct host_image on_a[] = { { "ubuntu:22.04", 80000000 },
                                       { "docker.io/library/ubuntu:22.04", 1 }, /* the same */
                                       { "Not An Image", 5 },
                                       { "x/y:1", -1 } };
    const struct host_image on_b[] = { { "ubuntu:22.04", 60000000 } };
    struct world_machine a, b;
    enum image_starts_outcome outcome;
    struct image_start start = { 0 };
    struct world world;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &a, "a", 1);
    world_host(&world, &b, "b", 1);
    expect(&world, "ubuntu:22.04", a.id, false, -1);
    tell(&world, &a, 10000000, 900, on_a, 4);
    expect(&world, "ubuntu:22.04", a.id, true, 900);
    expect(&world, "docker.io/library/ubuntu:22.04", a.id, true, 900);
    expect(&world, "ubuntu", a.id, false, -1); /* that is :latest */
    expect(&world, "x/y:1", a.id, true, 900);
    expect(&world, "ubuntu:22.04", b.id, false, -1); /* nothing was measured there */
    tell(&world, &b, 20000000, 500, NULL, 0);
    expect(&world, "ubuntu:22.04", b.id, false, 4500);
    expect(&world, "x/y:1", b.id, false, -1); /* nobody knows its size */
    tell(&world, &b, 20000000, 500, on_b, 1);
    expect(&world, "ubuntu:22.04", b.id, true, 500);

    /* A heartbeat without a word of images changes nothing; the next list is the whole truth. */
    world_pass(&world, US_PER_SECOND);
    CHECK_INT(world_beat(&world, &a), TAKE_DONE);
    expect(&world, "ubuntu:22.04", a.id, true, 900);
    tell(&world, &a, -1, -1, NULL, 0);
    expect(&world, "ubuntu:22.04", a.id, false, -1);
    CHECK_OK(flow_image_starts(&world.flow, "Not An Image", &start, 1, &outcome, &err), &err);
    CHECK_INT(outcome, IMAGE_STARTS_BAD_IMAGE);
    world_check(&world);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_hosts_measured_answers),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

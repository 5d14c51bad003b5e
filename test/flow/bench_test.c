/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/offers.h"
#include "market/audit.h"
#include "market/offer.h"
#include "support.h"

/* Of a machine with so many GPUs: each a little faster than the one before. */
static struct bench_report report_of(const struct world_machine *machine)
{
    struct bench_report report = { .age_s = 60, .backend = "opencl", .disk_write_mbs = 1234 };

    report.gpu_count = machine->facts.gpu_count;
    for (int64_t i = 0; i < report.gpu_count; i++) {
        struct bench_gpu *gpu = &report.gpus[i];

        memcpy(gpu->uuid, machine->facts.gpus[i].uuid, sizeof gpu->uuid);
        gpu->f32_gflops = 15700 + i;
        gpu->f16_gflops = 95000 + i;
        gpu->memory_mbs = 900000 + i;
        gpu->pcie_down_mbs = 12000;
        gpu->pcie_up_mbs = 11000 - i;
    }
    return report;
}

static enum take_outcome tell(struct world *world, const struct world_machine *machine, int64_t seq,
                              const struct bench_report *report)
{
    enum take_outcome outcome;
    struct error err;

    CHECK_OK(flow_bench(&world->flow, machine->id, machine->epoch, seq, report, &outcome, &err),
             &err);
    return outcome;
}

static struct offer *offer_of(struct world *world, const struct world_machine *machine)
{
    struct offer *offers;
    struct error err;
    size_t count;

    CHECK_OK(
        flow_offers_of_machine(&world->flow, machine->id, &world->arena, &offers, &count, &err),
        &err);
    CHECK(count > 0);
    return &offers[count - 1];
}

/* What was measured is what the offer shows, and a search for other work shows another number. */
static void test_an_offers_dlperf_is_measured(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    CHECK_INT(offer_of(&world, &machine)->machine->dlperf_milli, 0);
    struct bench_report report = report_of(&machine);
    CHECK_INT(tell(&world, &machine, 1, &report), TAKE_DONE);
    const struct offer *offer = offer_of(&world, &machine);
    struct dlperf_rates rates = { .of = { 0, 15700, 95000, 0, 900000 } };
    CHECK(dlperf_complete(&rates, machine.facts.gpus[0].compute_cap));
    double want = dlperf_score(DLPERF_DEFAULT, &rates);
    CHECK(fabs(offer_quote(offer, &(struct offer_ask){ 0 }).dlperf - want) < 0.001);
    struct offer_ask decode = { .profile = DLPERF_LLM_DECODE };
    CHECK(fabs(offer_quote(offer, &decode).dlperf - 21) < 0.001);
    CHECK_INT(offer->machine->measured.microseconds,
              clock_now(&world.clock).microseconds - 60 * US_PER_SECOND);
    CHECK_INT(offer->machine->pcie_mbs, 11000);
    CHECK_INT(offer->machine->memory_mbs, 900000);
    CHECK_INT(offer->machine->disk_mbs, 1234);
    world_close(&world);
}

static void test_the_slowest_gpu_counts_and_many_lose(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 4);
    struct bench_report report = report_of(&machine);
    report.gpus[2].memory_mbs = 450000;
    CHECK_INT(tell(&world, &machine, 1, &report), TAKE_DONE);
    const struct offer *offer = offer_of(&world, &machine);
    struct offer_ask decode = { .profile = DLPERF_LLM_DECODE };
    CHECK_INT(offer->terms.num_gpus, 4);
    CHECK_INT(offer->machine->pcie_mbs, 11000 - 3);
    double one = 21 / (0.955 * 2 + 0.045), all = offer_quote(offer, &decode).dlperf;
    CHECK(all < 4 * one * 0.99 && all > one);
    world_close(&world);
}

/* The pair that is slowest counts, and of each there has to be one; alone there is no link. */
static void test_what_goes_past_the_slots_is_shown(void **state)
{
    static const struct {
        int64_t first, second, want;
    } rows[] = {
        { 300000, 280000, 280000 }, { 300000, 20000, 0 }, { 300000, 0, -1 }, { 0, 0, -1 }
    };
    struct world world;
    struct world_machine machine, lone;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    world_host(&world, &lone, "b", 1);
    machine.facts.gpus[0].pcie_gen = 4;
    machine.facts.gpus[0].pcie_lanes = 16;
    world_session(&world, &machine);
    CHECK_INT(world_beat(&world, &machine), TAKE_DONE);
    struct bench_report report = report_of(&machine);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        report.gpus[0].peer_mbs = rows[i].first;
        report.gpus[1].peer_mbs = rows[i].second;
        CHECK_INT(tell(&world, &machine, 1 + (int64_t)i, &report), TAKE_DONE);
        CHECK_INT(offer_of(&world, &machine)->machine->nvlink_mbs, rows[i].want);
    }
    CHECK_INT(offer_of(&world, &lone)->machine->nvlink_mbs, -1);
    report = report_of(&lone);
    CHECK_INT(tell(&world, &lone, 1, &report), TAKE_DONE);
    CHECK_INT(offer_of(&world, &lone)->machine->nvlink_mbs, 0);
    world_close(&world);
}

static int64_t is_unlike(struct world *world, const struct world_machine *machine)
{
    return world_number_of(world, "SELECT audit_claims FROM machine WHERE id = $1", machine->id) *
               AUDIT_CLAIM_FIRST &
           AUDIT_UNLIKE;
}

/* Beside three of other hosts a fourth is looked at, slow or fast; its host's others are no peers,
 * nor is what was measured long ago. It is no wrong answer, and over with measurements like theirs.
 */
static void test_who_is_unlike_its_peers_is_asked(void **state)
{
    enum { HOSTS = 3 };
    const struct bench_view *view;
    struct error err;
    struct world world;
    struct world_machine peers[HOSTS], machine;
    struct bench_report report;
    int64_t seq = 0;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 1);
    for (int i = 0; i < HOSTS; i++) {
        world_host(&world, &peers[i], (const char *[]){ "b", "c", "d" }[i], 1);
        report = report_of(&machine);
        report.gpus[0].memory_mbs = 700000;
        CHECK_INT(tell(&world, &machine, ++seq, &report), TAKE_DONE);
        CHECK_INT(is_unlike(&world, &machine), 0); /* of too few nobody can tell */
        report = report_of(&peers[i]);
        CHECK_INT(tell(&world, &peers[i], 1, &report), TAKE_DONE);
    }
    static const struct {
        int64_t memory_mbs, f16_gflops, want;
    } rows[] = {
        { 900000, 95000, 0 },
        { 700000, 95000, AUDIT_UNLIKE },
        { 900000, 95000, 0 },
        { 900000, 195000, AUDIT_UNLIKE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%zu", i);
        support_script(world.support, "UPDATE machine SET audit_us = 9000000000000000;");
        report = report_of(&machine);
        report.gpus[0].memory_mbs = rows[i].memory_mbs;
        report.gpus[0].f16_gflops = rows[i].f16_gflops;
        CHECK_INT(tell(&world, &machine, ++seq, &report), TAKE_DONE);
        CHECK_INT(is_unlike(&world, &machine), rows[i].want);
        int64_t at =
            world_number_of(&world, "SELECT audit_us FROM machine WHERE id = $1", machine.id);
        CHECK((at < 9000000000000000) == (rows[i].want != 0));
        CHECK_INT(
            world_number_of(&world, "SELECT verification FROM machine WHERE id = $1", machine.id),
            VERIFICATION_UNVERIFIED);
    }
    CHECK_OK(flow_bench_show(&world.flow, machine.id, &world.arena, &view, &err), &err);
    CHECK_INT((int64_t)view->peer_count, HOSTS);
    CHECK_INT(view->usual.of[DLPERF_BANDWIDTH], 900000);
    CHECK_INT(view->apart, 1u << DLPERF_F16);
    CHECK_OK(flow_bench_show(&world.flow, peers[0].id, &world.arena, &view, &err), &err);
    CHECK_INT((int64_t)view->peer_count, HOSTS);
    CHECK_INT(view->apart, 0);
    world_pass(&world, DLPERF_STALE_US);
    CHECK_INT(tell(&world, &machine, ++seq, &report), TAKE_DONE);
    CHECK_INT(is_unlike(&world, &machine), 0);
    world_close(&world);
}

/* A machine that does not say all of it is not measured; and what is not new changes nothing. */
static void test_what_is_not_all_or_not_new_does_not_count(void **state)
{
    struct world world;
    struct world_machine machine;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    struct bench_report report = report_of(&machine);
    CHECK_INT(tell(&world, &machine, 5, &report), TAKE_DONE);
    CHECK(offer_of(&world, &machine)->machine->dlperf_milli > 0);
    struct hash before = world_dump(&world);
    report.gpus[0].f32_gflops = 1;
    CHECK_INT(tell(&world, &machine, 5, &report), TAKE_REPLAY);
    machine.epoch--;
    CHECK_INT(tell(&world, &machine, 6, &report), TAKE_FENCED);
    machine.epoch++;
    CHECK_UNCHANGED(&world, before);
    /* One of two. */
    report.gpu_count = 1;
    CHECK_INT(tell(&world, &machine, 6, &report), TAKE_DONE);
    CHECK_INT(offer_of(&world, &machine)->machine->dlperf_milli, 0);
    /* Two, of which one is not its own. */
    report = report_of(&machine);
    report.gpus[1].uuid[0] = 'X';
    CHECK_INT(tell(&world, &machine, 7, &report), TAKE_DONE);
    CHECK_INT(offer_of(&world, &machine)->machine->dlperf_milli, 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM machine_bench"), 3);
    world_close(&world);
}

static struct machine machine_of_view(const struct bench_view *view)
{
    struct machine machine = machine_of(view->machine.id, 1, &view->facts);

    machine_take_bench(&machine, &view->machine.bench);
    return machine;
}

/* Anybody sees what was said; and it is stale after a month, or at once with another driver. */
static void test_what_was_measured_is_shown(void **state)
{
    const struct bench_view *view;
    struct world world;
    struct world_machine machine;
    struct error err;

    world_open(&world, *state);
    world_host(&world, &machine, "a", 2);
    CHECK_OK(flow_bench_show(&world.flow, 987654321, &world.arena, &view, &err), &err);
    CHECK(view == NULL);
    CHECK_OK(flow_bench_show(&world.flow, machine.id, &world.arena, &view, &err), &err);
    CHECK(view != NULL && view->report == NULL);
    CHECK_INT(machine_of_view(view).stale.microseconds, 0);

    struct bench_report report = report_of(&machine);
    report.gpus[1].temperature_c = 71;
    static const struct {
        const char *driver;
        int64_t fresh_us;
    } rows[] = {
        { "", DLPERF_STALE_US }, /* an agent that does not say */
        { "570.86.15", DLPERF_STALE_US },
        { "550.54", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].driver);
        (void)snprintf(report.driver, sizeof report.driver, "%s", rows[i].driver);
        CHECK_INT(tell(&world, &machine, 5 + (int64_t)i, &report), TAKE_DONE);
        CHECK_OK(flow_bench_show(&world.flow, machine.id, &world.arena, &view, &err), &err);
        CHECK_TEXT(view->report->driver, rows[i].driver);
        CHECK_INT(view->report->gpus[1].temperature_c, 71);
        struct machine shown = machine_of_view(view);
        CHECK_INT(instant_until(shown.measured, shown.stale), rows[i].fresh_us);
        CHECK_INT(offer_of(&world, &machine)->machine->stale.microseconds,
                  shown.stale.microseconds);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_offers_dlperf_is_measured),
        cmocka_unit_test(test_the_slowest_gpu_counts_and_many_lose),
        cmocka_unit_test(test_what_goes_past_the_slots_is_shown),
        cmocka_unit_test(test_who_is_unlike_its_peers_is_asked),
        cmocka_unit_test(test_what_is_not_all_or_not_new_does_not_count),
        cmocka_unit_test(test_what_was_measured_is_shown),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

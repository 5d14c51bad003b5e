/* SPDX-License-Identifier: Apache-2.0 */
#include "store/predictor.h"

#include <stdio.h>
#include <string.h>

#include "store/machine.h"
#include "support_rows.h"

static void test_what_was_learned_is_kept(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct predictor_row row, read;

    CHECK_OK(predictor_load(scene.db, &read, &scene.err), &scene.err);
    CHECK_INT(read.fitted.microseconds, 0);
    CHECK_INT(read.revision, 0);
    CHECK_INT(read.fits[0].state, PREDICTOR_FEW);
    row = (struct predictor_row){ .revision = 3, .fitted = scene_at(7) };
    for (int task = 0; task < DLPERF_TASKS; task++) {
        struct predictor_fit *fit = &row.fits[task];

        *fit = (struct predictor_fit){ (enum predictor_state)(task % PREDICTOR_STATES),
                                       10 + task,
                                       task,
                                       50000 + task,
                                       60000 + task,
                                       { 0 } };
        for (int i = 0; i < PREDICTOR_WEIGHTS; i++)
            fit->weights_milli[i] = task * 100 + i;
    }
    for (int times = 0; times < 2; times++) {
        CHECK_OK(predictor_store(scene.db, &row, &scene.err), &scene.err);
        CHECK_OK(predictor_load(scene.db, &read, &scene.err), &scene.err);
        CHECK_INT(read.revision, row.revision);
        CHECK_INT(read.fitted.microseconds, scene_at(7).microseconds);
        CHECK(memcmp(read.fits, row.fits, sizeof read.fits) == 0);
        row.revision++;
    }
    /* A task of another version is passed over; weights that are none are not. */
    CHECK_OK(db_exec(scene.db, "UPDATE predictor SET task = 'knitting' WHERE task = 'rendering'",
                     DB_NO_ARGS, &scene.err),
             &scene.err);
    CHECK_OK(predictor_load(scene.db, &read, &scene.err), &scene.err);
    CHECK_INT(read.fits[DLPERF_TASK_RENDERING].runs, 0);
    static const char *const bad[] = { "", "1 2 3 4 5", "1 2 3 4 5 6 7", "1 2 3 4 5 -6",
                                       "1 2 3 4 5 x" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("'%s'", bad[i]);
        CHECK_OK(db_exec(scene.db, "UPDATE predictor SET weights = $1", DB_ARGS(db_text(bad[i])),
                         &scene.err),
                 &scene.err);
        CHECK(!predictor_load(scene.db, &read, &scene.err));
        CHECK_INT(scene.err.code, ERROR_CORRUPT);
    }
}

static void test_what_it_makes_of_tasks_is_text(void **state)
{
    static const struct {
        const char *text;
        int32_t decode, prefill;
    } rows[] = {
        { "", 0, 0 },
        { "llm-decode=1100000", 1100000, 0 },
        { "llm-decode=500000 llm-prefill=2000000", 500000, 2000000 },
        { "knitting=5 llm-prefill=900000", 0, 900000 },
        { "llm-decode=2000001 llm-prefill=7", 0, 7 },
        { "llm-decode llm-prefill=8", 0, 8 },
        { "llm-decode= llm-prefill=-8", 0, 0 },
        { "=1 llm-decode=x", 0, 0 },
    };
    int32_t ppm[DLPERF_TASKS], again[DLPERF_TASKS];
    char text[LEARNED_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("'%s'", rows[i].text);
        learned_read(rows[i].text, ppm);
        CHECK_INT(ppm[DLPERF_TASK_LLM_DECODE], rows[i].decode);
        CHECK_INT(ppm[DLPERF_TASK_LLM_PREFILL], rows[i].prefill);
        learned_read(learned_text(ppm, text), again);
        CHECK(memcmp(ppm, again, sizeof ppm) == 0);
    }
    for (int task = 0; task < DLPERF_TASKS; task++)
        ppm[task] = 1999990 + task;
    learned_read(learned_text(ppm, text), again);
    CHECK(memcmp(ppm, again, sizeof ppm) == 0);
    for (int task = 0; task < DLPERF_TASKS; task++)
        ppm[task] = 1000000;
    CHECK_TEXT(learned_text(ppm, text), "");
}

static void set(struct scene *scene, int64_t id, const char *model, int64_t f32, struct instant at)
{
    struct machine_row row;
    bool has;

    CHECK_OK(machine_load(scene->db, id, &scene->arena, &row, &has, &scene->err), &scene->err);
    row.bench = (struct machine_bench){ .measured = at, .rates.of[DLPERF_F32] = f32 };
    (void)snprintf(row.bench.model, sizeof row.bench.model, "%s", model);
    CHECK_OK(machine_set_bench(scene->db, &row, &scene->err), &scene->err);
}

/* One machine a host and model; what is old, or of no model, is none. And who was worked out by
 * another revision is found. */
static void test_measured_machines_are_found(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct measured_row *rows;
    int64_t ids[4];
    size_t count;

    set(&scene, scene.machine, "H200", 5, scene_at(10));
    set(&scene, scene.other_machine, "H200", 6, scene_at(10));
    CHECK_OK(predictor_measured(scene.db, scene_at(10), 9, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_TEXT(rows[0].model, "H200");
    CHECK_INT(rows[0].rates.of[DLPERF_F32], 6);
    set(&scene, scene.machine, "A10", 5, scene_at(10));
    CHECK_OK(predictor_measured(scene.db, scene_at(10), 9, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 2);
    CHECK_TEXT(rows[0].model, "A10");
    CHECK_OK(predictor_measured(scene.db, scene_at(11), 9, &scene.arena, &rows, &count, &scene.err),
             &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(predictor_stale(scene.db, 0, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 0);
    CHECK_OK(predictor_stale(scene.db, 1, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 2);
    set(&scene, scene.machine, "", 0, scene_at(10));
    CHECK_OK(predictor_stale(scene.db, 1, ids, 4, &count, &scene.err), &scene.err);
    CHECK_COUNT(count, 1);
    CHECK_INT(ids[0], scene.other_machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_learned_is_kept),
        cmocka_unit_test(test_what_it_makes_of_tasks_is_text),
        cmocka_unit_test(test_measured_machines_are_found),
    };

    return SUPPORT_RUN(tests);
}

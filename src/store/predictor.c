/* SPDX-License-Identifier: Apache-2.0 */
#include "store/predictor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "store/rows.h"

enum { WEIGHTS_SIZE = 160, ROWS_ARENA_MAX = 1 << 20, PPM = 1000000, FACTOR_PPM_MAX = 2 * PPM };

struct stored_fit {
    const char *task, *weights;
    struct predictor_fit fit;
    int64_t revision;
    struct instant fitted;
};

static bool fit_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct stored_fit *stored = item;
    struct predictor_fit *fit = &stored->fit;
    int64_t state;

    stored->fitted = db_column_instant(row, 8);
    if (!rows_text(row, 0, arena, &stored->task, err) ||
        !rows_number(row, 1, 0, PREDICTOR_STATES - 1, &state, err) ||
        !rows_number(row, 2, 0, INT64_MAX, &fit->runs, err) ||
        !rows_number(row, 3, 0, INT64_MAX, &fit->models, err) ||
        !rows_number(row, 4, 0, INT64_MAX, &fit->error_ppm, err) ||
        !rows_number(row, 5, 0, INT64_MAX, &fit->formula_ppm, err) ||
        !rows_text(row, 6, arena, &stored->weights, err) ||
        !rows_number(row, 7, 0, INT64_MAX, &stored->revision, err))
        return false;
    fit->state = (enum predictor_state)state;
    return true;
}

static const struct rows_reader reader = { "predictor", sizeof(struct stored_fit), fit_read };

/* The number that the text begins with, up to a blank or its end, and goes past it. */
static bool take_number(const char **text, uint64_t max, uint64_t *ret)
{
    char digits[24];
    size_t length = strcspn(*text, " ");

    if (length >= sizeof digits)
        return false;
    memcpy(digits, *text, length);
    digits[length] = '\0';
    *text += length + ((*text)[length] == ' ' ? 1 : 0);
    return parse_u64(digits, ret) && *ret <= max;
}

static bool read_weights(const char *text, int64_t ret[static PREDICTOR_WEIGHTS])
{
    for (int i = 0; i < PREDICTOR_WEIGHTS; i++) {
        uint64_t number;

        if (!take_number(&text, INT32_MAX, &number))
            return false;
        ret[i] = (int64_t)number;
    }
    return *text == '\0';
}

bool predictor_load(struct db *db, struct predictor_row *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(ROWS_ARENA_MAX);
    struct stored_fit *stored;
    size_t count;

    *ret = (struct predictor_row){ 0 };
    if (!rows_load(db, &reader,
                   "SELECT task, state, runs, models, error_ppm, formula_ppm, weights, revision, "
                   "fitted_us FROM predictor ORDER BY task",
                   DB_NO_ARGS, &arena, &stored, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!read_weights(stored[i].weights, stored[i].fit.weights_milli))
            return error_set(err, ERROR_CORRUPT, "weights of a predictor that are none");
        ret->revision = stored[i].revision;
        ret->fitted = stored[i].fitted;
        for (int task = 0; task < DLPERF_TASKS; task++) {
            if (strcmp(dlperf_task_name((enum dlperf_task)task), stored[i].task) == 0)
                ret->fits[task] = stored[i].fit;
        }
    }
    return true;
}

bool predictor_store(struct db *db, const struct predictor_row *row, struct error *err)
{
    if (!db_exec(db, "DELETE FROM predictor", DB_NO_ARGS, err))
        return false;
    for (int task = 0; task < DLPERF_TASKS; task++) {
        const struct predictor_fit *fit = &row->fits[task];
        char weights[WEIGHTS_SIZE];
        size_t length = 0;

        for (int i = 0; i < PREDICTOR_WEIGHTS; i++)
            length += (size_t)snprintf(weights + length, sizeof weights - length, "%s%" PRId64,
                                       i > 0 ? " " : "", fit->weights_milli[i]);
        if (!db_exec(db,
                     "INSERT INTO predictor (task, state, runs, models, error_ppm, formula_ppm, "
                     "weights, revision, fitted_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                     DB_ARGS(db_text(dlperf_task_name((enum dlperf_task)task)), db_int(fit->state),
                             db_int(fit->runs), db_int(fit->models), db_int(fit->error_ppm),
                             db_int(fit->formula_ppm), db_text(weights), db_int(row->revision),
                             db_instant(row->fitted)),
                     err))
            return false;
    }
    return true;
}

char *learned_text(const int32_t ppm[static DLPERF_TASKS], char text[static LEARNED_TEXT_SIZE])
{
    size_t length = 0;

    text[0] = '\0';
    for (int task = 0; task < DLPERF_TASKS; task++) {
        if (ppm[task] != 0 && ppm[task] != PPM)
            length += (size_t)snprintf(text + length, LEARNED_TEXT_SIZE - length, "%s%s=%d",
                                       length > 0 ? " " : "",
                                       dlperf_task_name((enum dlperf_task)task), (int)ppm[task]);
    }
    return text;
}

void learned_read(const char *text, int32_t ret_ppm[static DLPERF_TASKS])
{
    memset(ret_ppm, 0, DLPERF_TASKS * sizeof *ret_ppm);
    while (*text != '\0') {
        size_t name = strcspn(text, "= ");
        const char *at = text + name + (text[name] == '=' ? 1 : 0);
        uint64_t number;
        bool is_known = take_number(&at, FACTOR_PPM_MAX, &number);

        for (int task = 0; is_known && task < DLPERF_TASKS; task++) {
            const char *own = dlperf_task_name((enum dlperf_task)task);

            if (strlen(own) == name && strncmp(own, text, name) == 0)
                ret_ppm[task] = (int32_t)number;
        }
        text = at;
    }
}

/* Columns stand in the order of enum dlperf_rate. */
static bool measured_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct measured_row *measured = item;

    for (int i = 0; i < DLPERF_RATES; i++) {
        if (!rows_number(row, 1 + i, 0, INT64_MAX, &measured->rates.of[i], err))
            return false;
    }
    return rows_text(row, 0, arena, &measured->model, err);
}

static const struct rows_reader measured_reader = { "measurement", sizeof(struct measured_row),
                                                    measured_read };

bool predictor_measured(struct db *db, struct instant since, size_t max, struct arena *arena,
                        struct measured_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &measured_reader,
                     "SELECT bench_model, tf32_gflops, f32_gflops, f16_gflops, bf16_gflops, "
                     "memory_mbs FROM machine WHERE id IN (SELECT MAX(id) FROM machine "
                     "WHERE bench_model <> '' AND bench_us >= $1 AND removed_us = 0 "
                     "GROUP BY bench_model, owner_id) ORDER BY bench_model, id DESC LIMIT $2",
                     DB_ARGS(db_instant(since), db_int((int64_t)max)), arena, ret, ret_count, err);
}

bool predictor_stale(struct db *db, int64_t revision, int64_t *ret_ids, size_t max,
                     size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM machine WHERE bench_model <> '' AND bench_fit <> $1 "
                         "AND removed_us = 0 ORDER BY id LIMIT $2",
                         DB_ARGS(db_int(revision), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

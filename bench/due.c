/* SPDX-License-Identifier: Apache-2.0 */
/* What a look for the next posting of usage costs, beside many contracts that are stopped.
 *
 * It is made up to ten times a second while anything happens. CHARGED contracts run and were posted
 * lately; STOPPED were posted before them all and are not due for long. In the same run stand two
 * peers: the look as it would be if nothing said of a contract whether it is charged, which goes
 * through those that are stopped, and the same look before there was any of them, which is the
 * limit.
 *
 *   due-post-DATABASE            a look, beside the one through all
 *   due-post-DATABASE-crowd      a look, beside the same without those that are stopped
 *   due-unposted-DATABASE        whoever posts asks which are due: none is
 *   due-unposted-DATABASE-crowd  the same, without those that are stopped
 *
 * A figure is the median of ROUNDS, each the mean of LOOKS, in one transaction. */
#include "store/due.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "store/interval.h"
#include "store/rows.h"
#include "store/support_rows.h"

enum { STOPPED = 10000, CHARGED = 100, ROUNDS = 15, LOOKS = 20, IDS = 100 };

struct figures {
    double us[ROUNDS];
};

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(struct figures *figures)
{
    qsort(figures->us, ROUNDS, sizeof figures->us[0], compare);
    return figures->us[ROUNDS / 2];
}

static void look(struct scene *scene)
{
    struct instant at;

    CHECK_OK(due_next(scene->db, DUE_POST_RUNS, &at, &scene->err), &scene->err);
    CHECK_INT(at.microseconds, scene_at(2).microseconds);
}

static void look_through_all(struct scene *scene)
{
    CHECK_INT(scene_number(scene, "SELECT c.posted_us FROM contract c WHERE c.destroyed_us = 0 "
                                  "AND c.started_us > 0 AND c.kind <> 4 AND EXISTS "
                                  "(SELECT 1 FROM run_interval i "
                                  "WHERE i.contract_id = c.id AND i.end_us IS NULL) "
                                  "ORDER BY c.posted_us LIMIT 1"),
              scene_at(2).microseconds);
}

/* Whoever runs was posted at 2, and who is stopped at 1: neither is due yet. */
static void ask(struct scene *scene)
{
    int64_t ids[IDS];
    size_t count;

    CHECK_OK(contract_unposted(scene->db, scene_at(1), scene_at(0), ids, IDS, &count, &scene->err),
             &scene->err);
    CHECK_COUNT(count, 0);
}

static void ask_through_all(struct scene *scene)
{
    int64_t ids[IDS];
    size_t count;

    CHECK_OK(rows_load_ids(scene->db,
                           "SELECT c.id FROM contract c WHERE c.destroyed_us = 0 "
                           "AND c.started_us > 0 AND c.kind <> 4 "
                           "AND c.posted_us <= $1 AND (c.posted_us <= $2 OR EXISTS "
                           "(SELECT 1 FROM run_interval i "
                           "WHERE i.contract_id = c.id AND i.end_us IS NULL)) "
                           "ORDER BY c.posted_us, c.id LIMIT $3",
                           DB_ARGS(db_instant(scene_at(1)), db_instant(scene_at(0)), db_int(IDS)),
                           ids, IDS, &count, &scene->err),
             &scene->err);
    CHECK_COUNT(count, 0);
}

static double now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e6 * (double)now.tv_sec + (double)now.tv_nsec / 1e3;
}

static double mean_us(struct scene *scene, void (*call)(struct scene *scene))
{
    double begin = now_us();

    for (int i = 0; i < LOOKS; i++)
        call(scene);
    return (now_us() - begin) / LOOKS;
}

/* One that is stopped, or with an open interval one that runs, last posted so many seconds in. */
static void add(struct scene *scene, int64_t seconds, bool is_charged)
{
    int64_t id = scene_contract(scene, scene->ada, scene->machine);
    const struct interval_row run = { .contract_id = id,
                                      .owner_id = scene->ada,
                                      .machine_id = scene->machine,
                                      .start_token = "t",
                                      .start = scene_at(0),
                                      .metered = scene_at(0) };

    scene_run(scene, "UPDATE contract SET started_us = 1, posted_us = $2 WHERE id = $1",
              DB_ARGS(db_int(id), db_instant(scene_at(seconds))));
    if (is_charged)
        CHECK_OK(interval_open(scene->db, &run, &scene->err), &scene->err);
}

/* A market's PostgreSQL analyzes by itself, that of tests does not. */
static void settle(struct support *support, struct scene *scene)
{
    if (support->is_postgres)
        scene_run(scene, "ANALYZE", DB_NO_ARGS);
    scene_keep(scene);
}

static void print(const struct support *support, const char *name, struct figures of[static 3])
{
    const char *database = support->is_postgres ? "postgresql" : "sqlite";
    double us = median(&of[0]), all = median(&of[1]), alone = median(&of[2]);

    (void)printf("RESULT %s-%s %.1f us vs through-all-that-are-stopped %.1f ratio %.4f "
                 "better=lower\n",
                 name, database, us, all, us / all);
    (void)printf("RESULT %s-%s-crowd %.1f us vs none-is-stopped %.1f ratio %.2f better=lower\n",
                 name, database, us, alone, us / alone);
}

static void bench(void **state)
{
    auto_scene struct scene scene = scene_open(*state);
    struct figures looks[3], asks[3]; /* as it is, through all, and where none is stopped */

    for (int i = 0; i < CHARGED; i++)
        add(&scene, 2, true);
    settle(*state, &scene);
    for (int i = 0; i < ROUNDS; i++) {
        looks[2].us[i] = mean_us(&scene, look);
        asks[2].us[i] = mean_us(&scene, ask);
    }
    for (int i = 0; i < STOPPED; i++)
        add(&scene, 1, false);
    settle(*state, &scene);
    for (int i = 0; i < ROUNDS; i++) {
        looks[0].us[i] = mean_us(&scene, look);
        asks[0].us[i] = mean_us(&scene, ask);
    }
    /* Apart from those: who has just used much of a processor waits longer for it. */
    for (int i = 0; i < ROUNDS; i++) {
        looks[1].us[i] = mean_us(&scene, look_through_all);
        asks[1].us[i] = mean_us(&scene, ask_through_all);
    }
    print(*state, "due-post", looks);
    print(*state, "due-unposted", asks);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench) };

    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_plan.h"

#include "check.h"
#include "support.h"
#include "support_stalls.h"

enum { MACHINES = 60 };
static struct stall stalls[MACHINES];

static bool is_between(int64_t number, const int64_t range[static 2])
{
    return number >= range[0] && number <= range[1];
}

static bool passes(const struct catalog_plan *plan, const struct catalog_block *block, size_t at)
{
    if (plan->is_impossible || (block->flags[at] & plan->flags_mask) != plan->flags_want)
        return false;
    for (size_t i = 0; i < plan->test_count; i++) {
        const struct plan_test *test = &plan->tests[i];
        int64_t number = column_get(&block->columns[test->column], at);
        bool is_in = false;

        for (size_t j = 0; j < test->range_count; j++)
            is_in = is_in || is_between(number, plan->ranges[test->range_first + j]);
        if (is_in != test->is_inside)
            return false;
    }
    return true;
}

/* Whether the plan says that its columns alone decide for this row. */
static bool decides(const struct catalog_plan *plan, const struct catalog_block *block, size_t at)
{
    bool is_decided = plan->to_verify == 0 && !plan->checks_disk;

    for (size_t i = 0; i < plan->test_count; i++) {
        const struct plan_test *test = &plan->tests[i];

        is_decided =
            is_decided && (test->to_verify == PLAN_NO_CONDITION ||
                           is_between(column_get(&block->columns[test->column], at), test->sure));
    }
    return is_decided;
}

/* A plan rules out nothing that matches; and where it needs no verifying, it lets nothing else in.
 */
static void test_plans_say_what_queries_say(void **state)
{
    static struct catalog_stock stocks[MACHINES];
    static struct asked asked;
    static struct catalog_plan plan;
    int64_t next_id = 1;
    size_t decided = 0;

    (void)state;
    for (size_t i = 0; i < MACHINES; i++) {
        stall_fill(&stalls[i], (int64_t)i + 1, &next_id);
        stocks[i] = stall_stock(&stalls[i]);
    }
    auto_catalog struct catalog *catalog = catalog_of(stocks, MACHINES);
    for (int round = 0; round < 4000; round++) {
        asked_fill(&asked, stalls, MACHINES);
        asked.query.extra_count = 0;
        catalog_plan(catalog, &asked.query, &asked.caller, &plan);
        for (size_t at = 0; at < COLUMN_ROWS; at++) {
            const struct catalog_block *block = catalog->blocks[0];
            const struct offer *offer = block->lines[at].offer;

            if (offer == NULL)
                continue;
            const struct quote quote = offer_quote(offer, &asked.query.ask);
            const struct query_subject subject = { offer, &quote };
            bool is_match = query_matches(&asked.query, &subject, &asked.caller);

            check_row("round %d, row %zu", round, at);
            if (is_match)
                CHECK(passes(&plan, block, at));
            else if (passes(&plan, block, at))
                CHECK(!decides(&plan, block, at));
            decided += decides(&plan, block, at) ? 1 : 0;
        }
    }
    CHECK(decided > 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_say_what_queries_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

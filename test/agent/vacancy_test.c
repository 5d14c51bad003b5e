/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/vacancy.h"

#include <stdio.h>

#include "check.h"

static struct machine_facts facts_of(int64_t count)
{
    static struct machine_facts facts;

    facts = (struct machine_facts){ .gpu_count = count };
    for (int64_t i = 0; i < count; i++)
        (void)snprintf(facts.gpus[i].uuid, sizeof facts.gpus[i].uuid, "GPU-%d", (int)i);
    return facts;
}

/* Of GPU-0, GPU-1 and GPU-10, which begins as another does. */
static void test_what_is_named_is_taken_and_nothing_else(void **state)
{
    static const struct {
        const char *taken;
        bool has[3], has_any;
    } rows[] = {
        { "GPU-0,", { false, true, true }, true },
        { "GPU-1,", { true, false, true }, true },
        { "GPU-10,", { true, true, false }, true },
        { "GPU-10,GPU-0,", { false, true, false }, true },
        { "GPU-9,", { true, true, true }, true }, /* that is gone */
        { "GPU-1,GPU-10,GPU-0", { false, false, false }, false },
        { "", { false, false, false }, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct machine_facts facts = facts_of(3);
        struct vacancy vacancy = vacancy_of(&facts);

        check_row("row %zu", i);
        (void)snprintf(facts.gpus[2].uuid, sizeof facts.gpus[2].uuid, "GPU-10");
        for (int j = 0; j < 3; j++)
            CHECK(vacancy_has(&vacancy, &facts, facts.gpus[j].uuid));
        CHECK(vacancy_has(&vacancy, &facts, ""));
        vacancy_take(&vacancy, &facts, rows[i].taken);
        for (int j = 0; j < 3; j++)
            CHECK_INT(vacancy_has(&vacancy, &facts, facts.gpus[j].uuid), rows[i].has[j]);
        CHECK_INT(vacancy_has_any(&vacancy, &facts), rows[i].has_any);
        CHECK(!vacancy.is_idle);
        CHECK(!vacancy_has(&vacancy, &facts, ""));
        CHECK(!vacancy_has(&vacancy, &facts, "GPU-9"));
    }
}

static void test_a_machine_without_gpus_is_one(void **state)
{
    struct machine_facts facts = facts_of(0);
    struct vacancy vacancy = vacancy_of(&facts);

    (void)state;
    CHECK(vacancy.is_idle && vacancy_has(&vacancy, &facts, "") &&
          vacancy_has_any(&vacancy, &facts));
    vacancy_take(&vacancy, &facts, "");
    CHECK(!vacancy_has(&vacancy, &facts, "") && !vacancy_has_any(&vacancy, &facts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_named_is_taken_and_nothing_else),
        cmocka_unit_test(test_a_machine_without_gpus_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

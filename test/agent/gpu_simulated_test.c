/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/gpu_simulated.h"

#include <string.h>

#include "check.h"
#include "sys/crypto.h"

static bool parse(const char *text, const char *seed, struct machine_facts *facts,
                  struct error *err)
{
    return gpu_simulated_parse(text, seed, strlen(seed), facts, err);
}

static void test_a_file_lists_gpus(void **state)
{
    static struct machine_facts facts, again, other;
    struct error err;

    (void)state;
    facts = again = other = (struct machine_facts){ 0 };
    CHECK_OK(parse("# two cards\nNVIDIA GeForce RTX 4090, 24564, 2\n\n H100 SXM ,81559,1 # one\r\n",
                   "seed", &facts, &err),
             &err);
    CHECK_INT(facts.gpu_count, 3);
    CHECK(facts.is_simulated);
    CHECK_TEXT(facts.gpus[0].name, "RTX 4090");
    CHECK_INT(facts.gpus[1].memory_mb, 24564);
    CHECK_INT(facts.gpus[0].compute_cap, 890);
    CHECK_INT(facts.gpus[2].memory_mb, 81559);
    CHECK(strcmp(facts.gpus[0].uuid, facts.gpus[1].uuid) != 0);
    CHECK(strncmp(facts.gpus[0].uuid, "SIM-", 4) == 0);

    CHECK_OK(parse("RTX 4090,24564,1", "seed", &again, &err), &err);
    CHECK_TEXT(again.gpus[0].uuid, facts.gpus[0].uuid); /* the same host, the same cards */
    CHECK_OK(parse("RTX 4090,24564,1", "another", &other, &err), &err);
    CHECK(strcmp(other.gpus[0].uuid, facts.gpus[0].uuid) != 0);
}

static void test_what_is_no_list_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum error_code want;
    } rows[] = {
        { "", ERROR_INVALID },
        { "# nothing\n", ERROR_INVALID },
        { "RTX 4090", ERROR_INVALID },
        { "RTX 4090,24564", ERROR_INVALID },
        { "RTX 4090,24564,0", ERROR_INVALID },
        { "RTX 4090,0,1", ERROR_INVALID },
        { "RTX 4090,many,1", ERROR_INVALID },
        { "RTX 4090,24564,1,x", ERROR_INVALID },
        { ",24564,1", ERROR_INVALID },
        { "RTX 4090,24564,64", ERROR_NONE },
        { "RTX 4090,24564,65", ERROR_OUT_OF_RANGE },
        { "RTX 4090,24564,60\nRTX 4090,24564,5", ERROR_OUT_OF_RANGE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct machine_facts facts;
        struct error err;

        check_row("'%s'", rows[i].text);
        facts = (struct machine_facts){ .gpu_count = -9 };
        if (rows[i].want == ERROR_NONE) {
            CHECK_OK(parse(rows[i].text, "s", &facts, &err), &err);
            continue;
        }
        CHECK_FAILS(parse(rows[i].text, "s", &facts, &err), &err, rows[i].want);
        CHECK_INT(facts.gpu_count, -9);
    }
}

static int start(void **state)
{
    (void)state;
    crypto_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_lists_gpus),
        cmocka_unit_test(test_what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

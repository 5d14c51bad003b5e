/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/seal.h"

#include <string.h>

#include "flow/support_check.h"

static int64_t seal_now(struct world *world)
{
    struct error err;
    size_t count = 99;

    CHECK_OK(flow_seal(&world->flow, &count, &err), &err);
    return (int64_t)count;
}

static void test_only_what_is_old_enough_is_sealed(void **state)
{
    static struct world world;

    world_open(&world, *state);
    CHECK_INT(seal_now(&world), 0);
    (void)world_user(&world, "ada@example.org", 5);
    CHECK_INT(seal_now(&world), 0);
    world_pass(&world, SEAL_AGE_SECONDS * US_PER_SECOND - 1);
    CHECK_INT(seal_now(&world), 0);
    (void)world_user(&world, "bob@example.org", 5);
    world_pass(&world, 1);
    CHECK_INT(seal_now(&world), 1);
    CHECK_INT(seal_now(&world), 0);
    world_pass(&world, SEAL_AGE_SECONDS * US_PER_SECOND);
    CHECK_INT(seal_now(&world), 1);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM journal_seal"), 2);
    world_close(&world);
}

static void test_many_are_sealed_in_batches(void **state)
{
    static struct world world;
    struct findings findings;

    world_open(&world, *state);
    support_script(*state,
                   "-- sqlite:\nCREATE TABLE many AS WITH RECURSIVE n(i) AS "
                   "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1030) "
                   "SELECT i FROM n;\n"
                   "-- postgres:\nCREATE TABLE many AS SELECT generate_series(1, 1030) AS i;\n"
                   "-- end\n"
                   "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us,"
                   " ref_kind, ref_id) SELECT 'k' || i, '', 3, 1, 1, 2, 1 FROM many;\n"
                   "DROP TABLE many;");
    CHECK_INT(check_seal(&world), SEAL_BATCH_MAX);
    CHECK_INT(seal_now(&world), 1030 - SEAL_BATCH_MAX);
    CHECK_INT(seal_now(&world), 0);
    /* These journals are empty, which is wrong in every way but the chain's. */
    struct check_counts counts = check_market(*state, &findings);
    CHECK_INT((int64_t)counts.seals, 2);
    CHECK_INT((int64_t)counts.unsealed, 0);
    CHECK(strstr(findings.texts, "seal ") == NULL);
    world_close(&world);
}

static void test_the_chain_goes_on_over_what_happens(void **state)
{
    static struct world world;
    struct findings findings;

    world_open(&world, *state);
    check_live(&world);
    CHECK(check_seal(&world) > 3);
    struct check_counts counts = check_market(*state, &findings);
    CHECK_INT(findings.count, 0);
    CHECK_INT((int64_t)counts.unsealed, 0);
    char head[sizeof counts.head];
    memcpy(head, counts.head, sizeof head);

    (void)world_user(&world, "cleo@example.org", 5);
    counts = check_market(*state, &findings);
    CHECK_INT((int64_t)counts.unsealed, 1);
    CHECK_TEXT(counts.head, head);
    CHECK_INT(check_seal(&world), 1);
    counts = check_market(*state, &findings);
    CHECK_INT(findings.count, 0);
    CHECK_INT((int64_t)counts.unsealed, 0);
    CHECK(strcmp(counts.head, head) != 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_old_enough_is_sealed),
        cmocka_unit_test(test_many_are_sealed_in_batches),
        cmocka_unit_test(test_the_chain_goes_on_over_what_happens),
    };
    return SUPPORT_RUN(tests);
}

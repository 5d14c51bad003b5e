/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "flow/check_feed.h"
#include "flow/support_check.h"
#include "store/audit.h"
#include "store/ledger.h"
#include "store/support_failing.h"

static void test_a_market_that_lived_is_clean(void **state)
{
    static struct world world;
    struct findings findings;

    world_open(&world, *state);
    struct check_counts empty = check_market(*state, &findings);
    CHECK_INT(findings.count, 0);
    CHECK_INT((int64_t)empty.journals, 0);
    check_live(&world);
    check_is_clean(*state);
    struct check_counts counts = check_market(*state, &findings);
    CHECK(counts.accounts > 5 && counts.transfers > 10 && counts.journals > 3);
    CHECK_INT((int64_t)counts.contracts, 3);
    CHECK_INT((int64_t)counts.meters, 12);
    CHECK_INT((int64_t)counts.claims, 6);
    CHECK(counts.intervals >= 3);
    world_close(&world);
}

/* More rows than a page, and findings beyond counting are still counted. */
static bool grant_work(struct db *db, void *context, struct error *err)
{
    const int *count = context;

    for (int i = 0; i < *count; i++) {
        struct renter_funds none = { .promo = { 0 } }, after;
        struct journal journal;
        enum ledger_outcome outcome;
        char key[32];

        (void)snprintf(key, sizeof key, "adj:%d", i);
        struct journal_credit credit = { .key = key,
                                         .renter_id = 100 + i,
                                         .ref_id = i,
                                         .ref_kind = JOURNAL_REF_USER,
                                         .occurred = WORLD_START,
                                         .amount = { 1000 + i },
                                         .from = LEDGER_GOODWILL };
        CHECK_INT(journal_promo(&credit, &none, &journal, &after), JOURNAL_BUILT);
        if (!ledger_post(db, &journal, WORLD_START, &outcome, err))
            return false;
    }
    return true;
}

static void test_books_longer_than_a_page_are_read_to_the_end(void **state)
{
    struct support *support = *state;
    struct findings findings;
    int count = 2 * AUDIT_PAGE + CHECK_BLOCK_JOURNALS + 3; /* and longer than a block */

    support_write(support, grant_work, &count);
    struct check_counts counts = check_market(support, &findings);
    CHECK_INT((int64_t)counts.findings, 0);
    CHECK_INT((int64_t)counts.journals, count);
    CHECK_INT((int64_t)counts.transfers, count);
    CHECK_INT((int64_t)counts.accounts, count + 1);
    support_script(support, "UPDATE account SET dr_pending = 1 WHERE code = 2020;");
    counts = check_market(support, &findings);
    CHECK_INT((int64_t)counts.findings, count);
}

static bool fail_after(struct db *db, void *context, struct error *err)
{
    (void)err;
    support_fail_after(db, *(const int *)context);
    return true;
}

static void hear_nothing(void *context, const char *rule, const char *text)
{
    (void)context;
    check_row("%s %s", rule, text);
    CHECK(false);
}

/* All that was told, line by line. */
struct told {
    char text[1 << 15];
    size_t size;
    int count;
};

static void keep_it(void *context, const char *rule, const char *text)
{
    struct told *told = context;

    CHECK(strncmp(rule, "I-", 2) == 0);
    told->size += (size_t)snprintf(told->text + told->size, sizeof told->text - told->size,
                                   "%s %s\n", rule, text);
    CHECK(told->size < sizeof told->text);
    told->count++;
}

/* So much that belongs to one thing that the pages of it end in its middle. */
static const char much[] =
    "-- postgres:\nALTER TABLE hold DISABLE TRIGGER ALL;\n-- end\n"
    "INSERT INTO hold (idem_key, dr, cr, amount) SELECT 'h' || id, id, id, 5 FROM account;\n"
    "INSERT INTO hold (idem_key, dr, cr, amount) WITH RECURSIVE n(i) AS (SELECT 9000 UNION ALL\n"
    "  SELECT i + 1 FROM n WHERE i < 9020) SELECT 'n' || i, i, i, 5 FROM n;\n"
    "INSERT INTO usage_refund (ticket, contract_id, comp, rate, qty, used, gross, host, at_us)\n"
    "  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)\n"
    "  SELECT 't' || i, id, 1, 0, 1, 0, 0, 0, 1 FROM n, contract;\n"
    "INSERT INTO renter_invoice (owner_id, number, month, gross, total, made_us)\n"
    "  SELECT owner_id, 'INV-2026-00000' || owner_id, 24322, CAST(SUM(gross) AS BIGINT),\n"
    "    CAST(SUM(gross) + 5000000 AS BIGINT) / 10000000 * 10000000, 1\n"
    "  FROM usage_line GROUP BY owner_id;";

/* Whichever statement it is, it is told of: what was not read is not called clean, nor is it found
 * to be wrong. */
static void test_a_database_that_fails_is_told_of(void **state)
{
    static struct told told, all_told;
    static struct world world;
    struct check_counts counts;
    struct error err;
    bool is_read = false;
    int statements = 0;

    world_open(&world, *state);
    check_live(&world);
    support_script(*state, much);
    all_told = (struct told){ .count = 0 };
    CHECK_OK(flow_check(world.support->store, keep_it, &all_told, &counts, &err), &err);
    CHECK(all_told.count > 20);
    for (int all = -1; !is_read; statements++) {
        told = (struct told){ .count = 0 };
        check_row("statement %d", statements);
        /* The connection that was given back last is the next to be taken. */
        support_read(*state, fail_after, &statements);
        is_read = flow_check(world.support->store, keep_it, &told, &counts, &err);
        CHECK(is_read || err.code == ERROR_IO);
        CHECK(strncmp(told.text, all_told.text, told.size) == 0);
        support_read(*state, fail_after, &all);
    }
    CHECK(statements > 25);
    CHECK_TEXT(told.text, all_told.text);
    CHECK_INT((int64_t)counts.contracts, 3);
    world_close(&world);
}

static bool has_threads = true;

/* The linker puts it in the place of the other. */
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attributes,
                          void *(*work)(void *context), void *context);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes,
                          void *(*work)(void *context), void *context);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes,
                          void *(*work)(void *context), void *context)
{
    return has_threads ? __real_pthread_create(ret, attributes, work, context) : EAGAIN;
}

static void test_without_a_thread_nothing_is_called_clean(void **state)
{
    struct support *support = *state;
    struct check_counts counts;
    struct error err;

    check_is_clean(support);
    has_threads = false;
    CHECK_FAILS(flow_check(support->store, hear_nothing, NULL, &counts, &err), &err, ERROR_IO);
    has_threads = true;
    check_is_clean(support);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_market_that_lived_is_clean),
        cmocka_unit_test(test_books_longer_than_a_page_are_read_to_the_end),
        cmocka_unit_test(test_a_database_that_fails_is_told_of),
        cmocka_unit_test(test_without_a_thread_nothing_is_called_clean),
    };
    return SUPPORT_RUN(tests);
}

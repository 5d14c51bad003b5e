/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_many.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/ledger.h"
#include "store/support.h"

static const struct instant now = { 1790000000000000 };

enum { MANY = 2 * LEDGER_MANY_MAX + 3, OWNERS = 5 };

struct batch {
    size_t count;
    bool is_apart; /* one after another */
    struct journal journals[MANY];
};

/* A host's earnings become payable: of so few hosts that several journals are of the same one. */
static struct journal journal_at(int64_t at)
{
    char key[JOURNAL_KEY_SIZE];
    const struct ledger_key renter = { LEDGER_RENTER_RECEIVABLE, 1 + at % 3, 0 };
    const struct ledger_key host = { LEDGER_HOST_ACCRUED, 100 + at % OWNERS, 0 };
    const struct leg leg = { renter, host, { 1 + at * at }, LEG_HOST_SHARE };
    const struct journal_moves moves = { .key = key,
                                         .kind = JOURNAL_ADJUSTMENT,
                                         .ref_kind = JOURNAL_REF_USER,
                                         .ref_id = at,
                                         .occurred = now,
                                         .legs = &leg,
                                         .leg_count = 1 };
    struct journal journal;

    (void)snprintf(key, sizeof key, "adj:%" PRId64, at);
    CHECK_INT(journal_moves(&moves, &journal), JOURNAL_BUILT);
    return journal;
}

static bool batch_work(struct db *db, void *context, struct error *err)
{
    const struct batch *batch = context;
    enum ledger_outcome outcome;

    if (!batch->is_apart)
        return ledger_post_many(db, batch->journals, batch->count, now, err);
    for (size_t i = 0; i < batch->count; i++)
        if (!ledger_post(db, &batch->journals[i], now, &outcome, err))
            return false;
    return true;
}

static bool read_number(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

/* The accounts of one host as text would be: its credits, and how many rows it has. */
struct seen {
    int64_t journals, transfers, credits[OWNERS], accounts;
};

static bool number(struct db *db, const char *sql, int64_t owner, int64_t *ret, struct error *err)
{
    bool has;

    return db_query_one(db, sql, DB_ARGS(db_int(owner)), read_number, ret, &has, err);
}

static bool seen_work(struct db *db, void *context, struct error *err)
{
    struct seen *seen = context;

    *seen = (struct seen){ 0 };
    for (int64_t i = 0; i < OWNERS; i++)
        if (!number(db, "SELECT cr_posted FROM account WHERE code = 2110 AND owner_id = $1",
                    100 + i, &seen->credits[i], err))
            return false;
    return number(db, "SELECT COUNT(*) FROM journal WHERE id > $1", 0, &seen->journals, err) &&
           number(db, "SELECT COUNT(*) FROM transfer WHERE leg > $1", 0, &seen->transfers, err) &&
           number(db, "SELECT COUNT(*) FROM account WHERE id > $1", 0, &seen->accounts, err);
}

static void fill(struct batch *batch, size_t from, size_t count)
{
    *batch = (struct batch){ .count = count };
    for (size_t i = 0; i < count; i++)
        batch->journals[i] = journal_at((int64_t)(from + i));
}

/* The law: together is as one after another, on both sides of how many go at once. */
static void test_many_are_as_one_after_another(void **state)
{
    static const size_t counts[] = {
        0, 1, 2, LEDGER_MANY_MAX - 1, LEDGER_MANY_MAX, LEDGER_MANY_MAX + 1, MANY
    };
    struct support *support = *state;
    struct batch batch;
    struct seen seen;
    size_t from = 0;

    int64_t want[OWNERS] = { 0 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check_row("%zu", counts[i]);
        fill(&batch, from, counts[i]);
        batch.is_apart = i % 3 == 2;
        support_write(support, batch_work, &batch);
        for (size_t k = 0; k < counts[i]; k++, from++)
            want[from % OWNERS] += 1 + (int64_t)(from * from);
        support_read(support, seen_work, &seen);
        CHECK_INT(seen.journals, (int64_t)from);
        CHECK_INT(seen.transfers, (int64_t)from);
        for (int k = 0; k < OWNERS; k++)
            CHECK_INT(seen.credits[k], want[k]);
    }
    CHECK_INT(seen.accounts, OWNERS + 3);
}

/* One that was posted before, in the batch or out of it, and none of them is. */
static void test_one_that_was_posted_loses_them_all(void **state)
{
    struct support *support = *state;
    struct batch batch;
    struct seen before, after;
    struct error err;

    fill(&batch, 0, 3);
    support_write(support, batch_work, &batch);
    support_read(support, seen_work, &before);
    fill(&batch, 2, 9);
    CHECK_FAILS(store_write(support->store, batch_work, &batch, &err), &err, ERROR_CORRUPT);
    CHECK(strstr(err.text, "adj:2 ") != NULL);
    fill(&batch, 20, 9);
    batch.journals[8] = batch.journals[1];
    CHECK_FAILS(store_write(support->store, batch_work, &batch, &err), &err, ERROR_CORRUPT);
    support_read(support, seen_work, &after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    fill(&batch, 3, 9);
    support_write(support, batch_work, &batch);
}

/* What several of them add up to is held against the limits. */
static void test_no_account_passes_its_limit(void **state)
{
    struct support *support = *state;
    struct batch batch = { .count = 2 };
    struct seen before, after;
    struct error err;

    fill(&batch, 0, MANY);
    support_write(support, batch_work, &batch);
    support_read(support, seen_work, &before);
    batch.count = 2;
    for (int64_t i = 0; i < 2; i++) {
        char key[JOURNAL_KEY_SIZE];
        const struct leg leg = { { LEDGER_HOST_ACCRUED, 100, 0 },
                                 { LEDGER_HOST_PAYABLE, 100, 0 },
                                 { before.credits[0] / 2 + i },
                                 LEG_INVOICED };
        const struct journal_moves moves = {
            key, JOURNAL_HOST_INVOICE, JOURNAL_REF_INVOICE, i, now, &leg, 1
        };

        (void)snprintf(key, sizeof key, "hinv:100:%" PRId64, i);
        CHECK_INT(journal_moves(&moves, &batch.journals[i]), JOURNAL_BUILT);
    }
    batch.journals[1].legs[0].amount.nanodollars += before.credits[0] % 2;
    CHECK_FAILS(store_write(support->store, batch_work, &batch, &err), &err, ERROR_CONFLICT);
    support_read(support, seen_work, &after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    batch.count = 1;
    support_write(support, batch_work, &batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_are_as_one_after_another),
        cmocka_unit_test(test_one_that_was_posted_loses_them_all),
        cmocka_unit_test(test_no_account_passes_its_limit),
    };

    return SUPPORT_RUN(tests);
}

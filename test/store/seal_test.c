/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <stdio.h>
#include <string.h>

#include "store/ledger.h"
#include "store/support.h"

static bool post_work(struct db *db, void *context, struct error *err)
{
    const struct instant *posted = context;
    struct renter_funds none = { .promo = { 0 } }, after;
    enum ledger_outcome outcome;
    struct journal journal;
    char key[32];

    (void)snprintf(key, sizeof key, "dep:%lld", (long long)posted->microseconds);
    struct journal_credit credit = { .key = key,
                                     .renter_id = 7,
                                     .ref_id = 1,
                                     .ref_kind = JOURNAL_REF_DEPOSIT,
                                     .amount = { 5 },
                                     .from = LEDGER_BANK };
    CHECK_INT(journal_deposit(&credit, &none, &journal, &after), JOURNAL_BUILT);
    return ledger_post(db, &journal, *posted, &outcome, err);
}

static void post_at(struct support *support, int64_t us)
{
    struct instant posted = { us };

    support_write(support, post_work, &posted);
}

struct wanted {
    int64_t after, until, last;
};

static bool settled_work(struct db *db, void *context, struct error *err)
{
    struct wanted *wanted = context;

    return seal_find_settled(db, wanted->after, (struct instant){ wanted->until }, &wanted->last,
                             err);
}

static int64_t settled(struct support *support, int64_t after, int64_t until)
{
    struct wanted wanted = { after, until, -1 };

    support_write(support, settled_work, &wanted);
    return wanted.last;
}

static void test_what_is_old_enough_is_settled(void **state)
{
    struct support *support = *state;

    CHECK_INT(settled(support, 0, 100), 0);
    post_at(support, 10);
    post_at(support, 20);
    post_at(support, 40);
    post_at(support, 30); /* a clock that went back: what is behind a young one waits for it */
    CHECK_INT(settled(support, 0, 9), 0);
    CHECK_INT(settled(support, 0, 10), 1);
    CHECK_INT(settled(support, 0, 39), 2);
    CHECK_INT(settled(support, 0, 40), 4);
    CHECK_INT(settled(support, 2, 39), 2);
    CHECK_INT(settled(support, 4, 99), 4);
}

static bool insert_work(struct db *db, void *context, struct error *err)
{
    return seal_insert(db, context, (struct instant){ 1 }, err);
}

static bool newest_work(struct db *db, void *context, struct error *err)
{
    return seal_load_newest(db, context, err);
}

static bool change_work(struct db *db, void *context, struct error *err)
{
    int64_t count;

    (void)context;
    return db_count(db, "UPDATE journal_seal SET hash = 'x' WHERE number = 1", DB_NO_ARGS, &count,
                    err);
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    int64_t count;

    (void)context;
    return db_count(db, "DELETE FROM journal_seal", DB_NO_ARGS, &count, err);
}

static struct seal newest(struct support *support)
{
    struct seal seal;

    support_read(support, newest_work, &seal);
    return seal;
}

static struct seal_batch batch_of(int64_t from, int64_t until)
{
    struct journal journal = { .key = "k", .leg_count = 0 };
    struct seal_batch batch = { .last_journal = from - 1 };

    for (int64_t id = from; id <= until; id++)
        seal_batch_add(&batch, &(struct seal_entry){ id, { id }, "h", &journal });
    return batch;
}

static void test_seals_follow_one_another(void **state)
{
    struct support *support = *state;
    struct error err;

    for (int64_t us = 1; us <= 5; us++)
        post_at(support, us);
    struct seal none = newest(support);
    CHECK_INT(none.number, 0);
    CHECK_INT(none.last_journal, 0);
    CHECK_TEXT(none.hash, "");
    struct seal_batch batch = batch_of(1, 3);
    struct seal first = seal_close(&none, &batch);
    CHECK_INT(first.number, 1);
    CHECK_INT(first.last_journal, 3);
    CHECK_INT(first.journal_count, 3);
    support_write(support, insert_work, &first);
    batch = batch_of(4, 5);
    struct seal second = seal_close(&first, &batch);
    support_write(support, insert_work, &second);
    struct seal read = newest(support);
    CHECK_INT(read.number, 2);
    CHECK_INT(read.last_journal, 5);
    CHECK_INT(read.journal_count, 2);
    CHECK_TEXT(read.hash, second.hash);
    CHECK(strcmp(first.hash, second.hash) != 0);

    /* Once. And what is sealed stays. */
    CHECK_FAILS(store_write(support->store, insert_work, &second, &err), &err, ERROR_CONFLICT);
    CHECK_FAILS(store_write(support->store, change_work, NULL, &err), &err, ERROR_CONFLICT);
    CHECK_FAILS(store_write(support->store, delete_work, NULL, &err), &err, ERROR_CONFLICT);
}

/* The hash of a seal depends on all before it and on all that it covers. */
static void test_a_seal_is_of_its_past(void **state)
{
    struct seal start = { .number = 0 }, other = { .number = 0, .hash = "a" };
    struct seal_batch batch = batch_of(1, 3), shorter = batch_of(1, 2), later = batch_of(2, 3);

    (void)state;
    struct seal seal = seal_close(&start, &batch);
    CHECK_TEXT(seal_close(&start, &batch).hash, seal.hash);
    CHECK(strcmp(seal_close(&other, &batch).hash, seal.hash) != 0);
    CHECK(strcmp(seal_close(&start, &shorter).hash, seal.hash) != 0);
    CHECK(strcmp(seal_close(&start, &later).hash, seal.hash) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_old_enough_is_settled),
        cmocka_unit_test(test_seals_follow_one_another),
        cmocka_unit_test(test_a_seal_is_of_its_past),
    };
    return SUPPORT_RUN(tests);
}

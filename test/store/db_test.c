/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/support.h"

static const char item_table[] = "CREATE TABLE item (id ID, a I64, b TEXT, c BYTES,\n"
                                 "  CHECK (a <> 13)) STRICT;\n"
                                 "CREATE UNIQUE INDEX item_b ON item(b);";

struct item {
    struct db_value a, b, c;
    int64_t id;
};

static bool add_item(struct db *db, void *context, struct error *err)
{
    struct item *item = context;

    return db_insert(db, "INSERT INTO item (a, b, c) VALUES ($1, $2, $3) RETURNING id",
                     DB_ARGS(item->a, item->b, item->c), &item->id, err);
}

static bool read_count(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

static bool count_items(struct db *db, void *context, struct error *err)
{
    bool has_row;

    return db_query_one(db, "SELECT count(*) FROM item", DB_NO_ARGS, read_count, context, &has_row,
                        err);
}

static int64_t item_count(struct support *support)
{
    int64_t count = -1;

    support_read(support, count_items, &count);
    return count;
}

/* What comes back is what went in, for every type and at its edges. */
struct echo {
    struct db_value in;
    int64_t integer;
    const char *text;
    const char *bytes;
    size_t length;
};

static bool echo_value(struct db *db, void *context, struct error *err)
{
    struct echo *echo = context;
    struct item item = { db_null(), db_null(), db_null(), 0 };
    size_t length;

    if (echo->in.type == DB_INT)
        item.a = echo->in;
    if (echo->in.type == DB_TEXT)
        item.b = echo->in;
    if (echo->in.type == DB_BYTES)
        item.c = echo->in;
    if (!add_item(db, &item, err))
        return false;

    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT a, b, c FROM item WHERE id = $1", DB_ARGS(db_int(item.id)));
    CHECK(db_next(&rows, err));
    CHECK(db_column_is_null(&rows, 0) == (echo->in.type != DB_INT));
    CHECK(db_column_is_null(&rows, 1) == (echo->in.type != DB_TEXT));
    CHECK(db_column_is_null(&rows, 2) == (echo->in.type != DB_BYTES));
    CHECK_INT(db_column_int(&rows, 0), echo->integer);
    CHECK_INT(db_column_money(&rows, 0).nanodollars, echo->integer);
    CHECK_INT(db_column_instant(&rows, 0).microseconds, echo->integer);
    CHECK_TEXT(db_column_text(&rows, 1), echo->text);
    const void *bytes = db_column_bytes(&rows, 2, &length);
    CHECK_INT((int64_t)length, (int64_t)echo->length);
    CHECK(memcmp(bytes, echo->bytes, length) == 0);
    CHECK(!db_next(&rows, err));
    CHECK(!rows.has_failed);
    return true;
}

static void test_values_come_back_as_they_went_in(void **state)
{
    const struct echo rows[] = {
        { db_null(), 0, "", "", 0 },
        { db_int(0), 0, "", "", 0 },
        { db_int(-1), -1, "", "", 0 },
        { db_int(INT64_MAX), INT64_MAX, "", "", 0 },
        { db_int(INT64_MIN), INT64_MIN, "", "", 0 },
        { db_money((struct money){ 350 }), 350, "", "", 0 },
        { db_instant((struct instant){ 77 }), 77, "", "", 0 },
        { db_text(NULL), 0, "", "", 0 },
        { db_text(""), 0, "", "", 0 },
        { db_text("it's \"\\x41\" %d $1 ? \xc3\xa9 \xf0\x9f\x9a\xa2"), 0,
          "it's \"\\x41\" %d $1 ? \xc3\xa9 \xf0\x9f\x9a\xa2", "", 0 },
        { db_bytes("", 0), 0, "", "", 0 },
        { db_bytes("\0\1\\'\xff", 5), 0, "", "\0\1\\'\xff", 5 },
    };
    struct support *support = *state;

    support_script(support, item_table);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct echo echo = rows[i];

        check_row("row %zu", i);
        support_write(support, echo_value, &echo);
    }
}

/* $2 before $1, and $1 twice: the number counts, not the place. */
static bool use_numbers(struct db *db, void *context, struct error *err)
{
    (void)context;
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT $2, $1, $1 + 1, $3", DB_ARGS(db_int(1), db_text("two"), db_int(3)));

    CHECK(db_next(&rows, err));
    CHECK_TEXT(db_column_text(&rows, 0), "two");
    CHECK_INT(db_column_int(&rows, 1), 1);
    CHECK_INT(db_column_int(&rows, 2), 2);
    CHECK_INT(db_column_int(&rows, 3), 3);
    return true;
}

static void test_parameters_go_by_number(void **state)
{
    support_read(*state, use_numbers, NULL);
}

/* The same text with a null and with a number, in both orders. */
static void test_a_statement_takes_other_types_next_time(void **state)
{
    struct support *support = *state;

    support_script(support, item_table);
    for (int i = 0; i < 6; i++) {
        char text[8];

        (void)snprintf(text, sizeof text, "%d", i);
        struct item item = { i % 2 ? db_int(i) : db_null(), i % 3 ? db_text(text) : db_null(),
                             i % 2 ? db_null() : db_bytes("x", 1), 0 };
        support_write(support, add_item, &item);
    }
    CHECK_INT(item_count(support), 6);
}

static bool compare(struct db *db, void *context, struct error *err)
{
    (void)context;
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT $1 > $2, $1 < $2, sum(a), count(*), max(a) FROM item",
                 DB_ARGS(db_int(2), db_int(1)));

    if (!db_next(&rows, err))
        return false;
    CHECK_INT(db_column_int(&rows, 0), 1);
    CHECK_INT(db_column_int(&rows, 1), 0);
    CHECK_INT(db_column_int(&rows, 2), 42);
    CHECK_INT(db_column_int(&rows, 3), 2);
    CHECK_INT(db_column_int(&rows, 4), 40);
    return true;
}

static void test_truths_and_sums_are_numbers(void **state)
{
    struct item items[] = { { .a = db_int(2) }, { .a = db_int(40) } };
    struct support *support = *state;

    support_script(support, item_table);
    for (size_t i = 0; i < 2; i++)
        support_write(support, add_item, &items[i]);
    support_read(support, compare, NULL);
}

/* Text is compared byte by byte on both, whatever the language of the machine. */
static bool sort_texts(struct db *db, void *context, struct error *err)
{
    static const char *const texts[] = { "b", "a", "B", "_", "\xc3\xa9", "a_b", "ab" };
    static const char *const sorted[] = { "B", "_", "a", "a_b", "ab", "b", "\xc3\xa9" };

    (void)context;
    for (size_t i = 0; i < 7; i++)
        if (!db_exec(db, "INSERT INTO item (b) VALUES ($1)", DB_ARGS(db_text(texts[i])), err))
            return false;
    auto_db_rows struct db_rows rows = db_query(db, "SELECT b FROM item ORDER BY b", DB_NO_ARGS);
    for (size_t i = 0; i < 7; i++) {
        CHECK(db_next(&rows, err));
        CHECK_TEXT(db_column_text(&rows, 0), sorted[i]);
    }
    return !db_next(&rows, err) && !rows.has_failed;
}

static void test_texts_sort_by_their_bytes(void **state)
{
    support_script(*state, item_table);
    support_write(*state, sort_texts, NULL);
}

/* An update that shows how often it was made. */
static bool take_items(struct db *db, void *context, struct error *err)
{
    static const char take[] = "UPDATE item SET a = a + 1 WHERE id = $1";
    static const char other[] = "UPDATE item SET a = a + 100 WHERE id = $1";
    const int64_t *ids = context;

    for (int i = 0; i < 3; i++)
        if (!db_take(db, take, ids[0], err) || !db_take(db, take, ids[1], err))
            return false;
    return db_take(db, other, ids[1], err);
}

struct a_of {
    int64_t id, a;
};

static bool load_a(struct db *db, void *context, struct error *err)
{
    struct a_of *of = context;
    bool has_row;

    return db_query_one(db, "SELECT a FROM item WHERE id = $1", DB_ARGS(db_int(of->id)), read_count,
                        &of->a, &has_row, err);
}

static int64_t a_of(struct support *support, int64_t id)
{
    struct a_of of = { id, -1 };

    support_read(support, load_a, &of);
    return of.a;
}

static void test_a_row_is_taken_once_in_a_transaction(void **state)
{
    struct item items[] = { { .a = db_int(0) }, { .a = db_int(0) } };
    struct support *support = *state;

    support_script(support, item_table);
    for (size_t i = 0; i < 2; i++)
        support_write(support, add_item, &items[i]);
    int64_t ids[] = { items[0].id, items[1].id };
    for (int64_t transactions = 1; transactions <= 3; transactions++) {
        support_write(support, take_items, ids);
        CHECK_INT(a_of(support, ids[0]), transactions);
        CHECK_INT(a_of(support, ids[1]), 101 * transactions);
    }
}

struct counts {
    int64_t inserted, skipped, updated, none;
};

static bool count_changes(struct db *db, void *context, struct error *err)
{
    static const char insert[] = "INSERT INTO item (b) VALUES ($1) ON CONFLICT (b) DO NOTHING";
    struct counts *counts = context;

    return db_count(db, insert, DB_ARGS(db_text("x")), &counts->inserted, err) &&
           db_count(db, insert, DB_ARGS(db_text("x")), &counts->skipped, err) &&
           db_exec(db, insert, DB_ARGS(db_text("y")), err) &&
           db_count(db, "UPDATE item SET a = 1", DB_NO_ARGS, &counts->updated, err) &&
           db_count(db, "UPDATE item SET a = 2 WHERE b = $1", DB_ARGS(db_text("z")), &counts->none,
                    err);
}

static void test_changed_rows_are_counted(void **state)
{
    struct counts counts;

    support_script(*state, item_table);
    support_write(*state, count_changes, &counts);
    CHECK_INT(counts.inserted, 1);
    CHECK_INT(counts.skipped, 0);
    CHECK_INT(counts.updated, 2);
    CHECK_INT(counts.none, 0);
}

/* The first failure is the transaction's, however much is tried after it. */
struct failing {
    const char *sql;
    enum error_code code;
    bool goes_on; /* and says that all is well */
};

static bool fail_midway(struct db *db, void *context, struct error *err)
{
    const struct failing *failing = context;
    struct error ignored;
    int64_t count;

    if (!db_exec(db, "INSERT INTO item (b) VALUES ('before')", DB_NO_ARGS, err))
        return false;
    bool is_ok = db_exec(db, failing->sql, DB_NO_ARGS, err);
    if (!failing->goes_on)
        return is_ok;
    if (db_exec(db, "INSERT INTO item (b) VALUES ('after')", DB_NO_ARGS, &ignored))
        CHECK(db->is_postgres); /* where it is only queued */
    CHECK(!db_count(db, "UPDATE item SET a = 1", DB_NO_ARGS, &count, &ignored));
    CHECK(!count_items(db, &count, &ignored));
    CHECK_INT(ignored.code, failing->code);
    CHECK(!db_notify(db, TOPIC_USER, 1, &ignored));
    return true;
}

static void test_one_failure_loses_the_transaction(void **state)
{
    static const struct failing rows[] = {
        { "INSERT INTO item (a) VALUES (13)", ERROR_CONFLICT, false },
        { "INSERT INTO item (a) VALUES (13)", ERROR_CONFLICT, true },
        { "INSERT INTO item (b) VALUES ('before')", ERROR_CONFLICT, true },
        { "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) VALUES (1, 1, 1, 2, 3, 4)",
          ERROR_CONFLICT, true },
        { "INSERT INTO no_such_table (a) VALUES (1)", ERROR_IO, true },
        { "not SQL at all", ERROR_IO, true },
    };
    struct support *support = *state;
    struct error err;

    support_script(support, item_table);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK_FAILS(store_write(support->store, fail_midway, (void *)&rows[i], &err), &err,
                    rows[i].code);
        CHECK(strchr(err.text, '\n') == NULL);
        CHECK_INT(item_count(support), 0);
    }
    /* The connection is as good as new, and so are its statements. */
    struct item item = { .a = db_int(1) };
    support_write(support, add_item, &item);
    CHECK_INT(item_count(support), 1);
}

static bool overflow(struct db *db, void *context, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, "SELECT sum(a) FROM item", DB_NO_ARGS);
    int64_t *sum = context;

    while (db_next(&rows, err))
        *sum = db_column_int(&rows, 0);
    return !rows.has_failed;
}

static void test_a_sum_beyond_64_bits_is_an_error(void **state)
{
    struct item items[] = { { .a = db_int(INT64_MAX) }, { .a = db_int(1) } };
    struct support *support = *state;
    struct error err;
    int64_t sum;

    support_script(support, item_table);
    support_write(support, add_item, &items[0]);
    support_read(support, overflow, &sum);
    CHECK_INT(sum, INT64_MAX);
    support_write(support, add_item, &items[1]);
    CHECK(!store_read(support->store, overflow, &sum, &err));
}

static bool write_anyway(struct db *db, void *context, struct error *err)
{
    (void)context;
    return db_exec(db, "INSERT INTO item (a) VALUES (1)", DB_NO_ARGS, err);
}

static void test_a_read_cannot_write(void **state)
{
    struct support *support = *state;
    struct error err;

    support_script(support, item_table);
    CHECK_FAILS(store_read(support->store, write_anyway, NULL, &err), &err, ERROR_IO);
    CHECK_INT(item_count(support), 0);
}

/* As many parameters as there may be. */
static bool use_all_parameters(struct db *db, void *context, struct error *err)
{
    static char sql[8 * DB_ARGS_MAX];
    struct db_value values[DB_ARGS_MAX];

    (void)context;
    (void)snprintf(sql, sizeof sql, "SELECT 0");
    for (size_t i = 0; i < DB_ARGS_MAX; i++) {
        values[i] = db_int((int64_t)i);
        (void)snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "+$%zu", i + 1);
    }
    auto_db_rows struct db_rows rows = db_query(db, sql, (struct db_args){ values, DB_ARGS_MAX });
    CHECK(db_next(&rows, err));
    CHECK_INT(db_column_int(&rows, 0), DB_ARGS_MAX * (DB_ARGS_MAX - 1) / 2);
    return true;
}

static void test_all_parameters_can_be_used(void **state)
{
    support_read(*state, use_all_parameters, NULL);
}

/* More than the pipeline holds, with a failure somewhere: all or nothing. */
struct flood {
    int count, bad_at;
};

static bool flood(struct db *db, void *context, struct error *err)
{
    struct flood *wanted = context;

    for (int i = 0; i < wanted->count; i++)
        if (!db_exec(db, "INSERT INTO item (a) VALUES ($1)",
                     DB_ARGS(db_int(i == wanted->bad_at ? 13 : 1000 + i)), err))
            return false;
    return true;
}

static void test_many_statements_are_all_or_nothing(void **state)
{
    struct support *support = *state;
    struct error err;

    support_script(support, item_table);
    for (int bad_at = 0; bad_at < 1000; bad_at += 83) {
        struct flood wanted = { 1000, bad_at };

        check_row("bad at %d", bad_at);
        CHECK_FAILS(store_write(support->store, flood, &wanted, &err), &err, ERROR_CONFLICT);
        CHECK_INT(item_count(support), 0);
    }
    support_write(support, flood, &(struct flood){ 1000, -1 });
    CHECK_INT(item_count(support), 1000);
}

/* Rows may be left unread: the next statement finds the connection free. */
static bool read_one_of_many(struct db *db, void *context, struct error *err)
{
    for (int i = 0; i < 3; i++) {
        struct error unused;
        auto_db_rows struct db_rows rows =
            db_query(db, "SELECT a FROM item ORDER BY a", DB_NO_ARGS);

        CHECK(db_next(&rows, &unused));
        CHECK_INT(db_column_int(&rows, 0), 1000);
    }
    return count_items(db, context, err);
}

static void test_rows_may_be_left_unread(void **state)
{
    int64_t count;

    support_script(*state, item_table);
    support_write(*state, flood, &(struct flood){ 100, -1 });
    support_read(*state, read_one_of_many, &count);
    CHECK_INT(count, 100);
}

/* More than are sent at once; each gets its own id, and what was there gets none. */
enum { LATER = 300 };

#define INSERT_TWIN "INSERT INTO twin (twin) VALUES ($1) RETURNING id"

static bool insert_later(struct db *db, void *context, struct error *err)
{
    int64_t *ids = context;

    for (int64_t i = 0; i < LATER; i++) {
        ids[i] = -i;
        if (!db_insert_later(db,
                             "INSERT INTO twin (twin) VALUES ($1) ON CONFLICT (twin) DO NOTHING "
                             "RETURNING id",
                             DB_ARGS(db_int(i)), &ids[i], err))
            return false;
    }
    return db_settle(db, err);
}

/* Whoever loads rows has the ids, too. */
static bool insert_and_look(struct db *db, void *context, struct error *err)
{
    int64_t id = 0, found = -1;
    bool has_row;

    if (!db_insert_later(db, INSERT_TWIN, DB_ARGS(db_int(*(int64_t *)context)), &id, err) ||
        !db_query_one(db, "SELECT max(id) FROM twin", DB_NO_ARGS, read_count, &found, &has_row,
                      err))
        return false;
    CHECK_INT(id, found);
    return true;
}

/* The closure has returned: what it asked for must not be written where it was. */
static bool insert_and_leave(struct db *db, void *context, struct error *err)
{
    int64_t gone = 0;

    (void)context;
    (void)!db_insert_later(db, INSERT_TWIN, DB_ARGS(db_int(7777)), &gone, err);
    return error_set(err, ERROR_FORBIDDEN, "no");
}

/* The second is there already; what comes after it is refused with it. */
static bool insert_badly(struct db *db, void *context, struct error *err)
{
    int64_t *ids = context;

    for (int64_t i = 0; i < 3; i++)
        if (!db_insert_later(db, INSERT_TWIN, DB_ARGS(db_int(i == 1 ? 1 : 9000 + i)), &ids[i], err))
            return false;
    return db_settle(db, err);
}

static void test_ids_come_when_it_is_settled(void **state)
{
    struct support *support = *state;
    struct error err;
    int64_t ids[LATER], value = LATER;

    support_script(support, "CREATE TABLE twin (id ID, twin I64 NOT NULL) STRICT;"
                            "CREATE UNIQUE INDEX twin_twin ON twin(twin);");
    support_write(support, insert_later, ids);
    for (int64_t i = 0; i < LATER; i++)
        CHECK_INT(ids[i], i + 1);
    support_write(support, insert_later, ids);
    for (int64_t i = 0; i < LATER; i++)
        CHECK_INT(ids[i], -i);
    support_write(support, insert_and_look, &value);
    for (int i = 0; i < 3; i++)
        CHECK_FAILS(store_write(support->store, insert_and_leave, NULL, &err), &err,
                    ERROR_FORBIDDEN);
    CHECK_FAILS(store_write(support->store, insert_badly, ids, &err), &err, ERROR_CONFLICT);
    value++;
    support_write(support, insert_and_look, &value);
}

/* What is posted cannot be changed, not even by hand. */
struct forbidden {
    const char *sql;
};

static bool run_forbidden(struct db *db, void *context, struct error *err)
{
    return db_exec(db, ((const struct forbidden *)context)->sql, DB_NO_ARGS, err);
}

static void test_the_books_are_append_only(void **state)
{
    static const struct forbidden rows[] = {
        { "UPDATE journal SET kind = 2" },
        { "DELETE FROM journal" },
        { "UPDATE transfer SET amount = 2" },
        { "DELETE FROM transfer" },
    };
    struct support *support = *state;
    struct error err;

    support_script(support, "INSERT INTO account (code, created_us) VALUES (1010, 1), (6010, 1);\n"
                            "INSERT INTO journal (idem_key, body_hash, kind, occurred_us,\n"
                            "  posted_us, ref_kind, ref_id) VALUES ('k', 'h', 1, 1, 1, 1, 1);\n"
                            "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code)\n"
                            "  VALUES (1, 1, 1, 2, 5, 1);");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("%s", rows[i].sql);
        CHECK_FAILS(store_write(support->store, run_forbidden, (void *)&rows[i], &err), &err,
                    ERROR_CONFLICT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_come_back_as_they_went_in),
        cmocka_unit_test(test_parameters_go_by_number),
        cmocka_unit_test(test_a_statement_takes_other_types_next_time),
        cmocka_unit_test(test_truths_and_sums_are_numbers),
        cmocka_unit_test(test_texts_sort_by_their_bytes),
        cmocka_unit_test(test_a_row_is_taken_once_in_a_transaction),
        cmocka_unit_test(test_changed_rows_are_counted),
        cmocka_unit_test(test_one_failure_loses_the_transaction),
        cmocka_unit_test(test_a_sum_beyond_64_bits_is_an_error),
        cmocka_unit_test(test_a_read_cannot_write),
        cmocka_unit_test(test_all_parameters_can_be_used),
        cmocka_unit_test(test_many_statements_are_all_or_nothing),
        cmocka_unit_test(test_rows_may_be_left_unread),
        cmocka_unit_test(test_ids_come_when_it_is_settled),
        cmocka_unit_test(test_the_books_are_append_only),
    };
    return SUPPORT_RUN(tests);
}

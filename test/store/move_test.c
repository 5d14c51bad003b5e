/* SPDX-License-Identifier: Apache-2.0 */
/* The support's database is the target; the source is made beside it. */
#include "store/move.h"

#include <stdio.h>
#include <string.h>

#include "store/support.h"

static const char odd_text[] = "\\N \\. tab\t line\n return\r back\\slash \"quote\" 'q' \xc3\xa4";
static const uint8_t odd_bytes[] = { 0, 1, '\\', '\n', 0xff, 'x', 0 };

static bool fill(struct db *db, void *context, struct error *err)
{
    int64_t *user_id = context;

    return db_insert(db,
                     "INSERT INTO users (email, username, created_us) VALUES ($1, $2, $3) "
                     "RETURNING id",
                     DB_ARGS(db_text("a@example.org"), db_text(odd_text),
                             db_int(INT64_C(-9223372036854775807))),
                     user_id, err) &&
           db_exec(
               db, "INSERT INTO enroll_token (hash, user_id, expires_us) VALUES ($1, $2, $3)",
               DB_ARGS(db_bytes(odd_bytes, sizeof odd_bytes), db_int(*user_id), db_int(INT64_MAX)),
               err) &&
           db_exec(db, "INSERT INTO enroll_token (hash, user_id, expires_us) VALUES ($1, $2, $3)",
                   DB_ARGS(db_bytes("", 0), db_int(*user_id), db_int(0)), err) &&
           /* An id that was given out, and whose row is gone. */
           db_exec(db,
                   "INSERT INTO users (id, email, username, created_us) VALUES (70, 'b', '', 0)",
                   DB_NO_ARGS, err) &&
           db_exec(db, "DELETE FROM users WHERE id = 70", DB_NO_ARGS, err);
}

struct seen {
    char username[128];
    int64_t created_us, tokens, odd_tokens;
};

static bool read_user(struct db_rows *row, void *context, struct error *err)
{
    struct seen *seen = context;

    (void)err;
    (void)snprintf(seen->username, sizeof seen->username, "%s", db_column_text(row, 0));
    seen->created_us = db_column_int(row, 1);
    seen->tokens = db_column_int(row, 2);
    seen->odd_tokens = db_column_int(row, 3);
    return true;
}

static bool look(struct db *db, void *context, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT username, created_us, (SELECT count(*) FROM enroll_token), "
                        "(SELECT count(*) FROM enroll_token WHERE hash = $1 "
                        "AND expires_us = 9223372036854775807) FROM users",
                        DB_ARGS(db_bytes(odd_bytes, sizeof odd_bytes)), read_user, context, &has,
                        err);
}

static bool add_user(struct db *db, void *context, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO users (email, username, created_us) VALUES ('c', '', 0) "
                     "RETURNING id",
                     DB_NO_ARGS, context, err);
}

static void make_source(struct support *support, char directory[static 256])
{
    struct store *source;
    struct error err;
    int64_t id;

    (void)snprintf(directory, 256, "%s/source", support->directory);
    CHECK_OK(store_open(directory, &support->log, &source, &err), &err);
    CHECK_OK(store_write(source, fill, &id, &err), &err);
    store_close(&source);
}

static void test_every_row_arrives_as_it_was(void **state)
{
    struct support *support = *state;
    struct move_counts counts;
    struct seen seen = { .tokens = 0 };
    char directory[256];
    struct error err;
    int64_t id;

    make_source(support, directory);
    CHECK_OK(move_to_postgres(directory, support->location, &counts, &err), &err);
    CHECK_INT(counts.rows, 3);
    CHECK(counts.tables > 60);
    support_read(support, look, &seen);
    CHECK_TEXT(seen.username, odd_text);
    CHECK_INT(seen.created_us, INT64_C(-9223372036854775807));
    CHECK_INT(seen.tokens, 2);
    CHECK_INT(seen.odd_tokens, 1);
    /* Ids go on behind the last that was given out, not the last that is there. */
    support_write(support, add_user, &id);
    CHECK_INT(id, 71);
}

static void test_a_target_with_rows_is_refused(void **state)
{
    struct support *support = *state;
    struct move_counts counts = { .rows = -9 };
    struct seen seen = { .tokens = 0 };
    char directory[256];
    struct error err;
    int64_t id;

    make_source(support, directory);
    support_write(support, add_user, &id);
    CHECK_FAILS(move_to_postgres(directory, support->location, &counts, &err), &err,
                ERROR_CONFLICT);
    CHECK_INT(counts.rows, -9);
    support_read(support, look, &seen);
    CHECK_TEXT(seen.username, "");
    CHECK_INT(seen.tokens, 0);
}

/* One row too much for a constraint there: nothing arrives, and triggers are as they were. */
static void test_all_of_it_or_nothing(void **state)
{
    struct support *support = *state;
    struct move_counts counts;
    struct seen seen = { .tokens = 0 };
    char directory[256];
    struct error err;

    make_source(support, directory);
    support_script(support, "ALTER TABLE enroll_token ADD CHECK (expires_us > 0)");
    CHECK_FAILS(move_to_postgres(directory, support->location, &counts, &err), &err, ERROR_IO);
    CHECK(strstr(err.text, "enroll_token") != NULL);
    support_read(support, look, &seen);
    CHECK_INT(seen.tokens, 0);
    CHECK_TEXT(seen.username, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_arrives_as_it_was),
        cmocka_unit_test(test_a_target_with_rows_is_refused),
        cmocka_unit_test(test_all_of_it_or_nothing),
    };
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}

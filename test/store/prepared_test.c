/* SPDX-License-Identifier: Apache-2.0 */
#include "store/prepared.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void test_a_text_is_found_again(void **state)
{
    struct prepared prepared = prepared_of(4);
    static const char one[] = "SELECT 1", two[] = "SELECT 2";

    (void)state;
    struct prepared_entry *first = prepared_find(&prepared, one, DB_NO_ARGS);
    CHECK(first != NULL && first->statement == NULL);
    first->statement = &prepared;
    CHECK(prepared_find(&prepared, two, DB_NO_ARGS) != first);
    CHECK(prepared_find(&prepared, one, DB_NO_ARGS) == first);
    CHECK(first->statement == &prepared);
    CHECK_INT((int64_t)prepared.count, 2);
    prepared_release(&prepared);
}

static void test_other_types_are_another_statement(void **state)
{
    struct prepared prepared = prepared_of(8);
    static const char sql[] = "INSERT";
    const struct db_args rows[] = {
        DB_NO_ARGS,
        DB_ARGS(db_int(1)),
        DB_ARGS(db_text("1")),
        DB_ARGS(db_bytes("1", 1)),
        DB_ARGS(db_int(1), db_text("")),
        DB_ARGS(db_text(""), db_int(1)),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row("row %zu", i);
        CHECK(prepared_find(&prepared, sql, rows[i]) != NULL);
        CHECK_INT((int64_t)prepared.count, (int64_t)i + 1);
    }
    /* Values do not matter. */
    CHECK(prepared_find(&prepared, sql, DB_ARGS(db_int(2))) ==
          prepared_find(&prepared, sql, DB_ARGS(db_int(3))));
    prepared_release(&prepared);
}

static int freed;

static void count_freed(void *statement)
{
    (void)statement;
    freed++;
}

static void test_there_is_room_for_so_many_and_no_more(void **state)
{
    enum { COUNT = 1000 }; /* the table grows five times */
    static char texts[COUNT + 1][8];
    struct prepared prepared = prepared_of(COUNT);

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%zu", i);
        struct prepared_entry *entry = prepared_find(&prepared, texts[i], DB_NO_ARGS);
        CHECK(entry != NULL && entry->statement == NULL);
        entry->statement = texts[i];
    }
    CHECK(prepared_find(&prepared, texts[COUNT], DB_NO_ARGS) == NULL);
    for (size_t i = 0; i < COUNT; i++)
        CHECK(prepared_find(&prepared, texts[i], DB_NO_ARGS)->statement == texts[i]);
    freed = 0;
    prepared_each(&prepared, count_freed);
    CHECK_INT(freed, COUNT);
    prepared_release(&prepared);
}

/* An address that has another text by now would run another statement than was asked for: that
 * stops the program, whichever byte it is, and whether one more or one less. */
static void test_a_text_that_changes_is_no_literal(void **state)
{
    static const size_t lengths[] = { 1, 7, 8, 9, 16, 61 };
    char sql[72];

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (size_t at = 0; at <= lengths[i]; at++) {
            int status = 0;
            pid_t pid = fork();

            check_row("byte %zu of %zu", at, lengths[i]);
            if (pid == 0) {
                struct prepared prepared = prepared_of(4);

                (void)signal(SIGABRT, SIG_DFL);
                (void)close(STDERR_FILENO);
                (void)snprintf(sql, sizeof sql, "%.*s", (int)lengths[i],
                               "SELECT id, owner_id FROM machine WHERE id = $1 AND is_online = 1");
                if (prepared_find(&prepared, sql, DB_NO_ARGS) !=
                    prepared_find(&prepared, sql, DB_NO_ARGS))
                    _exit(1);
                sql[at] = at < lengths[i] ? (char)(sql[at] + 1) : 'x';
                sql[lengths[i] + 1] = '\0';
                _exit(prepared_find(&prepared, sql, DB_NO_ARGS) != NULL ? 2 : 3);
            }
            CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_is_found_again),
        cmocka_unit_test(test_other_types_are_another_statement),
        cmocka_unit_test(test_there_is_room_for_so_many_and_no_more),
        cmocka_unit_test(test_a_text_that_changes_is_no_literal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/driver.h"
#include "store/support.h"

static const char counter_table[] = "CREATE TABLE counter (id I64 PRIMARY KEY,\n"
                                    "  value I64 NOT NULL) STRICT;\n"
                                    "INSERT INTO counter VALUES (1, 0), (2, 0), (3, 0);";

static bool read_number(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

static bool load_counter(struct db *db, int64_t id, int64_t *ret_value, struct error *err)
{
    bool has_row;

    return db_query_one(db, "SELECT value FROM counter WHERE id = $1", DB_ARGS(db_int(id)),
                        read_number, ret_value, &has_row, err);
}

static bool store_counter(struct db *db, int64_t id, int64_t value, struct error *err)
{
    return db_exec(db, "UPDATE counter SET value = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_int(value)), err);
}

static bool value_work(struct db *db, void *context, struct error *err)
{
    int64_t *value = context;

    return load_counter(db, *value, value, err);
}

static int64_t value_of(struct support *support, int64_t id)
{
    support_read(support, value_work, &id);
    return id;
}

/* Load, decide, store: what two do at once must be as if one came after the other. */
static bool increment(struct db *db, void *context, struct error *err)
{
    int64_t value;

    (void)context;
    return load_counter(db, 1, &value, err) && store_counter(db, 1, value + 1, err);
}

/* Two counters of which one must be zero: each looks at the other's before raising its own, having
 * taken the row that both of them take. */
static bool raise_if_other_is_zero(struct db *db, void *context, struct error *err)
{
    const int64_t *id = context;
    int64_t value;

    if (!db_exec(db, "UPDATE counter SET value = 0 WHERE id = 3", DB_NO_ARGS, err) ||
        !load_counter(db, 3 - *id, &value, err))
        return false;
    if (value > 0)
        return error_set(err, ERROR_FORBIDDEN, "the other one is raised");
    return store_counter(db, *id, 1, err);
}

struct client {
    struct store *store;
    pthread_t thread;
    store_work *work;
    void *context;
    int times, done;
    struct error err;
};

static void *run_client(void *context)
{
    struct client *client = context;

    for (int i = 0; i < client->times; i++)
        client->done += store_write(client->store, client->work, client->context, &client->err);
    return NULL;
}

static void run_clients(struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CHECK(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(pthread_join(clients[i].thread, NULL) == 0);
}

static void test_no_update_is_lost(void **state)
{
    enum { CLIENTS = STORE_CONNECTIONS_MAX, TIMES = 15 };
    struct support *support = *state;
    struct client clients[CLIENTS];

    support_script(support, counter_table);
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){ .store = support->store, .work = increment, .times = TIMES };
    run_clients(clients, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        check_row("client %zu: %s", i, clients[i].err.text);
        CHECK_INT(clients[i].done, TIMES);
    }
    CHECK_INT(value_of(support, 1), CLIENTS * TIMES);
    struct store_totals totals = store_totals(support->store);
    CHECK_INT((int64_t)totals.writes, CLIENTS * TIMES);
    CHECK_INT((int64_t)totals.failures, 0);
    CHECK(support->is_postgres || totals.retries == 0);
}

/* In turn nobody loses: who comes second sees what the first has stored. */
static bool increment_slowly(struct db *db, void *context, struct error *err)
{
    int64_t value;

    (void)context;
    if (!load_counter(db, 1, &value, err))
        return false;
    (void)usleep(2000);
    return store_counter(db, 1, value + 1, err);
}

static void *run_in_turn(void *context)
{
    struct client *client = context;

    for (int i = 0; i < client->times; i++)
        client->done += store_write_in_turn(client->store, STORE_TURN_BILLS, increment_slowly, NULL,
                                            &client->err);
    return NULL;
}

static void test_who_has_the_turn_loses_to_nobody(void **state)
{
    enum { CLIENTS = 6, TIMES = 10 };
    struct support *support = *state;
    struct client clients[CLIENTS];

    support_script(support, counter_table);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .store = support->store, .times = TIMES };
        CHECK(pthread_create(&clients[i].thread, NULL, run_in_turn, &clients[i]) == 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        CHECK(pthread_join(clients[i].thread, NULL) == 0);
        check_row("client %zu: %s", i, clients[i].err.text);
        CHECK_INT(clients[i].done, TIMES);
    }
    CHECK_INT(value_of(support, 1), CLIENTS * TIMES);
    CHECK_INT((int64_t)store_totals(support->store).retries, 0);
}

static void test_who_takes_the_same_row_comes_one_after_another(void **state)
{
    static int64_t ids[] = { 1, 2 };
    struct support *support = *state;

    support_script(support, counter_table);
    for (int i = 0; i < 60; i++) {
        struct client clients[2];

        check_row("step %d", i);
        support_script(support, "UPDATE counter SET value = 0;");
        for (size_t j = 0; j < 2; j++)
            clients[j] = (struct client){ .store = support->store,
                                          .work = raise_if_other_is_zero,
                                          .context = &ids[j],
                                          .times = 1 };
        run_clients(clients, 2);
        CHECK_INT(clients[0].done + clients[1].done, 1);
        CHECK_INT(value_of(support, 1) + value_of(support, 2), 1);
    }
}

/* In opposite orders: on PostgreSQL they wait for each other, until one gives way. */
static bool raise_both(struct db *db, void *context, struct error *err)
{
    const int64_t *first = context;

    return db_exec(db, "UPDATE counter SET value = value + 1 WHERE id = $1",
                   DB_ARGS(db_int(*first)), err) &&
           db_exec(db, "UPDATE counter SET value = value + 1 WHERE id = $1",
                   DB_ARGS(db_int(3 - *first)), err);
}

static void test_deadlocks_are_nobodys_problem(void **state)
{
    static int64_t ids[] = { 1, 2 };
    struct support *support = *state;
    struct client clients[4];

    support_script(support, counter_table);
    for (size_t i = 0; i < 4; i++)
        clients[i] = (struct client){
            .store = support->store, .work = raise_both, .context = &ids[i % 2], .times = 25
        };
    run_clients(clients, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(clients[i].done, 25);
    CHECK_INT(value_of(support, 1), 100);
    CHECK_INT(value_of(support, 2), 100);
}

/* Get or create: whoever comes second finds what the first has made. */
static bool get_or_create(struct db *db, void *context, struct error *err)
{
    atomic_int *created = context;
    int64_t value;
    bool has_row;

    if (!db_query_one(db, "SELECT value FROM counter WHERE id = 77", DB_NO_ARGS, read_number,
                      &value, &has_row, err))
        return false;
    if (has_row)
        return true;
    if (!db_exec(db, "INSERT INTO counter VALUES (77, 1)", DB_NO_ARGS, err))
        return false;
    ++*created;
    return true;
}

static void test_of_many_creators_one_creates(void **state)
{
    struct support *support = *state;

    support_script(support, counter_table);
    for (int i = 0; i < 20; i++) {
        struct client clients[8];
        atomic_int created = 0;

        check_row("step %d", i);
        support_script(support, "DELETE FROM counter WHERE id = 77;");
        for (size_t j = 0; j < 8; j++)
            clients[j] = (struct client){
                .store = support->store, .work = get_or_create, .context = &created, .times = 1
            };
        run_clients(clients, 8);
        for (size_t j = 0; j < 8; j++) {
            check_row("step %d, client %zu: %s", i, j, clients[j].err.text);
            CHECK_INT(clients[j].done, 1);
        }
        CHECK(created >= 1);
        CHECK_INT(value_of(support, 77), 1);
    }
}

static bool insert_twice(struct db *db, void *context, struct error *err)
{
    ++*(int *)context;
    return db_exec(db, "INSERT INTO counter VALUES (1, 1)", DB_NO_ARGS, err);
}

/* Until nobody else can have inserted it meanwhile. */
static void test_inserting_what_is_there_is_tried_till_alone(void **state)
{
    struct support *support = *state;
    struct error err;
    int attempts = 0;

    support_script(support, counter_table);
    CHECK_FAILS(store_write(support->store, insert_twice, &attempts, &err), &err, ERROR_CONFLICT);
    CHECK_INT(attempts, support->is_postgres ? 4 : 1);
}

/* One that always loses is given up, and not before. */
static bool lose(struct db *db, void *context, struct error *err)
{
    ++*(int *)context;
    return db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err, "lost again");
}

static void test_attempts_have_an_end(void **state)
{
    struct support *support = *state;
    struct error err;
    int attempts = 0;

    CHECK_FAILS(store_write(support->store, lose, &attempts, &err), &err, ERROR_CONFLICT);
    CHECK_INT(attempts, support->is_postgres ? STORE_ATTEMPTS_MAX : 1);
    struct store_totals totals = store_totals(support->store);
    CHECK_INT((int64_t)totals.retries, support->is_postgres ? STORE_ATTEMPTS_MAX - 1 : 0);
    CHECK_INT((int64_t)totals.failures, 1);
}

static bool refuse(struct db *db, void *context, struct error *err)
{
    ++*(int *)context;
    return store_counter(db, 1, 77, err) && error_set(err, ERROR_FORBIDDEN, "no");
}

static void test_a_refusal_is_final_and_leaves_nothing(void **state)
{
    struct support *support = *state;
    struct error err;
    int attempts = 0;

    support_script(support, counter_table);
    CHECK_FAILS(store_write(support->store, refuse, &attempts, &err), &err, ERROR_FORBIDDEN);
    CHECK_INT(attempts, 1);
    CHECK_INT(value_of(support, 1), 0);
}

/* A read sees one moment, whatever is written meanwhile. */
struct reading {
    struct support *support;
    int64_t before, after;
};

static bool read_twice(struct db *db, void *context, struct error *err)
{
    struct reading *reading = context;

    if (!load_counter(db, 1, &reading->before, err))
        return false;
    support_write(reading->support, increment, NULL);
    return load_counter(db, 1, &reading->after, err);
}

static void test_a_read_sees_one_moment(void **state)
{
    struct reading reading = { .support = *state };

    support_script(*state, counter_table);
    support_read(*state, read_twice, &reading);
    CHECK_INT(reading.before, 0);
    CHECK_INT(reading.after, 0);
    CHECK_INT(value_of(*state, 1), 1);
}

/* What a listener has heard: a bit for each id below 64, and how often of anything. */
struct ear {
    atomic_uint_fast64_t ids;
    atomic_int any, calls;
};

static void hear(void *context, enum db_topic topic, int64_t id)
{
    struct ear *ear = context;

    if (id == STORE_ID_ANY)
        ear->any++;
    else if (topic == TOPIC_CONTRACT)
        ear->ids |= UINT64_C(1) << (id % 64);
    ear->calls++;
}

static bool wait_for(struct ear *ear, uint64_t ids)
{
    for (int tries = 0; tries < 5000 && (ear->ids & ids) != ids; tries++)
        (void)usleep(1000);
    return (ear->ids & ids) == ids;
}

static bool tell(struct db *db, void *context, struct error *err)
{
    const int64_t *id = context;

    /* Twice is once. */
    return db_notify(db, TOPIC_CONTRACT, *id, err) && db_notify(db, TOPIC_CONTRACT, *id, err);
}

static bool tell_and_refuse(struct db *db, void *context, struct error *err)
{
    return tell(db, context, err) && error_set(err, ERROR_FORBIDDEN, "no");
}

static void test_changes_are_told_after_the_commit(void **state)
{
    struct support *support = *state;
    struct ear ears[2] = { 0 };
    struct error err;
    int64_t five = 5, six = 6, seven = 7;

    store_subscribe(support->store, hear, &ears[0]);
    store_subscribe(support->store, hear, &ears[1]);
    support_write(support, tell, &five);
    CHECK_FAILS(store_write(support->store, tell_and_refuse, &six, &err), &err, ERROR_FORBIDDEN);
    support_write(support, tell, &seven);
    for (size_t i = 0; i < 2; i++) {
        CHECK(wait_for(&ears[i], 1u << 5 | 1u << 7));
        CHECK_INT((int64_t)ears[i].ids, 1u << 5 | 1u << 7);
        CHECK_INT(ears[i].calls, 2);
    }
}

static void test_a_store_that_is_no_store_is_refused(void **state)
{
    struct support *support = *state;
    struct store *store = NULL;
    struct error err;
    char location[300];

    (void)snprintf(location, sizeof location, "%s/file", support->directory);
    FILE *file = fopen(location, "we");
    CHECK(file != NULL);
    (void)fclose(file);
    CHECK(!store_open(location, &support->log, &store, &err));
    CHECK_FAILS(store_open("postgres://nobody@127.0.0.1:1/none", &support->log, &store, &err), &err,
                ERROR_UNREACHABLE);
    CHECK(store == NULL);
}

static void test_what_was_stored_is_there_after_a_restart(void **state)
{
    struct support *support = *state;

    support_script(support, counter_table);
    for (int i = 1; i <= 3; i++) {
        support_write(support, increment, NULL);
        support_reopen(support);
        CHECK_INT(value_of(support, 1), i);
    }
}

struct kept_read {
    struct store_answer answer;
    bool is_lasting, is_refused;
    int count; /* of times that the closure was run */
};

static bool kept_work(struct db *db, void *context, struct error *err)
{
    struct kept_read *read = context;
    int64_t value = 1;

    read->count++;
    buf_release(read->answer.bytes);
    if (read->is_refused)
        return error_set(err, ERROR_FORBIDDEN, "refused");
    if (!load_counter(db, 1, &value, err))
        return false;
    buf_printf(read->answer.bytes, "%d", (int)value);
    read->answer.is_lasting = read->is_lasting;
    return true;
}

/* What is read under the name; `*count` grows by one where the closure had to run. */
static int64_t kept_value(struct support *support, const char *name, bool is_lasting, int *count)
{
    auto_buf struct buf bytes = buf_of(64);
    struct kept_read read = { .answer = { name, strlen(name), &bytes, false },
                              .is_lasting = is_lasting };
    struct error err;

    CHECK_OK(store_read_kept(support->store, kept_work, &read, &read.answer, &err), &err);
    *count += read.count;
    return strtol(bytes.bytes, NULL, 10);
}

/* Every commit of anybody shows at once, and nothing else costs a read: those of a connection
 * beside the store, of this store's own, and of a client that knows nothing of either. */
static void test_a_kept_answer_is_what_a_read_would_find(void **state)
{
    struct support *support = *state;
    int count = 0, wanted = 0;
    struct error err;

    support_script(support, counter_table);
    for (int64_t i = 1; i <= 30; i++) {
        struct db *other = i % 3 == 1 ? support_connect(support) : NULL;

        if (other != NULL) {
            CHECK_OK(db_begin(other, TRANSACTION_WRITE, &err), &err);
            CHECK_OK(store_counter(other, 1, i, &err), &err);
            CHECK_INT(kept_value(support, "one", true, &count), i - 1);
            CHECK_OK(db_commit(other, &err), &err);
            db_close(&other);
        } else if (i % 3 == 2) {
            support_write(support, increment, NULL);
        } else {
            support_script(support, "UPDATE counter SET value = value + 1 WHERE id = 1");
        }
        wanted = count + 1;
        CHECK_INT(kept_value(support, "one", true, &count), i);
        CHECK_INT(count, wanted);
        for (int again = 0; again < 3; again++)
            CHECK_INT(kept_value(support, "one", true, &count), i);
        CHECK_INT(count, support->is_postgres ? wanted + 3 : wanted);
        CHECK_INT(kept_value(support, "another", true, &count), i);
    }
}

static void test_what_does_not_last_or_fails_is_not_kept(void **state)
{
    struct support *support = *state;
    auto_buf struct buf bytes = buf_of(64);
    struct kept_read read = { .answer = { "one", 3, &bytes, false }, .is_refused = true };
    struct error err;
    int count = 0;

    support_script(support, counter_table);
    for (int i = 1; i <= 3; i++) {
        CHECK_INT(kept_value(support, "one", false, &count), 0);
        CHECK_INT(count, i);
    }
    for (int i = 1; i <= 3; i++) {
        CHECK(!store_read_kept(support->store, kept_work, &read, &read.answer, &err));
        CHECK_INT(err.code, ERROR_FORBIDDEN);
        CHECK_INT(read.count, i);
    }
}

static bool find_secret(struct db *db, void *context, struct error *err)
{
    int64_t id;
    bool has;

    (void)context;
    return db_query_one(db, "SELECT id FROM users WHERE email = $1", DB_ARGS(db_text("a secret")),
                        read_number, &id, &has, err);
}

/* What a statement says is ours; what goes with it may be anybody's. */
static void test_slow_statements_are_logged_without_what_is_in_them(void **state)
{
    struct support *support = *state;
    char said[65536] = "";
    struct error err;
    int pipes[2];

    CHECK(pipe2(pipes, O_NONBLOCK) == 0);
    struct log before = support->log;
    support->log = (struct log){ .fd = pipes[1], .level_min = LOG_WARNING };
    store_watch(support->store, 0);
    struct store_totals totals = store_totals(support->store);
    CHECK_OK(store_read(support->store, find_secret, NULL, &err), &err);
    struct store_totals after = store_totals(support->store);
    CHECK(after.statements >= totals.statements + 2); /* it, and the end of the transaction */
    store_watch(support->store, US_PER_HOUR);
    CHECK_OK(store_read(support->store, find_secret, NULL, &err), &err);
    CHECK_INT((int64_t)store_totals(support->store).slow_statements, 0);
    CHECK(read(pipes[0], said, sizeof said - 1) < 0);

    store_watch(support->store, 1);
    CHECK_OK(store_read(support->store, find_secret, NULL, &err), &err);
    CHECK(store_totals(support->store).slow_statements > 0);
    ssize_t length = read(pipes[0], said, sizeof said - 1);
    CHECK(length > 0);
    said[length] = '\0';
    CHECK(strstr(said, "slow statement") != NULL);
    CHECK(strstr(said, "1 values: SELECT id FROM users WHERE email = $1") != NULL);
    CHECK(strstr(said, "secret") == NULL);
    store_watch(support->store, 0);
    support->log = before;
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_update_is_lost),
        cmocka_unit_test(test_who_has_the_turn_loses_to_nobody),
        cmocka_unit_test(test_who_takes_the_same_row_comes_one_after_another),
        cmocka_unit_test(test_deadlocks_are_nobodys_problem),
        cmocka_unit_test(test_of_many_creators_one_creates),
        cmocka_unit_test(test_inserting_what_is_there_is_tried_till_alone),
        cmocka_unit_test(test_attempts_have_an_end),
        cmocka_unit_test(test_a_refusal_is_final_and_leaves_nothing),
        cmocka_unit_test(test_a_read_sees_one_moment),
        cmocka_unit_test(test_changes_are_told_after_the_commit),
        cmocka_unit_test(test_a_store_that_is_no_store_is_refused),
        cmocka_unit_test(test_what_was_stored_is_there_after_a_restart),
        cmocka_unit_test(test_a_kept_answer_is_what_a_read_would_find),
        cmocka_unit_test(test_what_does_not_last_or_fails_is_not_kept),
        cmocka_unit_test(test_slow_statements_are_logged_without_what_is_in_them),
    };
    return SUPPORT_RUN(tests);
}

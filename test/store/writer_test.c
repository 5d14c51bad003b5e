/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "store/support.h"
#include "store/support_vfs.h"

enum { THREADS_MAX = 3 * STORE_BATCH_MAX };

/* A write that tells when it has begun, and waits until it may go on. */
struct gate {
    sem_t has_begun, may_go_on;
};

static void open_gate(struct gate *gate)
{
    CHECK(sem_init(&gate->has_begun, 0, 0) == 0);
    CHECK(sem_init(&gate->may_go_on, 0, 0) == 0);
}

static bool wait_at_gate(struct db *db, void *context, struct error *err)
{
    struct gate *gate = context;

    (void)db;
    (void)err;
    (void)sem_post(&gate->has_begun);
    (void)sem_wait(&gate->may_go_on);
    return true;
}

enum what { WRITES, REFUSES, BREAKS_A_RULE, IGNORES_A_FAILURE, BAD_SQL };

struct client {
    struct store *store;
    pthread_t thread;
    int64_t number;
    enum what what;
    bool is_ok;
    struct error err;
};

static bool client_work(struct db *db, void *context, struct error *err)
{
    struct client *client = context;
    struct error ignored;
    static const char insert[] = "INSERT INTO account (code, owner_id, created_us) "
                                 "VALUES ($1, $2, 1)";

    for (int64_t half = 0; half < 2; half++)
        if (!db_exec(db, insert, DB_ARGS(db_int(half), db_int(client->number)), err))
            return false;
    if (!db_notify(db, TOPIC_USER, 1 + client->number, err))
        return false;
    switch (client->what) {
    case WRITES:
        return true;
    case REFUSES:
        return error_set(err, ERROR_FORBIDDEN, "changed my mind");
    case BREAKS_A_RULE:
        return db_exec(db, insert, DB_ARGS(db_int(0), db_int(client->number)), err);
    case IGNORES_A_FAILURE:
        (void)!db_exec(db, insert, DB_ARGS(db_int(0), db_int(client->number)), &ignored);
        return true;
    case BAD_SQL:
        return db_exec(db, "SELECT no_such_thing", DB_NO_ARGS, err);
    }
    return false;
}

static void *run_client(void *context)
{
    struct client *client = context;

    client->is_ok = store_write(client->store, client_work, client, &client->err);
    return NULL;
}

static bool is_there(struct db *db, void *context, struct error *err)
{
    int64_t *number = context;
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT count(*) FROM account WHERE owner_id = $1", DB_ARGS(db_int(*number)));

    if (!db_next(&rows, err))
        return false;
    *number = db_column_int(&rows, 0);
    return true;
}

static int64_t rows_of(struct support *support, int64_t number)
{
    support_read(support, is_there, &number);
    return number;
}

struct holder {
    struct store *store;
    struct gate gate;
};

static void *run_holder(void *context)
{
    struct holder *holder = context;
    struct error err;

    (void)!store_write(holder->store, wait_at_gate, &holder->gate, &err);
    return NULL;
}

/* Have `count` writes wait behind one that holds the writer, then let them all go. */
static void run_together(struct support *support, struct client *clients, size_t count)
{
    struct holder holder = { .store = support->store };
    pthread_t thread;

    open_gate(&holder.gate);
    CHECK(pthread_create(&thread, NULL, run_holder, &holder) == 0);
    (void)sem_wait(&holder.gate.has_begun);
    for (size_t i = 0; i < count; i++) {
        clients[i].store = support->store;
        clients[i].number = (int64_t)i;
        CHECK(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) == 0);
    }
    while (store_totals(support->store).queue_length < count)
        (void)usleep(1000);
    (void)sem_post(&holder.gate.may_go_on);
    CHECK(pthread_join(thread, NULL) == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(pthread_join(clients[i].thread, NULL) == 0);
}

static void test_what_waits_is_committed_together(void **state)
{
    static const struct row {
        size_t waiting;
        uint64_t commits;
    } rows[] = {
        { 1, 1 },
        { STORE_BATCH_MAX - 1, 1 },
        { STORE_BATCH_MAX, 1 },
        { STORE_BATCH_MAX + 1, 2 },
        { 2 * STORE_BATCH_MAX, 2 },
        { 2 * STORE_BATCH_MAX + 1, 3 },
    };
    static struct client clients[THREADS_MAX];
    struct support *support = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store_totals before = store_totals(support->store);

        check_row("%zu waiting", rows[i].waiting);
        support_script(support, "DELETE FROM account;");
        run_together(support, clients, rows[i].waiting);
        struct store_totals after = store_totals(support->store);
        CHECK_INT((int64_t)(after.commits - before.commits - 1), (int64_t)rows[i].commits);
        CHECK_INT((int64_t)(after.writes - before.writes - 1), (int64_t)rows[i].waiting);
        CHECK_INT((int64_t)after.failures, 0);
        CHECK_INT((int64_t)after.queue_length, 0);
        for (size_t j = 0; j < rows[i].waiting; j++) {
            CHECK_OK(clients[j].is_ok, &clients[j].err);
            CHECK_INT(rows_of(support, (int64_t)j), 2);
        }
    }
}

static void test_one_that_fails_fails_alone(void **state)
{
    static const enum error_code codes[] = {
        [WRITES] = ERROR_NONE,
        [REFUSES] = ERROR_FORBIDDEN,
        [BREAKS_A_RULE] = ERROR_CONFLICT,
        [IGNORES_A_FAILURE] = ERROR_CONFLICT,
        [BAD_SQL] = ERROR_IO,
    };
    static struct client clients[STORE_BATCH_MAX];
    struct support *support = *state;

    for (size_t i = 0; i < STORE_BATCH_MAX; i++)
        clients[i].what = (enum what)check_random(5);
    run_together(support, clients, STORE_BATCH_MAX);
    for (size_t i = 0; i < STORE_BATCH_MAX; i++) {
        check_row("client %zu, %d", i, clients[i].what);
        if (clients[i].what == WRITES)
            CHECK_OK(clients[i].is_ok, &clients[i].err);
        else
            CHECK_FAILS(clients[i].is_ok, &clients[i].err, codes[clients[i].what]);
        CHECK_INT(rows_of(support, (int64_t)i), clients[i].what == WRITES ? 2 : 0);
    }
    CHECK_INT((int64_t)store_totals(support->store).commits, 2);
}

/* What failed is not told of. */
static atomic_int told;

static void listen(void *context, enum db_topic topic, int64_t id)
{
    (void)context;
    CHECK_INT(topic, TOPIC_USER);
    CHECK_INT(id % 2, 1); /* clients with even numbers */
    told++;
}

static void test_only_what_is_stored_is_told(void **state)
{
    static struct client clients[20];
    struct support *support = *state;

    told = 0;
    store_subscribe(support->store, listen, NULL);
    for (size_t i = 0; i < 20; i++)
        clients[i].what = i % 2 ? REFUSES : WRITES;
    run_together(support, clients, 20);
    for (int tries = 0; told < 10 && tries < 5000; tries++)
        (void)usleep(1000);
    (void)usleep(20000);
    CHECK_INT(told, 10);
}

/* Nobody hears that it is stored before the disk says so. */
static struct gate disk_gate;
static atomic_bool has_gate;

static void hold_disk(void *context)
{
    (void)context;
    if (!has_gate)
        return;
    (void)sem_post(&disk_gate.has_begun);
    (void)sem_wait(&disk_gate.may_go_on);
}

static atomic_bool has_answer;

static void *run_answered(void *context)
{
    (void)run_client(context);
    has_answer = true;
    return NULL;
}

static void test_the_answer_comes_after_the_sync(void **state)
{
    struct support *support = *state;
    struct client client = { .number = 5 };
    struct vfs_plan plan = { .before_sync = hold_disk };
    pthread_t thread;

    store_close(&support->store);
    has_gate = has_answer = false;
    vfs_install(&plan);
    support_reopen(support);
    open_gate(&disk_gate);
    int64_t syncs = vfs_syncs();
    has_gate = true;
    client.store = support->store;
    CHECK(pthread_create(&thread, NULL, run_answered, &client) == 0);
    (void)sem_wait(&disk_gate.has_begun);
    (void)usleep(50000);
    CHECK(!has_answer);
    has_gate = false;
    (void)sem_post(&disk_gate.may_go_on);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(has_answer);
    CHECK_OK(client.is_ok, &client.err);
    CHECK(vfs_syncs() > syncs);
    store_close(&support->store);
    vfs_remove();
    support_reopen(support);
    CHECK_INT(rows_of(support, 5), 2);
}

/* A full disk: all of that group fail, none is half there, and later ones succeed. */
static void test_a_lost_group_is_lost_as_a_whole(void **state)
{
    static struct client clients[10], later;
    struct support *support = *state;
    int64_t failed = 0;

    store_close(&support->store);
    for (int64_t fault_at = 1; fault_at <= 24; fault_at++) {
        int64_t failed_now = 0;

        check_row("fault at %d", (int)fault_at);
        support_script(support, "DELETE FROM account;");
        vfs_install(&(struct vfs_plan){ .fault = VFS_FAULT_FULL, .fault_at = fault_at });
        support_reopen(support);
        run_together(support, clients, 10);
        for (size_t i = 0; i < 10; i++) {
            CHECK_INT(rows_of(support, (int64_t)i), clients[i].is_ok ? 2 : 0);
            failed_now += !clients[i].is_ok;
        }
        CHECK(failed_now == 0 || failed_now == 10);
        failed += failed_now;
        int64_t stored = 0;
        for (int64_t number = 97; number < 100; number++) {
            later = (struct client){ .store = support->store, .number = number };
            (void)run_client(&later);
            CHECK_INT(rows_of(support, number), later.is_ok ? 2 : 0);
            stored += later.is_ok;
        }
        CHECK(stored >= 2);
        store_close(&support->store);
        vfs_remove();
    }
    CHECK(failed > 0);
}

static void *run_patient_client(void *context)
{
    struct client *client = context;

    client->is_ok = store_write_patiently(client->store, client_work, client, &client->err);
    return NULL;
}

static void start_patient(struct support *support, struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clients[i] = (struct client){ .store = support->store, .number = (int64_t)i };
        CHECK(pthread_create(&clients[i].thread, NULL, run_patient_client, &clients[i]) == 0);
    }
}

static void finish_patient(struct support *support, struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_join(clients[i].thread, NULL) == 0);
        CHECK(clients[i].is_ok);
        CHECK_INT(rows_of(support, (int64_t)i), 2);
    }
}

/* Alone or in company, fewer commits than writes and none left waiting. */
static void test_patient_writes_share_their_commits(void **state)
{
    struct support *support = *state;
    struct client clients[3 * WRITER_COMPANY];
    uint64_t commits = store_totals(support->store).commits;

    start_patient(support, clients, 3 * WRITER_COMPANY);
    finish_patient(support, clients, 3 * WRITER_COMPANY);
    uint64_t shared = store_totals(support->store).commits - commits;
    CHECK(shared >= 1 && shared <= 2 * WRITER_COMPANY);

    struct client alone = { .store = support->store, .number = 1000 };
    CHECK(run_patient_client(&alone) == NULL);
    CHECK(alone.is_ok);
    CHECK_INT(rows_of(support, 1000), 2);
}

/* Behind one that holds the writer: the patient ones go with the one in a hurry, in one commit. */
static void test_a_hurried_write_takes_the_patient_along(void **state)
{
    struct support *support = *state;
    struct client clients[4], hurried = { .store = support->store, .number = 99 };
    struct holder holder = { .store = support->store };
    pthread_t thread;

    open_gate(&holder.gate);
    CHECK(pthread_create(&thread, NULL, run_holder, &holder) == 0);
    (void)sem_wait(&holder.gate.has_begun);
    uint64_t commits = store_totals(support->store).commits;
    start_patient(support, clients, 4);
    CHECK(pthread_create(&hurried.thread, NULL, run_client, &hurried) == 0);
    while (store_totals(support->store).queue_length < 5)
        (void)usleep(1000);
    (void)sem_post(&holder.gate.may_go_on);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_join(hurried.thread, NULL) == 0);
    finish_patient(support, clients, 4);
    CHECK(hurried.is_ok);
    CHECK(store_totals(support->store).commits == commits + 2);
}

/* A write whose client does not wait for it. */
struct absent {
    struct client client;
    atomic_int heard_count;
    bool is_stored;
    int64_t rows; /* that were there when it was told */
    struct support *support;
};

static bool absent_work(struct db *db, void *context, struct error *err)
{
    struct absent *absent = context;

    return client_work(db, &absent->client, err);
}

static void hear(void *context, bool is_stored, const struct error *err)
{
    struct absent *absent = context;

    absent->is_stored = is_stored;
    if (!is_stored)
        absent->client.err = *err;
    absent->rows = rows_of(absent->support, absent->client.number);
    atomic_fetch_add(&absent->heard_count, 1);
}

static void test_who_does_not_wait_hears_once_it_is_durable(void **state)
{
    struct support *support = *state;
    static struct absent absents[40];

    for (size_t i = 0; i < 40; i++) {
        absents[i] = (struct absent){ .client = { .number = 1000 + (int64_t)i,
                                                  .what = i % 10 == 3 ? REFUSES : WRITES },
                                      .support = support };
        store_write_later(support->store, absent_work, &absents[i], hear);
    }
    for (size_t i = 0; i < 40; i++) {
        check_row("%zu", i);
        for (int tries = 0; atomic_load(&absents[i].heard_count) == 0 && tries < 5000; tries++)
            (void)usleep(1000);
        CHECK_INT(atomic_load(&absents[i].heard_count), 1);
        CHECK(absents[i].is_stored == (i % 10 != 3));
        CHECK_INT(absents[i].rows, i % 10 != 3 ? 2 : 0);
        if (i % 10 == 3)
            CHECK_INT(absents[i].client.err.code, ERROR_FORBIDDEN);
    }
}

/* Nobody is forgotten who was there when the end came. */
static void test_closing_stores_what_nobody_waits_for(void **state)
{
    struct support *support = *state;
    static struct absent absents[20];
    struct error err;

    for (size_t i = 0; i < 20; i++) {
        absents[i] = (struct absent){ .client = { .number = 2000 + (int64_t)i, .what = WRITES },
                                      .support = support };
        store_write_later(support->store, absent_work, &absents[i], hear);
    }
    store_close(&support->store);
    for (size_t i = 0; i < 20; i++)
        CHECK_INT(atomic_load(&absents[i].heard_count), 1);
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    for (size_t i = 0; i < 20; i++)
        CHECK_INT(rows_of(support, 2000 + (int64_t)i), 2);
}

struct whereabouts {
    pthread_t thread;
};

static bool note_thread(struct db *db, void *context, struct error *err)
{
    struct whereabouts *where = context;

    (void)db;
    (void)err;
    where->thread = pthread_self();
    return true;
}

static void test_who_comes_alone_writes_on_its_own_thread(void **state)
{
    struct support *support = *state;
    struct whereabouts here, patient;
    struct error err;

    CHECK_OK(store_write(support->store, note_thread, &here, &err), &err);
    CHECK(pthread_equal(here.thread, pthread_self()));
    /* Who is in no hurry waits for company, and that is gathered elsewhere. */
    CHECK_OK(store_write_patiently(support->store, note_thread, &patient, &err), &err);
    CHECK(!pthread_equal(patient.thread, pthread_self()));
    struct store_totals totals = store_totals(support->store);
    CHECK_INT((int64_t)totals.queue_length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_comes_alone_writes_on_its_own_thread),
        cmocka_unit_test(test_patient_writes_share_their_commits),
        cmocka_unit_test(test_a_hurried_write_takes_the_patient_along),
        cmocka_unit_test(test_what_waits_is_committed_together),
        cmocka_unit_test(test_one_that_fails_fails_alone),
        cmocka_unit_test(test_only_what_is_stored_is_told),
        cmocka_unit_test(test_the_answer_comes_after_the_sync),
        cmocka_unit_test(test_a_lost_group_is_lost_as_a_whole),
        cmocka_unit_test(test_who_does_not_wait_hears_once_it_is_durable),
        cmocka_unit_test(test_closing_stores_what_nobody_waits_for),
    };
    return SUPPORT_RUN_ON(SUPPORT_SQLITE, tests);
}

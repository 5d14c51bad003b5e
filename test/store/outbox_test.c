/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "store/support.h"
#include "sys/trace.h"

enum { ARENA_MAX = 1 << 20 };

static struct instant at(int64_t seconds)
{
    return (struct instant){ 1790000000000000 + seconds * US_PER_SECOND };
}

struct appending {
    const char *key, *body;
    int64_t seconds;
};

static bool append_work(struct db *db, void *context, struct error *err)
{
    const struct appending *appending = context;
    struct outbox_item item = {
        .key = appending->key,
        .provider = "mail",
        .method = "SEND",
        .path = "a@example.org",
        .body = appending->body,
    };

    return outbox_append(db, &item, at(appending->seconds), err);
}

struct leasing {
    struct outbox_lease lease;
    struct arena arena;
    struct outbox_item items[OUTBOX_LEASE_MAX];
    size_t count;
};

static bool lease_work(struct db *db, void *context, struct error *err)
{
    struct leasing *leasing = context;

    return outbox_lease(db, &leasing->lease, &leasing->arena, leasing->items, &leasing->count, err);
}

/* The keys that were leased, one after another. */
static const char *lease(struct support *support, const char *owner, int64_t seconds, size_t max)
{
    static char keys[512];
    static struct leasing leasing;

    arena_release(&leasing.arena);
    leasing =
        (struct leasing){ .lease = { owner, at(seconds), at(seconds + 60), max, OUTBOX_PROMPT },
                          .arena = arena_of(ARENA_MAX) };
    support_write(support, lease_work, &leasing);
    keys[0] = '\0';
    for (size_t i = 0; i < leasing.count; i++)
        (void)snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s:%s:%d ",
                       leasing.items[i].key, leasing.items[i].body, (int)leasing.items[i].attempts);
    arena_release(&leasing.arena);
    return keys;
}

struct finishing {
    int64_t id;
    const char *owner;
    struct outbox_result result;
    bool is_ours;
};

static bool finish_work(struct db *db, void *context, struct error *err)
{
    struct finishing *finishing = context;

    return outbox_finish(db, finishing->id, finishing->owner, &finishing->result,
                         &finishing->is_ours, err);
}

static bool finish(struct support *support, int64_t id, const char *owner,
                   struct outbox_result result)
{
    struct finishing finishing = { id, owner, result, false };

    support_write(support, finish_work, &finishing);
    return finishing.is_ours;
}

struct next {
    struct instant due;
    bool has;
};

static bool next_work(struct db *db, void *context, struct error *err)
{
    struct next *next = context;

    return outbox_next(db, OUTBOX_PROMPT, &next->due, &next->has, err);
}

static int64_t next_seconds(struct support *support)
{
    struct next next;

    support_read(support, next_work, &next);
    return next.has ? (next.due.microseconds - at(0).microseconds) / US_PER_SECOND : -1;
}

static void append(struct support *support, const char *key, int64_t seconds)
{
    support_write(support, append_work, &(struct appending){ key, "hello", seconds });
}

static void test_a_key_is_appended_once(void **state)
{
    struct support *support = *state;
    struct appending other = { "a", "bye", 0 };
    struct error err;

    append(support, "a", 0);
    append(support, "a", 1);
    CHECK_FAILS(store_write(support->store, append_work, &other, &err), &err, ERROR_CONFLICT);
    CHECK_TEXT(lease(support, "me", 5, 10), "a:hello:1 ");
}

static void test_what_is_due_longest_comes_first(void **state)
{
    struct support *support = *state;

    append(support, "c", 3);
    append(support, "a", 1);
    append(support, "b", 2);
    CHECK_INT(next_seconds(support), 1);
    CHECK_TEXT(lease(support, "me", 0, 10), "");
    CHECK_TEXT(lease(support, "me", 2, 1), "a:hello:1 ");
    CHECK_TEXT(lease(support, "me", 2, 10), "b:hello:1 ");
    CHECK_TEXT(lease(support, "me", 2, 10), "");
    CHECK_TEXT(lease(support, "me", 3, 10), "c:hello:1 ");
}

static void test_a_lease_runs_out(void **state)
{
    struct support *support = *state;

    append(support, "a", 0);
    CHECK_TEXT(lease(support, "dead", 0, 10), "a:hello:1 ");
    CHECK_INT(next_seconds(support), 60);
    CHECK_TEXT(lease(support, "alive", 59, 10), "");
    CHECK_TEXT(lease(support, "alive", 60, 10), "a:hello:2 ");
    /* Who comes back from the dead has lost it. */
    CHECK(!finish(support, 1, "dead", (struct outbox_result){ .end = OUTBOX_DONE }));
    CHECK(finish(support, 1, "alive", (struct outbox_result){ .end = OUTBOX_DONE }));
    CHECK(!finish(support, 1, "alive", (struct outbox_result){ .end = OUTBOX_DONE }));
}

static void test_every_end_has_its_effect(void **state)
{
    struct support *support = *state;

    append(support, "done", 0);
    append(support, "hopeless", 0);
    append(support, "again", 0);
    CHECK_TEXT(lease(support, "me", 0, 10), "done:hello:1 hopeless:hello:1 again:hello:1 ");
    CHECK(finish(support, 1, "me", (struct outbox_result){ .end = OUTBOX_DONE, .status = 250 }));
    CHECK(finish(support, 2, "me", (struct outbox_result){ .end = OUTBOX_GIVEN_UP }));
    CHECK(finish(support, 3, "me", (struct outbox_result){ .end = OUTBOX_AGAIN, .next = at(30) }));
    CHECK_INT(next_seconds(support), 30);
    CHECK_TEXT(lease(support, "me", 29, 10), "");
    CHECK_TEXT(lease(support, "me", 30, 10), "again:hello:2 ");
    CHECK(finish(support, 3, "me", (struct outbox_result){ .end = OUTBOX_DONE }));
    CHECK_INT(next_seconds(support), -1);
}

static bool response_work(struct db *db, void *context, struct error *err)
{
    auto_db_rows struct db_rows rows =
        db_query(db, "SELECT response FROM outbox WHERE id = 1", DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    *(size_t *)context = strlen(db_column_text(&rows, 0));
    return true;
}

static void test_so_much_of_a_response_is_kept(void **state)
{
    static const struct row {
        size_t length, kept;
        bool ends_in_two_bytes; /* a character over the last two */
    } rows[] = {
        { 0, 0, false },
        { OUTBOX_RESPONSE_MAX, OUTBOX_RESPONSE_MAX, false },
        { OUTBOX_RESPONSE_MAX + 1, OUTBOX_RESPONSE_MAX, false },
        { OUTBOX_RESPONSE_MAX, OUTBOX_RESPONSE_MAX, true },
        { OUTBOX_RESPONSE_MAX + 1, OUTBOX_RESPONSE_MAX - 1, true },
    };
    struct support *support = *state;

    append(support, "a", 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[OUTBOX_RESPONSE_MAX + 2];
        size_t kept;

        check_row("row %zu", i);
        memset(text, 'x', rows[i].length);
        text[rows[i].length] = '\0';
        if (rows[i].ends_in_two_bytes)
            memcpy(text + rows[i].length - 2, "\xc3\xa9", 2);
        CHECK_TEXT(lease(support, "me", (int64_t)i, 1)[0] == 'a' ? "a" : "", "a");
        CHECK(finish(support, 1, "me",
                     (struct outbox_result){ .end = OUTBOX_AGAIN, .response = text }));
        support_read(support, response_work, &kept);
        CHECK_INT((int64_t)kept, (int64_t)rows[i].kept);
    }
}

/* Deliverers on several threads: each item goes to one. */
enum { ITEMS = 60, DELIVERERS = 6 };

struct deliverer {
    struct store *store;
    pthread_t thread;
    char owner[16];
    struct leasing leasing;
    atomic_int *taken;
    bool is_ok;
    struct error err;
};

static void *deliver(void *context)
{
    struct deliverer *deliverer = context;
    struct leasing *leasing = &deliverer->leasing;

    do {
        *leasing =
            (struct leasing){ .lease = { deliverer->owner, at(100), at(200), 5, OUTBOX_PROMPT },
                              .arena = arena_of(ARENA_MAX) };
        deliverer->is_ok = store_write(deliverer->store, lease_work, leasing, &deliverer->err);
        for (size_t i = 0; i < leasing->count && deliverer->is_ok; i++)
            deliverer->taken[leasing->items[i].id]++;
        arena_release(&leasing->arena);
    } while (deliverer->is_ok && leasing->count > 0);
    return NULL;
}

static void test_of_many_deliverers_one_gets_each(void **state)
{
    static struct deliverer deliverers[DELIVERERS];
    struct support *support = *state;
    atomic_int taken[ITEMS + 1] = { 0 };

    for (int i = 0; i < ITEMS; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "%d", i);
        append(support, key, i);
    }
    for (int i = 0; i < DELIVERERS; i++) {
        deliverers[i] = (struct deliverer){ .store = support->store, .taken = taken };
        (void)snprintf(deliverers[i].owner, sizeof deliverers[i].owner, "d%d", i);
        CHECK(pthread_create(&deliverers[i].thread, NULL, deliver, &deliverers[i]) == 0);
    }
    for (int i = 0; i < DELIVERERS; i++) {
        CHECK(pthread_join(deliverers[i].thread, NULL) == 0);
        CHECK_OK(deliverers[i].is_ok, &deliverers[i].err);
    }
    for (int i = 1; i <= ITEMS; i++) {
        check_row("item %d", i);
        CHECK_INT(taken[i], 1);
    }
}

enum { WRITERS = 8, WRITES = 20 };

struct traced {
    pthread_t thread;
    struct store *store;
    int number;
    bool is_ok;
    struct error err;
};

static void *append_traced(void *context)
{
    struct traced *traced = context;
    char name[32];

    (void)snprintf(name, sizeof name, "request-%d", traced->number);
    trace_set(name);
    traced->is_ok = true;
    for (int i = 0; i < WRITES && traced->is_ok; i++) {
        char key[32];
        struct appending appending = { .key = key, .body = name, .seconds = 0 };

        (void)snprintf(key, sizeof key, "%d.%d", traced->number, i);
        traced->is_ok = store_write(traced->store, append_work, &appending, &traced->err);
    }
    return NULL;
}

/* However many write at once, and whoever's thread does it for them. */
static void test_items_say_whose_request_they_came_of(void **state)
{
    struct support *support = *state;
    struct traced writers[WRITERS];
    static struct leasing leasing;
    size_t count = 0;

    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct traced){ .store = support->store, .number = i };
        CHECK(pthread_create(&writers[i].thread, NULL, append_traced, &writers[i]) == 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        CHECK(pthread_join(writers[i].thread, NULL) == 0);
        CHECK_OK(writers[i].is_ok, &writers[i].err);
    }
    CHECK_TEXT(trace_get(), "");
    append(support, "by-itself", 0);
    do {
        leasing =
            (struct leasing){ .lease = { "d", at(1), at(60), OUTBOX_LEASE_MAX, OUTBOX_PROMPT },
                              .arena = arena_of(ARENA_MAX) };
        support_write(support, lease_work, &leasing);
        for (size_t i = 0; i < leasing.count; i++) {
            const struct outbox_item *item = &leasing.items[i];
            bool is_nobodys = strcmp(item->key, "by-itself") == 0;

            check_row("%s", item->key);
            CHECK_TEXT(item->request_id, is_nobodys ? "" : item->body);
        }
        count += leasing.count;
        arena_release(&leasing.arena);
    } while (leasing.count > 0);
    CHECK_INT((int64_t)count, WRITERS * WRITES + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_appended_once),
        cmocka_unit_test(test_what_is_due_longest_comes_first),
        cmocka_unit_test(test_a_lease_runs_out),
        cmocka_unit_test(test_every_end_has_its_effect),
        cmocka_unit_test(test_so_much_of_a_response_is_kept),
        cmocka_unit_test(test_of_many_deliverers_one_gets_each),
        cmocka_unit_test(test_items_say_whose_request_they_came_of),
    };
    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How long `berthd check` takes over a market's whole books: every journal's hash and legs, every
 * balance, meter, line of a bill and seal recomputed.
 *
 *     bench-check [sqlite|postgresql] [JOURNALS]
 *
 * The books are those of INSTANCES running instances, posted every ten minutes as usage is, by the
 * same functions; days pass by as they go, so that bills have their lines. One journal is one
 * posting of GPU and disk, with six transfers. What is measured is flow_check() alone, which must
 * find nothing.
 *
 * On SQLite a bare loop runs beside it, which is the least that any check can take on one thread:
 * it steps over the same journals and transfers, in order, and hashes each journal's columns twice,
 * as its body and as its place in the chain are hashed. It compares nothing. */
#include "flow/check.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "flow/seal.h"
#include "flow/support.h"
#include "flow/usage.h"
#include "store/interval.h"

enum {
    MACHINES = 32,
    GPUS = 8,
    INSTANCES = MACHINES * GPUS,
    BATCH = 2048, /* postings of a transaction */
    EVERY_SECONDS = 600,
    JOURNALS = 1000000,
    LIMIT_SECONDS = 10,
    ROUNDS = 3, /* of which the fastest counts */
};

static struct world world;
static struct world_machine machines[MACHINES];
static int64_t instances[INSTANCES];
static int64_t journals_wanted = JOURNALS;

static double now_s(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void open_market(struct support *support)
{
    char name[32];

    world_open(&world, support);
    for (size_t i = 0; i < MACHINES; i++) {
        (void)snprintf(name, sizeof name, "renter%zu@berth.test", i);
        struct caller renter = world_user(&world, name, 1000000);
        (void)snprintf(name, sizeof name, "machine%zu", i);
        world_host(&world, &machines[i], name, GPUS);
        for (size_t gpu = 0; gpu < GPUS; gpu++)
            instances[i * GPUS + gpu] = world_running(&world, &machines[i], renter, 1);
    }
}

/* Ten minutes more of every instance, from `from` on. */
static bool post_one(struct db *db, int64_t instance_id, struct arena *arena, struct error *err)
{
    struct contract_row contract;
    struct interval_row interval;
    bool has;

    if (!contract_load(db, instance_id, arena, &contract, &has, err) ||
        !interval_load(db, instance_id, arena, &interval, &has, err))
        return false;
    struct instant until = instant_add(contract.posted, EVERY_SECONDS * US_PER_SECOND);
    struct usage usage = { .now = until,
                           .gpu_from = interval.metered,
                           .gpu_us = instant_until(interval.metered, until),
                           .disk_until = until };
    return interval_meter(db, interval.id, until, err) && usage_post(db, &usage, &contract, err);
}

static bool post_work(struct db *db, void *context, struct error *err)
{
    size_t *next = context, at = *next;

    for (size_t i = 0; i < BATCH; i++) {
        auto_arena struct arena arena = arena_of(1 << 20);

        if (!post_one(db, instances[(at + i) % INSTANCES], &arena, err))
            return false;
    }
    *next = at + BATCH;
    return true;
}

/* Usage until there are so many journals, and all of them sealed. */
static void fill(struct support *support)
{
    size_t next = 0, sealed;
    struct error err;

    while ((int64_t)next < journals_wanted)
        support_write(support, post_work, &next);
    int64_t posted = world_number(&world, "SELECT max(posted_us) FROM contract");
    int64_t ahead = instant_until(clock_now(&world.clock), (struct instant){ posted });
    clock_advance(&world.clock, ahead + 60 * US_PER_SECOND);
    do {
        CHECK_OK(flow_seal(&world.flow, &sealed, &err), &err);
    } while (sealed == SEAL_BATCH_MAX);
}

static void print_finding(void *context, const char *rule, const char *text)
{
    (void)context;
    print_message("%s: %s\n", rule, text);
}

/* A journal's columns, and those of its transfers behind them. */
struct columns {
    uint8_t bytes[4096];
    size_t length;
};

static void keep(struct columns *columns, const void *bytes, size_t length)
{
    CHECK(length <= sizeof columns->bytes - columns->length);
    memcpy(columns->bytes + columns->length, bytes, length);
    columns->length += length;
}

static void keep_row(struct columns *columns, sqlite3_stmt *row)
{
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        int64_t number = i < 7 ? sqlite3_column_int64(row, i) : 0;

        if (i < 7)
            keep(columns, &number, sizeof number);
        else
            keep(columns, sqlite3_column_text(row, i), (size_t)sqlite3_column_bytes(row, i));
    }
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *sql)
{
    sqlite3_stmt *statement;

    CHECK(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

/* Seconds that the bare loop takes. */
static double read_bare(const char *folder, uint64_t *ret_journals, uint64_t *ret_transfers)
{
    double begin = now_s();
    sqlite3 *handle;
    char path[512];

    (void)snprintf(path, sizeof path, "%s/berth.sqlite", folder);
    CHECK(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
          SQLITE_OK);
    sqlite3_stmt *journals = prepare(handle, "SELECT id, kind, occurred_us, posted_us, ref_kind, "
                                             "ref_id, corrects, idem_key, body_hash "
                                             "FROM journal ORDER BY id");
    sqlite3_stmt *transfers = prepare(handle, "SELECT journal_id, leg, code, amount, dr, cr "
                                              "FROM transfer ORDER BY journal_id, leg");
    struct hash chain = { { 0 } };
    bool has_transfer = sqlite3_step(transfers) == SQLITE_ROW;
    for (*ret_journals = *ret_transfers = 0; sqlite3_step(journals) == SQLITE_ROW;
         ++*ret_journals) {
        struct columns columns = { .length = 0 };
        int64_t id = sqlite3_column_int64(journals, 0);

        keep(&columns, chain.bytes, sizeof chain.bytes);
        keep_row(&columns, journals);
        for (; has_transfer && sqlite3_column_int64(transfers, 0) == id;
             has_transfer = sqlite3_step(transfers) == SQLITE_ROW, ++*ret_transfers)
            keep_row(&columns, transfers);
        chain = crypto_sha256(columns.bytes, columns.length);
        chain = crypto_sha256(columns.bytes, columns.length);
    }
    (void)sqlite3_finalize(journals);
    (void)sqlite3_finalize(transfers);
    CHECK(sqlite3_close(handle) == SQLITE_OK);
    return now_s() - begin;
}

/* Seconds that the check takes. */
static double check(struct support *support, struct check_counts *ret_counts)
{
    double begin = now_s();
    struct error err;

    CHECK_OK(flow_check(support->store, print_finding, NULL, ret_counts, &err), &err);
    CHECK_INT((int64_t)ret_counts->findings, 0);
    CHECK((int64_t)ret_counts->journals >= journals_wanted && ret_counts->sealed > 0);
    return now_s() - begin;
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

static void bench(void **state)
{
    struct support *support = *state;
    struct check_counts counts;
    uint64_t journals, transfers;
    double seconds = 1e9, bare = 1e9, cpu = 1e9, begin = now_s();

    open_market(support);
    fill(support);
    double filled = now_s();
    for (int round = 0; round < ROUNDS; round++) {
        clock_t before = clock();
        seconds = lesser(seconds, check(support, &counts));
        cpu = lesser(cpu, (double)(clock() - before) / CLOCKS_PER_SEC);
        if (!support->is_postgres) {
            bare = lesser(bare, read_bare(support->location, &journals, &transfers));
            CHECK(journals == counts.journals && transfers == counts.transfers);
        }
    }
    (void)printf(
        "# %s: %llu journals, %llu transfers, %llu seals, made in %.0f s, checked in %.2f s "
        "with %.2f s of CPU\n",
        support->name, (unsigned long long)counts.journals, (unsigned long long)counts.transfers,
        (unsigned long long)counts.seals, filled - begin, seconds, cpu);
    double million = 1e6 / (double)counts.journals;
    (void)printf("RESULT check-1m-journals-%s %.2f s vs limit %d ratio %.2f better=lower\n",
                 support->name, seconds * million, LIMIT_SECONDS,
                 seconds * million / LIMIT_SECONDS);
    if (!support->is_postgres)
        (void)printf("RESULT check-beside-bare-scan %.2f s vs bare-sqlite-scan %.2f ratio %.2f "
                     "better=lower\n",
                     seconds * million, bare * million, seconds / bare);
    world_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench) };
    uint64_t number;
    bool is_postgres = argc > 1 && strcmp(argv[1], "postgresql") == 0;

    if (argc > 2 && parse_u64(argv[2], &number) && number > 0 && number <= 100 * JOURNALS)
        journals_wanted = (int64_t)number;
    return SUPPORT_RUN_ON(is_postgres ? SUPPORT_POSTGRES : SUPPORT_SQLITE, tests);
}

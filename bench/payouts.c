/* SPDX-License-Identifier: Apache-2.0 */
/* How long the weekly run takes: every host's week posted, invoiced, and its payout made and left
 * for the provider. And that it is made once for a host and week, whoever dies in it.
 *
 *     bench-payouts [sqlite|postgresql] [HOSTS]
 *
 * Each host has a machine with an instance on it. The first week is run to its end, on PostgreSQL
 * by two processes at once, and is what is measured. In the second the processes are killed again
 * and again, wherever they are, until nothing is left to do. After each, every host has one invoice
 * and one payout, there is one call for each, and the books are sound. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/parse.h"
#include "flow/bill.h"
#include "flow/check.h"
#include "flow/pay.h"
#include "flow/support.h"
#include "market/billing.h"

enum {
    HOSTS = 10000,
    LIMIT_SECONDS = 60,
    INSTANCES_EACH = 200, /* of a renter */
    PROCESSES_MAX = 2,
    KILLS = 40,
    ANALYZE_EACH = 1000, /* hosts, and whenever there are twice as many */
    WATCH_US = 50000,
    EXIT_BILLED = 7,
};

/* PostgreSQL's own default. The tests' databases have a quarter of that, which ten thousand hosts
 * fill several times over. */
#define BUFFERS "128MB"

static struct world world;
static struct pay_settings settings = { .site = "https://market.test", .has_stripe = true };
static int64_t hosts_wanted = HOSTS;

static double now_s(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The database of tests does not analyze by itself, as a market's does: its plans would be those
 * for empty tables. */
static void open_market(struct support *support)
{
    struct error err;

    world_open(&world, support);
    CHECK_OK(flow_installation(support->store, settings.installation, &err), &err);
    world.flow.pay = &settings;
    world.flow.payout_min = (struct money){ BILLING_CENT };
    struct caller renter = { 0 };
    for (int64_t i = 0; i < hosts_wanted; i++) {
        struct world_machine machine;
        char name[48];

        (void)snprintf(name, sizeof name, "renter%lld@berth.test", (long long)i);
        if (i % INSTANCES_EACH == 0)
            renter = world_user(&world, name, 1000000);
        (void)snprintf(name, sizeof name, "machine%lld", (long long)i);
        world_host(&world, &machine, name, 1);
        CHECK_INT(world_rent(&world, renter, world_offer(&world, machine.id, 1)).outcome,
                  RENTAL_MADE);
        arena_release(&world.arena);
        if ((i & (i + 1)) == 0 || (i + 1) % ANALYZE_EACH == 0)
            support_script(support, "ANALYZE;");
    }
    support_script(support, "INSERT INTO payout_method (user_id, provider, country, account, "
                            "is_ready, created_us, updated_us) "
                            "SELECT owner_id, 'stripe', 'US', 'acct_' || owner_id, 1, 0, 0 "
                            "FROM machine;");
}

/* A server's part of the run, in a process of its own: until nothing is due. */
static void serve(const char *location)
{
    struct flow flow = world.flow;
    struct error err;
    size_t count = 1;

    if (!store_open_beside(location, flow.log, &flow.store, &err))
        _exit(1);
    while (count > 0)
        if (!flow_bill_hosts(&flow, &count, &err))
            count = 1; /* it lost against the other one: again */
    store_close(&flow.store);
    _exit(EXIT_BILLED);
}

/* Tables that the first week fills are analyzed while they grow, as a market's database does it by
 * itself: whenever they may have become twice as large, for an analysis costs what the tables do.
 */
static void analyze_until(struct support *support, pid_t id)
{
    siginfo_t ended = { 0 };
    double analyze_s = now_s() + 1, pause_s = 1;

    while (support->is_postgres && ended.si_pid == 0) {
        (void)usleep(WATCH_US);
        if (now_s() >= analyze_s) {
            support_script(support, "ANALYZE;");
            pause_s *= 2;
            analyze_s = now_s() + pause_s;
        }
        CHECK_INT(waitid(P_PID, (id_t)id, &ended, WEXITED | WNOHANG | WNOWAIT), 0);
    }
}

/* All processes to their end, or killed after so long. True: they came to it. */
static bool run(struct support *support, int64_t kill_ms)
{
    int processes = support->is_postgres ? PROCESSES_MAX : 1, status;
    pid_t ids[PROCESSES_MAX];
    bool is_done = true;

    for (int i = 0; i < processes; i++) {
        ids[i] = fork();
        CHECK(ids[i] >= 0);
        if (ids[i] == 0)
            serve(support->location);
    }
    if (kill_ms > 0)
        (void)usleep((useconds_t)(kill_ms * 1000));
    else
        analyze_until(support, ids[0]);
    for (int i = 0; i < processes; i++) {
        if (kill_ms > 0)
            (void)kill(ids[i], SIGKILL);
        CHECK(waitpid(ids[i], &status, 0) == ids[i]);
        is_done = is_done && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_BILLED;
    }
    return is_done;
}

static void print_finding(void *context, const char *rule, const char *text)
{
    (void)context;
    print_message("%s: %s\n", rule, text);
}

/* One of each for a host and week. */
static void look(struct support *support, int64_t weeks)
{
    struct check_counts counts;
    struct error err;

    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
    world.flow.store = support->store;
    CHECK_INT(world_number(&world, "SELECT count(*) FROM host_invoice"), weeks * hosts_wanted);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM payout"), weeks * hosts_wanted);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM outbox WHERE path = '/v1/transfers'"),
              weeks * hosts_wanted);
    CHECK_INT(world_number(&world, "SELECT count(*) FROM journal WHERE kind = 5"),
              weeks * hosts_wanted);
    CHECK_OK(flow_check(support->store, print_finding, NULL, &counts, &err), &err);
    CHECK_INT((int64_t)counts.findings, 0);
}

static void pass_week(struct support *support)
{
    struct instant cut = instant_add(billing_cut(clock_now(&world.clock)), BILLING_WEEK_US);

    clock_advance(&world.clock, instant_until(clock_now(&world.clock), cut) + BILLING_DAY_US / 2);
    support_script(support, "ANALYZE;");
    store_close(&support->store);
}

static void bench(void **state)
{
    struct support *support = *state;
    double begin = now_s();
    int kills = 0;

    open_market(support);
    double filled = now_s();
    pass_week(support);
    double started = now_s();
    CHECK(run(support, 0));
    double seconds = now_s() - started;
    look(support, 1);
    pass_week(support);
    int64_t slice_ms = (int64_t)(seconds * 1000) / 20 + 20;
    while (kills < KILLS && !run(support, slice_ms + kills % 7))
        kills++;
    CHECK(run(support, 0));
    look(support, 2);
    (void)printf(
        "# %s: %lld hosts made in %.0f s; a week's run by %d in %.2f s; the next one killed "
        "%d times: one invoice and one payout each\n",
        support->name, (long long)hosts_wanted, filled - begin,
        support->is_postgres ? PROCESSES_MAX : 1, seconds, kills);
    double scaled = seconds * HOSTS / (double)hosts_wanted;
    (void)printf("RESULT payouts-10000-hosts-%s %.2f s vs limit %d ratio %.2f better=lower\n",
                 support->name, scaled, LIMIT_SECONDS, scaled / LIMIT_SECONDS);
    world_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(bench) };
    uint64_t number;
    bool is_postgres = argc > 1 && strcmp(argv[1], "postgresql") == 0;

    if (argc > 2 && parse_u64(argv[2], &number) && number > 0 && number <= 100 * HOSTS)
        hosts_wanted = (int64_t)number;
    crypto_start();
    support_buffers(BUFFERS);
    return SUPPORT_RUN_ON(is_postgres ? SUPPORT_POSTGRES : SUPPORT_SQLITE, tests);
}

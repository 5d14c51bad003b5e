/* SPDX-License-Identifier: Apache-2.0 */
/* The weekly run, where whoever does it dies: at each call to the database in turn, which is before
 * every statement, before every transaction begins or is committed, and after it was; by kill -9,
 * in a process of its own. Another server goes on. And on PostgreSQL two servers at once, of which
 * one dies at each call, and the other somewhere, or not at all.
 *
 * After each Friday every host has one invoice for the week, and one payout if it is ready to be
 * paid, else none; there is one call to the provider for each; the numbers have no gaps; and
 * `berthd check` finds nothing.
 *
 * BERTH_KILL_HOSTS=n: every call there is, with so many hosts. Otherwise some calls, and few hosts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "flow/bill.h"
#include "flow/check.h"
#include "flow/pay.h"
#include "flow/support.h"
#include "market/billing.h"
#include "store/support_failing.h"

enum {
    HOSTS = 3,
    HOSTS_MAX = 1000,
    SOME = 12,          /* calls to die at, spread over all */
    ATTEMPTS_MAX = 100, /* of one that loses against another server */
    EXIT_BILLED = 7,
};

struct scene {
    struct world world;
    struct support *support;
    int64_t hosts, weeks;
    int64_t *calls; /* of the last server that came to its end; shared with it */
};

static struct pay_settings settings = { .site = "https://market.test", .has_stripe = true };

/* All but the last are ready to be paid. */
static void open_market(struct scene *scene, void **state)
{
    struct world *world = &scene->world;
    struct world_machine machine;
    struct error err;
    char name[32];

    scene->support = *state;
    scene->weeks = 0;
    world_open(world, scene->support);
    CHECK_OK(flow_installation(scene->support->store, settings.installation, &err), &err);
    world->flow.pay = &settings;
    world->flow.payout_min = (struct money){ BILLING_CENT };
    struct caller renter = world_user(world, "renter@berth.test", 1000000);
    for (int64_t i = 0; i < scene->hosts; i++) {
        (void)snprintf(name, sizeof name, "machine%lld", (long long)i);
        world_host(world, &machine, name, 1);
        CHECK_INT(world_rent(world, renter, world_offer(world, machine.id, 1)).outcome,
                  RENTAL_MADE);
    }
    support_script(scene->support,
                   "INSERT INTO payout_method (user_id, provider, country, account, "
                   "is_ready, created_us, updated_us) "
                   "SELECT owner_id, 'stripe', 'US', 'acct_' || owner_id, "
                   "CASE WHEN owner_id = (SELECT MAX(owner_id) FROM machine) THEN 0 ELSE 1 END, "
                   "0, 0 FROM machine;");
    scene->calls =
        mmap(NULL, sizeof *scene->calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(scene->calls != MAP_FAILED);
}

static void close_market(struct scene *scene)
{
    (void)munmap(scene->calls, sizeof *scene->calls);
    world_close(&scene->world);
}

static bool watch_work(struct db *db, void *context, struct error *err)
{
    (void)context;
    (void)err;
    support_fail_after(db, -1);
    return true;
}

/* A server, in a process of its own: until nothing is due, or it dies. */
static _Noreturn void serve(const struct scene *scene, int64_t die_at)
{
    struct flow flow = scene->world.flow;
    size_t count = 1;
    struct error err;

    if (!store_open_beside(scene->support->location, flow.log, &flow.store, &err) ||
        !store_write(flow.store, watch_work, NULL, &err) ||
        !store_read(flow.store, watch_work, NULL, &err))
        _exit(1);
    support_die_at(die_at);
    for (int i = 0; i < ATTEMPTS_MAX && count > 0; i++)
        if (!flow_bill_hosts(&flow, &count, &err))
            count = 1; /* it lost against the other one: again */
    *scene->calls = support_calls();
    _exit(count == 0 ? EXIT_BILLED : 1);
}

static pid_t start(const struct scene *scene, int64_t die_at)
{
    pid_t id = fork();

    CHECK(id >= 0);
    if (id == 0)
        serve(scene, die_at);
    return id;
}

/* True: it was killed; else it came to its end. */
static bool wait_for(pid_t id)
{
    int status = 0;

    CHECK(waitpid(id, &status, 0) == id);
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    CHECK(is_killed || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_BILLED));
    return is_killed;
}

static void print_finding(void *context, const char *rule, const char *text)
{
    (void)context;
    print_error("%s: %s\n", rule, text);
}

/* What there is, all Fridays together; the number of each of them is held by its host's. */
static void look(struct scene *scene)
{
    static const char *const each[] = {
        "SELECT COUNT(*) FROM host_invoice",
        "SELECT COUNT(*) FROM (SELECT DISTINCT host_id, until_us FROM host_invoice) AS x",
        "SELECT COUNT(*) FROM journal WHERE idem_key LIKE 'hinv:%'",
        "SELECT CAST(SUM(last) AS BIGINT) FROM bill_series WHERE series = 'HINV'",
    };
    static const char *const paid[] = {
        "SELECT COUNT(*) FROM payout",
        "SELECT COUNT(*) FROM (SELECT DISTINCT host_id, cut_us FROM payout) AS x",
        "SELECT COUNT(*) FROM journal WHERE idem_key LIKE 'po:%'",
        "SELECT COUNT(*) FROM outbox WHERE path = '/v1/transfers'",
        "SELECT COUNT(*) FROM outbox WHERE body LIKE '%\"payout_made\"%'",
    };
    struct check_counts counts;
    struct error err;

    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
        check_row("%s", each[i]);
        CHECK_INT(world_number(&scene->world, each[i]), scene->weeks * scene->hosts);
    }
    for (size_t i = 0; i < sizeof paid / sizeof paid[0]; i++) {
        check_row("%s", paid[i]);
        CHECK_INT(world_number(&scene->world, paid[i]), scene->weeks * (scene->hosts - 1));
    }
    check_row(" ");
    CHECK_OK(flow_check(scene->support->store, print_finding, NULL, &counts, &err), &err);
    CHECK_INT((int64_t)counts.findings, 0);
}

/* One Friday. `die_at` 0: the first server lives; `other` -1: there is no second one. Whatever is
 * left a third one does. True: the first died. */
static bool pass_friday(struct scene *scene, int64_t die_at, int64_t other)
{
    struct world *world = &scene->world;
    struct instant now = clock_now(&world->clock),
                   cut = instant_add(billing_cut(now), BILLING_WEEK_US);
    struct error err;
    size_t count = 1;

    clock_advance(&world->clock, instant_until(now, cut) + BILLING_DAY_US / 2);
    store_close(&scene->support->store);
    pid_t first = start(scene, die_at), second = other >= 0 ? start(scene, other) : 0;
    bool is_killed = wait_for(first);
    if (other >= 0)
        (void)wait_for(second);
    CHECK_OK(
        store_open(scene->support->location, &scene->support->log, &scene->support->store, &err),
        &err);
    world->flow.store = scene->support->store;
    while (count > 0)
        CHECK_OK(flow_bill_hosts(&world->flow, &count, &err), &err);
    scene->weeks++;
    look(scene);
    return is_killed;
}

/* How many calls a whole run has; the second one, for the first makes the hosts' accounts. */
static int64_t count_calls(struct scene *scene)
{
    for (int i = 0; i < 2; i++)
        CHECK(!pass_friday(scene, 0, -1));
    return *scene->calls;
}

static bool is_whole(int64_t *ret_hosts)
{
    const char *text = getenv("BERTH_KILL_HOSTS");
    uint64_t hosts;

    *ret_hosts = HOSTS;
    if (text == NULL)
        return false;
    CHECK(parse_u64(text, &hosts) && hosts > 1 && hosts <= HOSTS_MAX);
    *ret_hosts = (int64_t)hosts;
    return true;
}

static void test_who_dies_anywhere_leaves_one_invoice_and_one_payout(void **state)
{
    static struct scene scene;
    bool is_every = is_whole(&scene.hosts);
    int64_t kills = 0;

    open_market(&scene, state);
    int64_t calls = count_calls(&scene);
    int64_t step = is_every || calls < SOME ? 1 : calls / SOME;
    for (int64_t at = 1 + (int64_t)check_random((uint64_t)step); at <= calls; at += step) {
        check_row("killed at call %lld", (long long)at);
        CHECK(pass_friday(&scene, at, -1));
        kills++;
    }
    /* And there is no call behind the last. */
    CHECK(!pass_friday(&scene, calls + 1, -1));
    CHECK(kills >= SOME);
    if (is_every)
        print_message("%s: %lld hosts, killed at each of %lld calls\n", scene.support->name,
                      (long long)scene.hosts, (long long)kills);
    close_market(&scene);
}

static void test_of_two_at_once_either_may_die_anywhere(void **state)
{
    static struct scene scene;
    bool is_every = is_whole(&scene.hosts);
    int64_t kills = 0, fridays = 0;

    if (!((struct support *)*state)->is_postgres)
        return; /* SQLite has one server */
    open_market(&scene, state);
    int64_t calls = count_calls(&scene);
    int64_t step = is_every || calls < SOME ? 1 : calls / SOME;
    for (int64_t at = 1 + (int64_t)check_random((uint64_t)step); at <= calls; at += step) {
        check_row("two at once, one killed at call %lld", (long long)at);
        kills += pass_friday(&scene, at, (int64_t)check_random((uint64_t)(2 * calls)));
        fridays++;
    }
    CHECK(kills > 0);
    if (is_every)
        print_message("%s: %lld hosts, two servers at once on %lld Fridays, the first killed %lld "
                      "times\n",
                      scene.support->name, (long long)scene.hosts, (long long)fridays,
                      (long long)kills);
    close_market(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_dies_anywhere_leaves_one_invoice_and_one_payout),
        cmocka_unit_test(test_of_two_at_once_either_may_die_anywhere),
    };

    crypto_start();
    return SUPPORT_RUN(tests);
}

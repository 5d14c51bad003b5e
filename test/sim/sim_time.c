/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "flow/automation.h"
#include "flow/bill.h"
#include "flow/bill_renters.h"
#include "flow/contact_lost.h"
#include "flow/decide_due.h"
#include "flow/lifetime.h"
#include "flow/liveness.h"
#include "flow/no_credit.h"
#include "flow/post_usage.h"
#include "flow/seal.h"
#include "sim.h"
#include "sim_disk.h"
#include "store/liveness.h"
#include "store/support_vfs.h"

int64_t sim_now(const struct sim *sim)
{
    return clock_now(&sim->world.clock).microseconds;
}

bool sim_chance(uint64_t in)
{
    return check_random(in) == 0;
}

bool sim_fault(const struct sim *sim, enum sim_fault fault)
{
    return sim->faults[fault] > 0 && sim_chance(sim->faults[fault]);
}

int64_t sim_between(int64_t low, int64_t high)
{
    return low + (int64_t)check_random((uint64_t)(high - low + 1));
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
    char at[INSTANT_TEXT_SIZE];
    va_list arguments;

    if (!sim->is_traced)
        return;
    (void)printf("%s  ", instant_format(clock_now(&sim->world.clock), at));
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
}

/* A life for so long in one row: what a server that says so every few seconds leaves. */
struct alive_work {
    struct liveness liveness;
};

static bool alive_work(struct db *db, void *context, struct error *err)
{
    struct alive_work *work = context;

    return liveness_say(db, &work->liveness, err);
}

static void say_alive(struct sim *sim, int64_t until_us)
{
    struct instant now = { sim_book_now(sim) };
    struct alive_work work = { .liveness = {
                                   .server_proc = sim->server_proc,
                                   .since = instant_add(now, -LIVENESS_SECONDS * US_PER_SECOND),
                                   .now = now,
                                   .until = instant_add(now, until_us - sim_now(sim)) } };

    support_write(&sim->support, alive_work, &work);
    sim->alive_until_us = until_us;
}

static void copy_template(const struct support *support)
{
    char from[SIM_PATH_MAX], to[sizeof support->location + 16];

    (void)snprintf(from, sizeof from, "%.*s/" SIM_TEMPLATE "/berth.sqlite",
                   (int)(strrchr(support->directory, '/') - support->directory),
                   support->directory);
    (void)snprintf(to, sizeof to, "%s/berth.sqlite", support->location);
    sim_disk_copy(from, to);
}

bool sim_has_vfs(const struct sim *sim)
{
    return sim->faults[FAULT_POWER] > 0 || sim->faults[FAULT_DISK] > 0;
}

/* A new disk, or the one that was left. Where power can go, what is not synced can be lost. */
void sim_server_open(struct sim *sim)
{
    struct support *support = &sim->support;
    struct error err;

    (void)snprintf(support->location, sizeof support->location, "%s/disk-%" PRId64,
                   support->directory, sim->disks++);
    if (sim_has_vfs(sim)) {
        (void)snprintf(sim->wreck, sizeof sim->wreck, "%s/disk-%" PRId64, support->directory,
                       sim->disks);
        CHECK(mkdir(sim->wreck, 0700) == 0);
        vfs_install(&(struct vfs_plan){
            .fault = VFS_FAULT_POWER, .seed = check_random(UINT32_MAX), .wreck = sim->wreck });
    }
    if (sim->disks == 1)
        copy_template(support);
    CHECK_OK(store_open(support->location, &support->log, &support->store, &err), &err);
}

static void reopen(struct sim *sim)
{
    if (!sim->has_lost_power) {
        support_reopen(&sim->support);
        sim->world.flow.store = sim->support.store;
        return;
    }
    sim->has_lost_power = false;
    store_close(&sim->support.store);
    vfs_remove();
    sim_server_open(sim);
    sim->world.flow.store = sim->support.store;
    sim_check_nothing_is_lost(sim);
}

void sim_server_start(struct sim *sim)
{
    struct error err;

    CHECK(!sim->is_server_up);
    int64_t down_since_us = sim->era_count > 0 ? sim_book_of(sim, sim->down_since_us) : 0;
    if (!sim_books_open(sim))
        return;
    sim->is_server_up = true;
    sim->server_starts++;
    (void)snprintf(sim->server_proc, sizeof sim->server_proc, "server-%lld",
                   (long long)sim->server_starts);
    if (sim->server_starts == 1) /* until now there was none, and who came had no better chance */
        sim->outages[sim->outage_count++] =
            (struct span){ { sim_book_now(sim) - US_PER_HOUR }, { sim_book_now(sim) } };
    if (sim->server_starts > 1) {
        CHECK(sim->outage_count < SIM_OUTAGES_MAX);
        sim->outages[sim->outage_count++] =
            (struct span){ { down_since_us }, { sim_book_now(sim) } };
        reopen(sim);
    }
    CHECK_OK(flow_liveness(&sim->world.flow, sim->server_proc, &err), &err);
    sim->alive_until_us = 0;
    sim_trace(sim, "server: %s is there", sim->server_proc);
}

void sim_server_stop(struct sim *sim)
{
    CHECK(sim->is_server_up);
    sim->is_server_up = false;
    sim->down_since_us = sim_now(sim);
    if (sim_fault(sim, FAULT_POWER)) {
        vfs_cut_power();
        sim->has_lost_power = true;
    }
    sim_trace(sim, "server: gone%s", sim->has_lost_power ? ", power and all" : "");
}

typedef bool job_flow(const struct flow *flow, size_t *ret_count, struct error *err);

static void run_job(struct sim *sim, job_flow *job)
{
    size_t count = 1;

    /* Each deals with a batch, and is called again until nothing is due. */
    for (int round = 0; count > 0; round++) {
        struct error err;

        CHECK(round < 100);
        if (!sim->is_server_up || !sim_did_some(sim, job(&sim->world.flow, &count, &err), &err))
            return;
        if (job == flow_post_usage)
            return; /* what it leaves alone stays due where a contract was destroyed meanwhile */
    }
}

/* The timers run every few seconds, each for itself, and sometimes late. */
static void run_some_jobs(struct sim *sim, uint64_t in)
{
    static job_flow *const jobs[] = {
        flow_contact_lost, flow_no_credit,     flow_funded,          flow_decide_due,
        flow_lifetime,     flow_lifetime_warn, flow_destroy_stopped, flow_bill_hosts,
        flow_bill_renters, flow_seal,          flow_post_usage,
    };

    if (!sim->is_server_up)
        return;
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        if (sim_chance(in))
            run_job(sim, jobs[i]);
}

void sim_jobs(struct sim *sim)
{
    run_some_jobs(sim, 1);
}

/* A timer's turn, once in so many slices of time. */
enum { JOBS_IN = 3 };

/* One slice of time: then whoever's turn it is acts. */
static void slice(struct sim *sim, int64_t us)
{
    sim_clocks_advance(sim, us);
    if (sim->is_server_up && sim->alive_until_us < sim_now(sim) + US_PER_SECOND)
        say_alive(sim, sim_now(sim) + LIVENESS_SECONDS * US_PER_SECOND);
    for (size_t i = 0; i < sim->host_count; i++) {
        struct sim_host *host = &sim->hosts[i];

        if (sim_now(sim) >= host->next_us)
            sim_host_act(sim, host);
    }
    run_some_jobs(sim, JOBS_IN);
}

void sim_pass(struct sim *sim, int64_t duration_us)
{
    while (duration_us > 0) {
        int64_t us = duration_us;

        for (size_t i = 0; i < sim->host_count; i++) {
            int64_t left_us = sim->hosts[i].next_us - sim_now(sim);

            if (left_us > 0 && left_us < us)
                us = left_us;
        }
        if (sim->is_server_up && us > LIVENESS_SECONDS * US_PER_SECOND)
            say_alive(sim, sim_now(sim) + us);
        slice(sim, us);
        duration_us -= us;
    }
}

void sim_leap(struct sim *sim, int64_t duration_us)
{
    if (sim->is_server_up)
        say_alive(sim, sim_now(sim) + duration_us);
    slice(sim, duration_us);
    /* Who is there says so again. */
    sim_pass(sim, sim_between(1, (sim_chance(4) ? 40 : 12) * US_PER_SECOND));
}

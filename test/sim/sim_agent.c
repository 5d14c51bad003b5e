/* SPDX-License-Identifier: Apache-2.0 */
/* An agent's plan, which is the real one, and a container engine for it to work on. What the
 * agent has in memory is lost when it dies, what it has on disk is not, and a step that was under
 * way is then done, or half done, or not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/container.h"
#include "sim.h"
#include "sys/crypto.h"

enum { TURNS_MAX = 64, RETRY_MAX_S = 60 };

static struct sim_instance *find(struct sim_host *host, int64_t id)
{
    for (size_t i = 0; i < host->instance_count; i++)
        if (host->instances[i]->id == id)
            return host->instances[i];
    CHECK(host->instance_count < SIM_INSTANCES_MAX);
    struct sim_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        abort();
    instance->id = id;
    instance->stop_due_us = instance->lifetime_due_us = instance->notice_due_us = -1;
    host->instances[host->instance_count++] = instance;
    return instance;
}

static bool is_up(const struct sim_container *container)
{
    return container->is_there && container->seen.state == SEEN_RUNNING;
}

/* What is desired */

int64_t sim_host_us(const struct sim_host *host, int64_t us)
{
    return us + us / 1000000 * host->drift_ppm;
}

/* By a clock that is fast it comes sooner. */
static int64_t due_us(const struct sim *sim, const struct sim_host *host, int64_t after_ms)
{
    int64_t after_us;

    if (after_ms < 0 || __builtin_mul_overflow(after_ms, US_PER_MS, &after_us) ||
        after_us > INT64_MAX / 2)
        return -1;
    return sim_now(sim) + after_us - after_us / 1000000 * host->drift_ppm;
}

static bool leave_is_signed(struct sim *sim, const struct sim_host *host,
                            const struct desired_instance *desired)
{
    auto_buf struct buf text = buf_of(1024);
    struct signature signature;

    destroy_signed(&text, host->machine.id, desired->id, desired->gen);
    memcpy(signature.bytes, desired->destroy_token, sizeof signature.bytes);
    return desired->has_destroy_token &&
           crypto_verify(sim->world.server_keys.public_key, &signature, text.bytes, text.length);
}

void sim_agent_desire(struct sim *sim, struct sim_host *host, const struct desired *desired)
{
    struct error err;

    host->has_desired = true;
    for (size_t i = 0; i < host->instance_count; i++)
        host->instances[i]->desired = NULL;
    for (int64_t i = 0; i < desired->instance_count; i++) {
        const struct desired_instance *wanted = &desired->instances[i];
        struct sim_instance *instance = find(host, wanted->id);

        instance->desired = wanted;
        instance->stop_due_us = due_us(sim, host, wanted->stop_after_ms);
        instance->lifetime_due_us = due_us(sim, host, wanted->lifetime_after_ms);
        instance->notice_due_us =
            wanted->has_notice ? due_us(sim, host, wanted->notice.after_ms) : -1;
        instance->may_destroy = wanted->state == DESIRED_ABSENT;
        if (wanted->state == DESIRED_ABSENT)
            CHECK(leave_is_signed(sim, host, wanted));
        else
            CHECK_OK(container_spec(wanted, instance->spec, &err), &err);
        (void)container_gpus(wanted, instance->gpus);
    }
}

/* The engine */

/* Two containers on one GPU are what the whole claim business is there to prevent. */
static void check_gpus_are_free(const struct sim_host *host, const struct sim_container *one)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        const struct sim_container *other = &host->instances[i]->container;

        check_row("instances %" PRId64 " and %" PRId64, one->seen.instance_id,
                  host->instances[i]->id);
        CHECK(other == one || !is_up(other) ||
              !seen_gpus_overlap(other->seen.gpus, one->seen.gpus));
    }
    check_row(" ");
}

static void start(struct sim *sim, struct sim_host *host, struct sim_instance *instance)
{
    struct sim_container *container = &instance->container;

    check_gpus_are_free(host, container);
    CHECK(sim->run_count < SIM_RUNS_MAX);
    container->run = sim->run_count++;
    sim->runs[container->run] = (struct sim_run){ instance->id, sim_now(sim), INT64_MAX };
    container->seen.state = SEEN_RUNNING;
    container->seen.exit_code = -1;
    container->starts++;
    (void)snprintf(container->seen.started_at, sizeof container->seen.started_at, "start-%" PRId64,
                   sim->run_count);
}

static void stop(struct sim *sim, const struct sim_host *host, struct sim_instance *instance,
                 int64_t at_us)
{
    struct sim_container *container = &instance->container;

    if (!is_up(container))
        return;
    struct sim_run *run = &sim->runs[container->run];
    run->until_us = at_us > run->from_us ? at_us : run->from_us;
    instance->run_ms = sim_host_us(host, run->until_us - run->from_us) / US_PER_MS;
    container->seen.state = SEEN_EXITED;
    container->seen.exit_code = 137;
}

static void make(struct sim_host *host, const struct sim_instance *instance,
                 struct sim_container *container)
{
    struct seen *seen = &container->seen;

    *container = (struct sim_container){ .is_there = true };
    *seen = (struct seen){
        .machine_id = host->machine.id,
        .instance_id = instance->id,
        .gen = instance->desired->gen,
        .state = SEEN_CREATED,
        .exit_code = -1,
        .disk_used_mb = -1,
    };
    (void)snprintf(seen->id, sizeof seen->id, "%" PRId64, ++host->made);
    memcpy(seen->spec, instance->spec, sizeof seen->spec);
    memcpy(seen->gpus, instance->gpus, sizeof seen->gpus);
}

/* Only what was destroyed may lose its files. */
static void check_may_lose(struct sim *sim, int64_t id)
{
    if (!sim->is_server_up)
        return;
    check_row("files of instance %" PRId64, id);
    CHECK(world_number_of(&sim->world, "SELECT destroyed_us FROM contract WHERE id = $1", id) > 0);
    check_row(" ");
}

/* The effect of a step on the engine, whole or cut short somewhere. */
static void effect(struct sim *sim, struct sim_host *host, struct sim_instance *instance,
                   bool is_whole)
{
    bool has_begun = is_whole || sim_chance(2);

    switch (instance->under_way) {
    case PLAN_CREATE:
        if (has_begun && !instance->container.is_there)
            make(host, instance, &instance->container);
        if (!has_begun || (!is_whole && sim_chance(2)))
            break;
        start(sim, host, instance);
        break;
    case PLAN_RESTART:
        stop(sim, host, instance, sim_now(sim));
        if (has_begun)
            start(sim, host, instance);
        break;
    case PLAN_START:
        if (has_begun)
            start(sim, host, instance);
        break;
    case PLAN_NOTIFY: /* some end at once when they are signalled */
        if (has_begun && sim_chance(2))
            stop(sim, host, instance, sim_now(sim));
        break;
    case PLAN_STOP:
    case PLAN_KILL:
        if (has_begun)
            stop(sim, host, instance, sim_now(sim));
        if (is_whole)
            instance->next.is_there = false;
        break;
    case PLAN_REBIND:
        if (!has_begun)
            break;
        make(host, instance, &instance->next);
        if (!is_whole && sim_chance(2))
            break;
        instance->container = instance->next;
        instance->next.is_there = false;
        break;
    case PLAN_DESTROY:
        check_may_lose(sim, instance->id);
        stop(sim, host, instance, sim_now(sim));
        instance->next.is_there = false;
        instance->container.is_there = !has_begun;
        break;
    case PLAN_NOTHING:
    case PLAN_PREPARE:
    case PLAN_CLEAR: /* nothing is remade here */
    case PLAN_OPEN:  /* and nobody copies from what is stopped */
    case PLAN_FORGET:
    case PLAN_CANCEL:
        break;
    }
}

/* The agent: what it writes down before a step, and what it makes of the end of one. */

static void write_down(struct sim_host *host, struct sim_instance *instance, enum plan_step step)
{
    struct record *record = &instance->record;

    if (!instance->has_record || instance->desired == NULL)
        return;
    if (step == PLAN_STOP || step == PLAN_KILL || step == PLAN_NOTIFY)
        record->is_stopped_by_us = true;
    if (step == PLAN_NOTIFY)
        record->notice_gen = instance->desired->gen;
    if (step != PLAN_CREATE && step != PLAN_START && step != PLAN_RESTART)
        return;
    record->start_gen = instance->desired->gen;
    record->is_stopped_by_us = false;
    record->restart_nonce = instance->desired->restart_nonce;
    memcpy(record->boot_id, host->boot_id, sizeof record->boot_id);
    memcpy(record->started_before,
           instance->container.is_there ? instance->container.seen.started_at : (char[40]){ 0 },
           sizeof record->started_before);
}

static void begin(struct sim *sim, struct sim_host *host, struct sim_instance *instance,
                  enum plan_step step)
{
    int64_t lasts_us = 0;

    write_down(host, instance, step);
    instance->was_cut = false;
    instance->under_way = step;
    if (step == PLAN_PREPARE)
        lasts_us = sim_chance(3) ? sim_between(0, 90 * US_PER_SECOND) : 0;
    if (sim_fault(sim, FAULT_STEP_SLOW))
        lasts_us += sim_between(0, 300 * US_PER_SECOND);
    instance->step_ends_us = sim_now(sim) + lasts_us;
}

static void take_failure(struct sim *sim, struct sim_instance *instance, enum plan_step step)
{
    struct plan_failure *failure = &instance->failure;
    int64_t gen = instance->desired != NULL ? instance->desired->gen : 0;
    int64_t delay_s = 1;

    if (failure->gen != gen)
        failure->count = 0;
    failure->count++;
    for (int64_t i = 1; i < failure->count && delay_s < RETRY_MAX_S; i++)
        delay_s *= 2;
    failure->step = step;
    failure->gen = gen;
    failure->is_final = step == PLAN_PREPARE && sim_chance(2);
    failure->retry_us = sim_now(sim) + delay_s * US_PER_SECOND;
}

static void finish(struct sim *sim, struct sim_host *host, struct sim_instance *instance)
{
    enum plan_step step = instance->under_way;
    bool is_whole = !sim_fault(sim, FAULT_STEP_FAILS);

    effect(sim, host, instance, is_whole);
    instance->under_way = PLAN_NOTHING;
    if (!is_whole) {
        take_failure(sim, instance, step);
        return;
    }
    instance->failure = (struct plan_failure){ 0 };
    if (step == PLAN_PREPARE && instance->desired != NULL &&
        instance->desired->state != DESIRED_ABSENT) {
        if (!instance->has_record)
            instance->record = (struct record){ .id = instance->id,
                                                .restart_nonce = instance->desired->restart_nonce,
                                                .ssh_port = 40000 + instance->id % 100 };
        instance->has_record = instance->is_prepared = true;
    }
    if (step == PLAN_DESTROY || step == PLAN_FORGET)
        instance->has_record = instance->is_prepared = false;
}

static void cancel(struct sim *sim, struct sim_host *host, struct sim_instance *instance)
{
    if (sim_chance(2))
        effect(sim, host, instance, false);
    instance->under_way = PLAN_NOTHING;
}

static void plan(const struct sim *sim, struct sim_host *host, int64_t *ret_next_us)
{
    static struct plan_instance views[SIM_INSTANCES_MAX];
    static struct plan_verdict verdicts[SIM_INSTANCES_MAX];
    struct plan_facts facts = {
        .now_us = sim_now(sim),
        .last_contact_us = host->last_contact_us,
        .alone_max_us = PLAN_ALONE_MAX_US,
        .boot_id = host->boot_id,
        .has_desired = host->has_desired,
        .is_engine_ok = host->is_engine_ok,
    };

    for (size_t i = 0; i < host->instance_count; i++) {
        const struct sim_instance *instance = host->instances[i];

        views[i] = (struct plan_instance){
            .id = instance->id,
            .desired = instance->desired,
            .may_destroy = instance->may_destroy,
            .spec = instance->spec,
            .gpus = instance->gpus,
            .stop_due_us = instance->desired != NULL ? instance->stop_due_us : -1,
            .lifetime_due_us = instance->desired != NULL ? instance->lifetime_due_us : -1,
            .notice_due_us = instance->desired != NULL ? instance->notice_due_us : -1,
            .record = instance->has_record ? &instance->record : NULL,
            .is_prepared = instance->is_prepared,
            .seen = instance->container.is_there ? &instance->container.seen : NULL,
            .next = instance->next.is_there ? &instance->next.seen : NULL,
            .was_cut = instance->was_cut,
            .under_way = instance->under_way,
            .failure = instance->failure,
        };
    }
    plan_make(&facts, views, host->instance_count, verdicts);
    for (size_t i = 0; i < host->instance_count; i++)
        host->instances[i]->verdict = verdicts[i];
    *ret_next_us = plan_next_us(&facts, views, host->instance_count);
}

/* Those that are in no sense there any more. */
static void forget(struct sim_host *host)
{
    for (size_t i = host->instance_count; i-- > 0;) {
        struct sim_instance *instance = host->instances[i];

        if (instance->desired != NULL || instance->has_record || instance->container.is_there ||
            instance->next.is_there || instance->under_way != PLAN_NOTHING)
            continue;
        free(instance);
        host->instances[i] = host->instances[--host->instance_count];
    }
}

void sim_agent_work(struct sim *sim, struct sim_host *host)
{
    bool has_acted = true;
    int64_t next_us;

    for (int turn = 0; has_acted; turn++) {
        /* Whatever happens in no time must come to rest. */
        CHECK(turn < TURNS_MAX);
        has_acted = false;
        for (size_t i = 0; i < host->instance_count; i++) {
            struct sim_instance *instance = host->instances[i];

            if (instance->under_way != PLAN_NOTHING && instance->step_ends_us <= sim_now(sim))
                finish(sim, host, instance);
        }
        plan(sim, host, &next_us);
        for (size_t i = 0; i < host->instance_count; i++) {
            struct sim_instance *instance = host->instances[i];

            if (instance->verdict.step == PLAN_NOTHING)
                continue;
            has_acted = true;
            if (instance->verdict.step == PLAN_CANCEL)
                cancel(sim, host, instance);
            else
                begin(sim, host, instance, instance->verdict.step);
        }
    }
    forget(host);
}

int64_t sim_agent_due_us(const struct sim *sim, const struct sim_host *host)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < host->instance_count; i++) {
        const struct sim_instance *instance = host->instances[i];
        int64_t dues[] = { instance->under_way != PLAN_NOTHING ? instance->step_ends_us : -1,
                           instance->stop_due_us, instance->lifetime_due_us,
                           instance->notice_due_us };

        for (size_t j = 0; j < sizeof dues / sizeof dues[0]; j++)
            if (dues[j] > sim_now(sim) && dues[j] < due)
                due = dues[j];
    }
    return due;
}

/* What happens to containers while the agent looks elsewhere. It ends them on time if it can, and
 * the engine is there. */
void sim_agent_live(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct sim_instance *instance = host->instances[i];

        if (!is_up(&instance->container))
            continue;
        instance->bytes_up += sim_chance(3) ? sim_between(0, 50000000) : 0;
        instance->bytes_down += sim_chance(3) ? sim_between(0, 200000000) : 0;
        if (!sim_fault(sim, FAULT_EXIT))
            continue;
        stop(sim, host, instance, sim_between(host->looked_us, sim_now(sim)));
        instance->container.seen.exit_code = 1;
    }
    host->looked_us = sim_now(sim);
}

void sim_agent_cut(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct sim_instance *instance = host->instances[i];

        instance->was_cut = instance->was_cut || is_up(&instance->container);
        stop(sim, host, instance, sim_now(sim));
    }
}

void sim_agent_die(struct sim *sim, struct sim_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++) {
        struct sim_instance *instance = host->instances[i];

        if (instance->under_way != PLAN_NOTHING && sim_chance(2))
            effect(sim, host, instance, sim_chance(2));
        instance->under_way = PLAN_NOTHING;
        instance->failure = (struct plan_failure){ 0 };
        instance->is_prepared = instance->was_cut = false;
    }
    host->incarnation++;
    host->has_session = false;
}

void sim_agent_release(struct sim_host *host)
{
    for (size_t i = 0; i < host->instance_count; i++)
        free(host->instances[i]);
    arena_release(&host->wants);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/instance.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/container.h"

static struct instance *add(struct instances *instances, int64_t machine_id, int64_t id)
{
    if (instances->count == INSTANCES_MAX)
        return NULL;
    if (instances->count == instances->capacity) {
        instances->capacity = instances->capacity == 0 ? 16 : 2 * instances->capacity;
        instances->all = realloc(instances->all, instances->capacity * sizeof *instances->all);
        if (instances->all == NULL)
            abort();
    }
    struct instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL)
        abort();
    instance->agent = instances->agent;
    instance->machine_id = machine_id;
    instance->id = id;
    instances->all[instances->count++] = instance;
    return instance;
}

static void drop(struct instances *instances, size_t index)
{
    struct instance *instance = instances->all[index];

    job_cancel(&instance->job);
    job_cancel(&instance->jupyter_job);
    free(instance->gpus);
    free(instance);
    instances->all[index] = instances->all[--instances->count];
}

struct instance *instances_find(const struct instances *instances, int64_t machine_id, int64_t id)
{
    for (size_t i = 0; i < instances->count; i++) {
        if (instances->all[i]->id == id && instances->all[i]->machine_id == machine_id)
            return instances->all[i];
    }
    return NULL;
}

const struct seen *instance_seen(const struct instance *instance, bool is_next)
{
    return observe_find(instance->agent->observer, instance->machine_id, instance->id, is_next);
}

void instances_load(struct instances *instances, struct agent *agent)
{
    int64_t ids[DESIRED_INSTANCES_MAX];
    size_t count = 0;
    struct error err;

    *instances = (struct instances){ .agent = agent };
    if (!record_list(agent->identity.instances_dir, ids, DESIRED_INSTANCES_MAX, &count, &err))
        log_failure(&agent->log, "records not readable", &err);
    for (size_t i = 0; i < count; i++) {
        struct record record;

        if (!record_load(agent->identity.instances_dir, ids[i], &record, &err)) {
            log_failure(&agent->log, "record not readable", &err);
            continue;
        }
        struct instance *instance = add(instances, agent->identity.machine_id, ids[i]);
        if (instance == NULL)
            return;
        instance->record = record;
        instance->has_record = true;
    }
}

void instances_close(struct instances *instances)
{
    while (instances->count > 0)
        drop(instances, instances->count - 1);
    free(instances->all);
    instances->all = NULL;
}

static bool is_signed(const struct agent *agent, const struct desired_instance *desired)
{
    auto_buf struct buf bytes = buf_of(256);
    struct signature signature;

    if (!desired->has_destroy_token)
        return false;
    destroy_signed(&bytes, agent->identity.machine_id, desired->id, desired->gen);
    memcpy(signature.bytes, desired->destroy_token, sizeof signature.bytes);
    return crypto_verify(agent->identity.server_key, &signature, bytes.bytes, bytes.length);
}

static void desire(struct instance *instance, const struct desired_instance *desired)
{
    char gpus[SEEN_GPUS_SIZE];
    struct error err;

    instance->desired = desired;
    instance->may_destroy = desired->state == DESIRED_ABSENT && is_signed(instance->agent, desired);
    *instance->spec = '\0';
    if (desired->state != DESIRED_ABSENT && !container_spec(desired, instance->spec, &err))
        log_failure(&instance->agent->log, "spec not understood", &err);
    free(instance->gpus);
    instance->gpus = strdup(container_gpus(desired, gpus));
    if (instance->gpus == NULL)
        abort();
}

void instances_desire(struct instances *instances, const struct keep *keep)
{
    for (size_t i = 0; i < instances->count; i++)
        instances->all[i]->desired = NULL;
    for (int64_t i = 0; keep->has_desired && i < keep->desired.instance_count; i++) {
        const struct desired_instance *desired = &keep->desired.instances[i];
        int64_t machine_id = instances->agent->identity.machine_id;
        struct instance *instance = instances_find(instances, machine_id, desired->id);

        if (instance == NULL)
            instance = add(instances, machine_id, desired->id);
        if (instance != NULL)
            desire(instance, desired);
    }
}

/* One that was up in an engine that is gone, and is down in the next one, ended with the engine. */
static void compare_sessions(struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    int64_t session = observe_session(instance->agent->observer);

    if (seen == NULL)
        return;
    if (seen->state == SEEN_RUNNING) {
        instance->up_session = session;
        instance->was_cut = false;
    } else if (seen->state == SEEN_EXITED && instance->up_session > 0 &&
               instance->up_session < session) {
        instance->was_cut = true;
    }
}

/* Its container was made and started: it is seen as that, or as having ended already; or all has
 * been looked at, and it is something else. */
static void stop_waiting(struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    bool has_run = seen != NULL && (seen->state == SEEN_RUNNING || seen->state == SEEN_EXITED);

    if (!instance->awaits_look || (!has_run && observe_is_looking(instance->agent->observer)))
        return;
    instance->awaits_look = false;
    instance->under_way = PLAN_NOTHING;
}

void instances_observe(struct instances *instances)
{
    struct observer *observer = instances->agent->observer;

    for (size_t i = 0; i < observe_count(observer); i++) {
        const struct seen *seen = observe_at(observer, i);

        if (instances_find(instances, seen->machine_id, seen->instance_id) == NULL)
            (void)add(instances, seen->machine_id, seen->instance_id);
    }
    for (size_t i = instances->count; i-- > 0;) {
        struct instance *instance = instances->all[i];

        compare_sessions(instance);
        stop_waiting(instance);
        if (instance->has_record && instance->record.is_stopped_by_us)
            instance->revival = (struct revival){ .due_us = -1 };
        else
            revival_see(&instance->revival, instance_seen(instance, false),
                        loop_now_us(instances->agent->loop));
        if (instance->desired == NULL && !instance->has_record && instance->job == NULL &&
            observe_is_ok(observer) && instance_seen(instance, false) == NULL &&
            instance_seen(instance, true) == NULL)
            drop(instances, i);
    }
}

static int64_t due_us(const struct keep *keep, int64_t after_ms)
{
    return after_ms < 0 ? -1 : keep->received_us + after_ms * US_PER_MS;
}

static struct plan_instance view_of(const struct instance *instance)
{
    const struct agent *agent = instance->agent;
    const struct desired_instance *desired = instance->desired;

    return (struct plan_instance){
        .id = instance->id,
        .is_foreign = instance->machine_id != agent->identity.machine_id,
        .desired = desired,
        .may_destroy = instance->may_destroy,
        .spec = instance->spec,
        .gpus = instance->gpus != NULL ? instance->gpus : "",
        .stop_due_us = desired != NULL ? due_us(&agent->keep, desired->stop_after_ms) : -1,
        .lifetime_due_us = desired != NULL ? due_us(&agent->keep, desired->lifetime_after_ms) : -1,
        .notice_due_us = desired != NULL && desired->has_notice
                             ? due_us(&agent->keep, desired->notice.after_ms)
                             : -1,
        .revival_us = desired != NULL && desired->is_kept_running ? instance->revival.due_us : -1,
        .record = instance->has_record ? &instance->record : NULL,
        .is_prepared = desired != NULL && desired->spec.image != NULL &&
                       strcmp(instance->prepared, desired->spec.image) == 0,
        .seen = instance_seen(instance, false),
        .next = instance_seen(instance, true),
        .was_cut = instance->was_cut,
        .wants_copies = instance->wants_copies,
        .under_way = instance->under_way,
        .failure = instance->failure,
    };
}

void instances_plan(struct instances *instances, int64_t *ret_next_us)
{
    struct agent *agent = instances->agent;
    struct plan_facts facts = {
        .now_us = loop_now_us(agent->loop),
        .last_contact_us = agent->keep.last_contact_us,
        .alone_max_us = agent->options.alone_max_us,
        .boot_id = agent->identity.boot_id,
        .has_desired = agent->keep.has_desired,
        .is_engine_ok = observe_is_ok(agent->observer),
    };
    struct plan_instance *views = calloc(instances->count + 1, sizeof *views);
    struct plan_verdict *verdicts = calloc(instances->count + 1, sizeof *verdicts);

    if (views == NULL || verdicts == NULL)
        abort();
    for (size_t i = 0; i < instances->count; i++)
        views[i] = view_of(instances->all[i]);
    plan_make(&facts, views, instances->count, verdicts);
    for (size_t i = 0; i < instances->count; i++)
        instances->all[i]->verdict = verdicts[i];
    *ret_next_us = plan_next_us(&facts, views, instances->count);
    free(views);
    free(verdicts);
}

struct record *instances_records(const struct instances *instances, int64_t but_id,
                                 size_t *ret_count)
{
    struct record *records = calloc(instances->count + 1, sizeof *records);
    size_t count = 0;

    if (records == NULL)
        abort();
    for (size_t i = 0; i < instances->count; i++) {
        const struct instance *instance = instances->all[i];

        if (instance->has_record && instance->id != but_id)
            records[count++] = instance->record;
    }
    *ret_count = count;
    return records;
}

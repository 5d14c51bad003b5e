/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/steps.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/diary.h"
#include "agent/notice.h"
#include "agent/work.h"
#include "agent/work_result.h"
#include "market/image.h"
#include "sys/fd.h"
#include "sys/trace.h"

#define LATEST ":latest"

enum { RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 60000, MARK_SIZE = 128 };

static void say(struct instance *instance, const char *text)
{
    (void)snprintf(instance->message, sizeof instance->message, "%s", text);
}

/* An image that was pulled with a login is somebody's secret: who comes without one must ask the
 * registry again, though the image is here. A mark on disk says which ones. */
static char *private_mark(const char *image, char mark[static MARK_SIZE])
{
    char hex[HEX_SIZE(HASH_SIZE)];
    struct hash hash = crypto_sha256(image, strlen(image));

    (void)snprintf(mark, MARK_SIZE, "private/%s", hex_format(hash.bytes, sizeof hash.bytes, hex));
    return mark;
}

static bool is_private(const struct agent *agent, const char *image)
{
    char mark[MARK_SIZE];

    return faccessat(agent->identity.dir, private_mark(image, mark), F_OK, 0) == 0;
}

bool steps_is_secret(void *context, const char *image)
{
    size_t length = strlen(image), latest = strlen(LATEST);
    char bare[IMAGE_TEXT_SIZE];

    if (is_private(context, image))
        return true;
    if (length <= latest || length >= sizeof bare || strcmp(image + length - latest, LATEST) != 0)
        return false;
    (void)snprintf(bare, sizeof bare, "%.*s", (int)(length - latest), image);
    return is_private(context, bare);
}

static bool mark_private(const struct agent *agent, const char *image, struct error *err)
{
    char mark[MARK_SIZE];

    if (mkdirat(agent->identity.dir, "private", 0700) != 0 && errno != EEXIST)
        return error_system(err, errno, "make the directory private");
    auto_close int fd = openat(agent->identity.dir, private_mark(image, mark),
                               O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(err, errno, "mark a private image");
    return true;
}

/* As it was written, and in full, as the engine lists it. */
static bool mark_both(const struct agent *agent, const char *text, struct error *err)
{
    char name[IMAGE_TEXT_SIZE];
    struct image image;

    return mark_private(agent, text, err) && image_parse(text, &image, err) &&
           mark_private(agent, image_name(&image, name), err);
}

static void fail(struct instance *instance, enum plan_step step, const struct error *err,
                 bool is_final)
{
    struct plan_failure *failure = &instance->failure;
    int64_t gen = instance->desired != NULL ? instance->desired->gen : 0;
    bool is_ours = err->code == ERROR_UNREACHABLE || err->code == ERROR_TIMEOUT;
    int64_t delay_ms = RETRY_FIRST_MS;

    if (failure->gen != gen)
        failure->count = 0;
    /* An engine that is away says nothing about the instance. */
    if (failure->count == 0 || !is_ours)
        failure->count++;
    for (int64_t i = 1; i < failure->count && delay_ms < RETRY_MAX_MS; i++)
        delay_ms *= 2;
    failure->step = step;
    failure->gen = gen;
    failure->is_final = is_final;
    failure->retry_us = loop_now_us(instance->agent->loop) +
                        (delay_ms < RETRY_MAX_MS ? delay_ms : RETRY_MAX_MS) * US_PER_MS;
    say(instance, err->text);
    diary_write(instance->agent->identity.instances_dir, instance->id, "%s: %s",
                plan_step_name(step), err->text);
    log_write(&instance->agent->log, LOG_WARNING, "step not done", "instance %" PRId64 ": %s: %s",
              instance->id, plan_step_name(step), err->text);
}

/* What is noted before a start. */
static void note_start(const struct instance *instance, struct record *record)
{
    const struct seen *seen = instance_seen(instance, false);

    record->start_gen = instance->desired->gen;
    record->is_stopped_by_us = false;
    record->restart_nonce = instance->desired->restart_nonce;
    memcpy(record->boot_id, instance->agent->identity.boot_id, sizeof record->boot_id);
    (void)snprintf(record->started_before, sizeof record->started_before, "%s",
                   seen != NULL ? seen->started_at : "");
}

/* A network that was made ahead, if there is one that suits. A holder publishes no ports, and gives
 * its name to who does not wait for another one. */
static void take_network(const struct agent *agent, const struct instance_spec *spec,
                         struct record *record)
{
    bool may_join = record->port_count == 0 && container_has_launcher(spec);
    int64_t slot = may_join ? pool_find(agent->pool, true) : 0;

    record->has_holder = slot > 0;
    if (slot == 0)
        slot = pool_find(agent->pool, false);
    if (slot > 0)
        record->slot = slot;
}

/* It is made from an image again, maybe another one: where SSH finds it stays, and its other ports
 * may be others. Its network went with its container. */
static bool give_ports_anew(struct instance *instance, const struct pull_image *image,
                            struct error *err)
{
    struct agent *agent = instance->agent;
    const struct instance_spec *spec = &instance->desired->spec;
    struct record record = instance->record, given = { .id = instance->id };
    size_t count;

    /* Its own are among the others: none of them is given twice. */
    struct record *others = instances_records(&agent->instances, 0, &count);
    bool is_assigned = slots_assign(&agent->slots, others, count, spec, &given, err);
    if (is_assigned)
        slots_expose(&agent->slots, others, count, image, &given);
    free(others);
    record.port_count = given.port_count;
    memcpy(record.ports, given.ports, sizeof record.ports);
    record.has_holder = false;
    record.remake = spec->remake;
    if (!is_assigned || !record_save(agent->identity.instances_dir, &record, err)) {
        *instance->prepared = '\0';
        return false;
    }
    instance->record = record;
    return true;
}

/* The image is here: the instance gets its ports and its network's number, once. */
static bool take_image(struct instance *instance, const struct pull_image *image, struct error *err)
{
    struct agent *agent = instance->agent;
    const struct instance_spec *spec = &instance->desired->spec;
    struct record record = { .id = instance->id };
    size_t count;

    if (spec->registry_login != NULL && !mark_both(agent, spec->image, err))
        return false;
    (void)snprintf(instance->prepared, sizeof instance->prepared, "%s", spec->image);
    bool was_assumed = *instance->assumed != '\0';
    *instance->assumed = '\0';
    if (instance->has_record && (was_assumed || instance->record.remake < spec->remake))
        return give_ports_anew(instance, image, err);
    if (instance->has_record)
        return true;

    struct record *others = instances_records(&agent->instances, instance->id, &count);
    bool is_assigned = slots_assign(&agent->slots, others, count, spec, &record, err);
    if (is_assigned)
        slots_expose(&agent->slots, others, count, image, &record);
    free(others);
    if (is_assigned)
        take_network(agent, spec, &record);
    record.remake = spec->remake;
    note_start(instance, &record);
    /* The worker that makes the container syncs it before. */
    if (!is_assigned || !record_begin(agent->identity.instances_dir, &record, err)) {
        *instance->prepared = '\0';
        return false;
    }
    pool_drop(agent->pool, record.slot);
    instance->record = record;
    instance->has_record = true;
    return true;
}

/* What is remembered of its image, where that is nobody's secret and need not be the newest. */
static const struct pull_image *known_image(const struct instance *instance)
{
    const struct agent *agent = instance->agent;
    const struct instance_spec *spec = &instance->desired->spec;

    if (instance->has_record || spec->registry_login != NULL || spec->remake > 0 ||
        is_private(agent, spec->image))
        return NULL;
    return images_find(&agent->images, spec->image);
}

/* Prepared without a worker; the one that makes the container looks whether it is still so. */
static bool assume(struct instance *instance, const struct pull_image *image, struct error *err)
{
    if (!take_image(instance, image, err))
        return false;
    (void)snprintf(instance->assumed, sizeof instance->assumed, "%s", image->id);
    return true;
}

static void learn_image(struct instance *instance, const struct pull_image *image)
{
    const struct instance_spec *spec = &instance->desired->spec;

    if (spec->registry_login == NULL)
        images_put(&instance->agent->images, spec->image, image);
}

/* Nothing of it is on the host any more. */
static bool let_go(struct instance *instance, struct error *err)
{
    struct agent *agent = instance->agent;

    if (!record_remove(agent->identity.instances_dir, instance->id, err))
        return false;
    diary_remove(agent->identity.instances_dir, instance->id);
    totals_remove(&agent->totals, instance->id);
    gauges_forget(&agent->gauges, instance->id);
    instance->has_record = false;
    *instance->prepared = '\0';
    return true;
}

static bool take_done(struct instance *instance, enum plan_step step,
                      const struct work_result *result, struct error *err)
{
    bool is_gone = step == PLAN_DESTROY || step == PLAN_FORGET;
    int64_t took_us = loop_now_us(instance->agent->loop) - instance->begun_us;

    if (step == PLAN_CREATE)
        stock_started(instance->agent->stock, took_us / US_PER_MS);
    if (step == PLAN_PREPARE && result->has_image && instance->desired != NULL &&
        instance->desired->state != DESIRED_ABSENT) {
        if (!take_image(instance, &result->image, err))
            return false;
        learn_image(instance, &result->image);
    }
    if (is_gone && !let_go(instance, err))
        return false;
    if (!is_gone)
        diary_write(instance->agent->identity.instances_dir, instance->id, "%s: done",
                    plan_step_name(step));
    log_write(&instance->agent->log, LOG_INFO, "step done",
              "instance %" PRId64 ": %s in %.1f ms, the engine %.1f ms", instance->id,
              plan_step_name(step), (double)took_us / US_PER_MS,
              (double)result->engine_us / US_PER_MS);
    if (step == PLAN_CREATE)
        *instance->assumed = '\0';
    instance->failure = (struct plan_failure){ 0 };
    *instance->message = '\0';
    return true;
}

/* The engine's event has the container looked at, or did so already; if not, a list of all. */
static void await_look(struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);

    instance->awaits_look = true;
    instance->under_way = PLAN_CREATE;
    if (seen == NULL || seen->state != SEEN_RUNNING)
        observe_refresh(instance->agent->observer);
}

static void take_result(struct instance *instance, enum plan_step step,
                        const struct work_result *result)
{
    struct agent *agent = instance->agent;
    struct error err = result->err;

    if (result->pulled.us > 0 && instance->desired != NULL && instance->desired->spec.image != NULL)
        stock_pulled(agent->stock, instance->desired->spec.image, &result->pulled);
    if (step == PLAN_PREPARE)
        stock_refresh(agent->stock);
    if (result->has_no_quota && agent->host.has_quota) {
        agent->host.has_quota = false;
        log_write(&agent->log, LOG_WARNING, "no disk quota",
                  "the engine's storage cannot limit the size of containers");
    }
    if (result->has_seen)
        observe_put(agent->observer, instance->machine_id, instance->id, result->seen,
                    (size_t)result->seen_count);
    else if (step == PLAN_CREATE && result->is_done)
        await_look(instance);
    else if (step != PLAN_PREPARE)
        observe_refresh(agent->observer);
    if (result->is_done && take_done(instance, step, result, &err))
        return;
    if (step == PLAN_CREATE && err.code == ERROR_NOT_FOUND) {
        /* The image was removed behind our back, or another one has its name. */
        images_forget(&agent->images, instance->prepared);
        *instance->prepared = '\0';
    }
    fail(instance, step, &err, result->is_final);
}

static void on_progress(void *context, const char *text)
{
    struct instance *instance = context;

    say(instance, text);
    agent_wake(instance->agent);
}

/* For whom what follows is done. */
static void trace_instance(const struct instance *instance)
{
    trace_set(instance->desired != NULL ? instance->desired->request_id : NULL);
}

static void on_end(void *context, const struct job_end *end)
{
    struct instance *instance = context;
    enum plan_step step = instance->under_way;
    static struct work_result result; /* large, and there is one thread */
    struct error err = end->err;

    instance->under_way = PLAN_NOTHING;
    trace_instance(instance);
    if (end->is_done &&
        work_result_decode(end->result, instance->agent->host.host, &result, &err)) {
        take_result(instance, step, &result);
    } else {
        fail(instance, step, &err, false);
        observe_refresh(instance->agent->observer);
    }
    trace_set(NULL);
    agent_wake(instance->agent);
}

/* What must be known before the deed, whatever becomes of us in the middle of it. */
static bool write_down(struct instance *instance, enum plan_step step, struct error *err)
{
    const struct agent *agent = instance->agent;
    struct record record = instance->record;
    bool is_stop = step == PLAN_STOP || step == PLAN_KILL || step == PLAN_NOTIFY;

    if (!instance->has_record || instance->desired == NULL)
        return true;
    if (step == PLAN_STOP || step == PLAN_KILL) {
        record.is_stopped_by_us = true;
    } else if (step == PLAN_NOTIFY) {
        record.is_stopped_by_us = true;
        record.notice_gen = instance->desired->gen;
        record.notice_deadline_us = notice_deadline(instance).microseconds;
    } else if (step == PLAN_CREATE || step == PLAN_START || step == PLAN_RESTART) {
        note_start(instance, &record);
    } else if (step == PLAN_CLEAR || step == PLAN_PREPARE) {
        /* Nothing of it is left to be restarted. */
        record.restart_nonce = instance->desired->restart_nonce;
    } else {
        return true;
    }
    if (memcmp(&record, &instance->record, sizeof record) == 0)
        return true;
    /* Nothing that was up before a power cut is so after it, whoever stopped it. */
    if (is_stop ? !record_note(agent->identity.instances_dir, &record, err)
                : !record_save(agent->identity.instances_dir, &record, err))
        return false;
    instance->record = record;
    return true;
}

static bool deletes(enum plan_step step)
{
    return step == PLAN_DESTROY || step == PLAN_FORGET || step == PLAN_CLEAR;
}

static bool begin(struct instance *instance, enum plan_step step, struct error *err)
{
    struct agent *agent = instance->agent;
    const struct desired_instance *desired = instance->desired;
    const struct seen *seen = instance_seen(instance, false);
    bool is_foreign = instance->machine_id != agent->identity.machine_id;
    const struct pull_image *known = step == PLAN_PREPARE ? known_image(instance) : NULL;
    struct work work = {
        .step = step,
        .engine_socket = agent->engine_socket,
        .host = &agent->host,
        .instances_path = agent->instances_path,
        .instance_id = instance->id,
        .desired = desired,
        .record = instance->has_record ? &instance->record : NULL,
        .foreign_container = is_foreign && seen != NULL ? seen->id : NULL,
        .is_made_for_copies =
            seen != NULL && seen_is_for_copies(seen) && instance_seen(instance, true) == NULL,
        .assumed_image = *instance->assumed != '\0' ? instance->assumed : NULL,
        .must_pull = step == PLAN_PREPARE && is_private(agent, desired->spec.image),
        .should_pull = step == PLAN_PREPARE && desired->spec.remake > 0,
    };
    struct job_spec spec = {
        .work = work_run,
        .work_context = &work,
        .timeout_ms = work_timeout_ms(step),
        .on_progress = on_progress,
        .on_end = on_end,
        .context = instance,
    };

    if (known != NULL)
        return assume(instance, known, err);
    if (deletes(step) && !keep_save(&agent->keep, err))
        return false;
    if (!write_down(instance, step, err))
        return false;
    work.notice_deadline = (struct instant){ instance->record.notice_deadline_us };
    instance->was_cut = false;
    instance->up_session = 0;
    instance->begun_us = loop_now_us(agent->loop);
    trace_instance(instance); /* its child's, too */
    bool has_begun = job_start(agent->loop, &spec, &instance->job, err);
    trace_set(NULL);
    if (!has_begun)
        return false;
    instance->under_way = step;
    log_write(&agent->log, LOG_DEBUG, "step begun", "instance %" PRId64 ": %s", instance->id,
              plan_step_name(step));
    return true;
}

static void cancel(struct instance *instance)
{
    log_write(&instance->agent->log, LOG_INFO, "step cancelled", "instance %" PRId64 ": %s",
              instance->id, plan_step_name(instance->under_way));
    job_cancel(&instance->job);
    instance->under_way = PLAN_NOTHING;
    instance->awaits_look = false;
    *instance->message = '\0';
    observe_refresh(instance->agent->observer);
}

size_t steps_under_way(const struct instances *instances)
{
    size_t count = 0;

    for (size_t i = 0; i < instances->count; i++)
        count += instances->all[i]->job != NULL ? 1 : 0;
    return count;
}

enum steps_done steps_carry_out(struct instances *instances)
{
    size_t busy = steps_under_way(instances);
    enum steps_done done = STEPS_NONE;

    for (size_t i = 0; i < instances->count; i++) {
        struct instance *instance = instances->all[i];
        enum plan_step step = instance->verdict.step;
        struct error err;

        if (step == PLAN_NOTHING || (step != PLAN_CANCEL && busy >= STEPS_AT_ONCE_MAX) ||
            workspaces_is_closing(&instance->agent->workspaces, instance->id))
            continue;
        done = done == STEPS_NONE ? STEPS_SOME : done;
        if (step == PLAN_CANCEL) {
            cancel(instance);
        } else if (begin(instance, step, &err)) {
            busy += instance->job != NULL ? 1 : 0;
            done = instance->job != NULL ? done : STEPS_AND_MORE;
        } else {
            fail(instance, step, &err, false);
        }
    }
    return done;
}

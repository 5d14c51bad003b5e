/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/copies.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "base/hex.h"
#include "sys/copy_secret.h"

/* The broker's clock: see struct access_counters. */
static int64_t now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_wanted(const struct instance *instance)
{
    struct access_counters counters;

    if (!access_counters(instance->agent->access, instance->id, &counters) ||
        counters.copies_asked_s == 0)
        return false;
    return now_s() - counters.copies_asked_s < COPIES_LINGER_S ||
           (copies_are_open(instance) && counters.connection_count > 0);
}

/* Of a copy whose time is up the key opens nothing, though the server was not heard since. */
static bool is_over(const struct instance *instance, int64_t expires_ms)
{
    const struct agent *agent = instance->agent;

    return expires_ms > 0 &&
           loop_now_us(agent->loop) - agent->keep.received_us >= expires_ms * US_PER_MS;
}

/* From or to a cloud store, and going on; NULL: there is none. Its host alone comes with its key.
 */
static const struct desired_op *cloud_op(const struct instance *instance)
{
    const struct desired *desired = &instance->agent->keep.desired;

    for (int64_t i = 0; instance->agent->keep.has_desired && i < desired->op_count; i++)
        if (desired->ops[i].kind == OP_CLOUD && desired->ops[i].instance_id == instance->id &&
            !is_over(instance, desired->ops[i].expires_ms))
            return &desired->ops[i];
    return NULL;
}

static size_t count_ends(const struct instance *instance)
{
    const struct desired_instance *desired = instance->desired;
    size_t count = cloud_op(instance) != NULL ? 1 : 0;

    for (int64_t i = 0; desired != NULL && i < desired->copy_count; i++)
        count += is_over(instance, desired->copies[i].expires_ms) ? 0 : 1;
    return count;
}

void copies_tend(struct agent *agent)
{
    bool has_changed = false;

    for (size_t i = 0; agent->access != NULL && i < agent->instances.count; i++) {
        struct instance *instance = agent->instances.all[i];
        bool wants_copies = !instance->verdict.wants_running && is_wanted(instance);

        if (instance->copy_ended_s != 0 && now_s() - instance->copy_ended_s > COPIES_TELL_S)
            instance->copy_text[0] = '\0';
        size_t end_count = count_ends(instance);

        has_changed = has_changed || wants_copies != instance->wants_copies ||
                      end_count != instance->copy_end_count;
        instance->wants_copies = wants_copies;
        instance->copy_end_count = end_count;
    }
    if (has_changed)
        agent_wake(agent);
}

bool copies_are_open(const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);

    return !instance->verdict.wants_running && instance->under_way == PLAN_NOTHING &&
           instance->desired != NULL && seen != NULL && seen->state == SEEN_RUNNING &&
           seen_is_for_copies(seen);
}

bool copies_may_open(const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false);
    bool has_failed = instance->failure.count > 0 && instance->failure.step == PLAN_OPEN &&
                      loop_now_us(instance->agent->loop) < instance->failure.retry_us;

    if (instance->under_way == PLAN_OPEN)
        return true;
    return !instance->verdict.wants_running && instance->under_way == PLAN_NOTHING && !has_failed &&
           instance->has_record && seen != NULL &&
           (seen->state == SEEN_EXITED || seen->state == SEEN_CREATED);
}

static const uint8_t *copy_bytes(struct arena *arena, const uint8_t bytes[static ACCESS_COPY_SIZE])
{
    uint8_t *copy = arena_alloc(arena, ACCESS_COPY_SIZE, 1);

    if (copy == NULL)
        abort();
    memcpy(copy, bytes, ACCESS_COPY_SIZE);
    return copy;
}

static struct access_copy cloud_end(struct arena *arena, const struct desired_op *op)
{
    struct copy_secret secret;

    if (!hex_parse(op->copy_secret, secret.seed.bytes, sizeof secret.seed.bytes))
        abort(); /* desired_decode() has looked */
    struct key_pair keys = copy_secret_keys(&secret);
    struct hash greeting = copy_secret_greeting(&secret);
    const uint8_t *key = copy_bytes(arena, keys.public_key);
    const uint8_t *words = copy_bytes(arena, greeting.bytes);
    crypto_wipe(&keys, sizeof keys);
    crypto_wipe(&secret, sizeof secret);
    return (struct access_copy){ .public_key = key, .greeting = words };
}

const struct access_copy *copies_ends(struct arena *arena, const struct instance *instance,
                                      size_t *ret_count)
{
    const struct desired_instance *desired = instance->desired;
    struct access_copy *ends = arena_alloc(arena, (size_t)desired->copy_count + 1, sizeof *ends);
    const struct desired_op *op = cloud_op(instance);
    size_t count = 0;

    static_assert((int)COPY_KEY_SIZE == ACCESS_COPY_SIZE, "one size");
    static_assert((int)OP_PATH_MAX == ACCESS_COPY_PATH_MAX, "one size");
    static_assert((int)DESIRED_COPIES_MAX == ACCESS_COPIES_MAX, "one size");
    if (ends == NULL)
        abort();
    for (int64_t i = 0; i < desired->copy_count; i++) {
        const struct desired_copy *copy = &desired->copies[i];

        if (!is_over(instance, copy->expires_ms))
            ends[count++] = (struct access_copy){ copy->public_key, copy->greeting, copy->is_target,
                                                  copy->from, copy->to };
    }
    if (op != NULL && count < ACCESS_COPIES_MAX)
        ends[count++] = cloud_end(arena, op);
    *ret_count = count;
    return ends;
}

static struct instance *find_instance(struct agent *agent, int64_t id)
{
    return instances_find(&agent->instances, agent->identity.machine_id, id);
}

bool copies_find(void *context, const struct desired_op *op, struct copy_work *ret,
                 struct error *err)
{
    struct agent *agent = context;
    const struct instance *source = find_instance(agent, op->source_id);
    const struct instance *target = find_instance(agent, op->instance_id);

    if (target == NULL || !target->has_record || target->record.ssh_port == 0)
        return error_set(err, ERROR_NOT_FOUND, "the instance has no SSH on this host");
    (void)snprintf(agent->jail_path, sizeof agent->jail_path, "%s/ssh/empty", agent->identity.path);
    ret->jail = agent->jail_path;
    ret->address = "127.0.0.1";
    ret->target_port = target->record.ssh_port;
    ret->private_clouds = agent->options.private_clouds;
    if (source != NULL && source->has_record)
        ret->source_port = source->record.ssh_port;
    return true;
}

void copies_say(void *context, int64_t target_id, int64_t source_id, const char *text,
                bool has_ended)
{
    struct agent *agent = context;
    struct instance *target = find_instance(agent, target_id);

    if (target == NULL)
        return;
    bool is_first = target->copy_text[0] == '\0' || target->copy_ended_s != 0;
    if (source_id != 0)
        (void)snprintf(target->copy_text, sizeof target->copy_text,
                       COPY_TEXT_BEGINS "%" PRId64 ": %s", source_id, text);
    else
        (void)snprintf(target->copy_text, sizeof target->copy_text, CLOUD_TEXT_BEGINS "%s", text);
    target->copy_ended_s = has_ended ? now_s() : 0;
    if (agent->link != NULL && (has_ended || is_first))
        link_hurry(agent->link);
}

static const char *state_text(struct arena *arena, const struct instance *instance)
{
    bool has_failed = instance->failure.count > 0 && instance->failure.step == PLAN_OPEN;

    if (instance->verdict.phase == PHASE_STOPPED && has_failed)
        return arena_printf(arena,
                            "instance %" PRId64 " is stopped, and its files are not open: %s",
                            instance->id, instance->message);

    const char *text = arena_printf(
        arena, "instance %" PRId64 " is %s%s%s", instance->id,
        instance_phase_name(instance->verdict.phase),
        instance->verdict.phase == PHASE_STOPPED ? ": start it with `berth start instance " : "",
        instance->verdict.phase == PHASE_STOPPED ? arena_printf(arena, "%" PRId64 "`", instance->id)
                                                 : "");

    return text != NULL ? text : "";
}

const char *copies_text(struct arena *arena, const struct instance *instance)
{
    if (!copies_may_open(instance) && !copies_are_open(instance))
        return state_text(arena, instance);
    const char *text =
        arena_printf(arena,
                     "instance %" PRId64 " is stopped: its files can be copied (rsync, scp, sftp), "
                     "and `berth start instance %" PRId64 "` starts it",
                     instance->id, instance->id);

    return text != NULL ? text : "";
}

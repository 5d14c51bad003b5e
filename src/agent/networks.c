/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/hostname.h"
#include "agent/steps.h"
#include "sys/file.h"

enum { WATCH_EVERY_MS = 5000 };

static bool is_slot_free(void *context, int64_t slot)
{
    const struct agent *agent = context;

    return !pool_has(agent->pool, slot) && slots_has_no_device(slot);
}

static bool is_slot_used(void *context, int64_t slot)
{
    const struct agent *agent = context;

    for (size_t i = 0; i < agent->instances.count; i++) {
        if (agent->instances.all[i]->has_record && agent->instances.all[i]->record.slot == slot)
            return true;
    }
    return false;
}

static int64_t next_slot(void *context)
{
    const struct agent *agent = context;
    size_t count;
    struct record *records = instances_records(&agent->instances, 0, &count);
    int64_t slot = slots_network(&agent->slots, records, count);

    free(records);
    return slot;
}

void networks_open(struct agent *agent)
{
    struct pool_options options = { .engine_socket = agent->engine_socket,
                                    .host = &agent->host,
                                    .target = agent->options.pool,
                                    .log = agent->log,
                                    .is_used = is_slot_used,
                                    .next_slot = next_slot,
                                    .context = agent };

    agent->slots = (struct slots){ agent->options.port_first, agent->options.port_last,
                                   slots_is_free, is_slot_free, agent };
    agent->pool = pool_open(agent->loop, &options);
}

bool networks_wall(struct agent *agent, struct error *err)
{
    struct isolate *isolate = &agent->isolate;

    isolate->up_mbit = agent->options.up_mbit;
    isolate->down_mbit = agent->options.down_mbit;
    isolate_name(isolate, agent->host.host);
    if (agent->options.is_open) {
        log_write(&agent->log, LOG_WARNING, "no walls",
                  "guests reach this host and its neighbours: --open-network");
        return isolate_forget(agent->identity.path, err);
    }
    if (!file_replace(agent->identity.dir, ISOLATE_NOTE, 0600, isolate->table,
                      strlen(isolate->table), err))
        return false;
    if (!isolate_build(isolate, err))
        return error_context(err, "guests cannot be kept off this host's network; see "
                                  "`berth-host doctor`");
    for (size_t i = 0; i < agent->instances.count; i++) {
        const struct instance *instance = agent->instances.all[i];

        if (instance->has_record && !isolate_admit(isolate, instance->record.slot, err))
            return false;
    }
    agent->host.isolate = isolate;
    return true;
}

/* Somebody cleared all rules of the machine, as reloading a firewall does. */
static void rebuild(struct agent *agent)
{
    struct error err;

    log_write(&agent->log, LOG_WARNING, "walls were gone", "they are put up again");
    if (!networks_wall(agent, &err)) {
        log_failure(&agent->log, "walls not put up again", &err);
        return;
    }
    pool_admit(agent->pool);
    for (size_t i = 0; i < agent->instances.count; i++)
        agent->instances.all[i]->limited[0] = '\0';
    networks_limit(agent);
}

void networks_watch(struct agent *agent)
{
    const char *public_ip = agent->host.public_ip;
    int64_t now_us = loop_now_us(agent->loop);
    struct error err;

    if (agent->host.isolate == NULL || now_us - agent->walls_us < WATCH_EVERY_MS * US_PER_MS)
        return;
    agent->walls_us = now_us;
    if (!isolate_stands(&agent->isolate))
        rebuild(agent);
    if (*public_ip == '\0' || strcmp(agent->isolate.public_ip, public_ip) == 0)
        return;
    (void)snprintf(agent->isolate.public_ip, sizeof agent->isolate.public_ip, "%s", public_ip);
    if (!isolate_build(&agent->isolate, &err))
        log_failure(&agent->log, "walls not renewed", &err);
}

static bool has_guests(const struct agent *agent)
{
    for (size_t i = 0; i < agent->instances.count; i++) {
        const struct instance *instance = agent->instances.all[i];

        if (instance->has_record || instance_seen(instance, false) != NULL ||
            instance_seen(instance, true) != NULL)
            return true;
    }
    return false;
}

void networks_unwall(struct agent *agent)
{
    struct error err;

    if (agent->host.isolate == NULL || !observe_is_ok(agent->observer) || has_guests(agent))
        return;
    agent->host.isolate = NULL;
    if (!isolate_forget(agent->identity.path, &err))
        log_failure(&agent->log, "walls not removed", &err);
}

static void name(struct instance *instance, const struct seen *seen)
{
    char hostname[CONTAINER_HOSTNAME_SIZE];
    struct error err;

    if (!hostname_give(seen->pid, seen->id, container_hostname(instance->desired, hostname), &err))
        log_failure(&instance->agent->log, "host name not given", &err);
}

void networks_name(struct agent *agent)
{
    for (size_t i = 0; i < agent->instances.count; i++) {
        struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);
        char token[sizeof instance->named];

        if (!instance->has_record || !instance->record.has_holder || instance->desired == NULL ||
            instance->desired->state == DESIRED_ABSENT || seen == NULL ||
            seen->state != SEEN_RUNNING || seen_is_for_copies(seen))
            continue;
        if (strcmp(seen_start_token(seen, token), instance->named) == 0)
            continue;
        memcpy(instance->named, token, sizeof token);
        name(instance, seen);
    }
}

static int64_t tighter(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

/* Where it has none and never had any, what it was admitted with stands. */
static void limit(struct agent *agent, struct instance *instance, const char *token)
{
    const struct desired_instance *desired = instance->desired;
    bool has_changed =
        desired->up_mbit != instance->up_mbit || desired->down_mbit != instance->down_mbit;
    bool has_limits = desired->up_mbit > 0 || desired->down_mbit > 0;
    struct isolate isolate = agent->isolate;
    struct error err;

    if (!has_changed && (!has_limits || strcmp(token, instance->limited) == 0))
        return;
    isolate.up_mbit = tighter(isolate.up_mbit, desired->up_mbit);
    isolate.down_mbit = tighter(isolate.down_mbit, desired->down_mbit);
    if (!isolate_admit(&isolate, instance->record.slot, &err)) {
        log_failure(&agent->log, "network not limited", &err); /* and tried again when it wakes */
        return;
    }
    instance->up_mbit = desired->up_mbit;
    instance->down_mbit = desired->down_mbit;
    (void)snprintf(instance->limited, sizeof instance->limited, "%s", token);
}

void networks_limit(struct agent *agent)
{
    for (size_t i = 0; i < agent->instances.count; i++) {
        struct instance *instance = agent->instances.all[i];
        const struct seen *seen = instance_seen(instance, false);
        char token[sizeof instance->limited];

        if (agent->host.isolate == NULL || !instance->has_record || instance->desired == NULL ||
            instance->desired->state == DESIRED_ABSENT || seen == NULL ||
            seen->state != SEEN_RUNNING || seen_is_for_copies(seen))
            continue;
        limit(agent, instance, seen_start_token(seen, token));
    }
}

void networks_tend(struct agent *agent)
{
    bool is_ok = observe_is_ok(agent->observer);

    pool_tend(agent->pool, is_ok ? observe_session(agent->observer) : 0,
              steps_under_way(&agent->instances) > 0);
}

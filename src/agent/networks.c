/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/networks.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/hostname.h"
#include "agent/steps.h"

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
            seen->state != SEEN_RUNNING)
            continue;
        if (strcmp(seen_start_token(seen, token), instance->named) == 0)
            continue;
        memcpy(instance->named, token, sizeof token);
        name(instance, seen);
    }
}

void networks_tend(struct agent *agent)
{
    bool is_ok = observe_is_ok(agent->observer);

    pool_tend(agent->pool, is_ok ? observe_session(agent->observer) : 0,
              steps_under_way(&agent->instances) > 0);
}

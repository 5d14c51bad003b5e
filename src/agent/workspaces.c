/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/workspaces.h"

#include <inttypes.h>

#include "agent/agent.h"
#include "base/hex.h"
#include "sys/crypto.h"

enum { CLOSE_TIMEOUT_MS = 120000, RETRY_MS = 2000 };

void workspaces_encode(struct encoder *json, const char *dir, int64_t instance_id)
{
    struct workspace workspace = { dir, instance_id };
    char path[WORKSPACE_PATH_SIZE];

    encode_object(json);
    encode_field_text(json, "Type", "bind");
    encode_field_text(json, "Source", workspace_files(&workspace, path));
    encode_field_text(json, "Target", WORKSPACE_PATH);
    encode_key(json, "BindOptions");
    encode_object(json);
    encode_field_text(json, "Propagation", "rprivate");
    encode_end(json);
    encode_end(json);
}

static bool may_start(enum plan_step step)
{
    return step == PLAN_CREATE || step == PLAN_START || step == PLAN_RESTART || step == PLAN_REBIND;
}

bool workspaces_ready(const char *dir, enum plan_step step, const struct desired_instance *desired,
                      struct error *err)
{
    uint8_t key[WORKSPACE_KEY_SIZE];

    if (!may_start(step) || desired == NULL || desired->spec.workspace_gb == 0)
        return true;

    struct workspace workspace = { dir, desired->id };
    const char *text = desired->spec.workspace_key;
    if (text == NULL || !hex_parse(text, key, sizeof key))
        return error_set(err, ERROR_UNREACHABLE,
                         "the key to " WORKSPACE_PATH " is the server's, and has yet to come");
    bool is_open = workspace_open(&workspace, desired->spec.workspace_gb, key, err);
    crypto_wipe(key, sizeof key);
    return is_open;
}

bool workspaces_done(const char *dir, enum plan_step step, int64_t instance_id, struct error *err)
{
    struct workspace workspace = { dir, instance_id };

    return step != PLAN_DESTROY || workspace_remove(&workspace, err);
}

static bool work(void *context, const struct job_report *report, struct buf *result,
                 struct error *err)
{
    (void)report;
    (void)result;
    return workspace_close(context, err);
}

static void on_end(void *context, const struct job_end *end)
{
    struct agent *agent = context;
    struct workspaces *workspaces = &agent->workspaces;

    if (end->is_done)
        log_write(&agent->log, LOG_INFO, "workspace closed", "instance %" PRId64,
                  workspaces->closing_id);
    else
        log_failure(&agent->log, "workspace not closed", &end->err);
    workspaces->retry_us = end->is_done ? 0 : loop_now_us(agent->loop) + RETRY_MS * US_PER_MS;
    workspaces->closing_id = 0;
    agent_wake(agent);
}

/* Something of it runs, or is about to. */
static bool is_in_use(const struct agent *agent, int64_t id)
{
    const struct instance *instance =
        instances_find(&agent->instances, agent->identity.machine_id, id);
    const struct seen *seen, *next;

    if (instance == NULL)
        return false;
    seen = instance_seen(instance, false);
    next = instance_seen(instance, true);
    return instance->job != NULL || instance->under_way != PLAN_NOTHING ||
           (seen != NULL && (seen->state == SEEN_RUNNING || seen->state == SEEN_BUSY) &&
            !seen_is_for_copies(seen)) ||
           (next != NULL && next->state == SEEN_RUNNING);
}

static void begin(struct agent *agent, int64_t id)
{
    struct workspaces *workspaces = &agent->workspaces;
    struct workspace workspace = { agent->workspaces_path, id };
    struct job_spec spec = { .work = work,
                             .work_context = &workspace,
                             .timeout_ms = CLOSE_TIMEOUT_MS,
                             .on_end = on_end,
                             .context = agent };
    struct error err;

    if (!job_start(agent->loop, &spec, &workspaces->job, &err))
        log_failure(&agent->log, "workspace not closed", &err);
    else
        workspaces->closing_id = id;
}

void workspaces_tend(struct agent *agent)
{
    static int64_t ids[WORKSPACES_MAX]; /* large, and there is one thread */
    size_t count;

    /* Before the engine has been heard, nothing is known to be stopped. */
    if (agent->workspaces.job != NULL || !observe_is_ok(agent->observer) ||
        loop_now_us(agent->loop) < agent->workspaces.retry_us)
        return;
    count = workspace_list(agent->workspaces_path, ids);
    for (size_t i = 0; i < count; i++)
        if (ids[i] > 0 && !is_in_use(agent, ids[i])) {
            begin(agent, ids[i]);
            return;
        }
}

bool workspaces_is_closing(const struct workspaces *workspaces, int64_t instance_id)
{
    return workspaces->closing_id == instance_id;
}

void workspaces_close(struct workspaces *workspaces)
{
    job_cancel(&workspaces->job);
}

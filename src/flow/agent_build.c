/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/agent_build.h"

#include <stdio.h>
#include <string.h>

#include "flow/hardware.h"
#include "flow/limits.h"
#include "store/machine.h"

enum { VERSION_MAX = 31 };

const char *agent_build_state_name(enum agent_build_state state)
{
    switch (state) {
    case AGENT_BUILD_KNOWN:
        return "known";
    case AGENT_BUILD_UNKNOWN:
        return "unknown";
    case AGENT_BUILD_UNJUDGED:
        break;
    }
    return "unjudged";
}

bool agent_build_judge(struct db *db, const struct machine_facts *facts,
                       enum agent_build_state *ret, struct error *err)
{
    int64_t all, that;

    if (!agent_build_count(db, facts->agent_digest, &all, &that, err))
        return false;
    *ret = all == 0 ? AGENT_BUILD_UNJUDGED : that == 0 ? AGENT_BUILD_UNKNOWN : AGENT_BUILD_KNOWN;
    return true;
}

struct view_work {
    int64_t machine_id;
    struct agent_build_view view;
    bool has;
};

static bool view_work(struct db *db, void *context, struct error *err)
{
    struct view_work *work = context;
    struct agent_build_view *view = &work->view;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_facts facts;
    struct machine_row row;

    if (!machine_load(db, work->machine_id, &arena, &row, &work->has, err))
        return false;
    if (!work->has)
        return true;
    if (!hardware_facts(row.facts, &facts, err) ||
        !agent_build_judge(db, &facts, &view->state, err))
        return false;
    memcpy(view->version, facts.agent_version, sizeof view->version);
    memcpy(view->digest, facts.agent_digest, sizeof view->digest);
    return true;
}

bool flow_agent_build(const struct flow *flow, int64_t machine_id, struct agent_build_view *ret,
                      bool *ret_has, struct error *err)
{
    struct view_work work = { .machine_id = machine_id };

    if (!store_read(flow->store, view_work, &work, err))
        return error_context(err, "the agent of machine %lld", (long long)machine_id);
    *ret = work.view;
    *ret_has = work.has;
    return true;
}

static bool is_digest(const char *text)
{
    return strlen(text) == AGENT_DIGEST_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == AGENT_DIGEST_SIZE - 1;
}

struct change_work {
    struct agent_build_row build;
    enum agent_build_outcome outcome;
};

static bool add_work(struct db *db, void *context, struct error *err)
{
    struct change_work *work = context;
    int64_t all, that;

    if (!agent_build_count(db, work->build.digest, &all, &that, err))
        return false;
    work->outcome = that == 0 && all >= AGENT_BUILDS_MAX ? AGENT_BUILD_FULL : AGENT_BUILD_DONE;
    return work->outcome != AGENT_BUILD_DONE || agent_build_put(db, &work->build, err);
}

bool flow_agent_build_add(const struct flow *flow, const char *digest, const char *version,
                          enum agent_build_outcome *ret, struct error *err)
{
    struct change_work work = { .build = { digest, version, clock_now(flow->clock) } };

    *ret = !is_digest(digest)                                  ? AGENT_BUILD_BAD_DIGEST
           : *version == '\0' || strlen(version) > VERSION_MAX ? AGENT_BUILD_BAD_VERSION
                                                               : AGENT_BUILD_DONE;
    if (*ret != AGENT_BUILD_DONE)
        return true;
    if (!store_write(flow->store, add_work, &work, err))
        return error_context(err, "add a program of hosts");
    *ret = work.outcome;
    return true;
}

static bool remove_work(struct db *db, void *context, struct error *err)
{
    struct change_work *work = context;
    int64_t count;

    if (!agent_build_remove(db, work->build.digest, &count, err))
        return false;
    work->outcome = count == 1 ? AGENT_BUILD_DONE : AGENT_BUILD_NOT_FOUND;
    return true;
}

bool flow_agent_build_remove(const struct flow *flow, const char *digest,
                             enum agent_build_outcome *ret, struct error *err)
{
    struct change_work work = { .build.digest = digest };

    if (!store_write(flow->store, remove_work, &work, err))
        return error_context(err, "remove a program of hosts");
    *ret = work.outcome;
    return true;
}

struct list_work {
    struct arena *arena;
    struct agent_build_row *builds;
    size_t count;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return agent_build_list(db, AGENT_BUILDS_MAX, work->arena, &work->builds, &work->count, err);
}

bool flow_agent_build_list(const struct flow *flow, struct arena *arena,
                           struct agent_build_row **ret, size_t *ret_count, struct error *err)
{
    struct list_work work = { .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "programs of hosts");
    *ret = work.builds;
    *ret_count = work.count;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/team_role.h"

#include <inttypes.h>
#include <string.h>

#include "flow/limits.h"

struct role_work {
    const struct caller *caller;
    int64_t id; /* 0: by name */
    const char *name, *rights;
    int64_t scopes;
    struct arena *arena;
    struct team_role_row *roles;
    size_t count;
    enum team_outcome outcome;
};

bool team_role_is_within(const struct team_role_row *role, const struct caller *caller)
{
    int64_t named, whole;

    return account_rights(role->rights, &named, &whole) && ((named | whole) & ~caller->scopes) == 0;
}

static bool is_owners(const struct team_role_row *role)
{
    return strcmp(role->name, TEAM_OWNER_ROLE) == 0;
}

/* The team's row is held: what follows decides over all its roles. False in `*ret_has`: none. */
static bool hold_team(struct db *db, const struct caller *caller, bool *ret_has, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct team_row team;

    return user_lock(db, caller->user_id, err) &&
           team_load(db, caller->user_id, &arena, &team, ret_has, err);
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct role_work *work = context;
    struct team_role_row *roles;
    size_t count;

    if (!team_role_list(db, work->caller->user_id, work->arena, &roles, &count, err))
        return false;
    work->roles = roles;
    work->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_owners(&roles[i]))
            roles[work->count++] = roles[i];
    }
    return true;
}

bool flow_team_role_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                         struct team_role_row **ret, size_t *ret_count,
                         enum team_outcome *ret_outcome, struct error *err)
{
    struct role_work work = { .caller = caller, .arena = arena };

    *ret_outcome = TEAM_NONE;
    if (caller_member(caller) == 0)
        return true;
    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list the roles of team %" PRId64, caller->user_id);
    *ret = work.roles;
    *ret_count = work.count;
    *ret_outcome = TEAM_DONE;
    return true;
}

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct role_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct team_role_row role = { .team_id = work->caller->user_id,
                                  .name = work->name,
                                  .rights = work->rights,
                                  .scopes = work->scopes };
    struct team_role_row other, *roles;
    bool has_team, has_other;
    size_t count;

    if (!hold_team(db, work->caller, &has_team, err) ||
        !team_role_list(db, role.team_id, &arena, &roles, &count, err) ||
        !team_role_find(db, role.team_id, role.name, &arena, &other, &has_other, err))
        return false;
    work->outcome = !has_team                 ? TEAM_NONE
                    : has_other               ? TEAM_TAKEN
                    : count >= TEAM_ROLES_MAX ? TEAM_TOO_MANY
                                              : TEAM_DONE;
    return work->outcome != TEAM_DONE || team_role_insert(db, &role, &role.id, err);
}

/* TEAM_DONE: it may be called that, and be allowed that. */
static enum team_outcome check(struct role_work *work)
{
    const struct team_role_row role = { .rights = work->rights };
    int64_t named;

    if (caller_member(work->caller) == 0)
        return TEAM_NONE;
    if (!team_name_is_good(work->name))
        return TEAM_BAD_NAME;
    if (!account_rights(work->rights, &named, &work->scopes))
        return TEAM_BAD_RIGHTS;
    return team_role_is_within(&role, work->caller) ? TEAM_DONE : TEAM_EXCEEDS;
}

bool flow_team_role_create(const struct flow *flow, const struct caller *caller, const char *name,
                           const char *rights, enum team_outcome *ret, struct error *err)
{
    struct role_work work = { .caller = caller, .name = name, .rights = rights };

    work.outcome = check(&work);
    if (work.outcome == TEAM_DONE && !store_write(flow->store, create_work, &work, err))
        return error_context(err, "make a role of team %" PRId64, caller->user_id);
    *ret = work.outcome;
    return true;
}

/* Whether the caller may lay hands on a role that there is: it is not the owner's, and not one of
 * somebody who may do more. */
static enum team_outcome judge(const struct role_work *work, const struct team_role_row *role)
{
    if (is_owners(role))
        return TEAM_NOT_OWNER;
    return team_role_is_within(role, work->caller) ? TEAM_DONE : TEAM_EXCEEDS;
}

static bool update_work(struct db *db, void *context, struct error *err)
{
    struct role_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t team_id = work->caller->user_id;
    struct team_role_row role, other;
    bool has_team, has, has_other;

    if (!hold_team(db, work->caller, &has_team, err) ||
        !team_role_load(db, team_id, work->id, &arena, &role, &has, err) ||
        !team_role_find(db, team_id, work->name, &arena, &other, &has_other, err))
        return false;
    work->outcome = has_team && has ? judge(work, &role) : TEAM_UNKNOWN;
    if (work->outcome == TEAM_DONE && has_other && other.id != role.id)
        work->outcome = TEAM_TAKEN;
    if (work->outcome != TEAM_DONE)
        return true;
    role.name = work->name;
    role.rights = work->rights;
    role.scopes = work->scopes;
    return team_role_update(db, &role, err);
}

bool flow_team_role_update(const struct flow *flow, const struct caller *caller, int64_t id,
                           const char *name, const char *rights, enum team_outcome *ret,
                           struct error *err)
{
    struct role_work work = { .caller = caller, .id = id, .name = name, .rights = rights };

    /* Who acts for no team has no such role, either. */
    work.outcome = caller_member(caller) != 0 ? check(&work) : TEAM_UNKNOWN;
    if (work.outcome == TEAM_DONE && !store_write(flow->store, update_work, &work, err))
        return error_context(err, "change a role of team %" PRId64, caller->user_id);
    *ret = work.outcome;
    return true;
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct role_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t team_id = work->caller->user_id, count = 0;
    struct team_role_row role;
    bool has_team, has;

    if (!hold_team(db, work->caller, &has_team, err) ||
        !team_role_find(db, team_id, work->name, &arena, &role, &has, err) ||
        (has && !team_role_count(db, team_id, role.id, &count, err)))
        return false;
    work->outcome = has_team && has ? judge(work, &role) : TEAM_UNKNOWN;
    if (work->outcome == TEAM_DONE && count > 0)
        work->outcome = TEAM_IN_USE;
    return work->outcome != TEAM_DONE || team_role_delete(db, team_id, role.id, err);
}

bool flow_team_role_delete(const struct flow *flow, const struct caller *caller, const char *name,
                           enum team_outcome *ret, struct error *err)
{
    struct role_work work = { .caller = caller, .name = name, .outcome = TEAM_NONE };

    if (caller_member(caller) != 0 && !store_write(flow->store, delete_work, &work, err))
        return error_context(err, "remove a role of team %" PRId64, caller->user_id);
    *ret = work.outcome;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/team.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/mail_code.h"
#include "flow/transfer.h"
#include "store/contract.h"
#include "store/ledger.h"
#include "store/machine.h"
#include "store/volume.h"

enum { EMAIL_TOKEN_LENGTH = 24 };

#define CATEGORIES                                                                                 \
    "\"instance_read\":{},\"instance_write\":{},\"machine_read\":{},\"machine_write\":{},"         \
    "\"user_read\":{},\"user_write\":{},\"billing_read\":{},\"billing_write\":{},\"misc\":{},"     \
    "\"team_read\":{},\"team_write\":{}"

/* What every team begins with. The first is its owner's. */
static const struct {
    const char *name, *rights;
} first_roles[] = {
    { TEAM_OWNER_ROLE, "{\"api\":{" CATEGORIES "}}" },
    { "manager", "{\"api\":{" CATEGORIES "}}" },
    { "member", "{\"api\":{\"instance_read\":{},\"instance_write\":{},\"user_read\":{},"
                "\"team_read\":{},\"misc\":{}}}" },
};

bool team_name_is_good(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f || name[i] == '/')
            return false;
    }
    return length > 0 && length <= TEAM_NAME_MAX;
}

struct team_work {
    const struct flow *flow;
    const struct caller *caller;
    const char *name;
    struct money credit;
    struct instant now;
    int64_t team_id;
    struct arena *arena;
    struct team_member_row *teams;
    size_t count;
    struct team_reply reply;
};

bool team_open_key(struct db *db, int64_t team_id, int64_t user_id, const char *name,
                   struct instant now, struct team_reply *ret, struct error *err)
{
    struct api_key_row key = { .user_id = team_id,
                               .member_id = user_id,
                               .name = name,
                               .rights = "",
                               .scopes = SCOPE_ALL,
                               .created = now };

    (void)crypto_token(ret->api_key);
    key.hash = crypto_sha256(ret->api_key, strlen(ret->api_key));
    return api_key_insert(db, &key, &ret->key_id, err);
}

bool team_drop_member(struct db *db, int64_t team_id, int64_t user_id, struct instant now,
                      int64_t *ret_count, struct error *err)
{
    const struct api_key_owner keys = { team_id, user_id };

    return team_member_delete(db, team_id, user_id, ret_count, err) &&
           api_key_revoke_all(db, keys, now, err);
}

/* Its account, of an email that is nobody's and never gets mail. */
static bool insert_account(struct db *db, const struct team_work *work, int64_t *ret_id,
                           struct error *err)
{
    char token[TOKEN_TEXT_SIZE], email[EMAIL_LENGTH_MAX + 1];
    const struct user_row user = { .email = email,
                                   .username = work->name,
                                   .fullname = "",
                                   .is_verified = true,
                                   .created = work->now,
                                   .t_zero = INSTANT_NEVER };

    (void)snprintf(email, sizeof email, "team-%.*s@team.invalid", EMAIL_TOKEN_LENGTH,
                   crypto_token(token));
    return user_insert(db, &user, ret_id, err);
}

static bool insert_roles(struct db *db, int64_t team_id, int64_t *ret_owner_role, struct error *err)
{
    for (size_t i = 0; i < sizeof first_roles / sizeof first_roles[0]; i++) {
        struct team_role_row role = { .team_id = team_id,
                                      .name = first_roles[i].name,
                                      .rights = first_roles[i].rights };
        int64_t named;

        if (!account_rights(role.rights, &named, &role.scopes))
            return error_set(err, ERROR_CORRUPT, "role %s has no rights", role.name);
        if (!team_role_insert(db, &role, i == 0 ? ret_owner_role : &role.id, err))
            return false;
    }
    return true;
}

static bool insert_team(struct db *db, struct team_work *work, struct error *err)
{
    struct team_row team = { .name = work->name,
                             .owner_id = work->caller->user_id,
                             .created = work->now };
    int64_t role_id;

    if (!insert_account(db, work, &team.id, err) || !team_insert(db, &team, err) ||
        !insert_roles(db, team.id, &role_id, err) ||
        !team_member_insert(db, team.id, team.owner_id, role_id, work->now, err) ||
        !team_open_key(db, team.id, team.owner_id, TEAM_OWNER_ROLE, work->now, &work->reply, err))
        return false;
    work->team_id = work->reply.team_id = team.id;
    return true;
}

/* Some of one's credit to the other. */
static bool move_credit(struct db *db, const struct team_work *work, int64_t from_id, int64_t to_id,
                        struct money amount, enum transfer_outcome *ret, struct error *err)
{
    char key[JOURNAL_KEY_SIZE];
    const struct transfer transfer = {
        .from_id = from_id, .to_id = to_id, .amount = amount, .now = work->now, .key = key
    };

    (void)snprintf(key, sizeof key, "adj:team:%" PRId64 ":%" PRId64, from_id, to_id);
    *ret = TRANSFER_DONE;
    return amount.nanodollars == 0 || transfer_post(db, &transfer, ret, err);
}

/* Before anything is written, so that a refusal leaves nothing. */
static bool has_credit(struct db *db, const struct team_work *work, bool *ret_has,
                       struct error *err)
{
    *ret_has = true;
    return work->credit.nanodollars == 0 ||
           transfer_may(db, work->caller->user_id, work->credit, work->now, ret_has, err);
}

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct team_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t owner_id = work->caller->user_id, count;
    enum transfer_outcome moved;
    struct team_row other;
    struct user_row user;
    bool has_other, has_user, has_enough;

    if (!user_lock_open(db, owner_id, err) ||
        !user_load(db, owner_id, &arena, &user, &has_user, err) ||
        !team_count_owned(db, owner_id, &count, err) ||
        !team_find(db, owner_id, work->name, &arena, &other, &has_other, err) ||
        !has_credit(db, work, &has_enough, err))
        return false;
    work->reply.outcome = !has_user || !user.is_verified ? TEAM_UNVERIFIED
                          : has_other                    ? TEAM_TAKEN
                          : count >= TEAMS_MAX           ? TEAM_TOO_MANY
                          : !has_enough                  ? TEAM_NO_CREDIT
                                                         : TEAM_DONE;
    return work->reply.outcome != TEAM_DONE ||
           (insert_team(db, work, err) &&
            move_credit(db, work, owner_id, work->team_id, work->credit, &moved, err));
}

bool flow_team_create(const struct flow *flow, const struct caller *caller, const char *name,
                      struct money credit, struct team_reply *ret, struct error *err)
{
    struct team_work work = {
        .caller = caller, .name = name, .credit = credit, .now = clock_now(flow->clock)
    };

    *ret = (struct team_reply){ .outcome = TEAM_IS_ONE };
    if (caller_member(caller) != 0)
        return true;
    ret->outcome = TEAM_BAD_NAME;
    if (!team_name_is_good(name))
        return true;
    ret->outcome = TEAM_NO_CREDIT;
    if (credit.nanodollars < 0)
        return true;
    if (!store_write(flow->store, create_work, &work, err))
        return error_context(err, "make a team");
    *ret = work.reply;
    crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    return true;
}

/* Whether the market still counts on it: then it stays. */
static bool is_in_use(struct db *db, int64_t id, struct renter_funds *funds, bool *ret_is,
                      struct error *err)
{
    struct money earnings;
    bool has_machines;
    int64_t contracts, volumes;

    if (!contract_count_owned(db, id, &contracts, err) ||
        !volume_count_owned(db, id, &volumes, err) ||
        !machine_has_any(db, id, &has_machines, err) || !ledger_load_funds(db, id, funds, err) ||
        !ledger_load_earnings(db, id, &earnings, err))
        return false;
    *ret_is = contracts + volumes > 0 || has_machines || funds->receivable.nanodollars > 0 ||
              earnings.nanodollars > 0;
    return true;
}

static bool end_team(struct db *db, const struct team_work *work, struct error *err)
{
    const struct api_key_owner keys = { work->team_id, 0 };

    return mail_code_drop(db, work->team_id, MAIL_CODE_INVITE, err) &&
           api_key_revoke_all(db, keys, work->now, err) &&
           team_end(db, work->team_id, work->now, err);
}

static bool destroy_work(struct db *db, void *context, struct error *err)
{
    struct team_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    enum transfer_outcome moved;
    struct renter_funds funds;
    struct team_row team;
    bool has, is_used;

    work->team_id = work->caller->user_id;
    work->reply.outcome = TEAM_NONE;
    if (!team_load(db, work->team_id, &arena, &team, &has, err))
        return false;
    if (!has)
        return true;
    work->reply.outcome = TEAM_NOT_OWNER;
    if (team.owner_id != caller_member(work->caller))
        return true;
    if (!transfer_lock(db, team.id, team.owner_id, err) ||
        !is_in_use(db, team.id, &funds, &is_used, err))
        return false;
    work->reply.outcome = TEAM_IN_USE;
    if (is_used)
        return true;
    if (!move_credit(db, work, team.id, team.owner_id, funds.prepaid, &moved, err))
        return false;
    if (moved != TRANSFER_DONE)
        return true;
    work->reply.outcome = TEAM_DONE;
    return end_team(db, work, err);
}

bool flow_team_destroy(const struct flow *flow, const struct caller *caller, struct team_reply *ret,
                       struct error *err)
{
    struct team_work work = { .caller = caller, .now = clock_now(flow->clock) };

    *ret = (struct team_reply){ .outcome = TEAM_NONE };
    if (caller_member(caller) == 0)
        return true;
    if (!store_write(flow->store, destroy_work, &work, err))
        return error_context(err, "destroy team %" PRId64, caller->user_id);
    *ret = work.reply;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct team_work *work = context;

    return team_member_list_of(db, work->caller->user_id, work->arena, &work->teams, &work->count,
                               err);
}

bool flow_team_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                    struct team_member_row **ret, size_t *ret_count, struct error *err)
{
    struct team_work work = { .caller = caller, .arena = arena };

    *ret_count = 0;
    *ret = NULL;
    /* Who acts for a team sees that one's things alone. */
    if (caller_member(caller) != 0)
        return true;
    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list teams");
    *ret = work.teams;
    *ret_count = work.count;
    return true;
}

static bool key_work(struct db *db, void *context, struct error *err)
{
    struct team_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t user_id = work->caller->user_id, count;
    struct team_member_row member;
    bool has;

    if (!user_lock(db, work->team_id, err) ||
        !team_member_load(db, work->team_id, user_id, &arena, &member, &has, err) ||
        !api_key_count(db, (struct api_key_owner){ work->team_id, user_id }, &count, err))
        return false;
    work->reply.outcome = !has ? TEAM_UNKNOWN : count >= API_KEYS_MAX ? TEAM_TOO_MANY : TEAM_DONE;
    if (work->reply.outcome != TEAM_DONE)
        return true;
    work->reply.team_id = work->team_id;
    (void)snprintf(work->reply.team_name, sizeof work->reply.team_name, "%s", member.team_name);
    (void)snprintf(work->reply.role, sizeof work->reply.role, "%s", member.role.name);
    return team_open_key(db, work->team_id, user_id, member.role.name, work->now, &work->reply,
                         err);
}

bool flow_team_key(const struct flow *flow, const struct caller *caller, int64_t team_id,
                   struct team_reply *ret, struct error *err)
{
    struct team_work work = { .caller = caller, .now = clock_now(flow->clock), .team_id = team_id };

    *ret = (struct team_reply){ .outcome = TEAM_UNKNOWN };
    if (caller_member(caller) != 0)
        return true;
    if (!store_write(flow->store, key_work, &work, err))
        return error_context(err, "make a key of team %" PRId64, team_id);
    *ret = work.reply;
    crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    return true;
}

static bool leave_work(struct db *db, void *context, struct error *err)
{
    struct team_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t user_id = work->caller->user_id, count;
    struct team_member_row member;
    bool has;

    if (!user_lock(db, work->team_id, err) ||
        !team_member_load(db, work->team_id, user_id, &arena, &member, &has, err))
        return false;
    work->reply.outcome = !has                         ? TEAM_UNKNOWN
                          : member.owner_id == user_id ? TEAM_NOT_OWNER
                                                       : TEAM_DONE;
    return work->reply.outcome != TEAM_DONE ||
           team_drop_member(db, work->team_id, user_id, work->now, &count, err);
}

bool flow_team_leave(const struct flow *flow, const struct caller *caller, int64_t team_id,
                     struct team_reply *ret, struct error *err)
{
    struct team_work work = { .caller = caller, .now = clock_now(flow->clock), .team_id = team_id };

    *ret = (struct team_reply){ .outcome = TEAM_UNKNOWN };
    if (caller_member(caller) != 0)
        return true;
    if (!store_write(flow->store, leave_work, &work, err))
        return error_context(err, "leave team %" PRId64, team_id);
    *ret = work.reply;
    return true;
}

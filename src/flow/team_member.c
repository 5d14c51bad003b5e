/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/team_member.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/parse.h"
#include "flow/limits.h"
#include "flow/mail_code.h"
#include "flow/notice.h"
#include "flow/team_role.h"
#include "flow/throttle.h"
#include "flow/transfer.h"

enum { NUMBER_SIZE = 24, MEMBERS_MAX = 1024 };

struct member_work {
    const struct flow *flow;
    const struct caller *caller;
    const char *email, *role, *code;
    int64_t user_id;
    struct instant now;
    struct arena *arena;
    struct team_member_row *members;
    size_t count;
    struct team_reply reply;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct member_work *work = context;

    return team_member_list(db, work->caller->user_id, work->arena, &work->members, &work->count,
                            err);
}

bool flow_team_member_list(const struct flow *flow, const struct caller *caller,
                           struct arena *arena, struct team_member_row **ret, size_t *ret_count,
                           enum team_outcome *ret_outcome, struct error *err)
{
    struct member_work work = { .caller = caller, .arena = arena };

    *ret_outcome = TEAM_NONE;
    if (caller_member(caller) == 0)
        return true;
    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list the members of team %" PRId64, caller->user_id);
    *ret = work.members;
    *ret_count = work.count;
    *ret_outcome = TEAM_DONE;
    return true;
}

/* Whether that email is a member's already, or an invitation is on its way there. */
static enum team_outcome find_member(const struct member_work *work,
                                     const struct team_member_row *members, size_t count,
                                     const struct mail_codes *invites)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(members[i].email, work->email) == 0)
            return TEAM_MEMBER;
    }
    if (invites->of_email > 0)
        return TEAM_INVITED;
    bool is_full = count + (size_t)invites->all >= TEAM_MEMBERS_MAX;
    return is_full || invites->all >= TEAM_INVITES_MAX ? TEAM_TOO_MANY : TEAM_DONE;
}

static bool send_invite(struct db *db, const struct member_work *work, const char *team,
                        const struct team_role_row *role, struct error *err)
{
    auto_buf struct buf members = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&members);
    char payload[NUMBER_SIZE];

    encode_object(&json);
    encode_field_text(&json, "team", team);
    encode_field_text(&json, "role", role->name);
    encode_end(&json);
    if (members.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    (void)snprintf(payload, sizeof payload, "%" PRId64, role->id);
    const struct mail_code_request code = { .kind = MAIL_CODE_INVITE,
                                            .user_id = role->team_id,
                                            .email = work->email,
                                            .payload = payload,
                                            .template = "team_invite",
                                            .members = notice_members(&members),
                                            .lifetime_s = TEAM_INVITE_SECONDS };
    return mail_code_send(db, &code, work->now, err);
}

static bool invite_work(struct db *db, void *context, struct error *err)
{
    struct member_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t team_id = work->caller->user_id;
    const struct guess mail = { THROTTLE_MAIL, work->email, NULL };
    struct team_member_row *members;
    struct team_role_row role;
    struct mail_codes invites;
    struct team_row team;
    bool has_team, has_role;
    size_t count;

    if (!user_lock(db, team_id, err) || !team_load(db, team_id, &arena, &team, &has_team, err) ||
        !team_role_find(db, team_id, work->role, &arena, &role, &has_role, err) ||
        !team_member_list(db, team_id, &arena, &members, &count, err) ||
        !mail_code_count(db, team_id, MAIL_CODE_INVITE, work->email, work->now, &invites, err))
        return false;
    work->reply.outcome = !has_team                                   ? TEAM_NONE
                          : !has_role                                 ? TEAM_UNKNOWN
                          : strcmp(role.name, TEAM_OWNER_ROLE) == 0   ? TEAM_NOT_OWNER
                          : !team_role_is_within(&role, work->caller) ? TEAM_EXCEEDS
                                                                      : TEAM_DONE;
    if (work->reply.outcome == TEAM_DONE)
        work->reply.outcome = find_member(work, members, count, &invites);
    if (work->reply.outcome != TEAM_DONE)
        return true;
    if (!throttle_guess(db, work->flow, &mail, work->now, &work->reply.wait_us, err))
        return false;
    if (work->reply.wait_us > 0)
        work->reply.outcome = TEAM_THROTTLED;
    return work->reply.wait_us > 0 || send_invite(db, work, team.name, &role, err);
}

bool flow_team_invite(const struct flow *flow, const struct caller *caller, const char *email,
                      const char *role, struct team_reply *ret, struct error *err)
{
    char normal[EMAIL_LENGTH_MAX + 1];
    struct member_work work = {
        .flow = flow, .caller = caller, .email = normal, .role = role, .now = clock_now(flow->clock)
    };

    *ret = (struct team_reply){ .outcome = TEAM_NONE };
    if (caller_member(caller) == 0)
        return true;
    ret->outcome = TEAM_BAD_EMAIL;
    if (!account_email(email, normal))
        return true;
    if (!store_write(flow->store, invite_work, &work, err))
        return error_context(err, "invite to team %" PRId64, caller->user_id);
    *ret = work.reply;
    return true;
}

/* The code is good: whether the account is whom it is for, and what for. */
static enum team_outcome judge(const struct user_row *user, const struct mail_code_row *code,
                               bool has_team, bool has_role, bool is_member)
{
    if (!has_team || !has_role)
        return TEAM_BAD_CODE;
    if (strcmp(user->email, code->email) != 0)
        return TEAM_OTHER_EMAIL;
    if (!user->is_verified)
        return TEAM_UNVERIFIED;
    return is_member ? TEAM_MEMBER : TEAM_DONE;
}

static bool join(struct db *db, struct member_work *work, const struct mail_code_row *code,
                 struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t team_id = code->user_id, user_id = work->caller->user_id;
    struct team_member_row member;
    struct team_role_row role;
    struct team_row team;
    struct user_row user;
    bool has_team, has_role, has_user, is_member;
    uint64_t role_id;

    if (!parse_u64(code->payload, &role_id) || role_id > INT64_MAX)
        return error_set(err, ERROR_CORRUPT, "invitation %" PRId64 " has no role", code->id);
    if (!transfer_lock(db, team_id, user_id, err) ||
        !team_load(db, team_id, &arena, &team, &has_team, err) ||
        !team_role_load(db, team_id, (int64_t)role_id, &arena, &role, &has_role, err) ||
        !user_load(db, user_id, &arena, &user, &has_user, err) ||
        !team_member_load(db, team_id, user_id, &arena, &member, &is_member, err))
        return false;
    if (!has_user)
        return error_set(err, ERROR_CORRUPT, "there is no user %" PRId64, user_id);
    work->reply.outcome = judge(&user, code, has_team, has_role, is_member);
    if (work->reply.outcome != TEAM_DONE)
        return true;
    work->reply.team_id = team_id;
    (void)snprintf(work->reply.team_name, sizeof work->reply.team_name, "%s", team.name);
    (void)snprintf(work->reply.role, sizeof work->reply.role, "%s", role.name);
    return mail_code_take(db, code->id, err) &&
           team_member_insert(db, team_id, user_id, role.id, work->now, err) &&
           team_open_key(db, team_id, user_id, role.name, work->now, &work->reply, err);
}

static bool accept_work(struct db *db, void *context, struct error *err)
{
    struct member_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct mail_code_row code;
    bool has;

    work->reply.outcome = TEAM_BAD_CODE;
    if (!mail_code_find(db, work->flow, work->code, work->now, &arena, &code, &has, err))
        return false;
    return !has || code.kind != MAIL_CODE_INVITE || join(db, work, &code, err);
}

bool flow_team_accept(const struct flow *flow, const struct caller *caller, const char *code,
                      const char *address, struct team_reply *ret, struct error *err)
{
    struct member_work work = {
        .flow = flow, .caller = caller, .code = code, .now = clock_now(flow->clock)
    };
    char number[MAIL_CODE_SIZE];
    const struct guess guess = { THROTTLE_CODE, number, address };

    *ret = (struct team_reply){ .outcome = TEAM_IS_ONE };
    if (caller_member(caller) != 0)
        return true;
    mail_code_number(code, number);
    if (!flow_guess(flow, &guess, &ret->wait_us, err))
        return false;
    ret->outcome = TEAM_THROTTLED;
    if (ret->wait_us > 0)
        return true;
    if (!store_write(flow->store, accept_work, &work, err))
        return error_context(err, "accept an invitation");
    if (work.reply.outcome != TEAM_BAD_CODE && !flow_guess_right(flow, &guess, err))
        return false;
    *ret = work.reply;
    crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    return true;
}

static bool remove_work(struct db *db, void *context, struct error *err)
{
    struct member_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t team_id = work->caller->user_id, count;
    struct team_member_row member;
    bool has;

    if (!user_lock(db, team_id, err) ||
        !team_member_load(db, team_id, work->user_id, &arena, &member, &has, err))
        return false;
    work->reply.outcome = !has                                               ? TEAM_UNKNOWN
                          : member.owner_id == work->user_id                 ? TEAM_OWNER_STAYS
                          : !team_role_is_within(&member.role, work->caller) ? TEAM_EXCEEDS
                                                                             : TEAM_DONE;
    return work->reply.outcome != TEAM_DONE ||
           team_drop_member(db, team_id, work->user_id, work->now, &count, err);
}

bool flow_team_remove(const struct flow *flow, const struct caller *caller, int64_t user_id,
                      enum team_outcome *ret, struct error *err)
{
    struct member_work work = { .caller = caller,
                                .user_id = user_id,
                                .now = clock_now(flow->clock),
                                .reply.outcome = TEAM_UNKNOWN };

    if (caller_member(caller) != 0 && !store_write(flow->store, remove_work, &work, err))
        return error_context(err, "remove a member of team %" PRId64, caller->user_id);
    *ret = work.reply.outcome;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Teams, their members and their roles (api.md 3.1). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/team.h"
#include "flow/team_member.h"
#include "flow/team_role.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/rights.h"

enum { REPLY_MAX = 4 << 20, CODE_LENGTH_MAX = 128 };

static const struct {
    enum team_outcome outcome;
    int status;
    const char *code, *text;
} refusals[] = {
    { TEAM_NONE, 404, "no_team", "This key acts for no team." },
    { TEAM_IS_ONE, 400, "invalid_request", "A team makes and joins no teams." },
    { TEAM_BAD_NAME, 400, "invalid_args",
      "A name has 1 to 64 bytes, and neither control characters nor slashes." },
    { TEAM_TAKEN, 400, "name_taken", "There is one of this name." },
    { TEAM_TOO_MANY, 400, "too_many", "There are as many as there may be." },
    { TEAM_NO_CREDIT, 400, "insufficient_balance", "There is not so much bought credit to give." },
    { TEAM_NOT_OWNER, 403, "not_allowed", "That is the owner's alone, and stays so." },
    { TEAM_OWNER_STAYS, 400, "owner_cannot_be_removed",
      "The owner cannot be removed: only the whole team can go." },
    { TEAM_IN_USE, 409, "in_use",
      "It is in use: by instances, machines, earnings or debt of the team, or by members of the "
      "role." },
    { TEAM_BAD_RIGHTS, 400, "invalid_permissions", "These are no permissions." },
    { TEAM_EXCEEDS, 400, "invalid_permissions",
      "Nobody gives or takes permissions that they lack themselves." },
    { TEAM_BAD_EMAIL, 400, "invalid_email", "This is no email address." },
    { TEAM_INVITED, 429, "already_invited", "An invitation is on its way to this email." },
    { TEAM_MEMBER, 400, "already_member", "That account is a member already." },
    { TEAM_BAD_CODE, 400, "invalid_token",
      "This code is not good: it was used, has run out, or never was." },
    { TEAM_OTHER_EMAIL, 403, "wrong_email", "The invitation is for another email." },
    { TEAM_UNVERIFIED, 400, "email_not_verified", "Mail has not arrived at your email yet." },
};

/* Refuse for every outcome but TEAM_DONE; true where it refused. `unknown`: the code for what is
 * not there. */
static bool refuse(struct call *call, enum team_outcome outcome, int64_t wait_us,
                   const char *unknown)
{
    if (outcome == TEAM_DONE)
        return false;
    if (outcome == TEAM_THROTTLED)
        reply_wait(call, wait_us);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].outcome == outcome)
            reply_refuse(call, refusals[i].status, refusals[i].code, "%s", refusals[i].text);
    }
    if (outcome == TEAM_UNKNOWN)
        reply_refuse(call, 404, unknown, "There is no such %s.", strchr(unknown, '_') + 6);
    return true;
}

/* `text` of somebody who acts for a team from now on, or has made another key for it. */
static void reply_key(struct call *call, struct team_reply *done, const char *text)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", text);
    encode_field_int(&json, "team_id", done->team_id);
    encode_field_text(&json, "team_name", done->team_name);
    encode_field_text(&json, "role", done->role);
    encode_field_int(&json, "key_id", done->key_id);
    encode_field_text(&json, "key", done->api_key);
    encode_end(&json);
    crypto_wipe(done->api_key, sizeof done->api_key);
    reply_json(call, &body);
}

void handle_team_create(struct call *call)
{
    struct money credit = { 0 };
    struct team_reply done;
    const char *name;
    struct error err;

    if (!json_need_text(call->body, "team_name", HTTP_BODY_MAX, &name, &err) ||
        !json_opt_money(call->body, "transfer_credit", &credit, &err))
        return reply_error(call, &err);
    if (credit.nanodollars > 0 && (call->caller.scopes & SCOPE_BILLING_WRITE) == 0)
        return reply_refuse(call, 403, "not_authorized", "This needs the permission %s.",
                            "billing_write");
    if (!flow_team_create(&call->app->flow, &call->caller, name, credit, &done, &err))
        return reply_error(call, &err);
    if (refuse(call, done.outcome, 0, "no_such_team"))
        return;
    (void)snprintf(done.team_name, sizeof done.team_name, "%s", name);
    (void)snprintf(done.role, sizeof done.role, "%s", TEAM_OWNER_ROLE);
    reply_key(call, &done, "The team is made. With this key you act for it; it is shown once.");
}

void handle_team_destroy(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct team_reply done;
    struct error err;

    if (!flow_team_destroy(&call->app->flow, &call->caller, &done, &err))
        return reply_error(call, &err);
    if (refuse(call, done.outcome, 0, "no_such_team"))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg",
                      "The team is gone; what was left of its bought credit is its owner's.");
    field_null(&json, "pkey_id");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_teams_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct team_member_row *teams;
    size_t count;
    struct error err;

    if (!flow_team_list(&call->app->flow, &call->caller, call->request->arena, &teams, &count,
                        &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "teams");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", teams[i].team_id);
        encode_field_text(&json, "name", teams[i].team_name);
        encode_field_text(&json, "role", teams[i].role.name);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_team_key(struct call *call)
{
    struct team_reply done;
    struct error err;

    if (!flow_team_key(&call->app->flow, &call->caller, call->params[0].id, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome, 0, "no_such_team"))
        reply_key(call, &done, "With this key you act for the team; it is shown once.");
}

void handle_team_leave(struct call *call)
{
    struct team_reply done;
    struct error err;

    if (!flow_team_leave(&call->app->flow, &call->caller, call->params[0].id, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome, 0, "no_such_team"))
        reply_message(call, "You act for team %lld no more.", (long long)call->params[0].id);
}

void handle_team_members(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct team_member_row *members;
    enum team_outcome outcome;
    size_t count;
    struct error err;

    if (!flow_team_member_list(&call->app->flow, &call->caller, call->request->arena, &members,
                               &count, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome, 0, "no_such_team"))
        return;
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", members[i].user_id);
        encode_field_text(&json, "username", members[i].username);
        encode_field_text(&json, "email", members[i].email);
        encode_field_text(&json, "fullname", members[i].fullname);
        encode_key(&json, "roles");
        encode_array(&json);
        encode_text(&json, members[i].role.name);
        encode_end(&json);
        encode_end(&json);
    }
    encode_end(&json);
    reply_json(call, &body);
}

/* The query counts before the body: clients of the command line send it there. */
static const char *parameter(const struct call *call, const char *name)
{
    const char *text = http_query(call->request, name);

    return text != NULL ? text : json_string_value(json_member(call->body, name));
}

void handle_team_invite(struct call *call)
{
    const char *email = parameter(call, "email"), *role = parameter(call, "role");
    struct team_reply done;
    struct error err;

    if (email == NULL || role == NULL)
        return reply_refuse(call, 400, "invalid_args", "email and role must be given.");
    if (!flow_team_invite(&call->app->flow, &call->caller, email, role, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome, done.wait_us, "no_such_role"))
        reply_message(call, "An invitation is on its way; it is good for a week.");
}

void handle_team_accept(struct call *call)
{
    struct team_reply done;
    const char *code;
    struct error err;

    if (!json_need_text(call->body, "code", CODE_LENGTH_MAX, &code, &err) ||
        !flow_team_accept(&call->app->flow, &call->caller, code, call->request->client, &done,
                          &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome, done.wait_us, "no_such_team"))
        reply_key(call, &done,
                  "You are a member. With this key you act for the team; it is shown "
                  "once.");
}

static void reply_status(struct call *call, const char *text)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_text(&json, "status", "success");
    encode_field_text(&json, "message", text);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_team_remove(struct call *call)
{
    enum team_outcome outcome;
    struct error err;

    if (!flow_team_remove(&call->app->flow, &call->caller, call->params[0].id, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome, 0, "no_such_member"))
        reply_status(call, "They are no member any more, and their keys open nothing.");
}

static void encode_role(struct encoder *json, const struct team_role_row *role)
{
    encode_object(json);
    encode_field_int(json, "id", role->id);
    encode_field_text(json, "name", role->name);
    encode_key(json, "permissions");
    encode_raw(json, role->rights, strlen(role->rights));
    encode_field_text(json, "identifier", role->name);
    encode_end(json);
}

/* All of the team's but the owner's; false: the call is answered. */
static bool load_roles(struct call *call, struct team_role_row **ret, size_t *ret_count)
{
    enum team_outcome outcome;
    struct error err;

    if (!flow_team_role_list(&call->app->flow, &call->caller, call->request->arena, ret, ret_count,
                             &outcome, &err)) {
        reply_error(call, &err);
        return false;
    }
    return !refuse(call, outcome, 0, "no_such_role");
}

void handle_team_roles(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct team_role_row *roles;
    size_t count;

    if (!load_roles(call, &roles, &count))
        return;
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_role(&json, &roles[i]);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_team_role_show(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct team_role_row *roles;
    size_t count;

    if (!load_roles(call, &roles, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(roles[i].name, call->params[0].text) != 0)
            continue;
        encode_role(&json, &roles[i]);
        return reply_json(call, &body);
    }
    (void)refuse(call, TEAM_UNKNOWN, 0, "no_such_role");
}

/* The name and the permissions as they are to be kept; the caller frees. NULL: it is answered. */
static char *read_role(struct call *call, const char **ret_name)
{
    auto_json json_t *kept = NULL;
    struct error err;

    if (!json_need_text(call->body, "name", HTTP_BODY_MAX, ret_name, &err)) {
        reply_error(call, &err);
        return NULL;
    }
    const json_t *given = json_member(call->body, "permissions");
    if (given == NULL) {
        reply_refuse(call, 400, "missing_permissions", "permissions must say what members may do.");
        return NULL;
    }
    if (!rights_read(given, NULL, route_table, route_count, &kept, &err)) {
        reply_refuse(call, 400, "invalid_permissions", "These permissions make no sense: %s.",
                     err.text);
        return NULL;
    }
    char *text = json_dumps(kept, JSON_COMPACT);
    if (text == NULL)
        abort();
    return text;
}

void handle_team_role_create(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *name;
    auto_free char *rights = read_role(call, &name);
    enum team_outcome outcome;
    struct error err;

    if (rights == NULL)
        return;
    if (!flow_team_role_create(&call->app->flow, &call->caller, name, rights, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome, 0, "no_such_role"))
        return;
    encode_object(&json);
    encode_field_text(&json, "msg", "success");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_team_role_update(struct call *call)
{
    const char *name;
    auto_free char *rights = read_role(call, &name);
    enum team_outcome outcome;
    struct error err;

    if (rights == NULL)
        return;
    if (!flow_team_role_update(&call->app->flow, &call->caller, call->params[0].id, name, rights,
                               &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome, 0, "no_such_role"))
        reply_message(call, "The role is changed, for all who have it.");
}

void handle_team_role_delete(struct call *call)
{
    enum team_outcome outcome;
    struct error err;

    if (!flow_team_role_delete(&call->app->flow, &call->caller, call->params[0].text, &outcome,
                               &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome, 0, "no_such_role"))
        reply_status(call, "The role is gone.");
}

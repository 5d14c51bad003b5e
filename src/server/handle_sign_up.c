/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-up, the codes that come by mail, and passwords (api.md 3.2). */
#include <string.h>

#include "base/json.h"
#include "flow/credentials.h"
#include "flow/sign_up.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "sys/password.h"

enum { REPLY_MAX = 4096, CODE_LENGTH_MAX = 128, PASSWORD_READ_MAX = 4096 };

static const char LOOK[] = "Look into your mail: a code is on its way.";

static void refuse_password(struct call *call)
{
    reply_refuse(call, 400, "invalid_password", "A password has %d to %d bytes.",
                 PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX);
}

/* Refuse for every outcome but SIGN_UP_DONE; true where it refused. */
static bool refuse_sign_up(struct call *call, const struct sign_up_reply *done)
{
    switch (done->outcome) {
    case SIGN_UP_DONE:
        return false;
    case SIGN_UP_BAD_EMAIL:
        reply_refuse(call, 400, "invalid_email", "This is no email address.");
        return true;
    case SIGN_UP_BAD_NAME:
        reply_refuse(call, 400, "invalid_args",
                     "username has 1 to %d bytes and no control characters.", NAME_LENGTH_MAX);
        return true;
    case SIGN_UP_BAD_PASSWORD:
        refuse_password(call);
        return true;
    case SIGN_UP_TERMS:
        reply_refuse(call, 400, "terms_not_accepted",
                     "Read the market's terms at %s, and accept them: terms is %s.",
                     call->app->flow.terms_url, call->app->flow.terms);
        return true;
    case SIGN_UP_EXISTS:
        reply_refuse(call, 409, "user_exists", "There is an account with this email.");
        return true;
    case SIGN_UP_TOO_MANY:
        reply_refuse(call, 400, "too_many_subaccounts", "An account has at most %d subaccounts.",
                     SUBACCOUNTS_MAX);
        return true;
    case SIGN_UP_BAD_CODE:
        reply_refuse(call, 400, "invalid_token",
                     "This code is not good: it was used, has run out, or never was.");
        return true;
    case SIGN_UP_WRONG_PASSWORD:
        reply_refuse(call, 400, "login_failed", "This is not the account's password.");
        return true;
    case SIGN_UP_THROTTLED:
        reply_wait(call, done->wait_us);
        return true;
    case SIGN_UP_BUSY:
        reply_busy(call);
        return true;
    }
    return true;
}

/* `has_parent` where a subaccount is asked for. False: the call is answered. */
static bool read_request(struct call *call, struct sign_up_request *ret, bool *ret_has_parent)
{
    const json_t *parent = json_member(call->body, "parent_id");
    struct error err;

    *ret = (struct sign_up_request){ .address = call->request->client };
    *ret_has_parent = parent != NULL;
    if (!json_need_text(call->body, "email", HTTP_BODY_MAX, &ret->email, &err) ||
        !json_need_text(call->body, "password", PASSWORD_READ_MAX, &ret->password, &err) ||
        !json_opt_text(call->body, "username", HTTP_BODY_MAX, &ret->username, &err) ||
        !json_opt_bool(call->body, "host_only", &ret->is_host_only, &err) ||
        !json_opt_text(call->body, "terms", HTTP_BODY_MAX, &ret->terms, &err)) {
        reply_error(call, &err);
        return false;
    }
    if (parent != NULL &&
        (!json_is_string(parent) || strcmp(json_string_value(parent), "me") != 0)) {
        reply_refuse(call, 400, "invalid_args", "parent_id is \"me\", or left out.");
        return false;
    }
    return true;
}

/* The route is open to anyone for signing up: what a subaccount needs is asked here. */
static bool may_have_subaccounts(struct call *call)
{
    const struct caller *caller = &call->caller;

    if (caller->kind == CALLER_USER && (caller->scopes & SCOPE_USER_WRITE) != 0)
        return true;
    if (caller->kind == 0)
        reply_refuse(call, 401, "auth_error", "This needs an API key, and there was none.");
    else
        reply_refuse(call, 403, "not_authorized", "This needs the permission user_write.");
    return false;
}

static void make_subaccount(struct call *call, const struct sign_up_request *request)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct sign_up_reply done;
    struct error err;

    if (!may_have_subaccounts(call))
        return;
    if (!flow_subaccount(&call->app->flow, &call->caller, request, &done, &err))
        return reply_error(call, &err);
    if (refuse_sign_up(call, &done))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", "Its owner gets a code by mail, and can log in with it.");
    encode_field_int(&json, "id", done.account.user_id);
    if (request->username != NULL)
        encode_field_text(&json, "username", request->username);
    encode_field_text(&json, "email", done.email);
    encode_field_int(&json, "key_id", done.account.key_id);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_user_create(struct call *call)
{
    struct sign_up_request request;
    struct sign_up_reply done;
    bool has_parent;
    struct error err;

    if (!read_request(call, &request, &has_parent))
        return;
    if (has_parent)
        return make_subaccount(call, &request);
    if (!flow_sign_up(&call->app->flow, &request, &done, &err))
        return reply_error(call, &err);
    if (!refuse_sign_up(call, &done))
        reply_message(call, "%s", LOOK);
}

void handle_user_verify(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct sign_up_reply done;
    const char *code;
    struct error err;

    if (!json_need_text(call->body, "code", CODE_LENGTH_MAX, &code, &err) ||
        !flow_verify(&call->app->flow, code, call->request->client, &done, &err))
        return reply_error(call, &err);
    if (refuse_sign_up(call, &done))
        return;
    bool is_new = done.account.outcome == ACCOUNT_CREATED;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg",
                      is_new ? "Welcome: the account is yours." : "The email is verified.");
    encode_field_int(&json, "id", done.account.user_id);
    encode_field_text(&json, "email", done.email);
    encode_field_text(&json, "api_key", is_new ? done.account.api_key : NULL);
    encode_end(&json);
    crypto_wipe(done.account.api_key, sizeof done.account.api_key);
    reply_json(call, &body);
}

void handle_email_change(struct call *call)
{
    struct sign_up_request request = { .address = call->request->client };
    struct sign_up_reply done;
    struct error err;

    if (!json_need_text(call->body, "email", HTTP_BODY_MAX, &request.email, &err) ||
        !json_opt_text(call->body, "password", PASSWORD_READ_MAX, &request.password, &err) ||
        !flow_change_email(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (!refuse_sign_up(call, &done))
        reply_message(call, "%s", LOOK);
}

static void answer_credentials(struct call *call, enum credentials_outcome outcome, int64_t wait_us,
                               const char *done)
{
    switch (outcome) {
    case CREDENTIALS_DONE:
        return reply_message(call, "%s", done);
    case CREDENTIALS_WRONG:
        return reply_refuse(call, 400, "login_failed", "This is not the account's password.");
    case CREDENTIALS_BAD:
        return refuse_password(call);
    case CREDENTIALS_BAD_CODE:
        return reply_refuse(call, 400, "invalid_token",
                            "This code is not good: it was used, has run out, or never was.");
    case CREDENTIALS_THROTTLED:
        return reply_wait(call, wait_us);
    case CREDENTIALS_BUSY:
        return reply_busy(call);
    }
}

void handle_password_forgot(struct call *call)
{
    enum credentials_outcome outcome;
    const char *email;
    int64_t wait_us = 0;
    struct error err;

    if (!json_need_text(call->body, "email", HTTP_BODY_MAX, &email, &err) ||
        !flow_credentials_forgot(&call->app->flow, email, call->request->client, &outcome, &wait_us,
                                 &err))
        return reply_error(call, &err);
    if (outcome == CREDENTIALS_BAD)
        return reply_refuse(call, 400, "invalid_email", "This is no email address.");
    answer_credentials(call, outcome, wait_us,
                       "If there is an account with this email, a code is on its way.");
}

void handle_password_reset(struct call *call)
{
    enum credentials_outcome outcome;
    const char *code, *password;
    int64_t wait_us = 0;
    struct error err;

    if (!json_need_text(call->body, "code", CODE_LENGTH_MAX, &code, &err) ||
        !json_need_text(call->body, "password", PASSWORD_READ_MAX, &password, &err) ||
        !flow_credentials_reset(&call->app->flow, code, password, call->request->client, &outcome,
                                &wait_us, &err))
        return reply_error(call, &err);
    answer_credentials(call, outcome, wait_us, "The password is set, and all sessions have ended.");
}

void handle_password_change(struct call *call)
{
    struct credentials_change change = { .address = call->request->client };
    enum credentials_outcome outcome;
    int64_t wait_us = 0;
    struct error err;

    if (!json_opt_text(call->body, "password", PASSWORD_READ_MAX, &change.password, &err) ||
        !json_need_text(call->body, "new_password", PASSWORD_READ_MAX, &change.new_password,
                        &err) ||
        !flow_credentials_change(&call->app->flow, &call->caller, &change, &outcome, &wait_us,
                                 &err))
        return reply_error(call, &err);
    answer_credentials(call, outcome, wait_us,
                       "The password is changed, and other sessions ended.");
}

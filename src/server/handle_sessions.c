/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of people: logging in and out, in a browser and elsewhere. */
#include <stdio.h>
#include <strings.h>

#include "base/json.h"
#include "flow/login.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/session_reply.h"

enum { REPLY_MAX = 64 * 1024, COOKIE_SIZE = 256, PASSWORD_READ_MAX = 4096 };

static bool is_secure(const struct call *call)
{
    const char *url = call->app->public_url;

    return url != NULL && strncasecmp(url, "https://", 8) == 0;
}

void session_set_cookie(struct call *call, const char *session)
{
    char text[COOKIE_SIZE];
    bool is_ended = session == NULL;

    (void)snprintf(text, sizeof text, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
                   is_secure(call) ? AUTH_COOKIE_SECURE : AUTH_COOKIE, is_ended ? "" : session,
                   is_ended ? 0 : LOGIN_LIFETIME_SECONDS, is_secure(call) ? "; Secure" : "");
    http_set_header(call->exchange, "Set-Cookie", text);
}

bool session_check_page(struct call *call, bool wants_cookie)
{
    if (!wants_cookie || auth_is_own_page(call->request, call->app->public_url))
        return true;
    reply_refuse(call, 403, "csrf_failed", "Another site's page cannot log in here.");
    return false;
}

void session_reply(struct call *call, const struct login_reply *login, bool wants_cookie)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    bool is_half = login->outcome == LOGIN_NEEDS_FACTOR, has_cookie = wants_cookie && !is_half;
    char csrf[AUTH_CSRF_SIZE];

    if (has_cookie)
        session_set_cookie(call, login->token);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "user_id", login->user_id);
    encode_field_text(&json, "session_key", is_half || has_cookie ? NULL : login->token);
    encode_field_text(&json, "csrf", has_cookie ? auth_csrf(login->token, csrf) : NULL);
    field_time(&json, "expires_at", login->expires);
    encode_field_bool(&json, "tfa_required", is_half);
    encode_field_text(&json, "secret", is_half ? login->token : NULL);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_session_create(struct call *call)
{
    const struct login_client client = { call->request->client,
                                         http_header(call->request, "User-Agent") };
    const char *email, *password;
    bool wants_cookie = false;
    struct login_reply login;
    struct error err;

    if (!json_need_text(call->body, "email", HTTP_BODY_MAX, &email, &err) ||
        !json_need_text(call->body, "password", PASSWORD_READ_MAX, &password, &err) ||
        !json_opt_bool(call->body, "cookie", &wants_cookie, &err))
        return reply_error(call, &err);
    if (!session_check_page(call, wants_cookie))
        return;
    if (!flow_login(&call->app->flow, email, password, &client, &login, &err))
        return reply_error(call, &err);
    switch (login.outcome) {
    case LOGIN_DONE:
    case LOGIN_NEEDS_FACTOR:
        session_reply(call, &login, wants_cookie);
        break;
    case LOGIN_FAILED:
        reply_refuse(call, 400, "login_failed",
                     "There is no such account, or this is not its password.");
        break;
    case LOGIN_UNVERIFIED:
        reply_refuse(call, 400, "email_not_verified",
                     "Mail has not arrived at this email yet: another code is on its way.");
        break;
    case LOGIN_THROTTLED:
        reply_wait(call, login.wait_us);
        break;
    case LOGIN_BUSY:
        reply_busy(call);
        break;
    }
    crypto_wipe(login.token, sizeof login.token);
}

static void encode_session(struct encoder *json, const struct login_session_row *session,
                           int64_t current_id)
{
    encode_object(json);
    encode_field_int(json, "id", session->id);
    field_time(json, "created_at", session->created);
    field_time(json, "last_seen", session->seen);
    field_time(json, "expires_at", session->expires);
    encode_field_text(json, "ip_address", session->address);
    encode_field_text(json, "user_agent", session->agent);
    encode_field_bool(json, "current", session->id == current_id);
    encode_end(json);
}

void handle_sessions_list(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct login_session_row *sessions;
    size_t count;
    struct error err;

    if (!flow_login_list(&call->app->flow, &call->caller, call->request->arena, &sessions, &count,
                         &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "sessions");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_session(&json, &sessions[i], call->caller.login_id);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_session_show(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    char csrf[AUTH_CSRF_SIZE];

    encode_object(&json);
    field_known_int(&json, "id", call->caller.login_id);
    encode_field_int(&json, "user_id", call->caller.user_id);
    encode_field_text(&json, "csrf", call->cookie != NULL ? auth_csrf(call->cookie, csrf) : NULL);
    encode_field_bool(&json, "is_stepped", call->caller.is_stepped);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_session_delete(struct call *call)
{
    int64_t id = call->params[0].id, count;
    struct error err;

    if (!flow_logout(&call->app->flow, &call->caller, id, &count, &err))
        return reply_error(call, &err);
    if (count == 0)
        return reply_refuse(call, 404, "no_such_session",
                            "There is no session %lld on this account.", (long long)id);
    reply_message(call, "Session %lld has ended.", (long long)id);
}

void handle_session_end(struct call *call)
{
    int64_t count;
    struct error err;

    if (call->caller.login_id != 0 &&
        !flow_logout(&call->app->flow, &call->caller, call->caller.login_id, &count, &err))
        return reply_error(call, &err);
    if (call->cookie != NULL)
        session_set_cookie(call, NULL);
    reply_message(call, "Logged out.");
}

void handle_sessions_delete(struct call *call)
{
    int64_t count;
    struct error err;

    if (!flow_logout(&call->app->flow, &call->caller, 0, &count, &err))
        return reply_error(call, &err);
    reply_message(call, "%lld sessions have ended.", (long long)count);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors (api.md 3.3). */
#include <string.h>

#include "base/json.h"
#include "flow/tfa.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/session_reply.h"

enum { REPLY_MAX = 64 * 1024, CODE_LENGTH_MAX = 64, SECRET_LENGTH_MAX = 128 };

/* Refuse for every outcome but TFA_DONE; true where it refused. */
static bool refuse_tfa(struct call *call, const struct tfa_reply *done)
{
    static const struct {
        enum tfa_outcome outcome;
        int status;
        const char *code, *text;
    } rows[] = {
        { TFA_WRONG, 400, "2fa_verification_failed",
          "This is no code of the account now, or it was used." },
        { TFA_WRONG_BACKUP, 401, "invalid_backup_code",
          "There is no such backup code, or it was used." },
        { TFA_MISSING, 400, "missing_params", "Give code or backup_code." },
        { TFA_NO_METHOD, 400, "tfa_method_not_configured",
          "The account has no second factor, or none waits to be confirmed." },
        { TFA_NO_CHALLENGE, 400, "challenge_not_found",
          "This login is unknown, or its ten minutes are over: log in again." },
        { TFA_NOT_FOUND, 404, "no_such_tfa_method", "The account has no such second factor." },
        { TFA_TOO_MANY, 400, "duplicate_tfa_method",
          "The account has as many second factors as it may." },
        { TFA_NO_SESSION, 403, "authorization_required",
          "A key cannot show a second factor: POST /tfa/ gives a session that can." },
    };

    if (done->outcome == TFA_THROTTLED)
        reply_wait(call, done->wait_us);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].outcome == done->outcome)
            reply_refuse(call, rows[i].status, rows[i].code, "%s", rows[i].text);
    }
    return done->outcome != TFA_DONE;
}

/* False: the call is answered. */
static bool read_proof(struct call *call, struct tfa_proof *ret)
{
    const char *method = "totp";
    struct error err;

    *ret = (struct tfa_proof){ .address = call->request->client };
    if (!json_opt_text(call->body, "tfa_method", CODE_LENGTH_MAX, &method, &err) ||
        !json_opt_text(call->body, "code", CODE_LENGTH_MAX, &ret->code, &err) ||
        !json_opt_text(call->body, "backup_code", CODE_LENGTH_MAX, &ret->backup_code, &err)) {
        reply_error(call, &err);
        return false;
    }
    /* Clients say "sms" where their user has said nothing, and a backup code is of no method. */
    if (strcmp(method, "totp") == 0 || (ret->backup_code != NULL && ret->code == NULL))
        return true;
    reply_refuse(call, 400, "invalid_tfa_method",
                 "Codes come from an authenticator app here: give tfa_method totp.");
    return false;
}

static void refuse_method(struct call *call)
{
    reply_refuse(call, 400, "invalid_tfa_method",
                 "Second factors here are authenticator apps and backup codes.");
}

void handle_tfa_email(struct call *call)
{
    refuse_method(call);
}

void handle_tfa_sms(struct call *call)
{
    refuse_method(call);
}

void handle_tfa_sms_again(struct call *call)
{
    refuse_method(call);
}

void handle_tfa_status(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const struct caller *caller = &call->caller;
    struct tfa_method_row *methods;
    size_t count;
    int64_t left;
    struct error err;

    if (!flow_tfa_list(&call->app->flow, caller, call->request->arena, &methods, &count, &left,
                       &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "tfa_enabled", count > 0);
    encode_key(&json, "methods");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", methods[i].id);
        encode_field_int(&json, "user_id", methods[i].user_id);
        encode_field_bool(&json, "is_primary", i == 0);
        encode_field_text(&json, "method", "totp");
        field_known_text(&json, "label", methods[i].label);
        field_null(&json, "phone_number");
        field_time(&json, "created_at", methods[i].created);
        field_time(&json, "last_used", methods[i].used);
        encode_field_int(&json, "fail_count", 0);
        field_null(&json, "locked_until");
        encode_end(&json);
    }
    encode_end(&json);
    encode_field_int(&json, "backup_codes_remaining", left);
    encode_field_bool(&json, "new_method_authorized", count == 0 || caller->is_stepped);
    encode_end(&json);
    reply_json(call, &body);
}

static void reply_login(struct call *call, const struct tfa_reply *done, bool wants_cookie)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    char csrf[AUTH_CSRF_SIZE];

    if (wants_cookie)
        session_set_cookie(call, done->login.token);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "user_id", done->login.user_id);
    encode_field_text(&json, "session_key", wants_cookie ? NULL : done->login.token);
    encode_field_text(&json, "csrf", wants_cookie ? auth_csrf(done->login.token, csrf) : NULL);
    field_time(&json, "expires_at", done->login.expires);
    encode_field_bool(&json, "tfa_required", false);
    field_null(&json, "secret");
    encode_field_int(&json, "backup_codes_remaining", done->backup_left);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_tfa_login(struct call *call)
{
    const struct login_client client = { call->request->client,
                                         http_header(call->request, "User-Agent") };
    struct tfa_login request = { .caller = &call->caller, .client = &client };
    bool wants_cookie = false;
    struct tfa_reply done;
    struct error err;

    if (!read_proof(call, &request.proof))
        return;
    if (!json_opt_text(call->body, "secret", SECRET_LENGTH_MAX, &request.secret, &err) ||
        !json_opt_bool(call->body, "cookie", &wants_cookie, &err))
        return reply_error(call, &err);
    /* An instance's key is not its owner's. */
    bool is_owner =
        call->caller.kind == CALLER_USER && (call->caller.scopes & SCOPE_USER_WRITE) != 0;
    if (request.secret == NULL && !is_owner)
        return reply_refuse(call, 400, "missing_auth_value",
                            "Give the secret of a login, or a key.");
    if (!session_check_page(call, wants_cookie))
        return;
    if (!flow_tfa_login(&call->app->flow, &request, &done, &err))
        return reply_error(call, &err);
    if (!refuse_tfa(call, &done))
        reply_login(call, &done, wants_cookie);
    crypto_wipe(&done, sizeof done);
}

/* True where the factor was shown in the session that calls; else the call is answered. */
static bool step(struct call *call, const struct tfa_proof *proof)
{
    struct tfa_reply done;
    struct error err;

    if (flow_tfa_step(&call->app->flow, &call->caller, proof, &done, &err))
        return !refuse_tfa(call, &done);
    reply_error(call, &err);
    return false;
}

void handle_tfa_authorize(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct tfa_proof proof;

    if (!read_proof(call, &proof) || (proof.backup_code != NULL && !step(call, &proof)))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    /* The client compares the first of these with what it knows. */
    encode_field_text(&json, "msg",
                      proof.backup_code != NULL ? "Authorization successful."
                                                : "Give a code of your app.");
    encode_field_text(&json, "secret", "totp");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_tfa_authorized(struct call *call)
{
    struct tfa_proof proof;

    if (read_proof(call, &proof) && step(call, &proof))
        reply_message(call, "Authorization successful.");
}

void handle_tfa_setup(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct tfa_reply done;
    struct error err;

    if (caller_member(&call->caller) != 0)
        return reply_refuse(call, 403, "team_user_forbidden",
                            "A team's account has no second factor; its members' have.");
    if (!flow_tfa_setup(&call->app->flow, &call->caller, &done, &err))
        return reply_error(call, &err);
    if (refuse_tfa(call, &done))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "secret", done.seed);
    encode_field_text(&json, "provisioning_uri", done.uri);
    encode_end(&json);
    crypto_wipe(&done, sizeof done);
    reply_json(call, &body);
}

static void encode_codes(struct encoder *json, const struct tfa_codes *codes)
{
    encode_key(json, "backup_codes");
    encode_array(json);
    for (size_t i = 0; i < codes->count; i++)
        encode_text(json, codes->text[i]);
    encode_end(json);
}

void handle_tfa_confirm(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *label = "";
    struct tfa_proof proof;
    struct tfa_reply done;
    struct error err;

    if (!read_proof(call, &proof))
        return;
    if (!json_opt_text(call->body, "label", TFA_LABEL_MAX, &label, &err) ||
        !flow_tfa_confirm(&call->app->flow, &call->caller, &proof, label, &done, &err))
        return reply_error(call, &err);
    if (refuse_tfa(call, &done))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg", "From now on logging in takes a code of this app.");
    if (done.codes.count > 0)
        encode_codes(&json, &done.codes);
    encode_end(&json);
    crypto_wipe(&done, sizeof done);
    reply_json(call, &body);
}

void handle_tfa_regenerate(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct tfa_reply done;
    struct error err;

    if (!flow_tfa_regenerate(&call->app->flow, &call->caller, &done, &err))
        return reply_error(call, &err);
    if (refuse_tfa(call, &done))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_codes(&json, &done.codes);
    encode_end(&json);
    crypto_wipe(&done, sizeof done);
    reply_json(call, &body);
}

void handle_tfa_update(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *label = "";
    struct tfa_reply done;
    int64_t id;
    struct error err;

    if (!json_need_int(call->body, "tfa_method_id", (struct json_bounds){ 1, INT64_MAX }, &id,
                       &err) ||
        !json_opt_text(call->body, "label", TFA_LABEL_MAX, &label, &err) ||
        !flow_tfa_label(&call->app->flow, &call->caller, id, label, &done, &err))
        return reply_error(call, &err);
    if (refuse_tfa(call, &done))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "method", id);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_tfa_delete(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct tfa_reply done;
    int64_t id;
    struct error err;

    if (!json_need_int(call->body, "target_id", (struct json_bounds){ 1, INT64_MAX }, &id, &err) ||
        !flow_tfa_delete(&call->app->flow, &call->caller, id, &done, &err))
        return reply_error(call, &err);
    if (refuse_tfa(call, &done))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_text(&json, "msg",
                      done.methods_left > 0
                          ? "It counts no longer."
                          : "It counts no longer, and logging in takes a password alone.");
    if (done.methods_left > 0)
        encode_field_int(&json, "remaining_methods", done.methods_left);
    encode_end(&json);
    reply_json(call, &body);
}

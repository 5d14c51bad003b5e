/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "flow/account.h"
#include "flow/audit_log.h"
#include "flow/limits.h"
#include "flow/sign_up.h"
#include "flow/throttle.h"
#include "store/audit_log.h"
#include "store/mail_code.h"
#include "store/throttle.h"
#include "sys/password.h"

enum { AGENT_ARGS_MAX = 2048 };

/* Sessions end; that somebody has logged in stays in the audit log. */
static bool note_login(struct db *db, const struct login_opening *opening,
                       const struct login_session_row *session, int64_t session_id,
                       struct error *err)
{
    auto_buf struct buf args = buf_of(AGENT_ARGS_MAX);
    struct encoder json = encoder_of(&args);
    struct audit_log_row row = {
        .user_id = opening->user_id,
        .login_id = session_id,
        .at = opening->now,
        .address = session->address,
        .route = opening->is_stepped ? AUDIT_ROUTE_FACTOR : AUDIT_ROUTE_LOGIN,
    };

    encode_object(&json);
    encode_field_text(&json, "agent", session->agent);
    encode_end(&json);
    row.args = args.has_overflowed ? "{}" : args.bytes;
    return audit_log_insert(db, &row, err);
}

bool login_open(struct db *db, const struct login_opening *opening, struct login_reply *ret,
                struct error *err)
{
    bool is_half = opening->kind == LOGIN_HALF;
    int64_t lifetime_s = is_half ? LOGIN_HALF_SECONDS : LOGIN_LIFETIME_SECONDS;
    char agent[LOGIN_AGENT_MAX + 1];
    struct login_session_row row = { .user_id = opening->user_id,
                                     .kind = opening->kind,
                                     .address = opening->client->address,
                                     .agent = agent,
                                     .created = opening->now,
                                     .seen = opening->now,
                                     .stepped = opening->is_stepped ? opening->now
                                                                    : (struct instant){ 0 } };

    (void)snprintf(agent, sizeof agent, "%s",
                   opening->client->agent != NULL ? opening->client->agent : "");
    row.expires = instant_add(opening->now, lifetime_s * US_PER_SECOND);
    (void)crypto_token(ret->token);
    row.hash = crypto_sha256(ret->token, strlen(ret->token));
    ret->user_id = opening->user_id;
    ret->expires = row.expires;
    return login_session_insert(db, &row, &ret->session_id, err) &&
           login_session_trim(db, opening->user_id, LOGIN_SESSIONS_MAX, err) &&
           (is_half || note_login(db, opening, &row, ret->session_id, err));
}

struct login_work {
    const struct flow *flow;
    const struct guess *guess;
    const struct login_client *client;
    const char *email;
    struct arena *arena;
    struct instant now;
    struct user_row user;
    bool has_user;
    const char *kept;
    struct login_reply reply;
};

static bool look_work(struct db *db, void *context, struct error *err)
{
    struct login_work *work = context;

    work->kept = "";
    return user_find(db, work->email, work->arena, &work->user, &work->has_user, err) &&
           (!work->has_user ||
            user_load_password(db, work->user.id, work->arena, &work->kept, err));
}

static bool open_work(struct db *db, void *context, struct error *err)
{
    struct login_work *work = context;
    struct login_opening opening = { .user_id = work->user.id,
                                     .kind = work->user.has_tfa ? LOGIN_HALF : LOGIN_OPEN,
                                     .now = work->now,
                                     .client = work->client };

    work->reply.outcome = LOGIN_UNVERIFIED;
    if (!throttle_right(db, work->flow, work->guess, work->now, err))
        return false;
    if (!work->user.is_verified)
        return sign_up_remind(db, work->flow, &work->user, work->now, err);
    work->reply.outcome = work->user.has_tfa ? LOGIN_NEEDS_FACTOR : LOGIN_DONE;
    return login_open(db, &opening, &work->reply, err);
}

static bool check_password(struct login_work *work, const char *password, struct error *err)
{
    const struct flow *flow = work->flow;

    if (!store_read(flow->store, look_work, work, err))
        return error_context(err, "look up an account");
    switch (password_check(flow->passwords, work->kept, password)) {
    case PASSWORD_OK:
        break;
    case PASSWORD_BUSY:
        work->reply.outcome = LOGIN_BUSY;
        return flow_guess_right(flow, work->guess, err);
    case PASSWORD_WRONG:
        work->reply.outcome = LOGIN_FAILED;
        return true;
    }
    return store_write(flow->store, open_work, work, err) || error_context(err, "log in");
}

bool flow_login(const struct flow *flow, const char *email, const char *password,
                const struct login_client *client, struct login_reply *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char normal[EMAIL_LENGTH_MAX + 1];
    struct guess guess = { THROTTLE_PASSWORD, normal, client->address };
    struct login_work work = { .flow = flow,
                               .guess = &guess,
                               .client = client,
                               .email = normal,
                               .arena = &arena,
                               .now = clock_now(flow->clock) };

    *ret = (struct login_reply){ .outcome = LOGIN_FAILED };
    if (!account_email(email, normal) || strlen(password) > PASSWORD_LENGTH_MAX)
        return true;
    if (!flow_guess(flow, &guess, &ret->wait_us, err))
        return false;
    if (ret->wait_us > 0) {
        ret->outcome = LOGIN_THROTTLED;
        return true;
    }
    if (!check_password(&work, password, err))
        return false;
    *ret = work.reply;
    crypto_wipe(work.reply.token, sizeof work.reply.token);
    return true;
}

bool login_caller(struct db *db, const struct hash *token, struct instant now, struct caller *ret,
                  bool *ret_is_known, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct login_session_find wanted = {
        .kind = LOGIN_OPEN,
        .hash = token,
        .now = now,
        .idle_since = instant_add(now, -LOGIN_IDLE_SECONDS * US_PER_SECOND),
    };
    struct login_session_row session;
    struct user_row user;
    bool has, has_user = false;

    *ret_is_known = false;
    if (!login_session_find(db, &wanted, &arena, &session, &has, err) ||
        (has && !user_load(db, session.user_id, &arena, &user, &has_user, err)))
        return false;
    if (!has_user || user.closed.microseconds != 0)
        return true;
    struct instant lately = instant_add(now, -LOGIN_STEP_SECONDS * US_PER_SECOND);
    *ret = (struct caller){ .user_id = user.id,
                            .scopes = SCOPE_ALL,
                            .is_admin = user.is_admin,
                            .login_id = session.id,
                            .login_seen_us = session.seen.microseconds,
                            .has_tfa = user.has_tfa,
                            .is_stepped = instant_compare(session.stepped, lately) > 0,
                            .actor_id = user.id };
    *ret_is_known = true;
    return true;
}

struct touch {
    int64_t id;
    struct instant now;
};

static bool touch_work(struct db *db, void *context, struct error *err)
{
    const struct touch *touch = context;

    return login_session_touch(db, touch->id, touch->now, err);
}

/* A touch that got lost is made up for by the next call. */
static void touched(void *context, bool is_stored, const struct error *err)
{
    (void)is_stored;
    (void)err;
    free(context);
}

void login_touch(const struct flow *flow, const struct caller *caller, struct instant now)
{
    int64_t age_us = now.microseconds - caller->login_seen_us;

    if (caller->login_id == 0 || age_us < LOGIN_TOUCH_SECONDS * US_PER_SECOND)
        return;
    struct touch *touch = calloc(1, sizeof *touch);
    if (touch == NULL)
        abort();
    *touch = (struct touch){ caller->login_id, now };
    store_write_later(flow->store, touch_work, touch, touched);
}

struct sessions_work {
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    int64_t id, ended;
    struct login_session_row *sessions;
    size_t count;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct sessions_work *work = context;

    return login_session_list(db, work->caller->user_id, work->now, LOGIN_SESSIONS_MAX, work->arena,
                              &work->sessions, &work->count, err);
}

bool flow_login_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                     struct login_session_row **ret, size_t *ret_count, struct error *err)
{
    struct sessions_work work = { .caller = caller, .now = clock_now(flow->clock), .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list sessions");
    *ret = work.sessions;
    *ret_count = work.count;
    return true;
}

static bool logout_work(struct db *db, void *context, struct error *err)
{
    struct sessions_work *work = context;
    const struct caller *caller = work->caller;

    if (work->id != 0)
        return login_session_delete(db, caller->user_id, work->id, &work->ended, err);
    return login_session_delete_others(db, caller->user_id, caller->login_id, &work->ended, err);
}

bool flow_logout(const struct flow *flow, const struct caller *caller, int64_t id,
                 int64_t *ret_count, struct error *err)
{
    struct sessions_work work = { .caller = caller, .id = id };

    if (!store_write(flow->store, logout_work, &work, err))
        return error_context(err, "end sessions of user %" PRId64, caller->user_id);
    *ret_count = work.ended;
    return true;
}

static bool forget_work(struct db *db, void *context, struct error *err)
{
    const struct instant *now = context;
    struct instant idle_since = instant_add(*now, -LOGIN_IDLE_SECONDS * US_PER_SECOND);

    return login_session_forget(db, *now, idle_since, err) && mail_code_forget(db, *now, err) &&
           audit_log_forget(db, instant_add(*now, -AUDIT_LOG_US), err) &&
           throttle_forget(db, *now, err);
}

bool flow_login_forget(const struct flow *flow, struct error *err)
{
    struct instant now = clock_now(flow->clock);

    return store_write(flow->store, forget_work, &now, err) ||
           error_context(err, "drop sessions and codes that have run out");
}

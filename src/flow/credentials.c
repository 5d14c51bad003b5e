/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/credentials.h"

#include <inttypes.h>
#include <string.h>

#include "flow/account.h"
#include "flow/limits.h"
#include "flow/mail_code.h"
#include "flow/notice.h"
#include "flow/throttle.h"
#include "store/login_session.h"
#include "sys/password.h"

struct credentials_work {
    const struct flow *flow;
    const struct caller *caller;
    struct arena *arena;
    struct instant now;
    int64_t user_id;
    const char *email, *code, *kept;
    char password[PASSWORD_TEXT_SIZE];
    struct user_row user;
    bool has_user;
    enum credentials_outcome outcome;
};

bool credentials_are_good(const char *password)
{
    size_t length = strlen(password);

    return length >= PASSWORD_LENGTH_MIN && length <= PASSWORD_LENGTH_MAX;
}

static bool forgot_work(struct db *db, void *context, struct error *err)
{
    struct credentials_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct guess mail = { THROTTLE_MAIL, work->email, NULL };
    struct user_row user;
    int64_t wait_us;
    bool has;

    if (!user_find(db, work->email, &arena, &user, &has, err) ||
        !throttle_guess(db, work->flow, &mail, work->now, &wait_us, err))
        return false;
    if (!has || wait_us > 0)
        return true;
    const struct mail_code_request code = { .kind = MAIL_CODE_RESET,
                                            .user_id = user.id,
                                            .email = user.email,
                                            .template = "reset_password",
                                            .lifetime_s = RESET_SECONDS };
    return mail_code_drop(db, user.id, MAIL_CODE_RESET, err) &&
           mail_code_send(db, &code, work->now, err);
}

bool flow_credentials_forgot(const struct flow *flow, const char *email, const char *address,
                             enum credentials_outcome *ret, int64_t *ret_wait_us, struct error *err)
{
    char normal[EMAIL_LENGTH_MAX + 1];
    struct credentials_work work = { .flow = flow, .email = normal, .now = clock_now(flow->clock) };
    const struct guess guess = { THROTTLE_SIGN_UP, NULL, address };

    *ret = CREDENTIALS_BAD;
    if (!account_email(email, normal))
        return true;
    if (!flow_guess(flow, &guess, ret_wait_us, err))
        return false;
    *ret = *ret_wait_us > 0 ? CREDENTIALS_THROTTLED : CREDENTIALS_DONE;
    return *ret_wait_us > 0 || store_write(flow->store, forgot_work, &work, err) ||
           error_context(err, "send a code");
}

/* It is theirs from now on, and whoever came in by the old one is out. */
static bool set_password(struct db *db, struct credentials_work *work, int64_t kept_session,
                         struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    int64_t ended;
    bool has;

    if (!user_lock_open(db, work->user_id, err) ||
        !user_load(db, work->user_id, &arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "there is no user %" PRId64, work->user_id);
    const struct notice_event event = { .user_id = user.id,
                                        .kind = NOTIFICATION_SECURITY,
                                        .template = "password_changed" };
    return user_set_password(db, user.id, work->password, err) &&
           mail_code_drop(db, user.id, MAIL_CODE_RESET, err) &&
           login_session_delete_others(db, user.id, kept_session, &ended, err) &&
           notice_tell(db, &event, work->now, err);
}

static bool reset_work(struct db *db, void *context, struct error *err)
{
    struct credentials_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct mail_code_row code;
    struct user_row user;
    bool has, has_user = false;

    work->outcome = CREDENTIALS_BAD_CODE;
    if (!mail_code_find(db, work->flow, work->code, work->now, &arena, &code, &has, err))
        return false;
    if (!has || code.kind != MAIL_CODE_RESET)
        return true;
    if (!user_load(db, code.user_id, &arena, &user, &has_user, err))
        return false;
    /* Of an email that the account no longer has. */
    if (!has_user || strcmp(user.email, code.email) != 0)
        return true;
    work->user_id = code.user_id;
    work->outcome = CREDENTIALS_DONE;
    return mail_code_take(db, code.id, err) && set_password(db, work, 0, err) &&
           user_set_email(db, user.id, user.email, work->now, err);
}

bool flow_credentials_reset(const struct flow *flow, const char *code, const char *password,
                            const char *address, enum credentials_outcome *ret,
                            int64_t *ret_wait_us, struct error *err)
{
    struct credentials_work work = { .flow = flow, .code = code, .now = clock_now(flow->clock) };
    char number[MAIL_CODE_SIZE];
    const struct guess guess = { THROTTLE_CODE, number, address };

    *ret = CREDENTIALS_BAD;
    if (!credentials_are_good(password))
        return true;
    mail_code_number(code, number);
    if (!flow_guess(flow, &guess, ret_wait_us, err))
        return false;
    *ret = CREDENTIALS_THROTTLED;
    if (*ret_wait_us > 0)
        return true;
    *ret = CREDENTIALS_BUSY;
    if (password_hash(flow->passwords, password, work.password) != PASSWORD_OK)
        return flow_guess_right(flow, &guess, err);
    if (!store_write(flow->store, reset_work, &work, err))
        return error_context(err, "reset a password");
    *ret = work.outcome;
    return work.outcome != CREDENTIALS_DONE || flow_guess_right(flow, &guess, err);
}

static bool load_work(struct db *db, void *context, struct error *err)
{
    struct credentials_work *work = context;

    return user_load(db, work->caller->user_id, work->arena, &work->user, &work->has_user, err) &&
           user_load_password(db, work->caller->user_id, work->arena, &work->kept, err);
}

/* One that is narrowed in anything could become more than it is. */
static bool may_do_all(const struct caller *caller)
{
    return caller->scopes == SCOPE_ALL && caller->narrowed == 0 && caller->instance_id == 0 &&
           caller->actor_id == caller->user_id;
}

bool credentials_confirm(const struct flow *flow, const struct caller *caller, const char *password,
                         const char *address, enum credentials_outcome *ret, int64_t *ret_wait_us,
                         struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct credentials_work work = { .flow = flow, .caller = caller, .arena = &arena };

    *ret_wait_us = 0;
    if (!store_read(flow->store, load_work, &work, err))
        return error_context(err, "look up an account");
    *ret = CREDENTIALS_WRONG;
    if (!work.has_user || (password == NULL && work.kept[0] != '\0'))
        return true;
    if (work.kept[0] == '\0') {
        *ret = may_do_all(caller) ? CREDENTIALS_DONE : CREDENTIALS_WRONG;
        return true;
    }
    const struct guess guess = { THROTTLE_PASSWORD, work.user.email, address };
    if (!flow_guess(flow, &guess, ret_wait_us, err))
        return false;
    *ret = CREDENTIALS_THROTTLED;
    if (*ret_wait_us > 0)
        return true;
    enum password_outcome outcome = strlen(password) > PASSWORD_LENGTH_MAX
                                        ? PASSWORD_WRONG
                                        : password_check(flow->passwords, work.kept, password);
    *ret = outcome == PASSWORD_OK     ? CREDENTIALS_DONE
           : outcome == PASSWORD_BUSY ? CREDENTIALS_BUSY
                                      : CREDENTIALS_WRONG;
    return outcome == PASSWORD_WRONG || flow_guess_right(flow, &guess, err);
}

static bool change_work(struct db *db, void *context, struct error *err)
{
    struct credentials_work *work = context;

    work->user_id = work->caller->user_id;
    return set_password(db, work, work->caller->login_id, err);
}

bool flow_credentials_change(const struct flow *flow, const struct caller *caller,
                             const struct credentials_change *change, enum credentials_outcome *ret,
                             int64_t *ret_wait_us, struct error *err)
{
    struct credentials_work work = { .flow = flow,
                                     .caller = caller,
                                     .now = clock_now(flow->clock) };

    *ret = CREDENTIALS_BAD;
    *ret_wait_us = 0;
    if (!credentials_are_good(change->new_password))
        return true;
    if (!credentials_confirm(flow, caller, change->password, change->address, ret, ret_wait_us,
                             err))
        return false;
    if (*ret != CREDENTIALS_DONE)
        return true;
    *ret = CREDENTIALS_BUSY;
    if (password_hash(flow->passwords, change->new_password, work.password) != PASSWORD_OK)
        return true;
    *ret = CREDENTIALS_DONE;
    return store_write(flow->store, change_work, &work, err) ||
           error_context(err, "change a password");
}

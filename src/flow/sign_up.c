/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sign_up.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "flow/credentials.h"
#include "flow/limits.h"
#include "flow/mail_code.h"
#include "flow/notice.h"
#include "flow/throttle.h"
#include "sys/password.h"

enum { PAYLOAD_MAX = 2048 };

struct sign_up_work {
    const struct flow *flow;
    const struct sign_up_request *request;
    const struct caller *caller;
    const char *code;
    struct instant now;
    char password[PASSWORD_TEXT_SIZE];
    struct sign_up_reply reply;
};

/* A name has 1 to NAME_LENGTH_MAX bytes, none of them a control character. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    }
    return length > 0 && length <= NAME_LENGTH_MAX;
}

/* SIGN_UP_DONE: it may go on, with its password worked out. */
static enum sign_up_outcome check(struct sign_up_work *work)
{
    const struct sign_up_request *request = work->request;

    if (!account_email(request->email, work->reply.email))
        return SIGN_UP_BAD_EMAIL;
    if (request->username != NULL && !is_name(request->username))
        return SIGN_UP_BAD_NAME;
    if (!credentials_are_good(request->password))
        return SIGN_UP_BAD_PASSWORD;
    return password_hash(work->flow->passwords, request->password, work->password) == PASSWORD_OK
               ? SIGN_UP_DONE
               : SIGN_UP_BUSY;
}

/* Whether one more mail may go to an address that anybody can name. */
static bool may_mail(struct db *db, const struct flow *flow, const char *email, struct instant now,
                     bool *ret_may, struct error *err)
{
    const struct guess mail = { THROTTLE_MAIL, email, NULL };
    int64_t wait_us;

    if (!throttle_guess(db, flow, &mail, now, &wait_us, err))
        return false;
    *ret_may = wait_us == 0;
    return true;
}

/* What is to become an account. */
static bool write_payload(const struct sign_up_work *work, struct buf *out, struct error *err)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    encode_field_text(&json, "username", work->request->username);
    encode_field_text(&json, "password", work->password);
    encode_field_bool(&json, "host_only", work->request->is_host_only);
    encode_field_text(&json, "terms", work->flow->terms);
    encode_field_int(&json, "asked_us", work->now.microseconds);
    encode_end(&json);
    return !out->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "a sign-up that is too long");
}

static bool sign_up_work(struct db *db, void *context, struct error *err)
{
    struct sign_up_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    auto_buf struct buf payload = buf_of(PAYLOAD_MAX);
    const struct mail_code_request code = { .kind = MAIL_CODE_SIGN_UP,
                                            .email = work->reply.email,
                                            .template = "sign_up",
                                            .lifetime_s = SIGN_UP_SECONDS };
    const struct notice exists = { .email = work->reply.email, .template = "sign_up_exists" };
    struct user_row user;
    bool has, may;

    if (!user_find(db, work->reply.email, &arena, &user, &has, err) ||
        !may_mail(db, work->flow, work->reply.email, work->now, &may, err) ||
        !write_payload(work, &payload, err))
        return false;
    if (!may)
        return true;
    if (has)
        return notice_mail(db, &exists, work->now, err);
    struct mail_code_request whole = code;
    whole.payload = payload.bytes;
    return mail_code_send(db, &whole, work->now, err);
}

/* The very version that the market has now: who has read an older one reads again. */
static bool accepts_terms(const struct sign_up_work *work)
{
    const char *terms = work->request->terms;

    return work->flow->terms == NULL || (terms != NULL && strcmp(terms, work->flow->terms) == 0);
}

bool flow_sign_up(const struct flow *flow, const struct sign_up_request *request,
                  struct sign_up_reply *ret, struct error *err)
{
    struct sign_up_work work = { .flow = flow, .request = request, .now = clock_now(flow->clock) };
    const struct guess guess = { THROTTLE_SIGN_UP, NULL, request->address };

    if (!flow_guess(flow, &guess, &work.reply.wait_us, err))
        return false;
    work.reply.outcome = work.reply.wait_us > 0 ? SIGN_UP_THROTTLED
                         : accepts_terms(&work) ? check(&work)
                                                : SIGN_UP_TERMS;
    if (work.reply.outcome == SIGN_UP_DONE && !store_write(flow->store, sign_up_work, &work, err))
        return error_context(err, "sign up");
    *ret = work.reply;
    return true;
}

bool sign_up_remind(struct db *db, const struct flow *flow, const struct user_row *user,
                    struct instant now, struct error *err)
{
    const struct mail_code_request code = { .kind = MAIL_CODE_VERIFY,
                                            .user_id = user->id,
                                            .email = user->email,
                                            .template = "verify_email",
                                            .lifetime_s = SIGN_UP_SECONDS };
    bool may;

    return may_mail(db, flow, user->email, now, &may, err) &&
           (!may || mail_code_send(db, &code, now, err));
}

static bool subaccount_work(struct db *db, void *context, struct error *err)
{
    struct sign_up_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct account_request request = { .email = work->reply.email,
                                             .username = work->request->username,
                                             .password = work->password,
                                             .is_unverified = true,
                                             .is_host_only = work->request->is_host_only,
                                             .parent_id = work->caller->user_id };
    struct user_row *others, user;
    size_t count;
    bool has;

    work->reply.outcome = SIGN_UP_TOO_MANY;
    if (!user_lock_open(db, work->caller->user_id, err) ||
        !user_list_of_parent(db, work->caller->user_id, SUBACCOUNTS_MAX, &arena, &others, &count,
                             err))
        return false;
    if (count == SUBACCOUNTS_MAX)
        return true;
    if (!account_insert(db, &request, work->now, &work->reply.account, err))
        return false;
    work->reply.outcome = SIGN_UP_EXISTS;
    if (work->reply.account.outcome != ACCOUNT_CREATED)
        return true;
    work->reply.outcome = SIGN_UP_DONE;
    return user_load(db, work->reply.account.user_id, &arena, &user, &has, err) &&
           (!has || sign_up_remind(db, work->flow, &user, work->now, err));
}

bool flow_subaccount(const struct flow *flow, const struct caller *caller,
                     const struct sign_up_request *request, struct sign_up_reply *ret,
                     struct error *err)
{
    struct sign_up_work work = {
        .flow = flow, .request = request, .caller = caller, .now = clock_now(flow->clock)
    };

    work.reply.outcome = check(&work);
    /* Its key is nobody's: who has the password makes one. */
    (void)crypto_token(work.reply.account.api_key);
    if (work.reply.outcome == SIGN_UP_DONE &&
        !store_write(flow->store, subaccount_work, &work, err))
        return error_context(err, "make a subaccount");
    crypto_wipe(work.reply.account.api_key, sizeof work.reply.account.api_key);
    *ret = work.reply;
    return true;
}

struct list_work {
    int64_t user_id;
    struct arena *arena;
    struct user_row *users;
    size_t count;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return user_list_of_parent(db, work->user_id, SUBACCOUNTS_MAX, work->arena, &work->users,
                               &work->count, err);
}

bool flow_subaccount_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                          struct user_row **ret, size_t *ret_count, struct error *err)
{
    struct list_work work = { .user_id = caller->user_id, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list subaccounts");
    *ret = work.users;
    *ret_count = work.count;
    return true;
}

/* The account that the payload describes. */
static bool make_account(struct db *db, struct sign_up_work *work, const struct mail_code_row *code,
                         struct error *err)
{
    struct account_request request = { .email = code->email };
    auto_json json_t *payload = NULL;
    const struct json_bounds any = { INT64_MIN, INT64_MAX };

    if (!json_parse(code->payload, strlen(code->payload), &payload, err) ||
        !json_opt_text(payload, "username", NAME_LENGTH_MAX, &request.username, err) ||
        !json_need_text(payload, "password", PASSWORD_TEXT_SIZE, &request.password, err) ||
        !json_need_bool(payload, "host_only", &request.is_host_only, err) ||
        !json_opt_text(payload, "terms", TERMS_LENGTH_MAX, &request.terms, err) ||
        !json_opt_int(payload, "asked_us", any, &request.terms_at.microseconds, err))
        return error_context(err, "sign-up %" PRId64, code->id);
    if (!account_insert(db, &request, work->now, &work->reply.account, err))
        return false;
    if (work->reply.account.outcome != ACCOUNT_CREATED)
        work->reply.outcome = SIGN_UP_BAD_CODE;
    return true;
}

/* The account's email is the code's, unless another has it by now. */
static bool set_email(struct db *db, struct sign_up_work *work, const struct mail_code_row *code,
                      struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user, other;
    bool has, has_other;

    if (!user_lock_open(db, code->user_id, err) ||
        !user_load(db, code->user_id, &arena, &user, &has, err) ||
        !user_find(db, code->email, &arena, &other, &has_other, err))
        return false;
    bool is_taken = has_other && other.id != code->user_id;
    /* A code of the first kind says that mail arrives at the email that the account still has. */
    bool is_old = code->kind == MAIL_CODE_VERIFY && has && strcmp(user.email, code->email) != 0;
    if (!has || is_taken || is_old) {
        work->reply.outcome = SIGN_UP_BAD_CODE;
        return true;
    }
    work->reply.account.user_id = user.id;
    const struct notice gone = { .email = user.email, .template = "email_changed" };
    return user_set_email(db, user.id, code->email, work->now, err) &&
           (code->kind == MAIL_CODE_VERIFY || notice_mail(db, &gone, work->now, err)) &&
           db_notify(db, TOPIC_USER, user.id, err);
}

static bool verify_work(struct db *db, void *context, struct error *err)
{
    struct sign_up_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct mail_code_row code;
    bool has;

    work->reply.outcome = SIGN_UP_BAD_CODE;
    work->reply.account.outcome = ACCOUNT_EXISTS;
    if (!mail_code_find(db, work->flow, work->code, work->now, &arena, &code, &has, err))
        return false;
    bool is_ours = has && (code.kind == MAIL_CODE_SIGN_UP || code.kind == MAIL_CODE_VERIFY ||
                           code.kind == MAIL_CODE_CHANGE_EMAIL);
    if (!is_ours)
        return true;
    work->reply.outcome = SIGN_UP_DONE;
    (void)snprintf(work->reply.email, sizeof work->reply.email, "%s", code.email);
    return mail_code_take(db, code.id, err) &&
           (code.kind == MAIL_CODE_SIGN_UP ? make_account : set_email)(db, work, &code, err);
}

bool flow_verify(const struct flow *flow, const char *code, const char *address,
                 struct sign_up_reply *ret, struct error *err)
{
    struct sign_up_work work = { .flow = flow, .code = code, .now = clock_now(flow->clock) };
    char number[MAIL_CODE_SIZE];
    const struct guess guess = { THROTTLE_CODE, number, address };

    mail_code_number(code, number);
    if (!flow_guess(flow, &guess, &work.reply.wait_us, err))
        return false;
    work.reply.outcome = SIGN_UP_THROTTLED;
    (void)crypto_token(work.reply.account.api_key);
    if (work.reply.wait_us == 0) {
        if (!store_write(flow->store, verify_work, &work, err))
            return error_context(err, "take a code");
        if (work.reply.outcome == SIGN_UP_DONE && !flow_guess_right(flow, &guess, err))
            return false;
    }
    if (work.reply.account.outcome != ACCOUNT_CREATED || work.reply.outcome != SIGN_UP_DONE)
        crypto_wipe(work.reply.account.api_key, sizeof work.reply.account.api_key);
    *ret = work.reply;
    return true;
}

static bool change_email_work(struct db *db, void *context, struct error *err)
{
    struct sign_up_work *work = context;
    const struct mail_code_request code = { .kind = MAIL_CODE_CHANGE_EMAIL,
                                            .user_id = work->caller->user_id,
                                            .email = work->reply.email,
                                            .template = "change_email",
                                            .lifetime_s = CHANGE_EMAIL_SECONDS };
    bool may;

    /* The newest alone counts. One for an email that is taken comes to nothing, later. */
    return may_mail(db, work->flow, work->reply.email, work->now, &may, err) &&
           (!may || (mail_code_drop(db, work->caller->user_id, MAIL_CODE_CHANGE_EMAIL, err) &&
                     mail_code_send(db, &code, work->now, err)));
}

bool flow_change_email(const struct flow *flow, const struct caller *caller,
                       const struct sign_up_request *request, struct sign_up_reply *ret,
                       struct error *err)
{
    struct sign_up_work work = {
        .flow = flow, .request = request, .caller = caller, .now = clock_now(flow->clock)
    };
    enum credentials_outcome known;

    *ret = (struct sign_up_reply){ .outcome = SIGN_UP_BAD_EMAIL };
    if (!account_email(request->email, work.reply.email))
        return true;
    if (!credentials_confirm(flow, caller, request->password, request->address, &known,
                             &ret->wait_us, err))
        return false;
    switch (known) {
    case CREDENTIALS_DONE:
        break;
    case CREDENTIALS_THROTTLED:
        ret->outcome = SIGN_UP_THROTTLED;
        return true;
    case CREDENTIALS_BUSY:
        ret->outcome = SIGN_UP_BUSY;
        return true;
    case CREDENTIALS_WRONG:
    case CREDENTIALS_BAD:
    case CREDENTIALS_BAD_CODE:
        ret->outcome = SIGN_UP_WRONG_PASSWORD;
        return true;
    }
    if (!store_write(flow->store, change_email_work, &work, err))
        return error_context(err, "change an email");
    *ret = work.reply;
    return true;
}

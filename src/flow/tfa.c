/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tfa.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/throttle.h"
#include "flow/vault.h"
#include "store/user.h"

enum { ABOUT_SIZE = 64, NUMBER_SIZE = 24 };

struct tfa_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct tfa_login *login;
    const struct tfa_proof *proof;
    const char *label;
    struct arena *arena;
    struct instant now;
    int64_t user_id, id;
    struct totp_seed seed;
    struct tfa_method_row *methods;
    size_t method_count;
    struct tfa_reply reply;
};

static void name_seed(int64_t user_id, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "totp-seed %" PRId64, user_id);
}

static bool is_confirmed(const struct tfa_method_row *method)
{
    return method->confirmed.microseconds > 0;
}

static bool open_seed(struct db *db, const struct tfa_work *work,
                      const struct tfa_method_row *method, struct totp_seed *ret, struct error *err)
{
    auto_vault_key struct vault_key key;
    char about[ABOUT_SIZE];
    bool has;

    name_seed(method->user_id, about);
    if (!vault_key_load(db, work->flow->vault, method->user_id, &key, &has, err))
        return false;
    if (!has || method->length != sizeof ret->bytes + SEAL_EXTRA ||
        !crypto_unseal(key.bytes, about, method->sealed, method->length, ret->bytes))
        return error_set(err, ERROR_CORRUPT, "second factor %" PRId64 " does not open", method->id);
    return true;
}

/* Whether the code is one of a method's that is confirmed, or of one that waits to be. */
static bool try_code(struct db *db, struct tfa_work *work, bool wants_confirmed, struct error *err)
{
    work->reply.outcome = TFA_WRONG;
    for (size_t i = 0; i < work->method_count; i++) {
        const struct tfa_method_row *method = &work->methods[i];
        struct totp_seed seed;

        if (is_confirmed(method) != wants_confirmed)
            continue;
        if (!open_seed(db, work, method, &seed, err))
            return false;
        int64_t step = totp_find(&seed, work->proof->code, work->now, method->last_step);
        crypto_wipe(&seed, sizeof seed);
        if (step == 0)
            continue;
        work->reply.outcome = TFA_DONE;
        work->reply.method_id = method->id;
        return tfa_method_use(db, method->id, step, work->now, err);
    }
    return true;
}

static bool try_backup(struct db *db, struct tfa_work *work, struct error *err)
{
    struct hash hash = backup_code_hash(work->user_id, work->proof->backup_code);
    int64_t count;

    if (!backup_code_take(db, work->user_id, &hash, &count, err))
        return false;
    work->reply.outcome = count == 1 ? TFA_DONE : TFA_WRONG_BACKUP;
    return true;
}

/* Counts, tries, and gives back. Outcome TFA_DONE: the factor was shown. */
static bool prove(struct db *db, struct tfa_work *work, bool wants_confirmed, struct error *err)
{
    char number[NUMBER_SIZE];
    const struct guess guess = { THROTTLE_FACTOR, number, work->proof->address };
    size_t usable = 0;

    (void)snprintf(number, sizeof number, "%" PRId64, work->user_id);
    work->reply.outcome = TFA_MISSING;
    if (work->proof->code == NULL && work->proof->backup_code == NULL)
        return true;
    if (!user_lock_open(db, work->user_id, err) ||
        !tfa_method_list(db, work->user_id, work->arena, &work->methods, &work->method_count, err))
        return false;
    for (size_t i = 0; i < work->method_count; i++)
        usable += is_confirmed(&work->methods[i]) == wants_confirmed;
    work->reply.outcome = TFA_NO_METHOD;
    if (usable == 0)
        return true;
    if (!throttle_guess(db, work->flow, &guess, work->now, &work->reply.wait_us, err))
        return false;
    work->reply.outcome = TFA_THROTTLED;
    if (work->reply.wait_us > 0)
        return true;
    bool is_tried = work->proof->code != NULL ? try_code(db, work, wants_confirmed, err)
                                              : try_backup(db, work, err);
    if (!is_tried)
        return false;
    return work->reply.outcome != TFA_DONE ||
           (backup_code_count(db, work->user_id, &work->reply.backup_left, err) &&
            throttle_right(db, work->flow, &guess, work->now, err));
}

/* Whose second factor it is. False in `*ret_has`: the secret is not good. */
static bool find_half(struct db *db, struct tfa_work *work, int64_t *ret_half, bool *ret_has,
                      struct error *err)
{
    const char *secret = work->login->secret;
    struct login_session_row half;

    *ret_half = 0;
    *ret_has = true;
    work->user_id = work->login->caller->user_id;
    if (secret == NULL)
        return true;
    struct hash hash = crypto_sha256(secret, strlen(secret));
    const struct login_session_find wanted = { LOGIN_HALF, &hash, work->now, { 0 } };
    if (!login_session_find(db, &wanted, work->arena, &half, ret_has, err))
        return false;
    if (*ret_has) {
        *ret_half = half.id;
        work->user_id = half.user_id;
    }
    return true;
}

static bool login_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t half, count;
    bool has;

    work->arena = &arena;
    work->proof = &work->login->proof;
    work->reply = (struct tfa_reply){ .outcome = TFA_NO_CHALLENGE };
    if (!find_half(db, work, &half, &has, err))
        return false;
    if (!has)
        return true;
    if (!prove(db, work, true, err))
        return false;
    if (work->reply.outcome != TFA_DONE)
        return true;
    const struct login_opening opening = { .user_id = work->user_id,
                                           .kind = LOGIN_OPEN,
                                           .is_stepped = true,
                                           .now = work->now,
                                           .client = work->login->client };
    work->reply.login.outcome = LOGIN_DONE;
    return (half == 0 || login_session_delete(db, work->user_id, half, &count, err)) &&
           login_open(db, &opening, &work->reply.login, err);
}

static bool run(const struct flow *flow, store_work *function, struct tfa_work *work,
                struct tfa_reply *ret, struct error *err)
{
    work->flow = flow;
    work->now = clock_now(flow->clock);
    if (!store_write(flow->store, function, work, err))
        return error_context(err, "second factor");
    *ret = work->reply;
    crypto_wipe(&work->reply, sizeof work->reply);
    crypto_wipe(&work->seed, sizeof work->seed);
    return true;
}

bool flow_tfa_login(const struct flow *flow, const struct tfa_login *request, struct tfa_reply *ret,
                    struct error *err)
{
    struct tfa_work work = { .login = request };

    return run(flow, login_work, &work, ret, err);
}

static bool step_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);

    work->arena = &arena;
    work->user_id = work->caller->user_id;
    bool is_given = work->proof->code != NULL || work->proof->backup_code != NULL;
    work->reply = (struct tfa_reply){ .outcome = is_given ? TFA_NO_SESSION : TFA_MISSING };
    if (!is_given || work->caller->login_id == 0)
        return true;
    if (!prove(db, work, true, err))
        return false;
    return work->reply.outcome != TFA_DONE ||
           login_session_step(db, work->user_id, work->caller->login_id, work->now, err);
}

bool flow_tfa_step(const struct flow *flow, const struct caller *caller,
                   const struct tfa_proof *proof, struct tfa_reply *ret, struct error *err)
{
    struct tfa_work work = { .caller = caller, .proof = proof };

    return run(flow, step_work, &work, ret, err);
}

static bool insert_seed(struct db *db, struct tfa_work *work, struct error *err)
{
    auto_vault_key struct vault_key key;
    uint8_t sealed[TOTP_SEED_BYTES + SEAL_EXTRA];
    char about[ABOUT_SIZE];
    const struct tfa_method_row row = { .user_id = work->user_id,
                                        .label = "",
                                        .sealed = sealed,
                                        .length = sizeof sealed,
                                        .created = work->now };
    int64_t id;

    if (!vault_key_need(db, work->flow->vault, work->user_id, work->now, &key, err))
        return false;
    name_seed(work->user_id, about);
    crypto_seal(key.bytes, about, work->seed.bytes, sizeof work->seed.bytes, sealed);
    return tfa_method_insert(db, &row, &id, err);
}

static bool setup_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    bool has;

    work->user_id = work->caller->user_id;
    work->reply = (struct tfa_reply){ .outcome = TFA_TOO_MANY };
    if (!user_lock_open(db, work->user_id, err) ||
        !tfa_method_drop_pending(db, work->user_id, err) ||
        !tfa_method_list(db, work->user_id, &arena, &work->methods, &work->method_count, err) ||
        !user_load(db, work->user_id, &arena, &user, &has, err))
        return false;
    if (!has || work->method_count >= TFA_METHODS_MAX)
        return true;
    work->reply.outcome = TFA_DONE;
    (void)totp_seed_text(&work->seed, work->reply.seed);
    /* An email has no byte that would need escaping but those that URIs allow in a path. */
    (void)snprintf(work->reply.uri, sizeof work->reply.uri,
                   "otpauth://totp/Berth:%s?secret=%s&issuer=Berth&digits=%d&period=%d", user.email,
                   work->reply.seed, TOTP_DIGITS, TOTP_STEP_SECONDS);
    return insert_seed(db, work, err);
}

bool flow_tfa_setup(const struct flow *flow, const struct caller *caller, struct tfa_reply *ret,
                    struct error *err)
{
    struct tfa_work work = { .caller = caller, .seed = totp_seed_make() };

    return run(flow, setup_work, &work, ret, err);
}

static bool make_codes(struct db *db, struct tfa_work *work, struct error *err)
{
    struct tfa_codes *codes = &work->reply.codes;

    if (!backup_code_drop(db, work->user_id, err))
        return false;
    for (codes->count = 0; codes->count < BACKUP_CODES; codes->count++) {
        struct hash hash =
            backup_code_hash(work->user_id, backup_code_make(codes->text[codes->count]));

        if (!backup_code_insert(db, work->user_id, &hash, err))
            return false;
    }
    work->reply.backup_left = BACKUP_CODES;
    return true;
}

/* Its owner hears of it, whoever it was. */
static bool tell(struct db *db, const struct tfa_work *work, const char *members, struct error *err)
{
    const struct notice_event event = { .user_id = work->user_id,
                                        .kind = NOTIFICATION_SECURITY,
                                        .template = "tfa_changed",
                                        .members = members };

    return notice_tell(db, &event, work->now, err);
}

static bool confirm_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    bool is_first = true;

    work->arena = &arena;
    work->user_id = work->caller->user_id;
    work->reply = (struct tfa_reply){ .outcome = TFA_MISSING };
    if (work->proof->code == NULL)
        return true;
    if (!prove(db, work, false, err))
        return false;
    if (work->reply.outcome != TFA_DONE)
        return true;
    for (size_t i = 0; i < work->method_count; i++)
        is_first = is_first && !is_confirmed(&work->methods[i]);
    if (!tfa_method_confirm(db, work->reply.method_id, work->label, work->now, err) ||
        (is_first &&
         (!user_set_tfa(db, work->user_id, work->now, err) || !make_codes(db, work, err))))
        return false;
    return login_session_step(db, work->user_id, work->caller->login_id, work->now, err) &&
           tell(db, work, "\"what\":\"an authenticator app was added\"", err);
}

bool flow_tfa_confirm(const struct flow *flow, const struct caller *caller,
                      const struct tfa_proof *proof, const char *label, struct tfa_reply *ret,
                      struct error *err)
{
    struct tfa_work work = { .caller = caller, .proof = proof, .label = label };

    return run(flow, confirm_work, &work, ret, err);
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;

    return tfa_method_list(db, work->user_id, work->arena, &work->methods, &work->method_count,
                           err) &&
           backup_code_count(db, work->user_id, &work->reply.backup_left, err);
}

bool flow_tfa_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                   struct tfa_method_row **ret, size_t *ret_count, int64_t *ret_left,
                   struct error *err)
{
    struct tfa_work work = { .user_id = caller->user_id, .arena = arena };
    size_t count = 0;

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list second factors");
    for (size_t i = 0; i < work.method_count; i++) {
        if (is_confirmed(&work.methods[i]))
            work.methods[count++] = work.methods[i];
    }
    *ret = work.methods;
    *ret_count = count;
    *ret_left = work.reply.backup_left;
    return true;
}

static bool label_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;
    int64_t count;

    if (!tfa_method_set_label(db, work->caller->user_id, work->id, work->label, &count, err))
        return false;
    work->reply = (struct tfa_reply){ .outcome = count == 1 ? TFA_DONE : TFA_NOT_FOUND };
    return true;
}

bool flow_tfa_label(const struct flow *flow, const struct caller *caller, int64_t id,
                    const char *label, struct tfa_reply *ret, struct error *err)
{
    struct tfa_work work = { .caller = caller, .id = id, .label = label };

    return run(flow, label_work, &work, ret, err);
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t count;

    work->user_id = work->caller->user_id;
    work->reply = (struct tfa_reply){ .outcome = TFA_NOT_FOUND };
    if (!user_lock_open(db, work->user_id, err) ||
        !tfa_method_delete(db, work->user_id, work->id, &count, err))
        return false;
    if (count == 0)
        return true;
    if (!tfa_method_list(db, work->user_id, &arena, &work->methods, &work->method_count, err))
        return false;
    for (size_t i = 0; i < work->method_count; i++)
        work->reply.methods_left += is_confirmed(&work->methods[i]);
    work->reply.outcome = TFA_DONE;
    bool is_last = work->reply.methods_left == 0;
    return (!is_last || (user_set_tfa(db, work->user_id, (struct instant){ 0 }, err) &&
                         backup_code_drop(db, work->user_id, err))) &&
           tell(db, work, "\"what\":\"an authenticator app was removed\"", err);
}

bool flow_tfa_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                     struct tfa_reply *ret, struct error *err)
{
    struct tfa_work work = { .caller = caller, .id = id };

    return run(flow, delete_work, &work, ret, err);
}

static bool regenerate_work(struct db *db, void *context, struct error *err)
{
    struct tfa_work *work = context;

    work->user_id = work->caller->user_id;
    work->reply = (struct tfa_reply){ .outcome = TFA_NO_METHOD };
    if (!work->caller->has_tfa)
        return true;
    work->reply.outcome = TFA_DONE;
    return user_lock_open(db, work->user_id, err) && make_codes(db, work, err) &&
           tell(db, work, "\"what\":\"other backup codes were made\"", err);
}

bool flow_tfa_regenerate(const struct flow *flow, const struct caller *caller,
                         struct tfa_reply *ret, struct error *err)
{
    struct tfa_work work = { .caller = caller };

    return run(flow, regenerate_work, &work, ret, err);
}

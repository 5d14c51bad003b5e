/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/account.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/login.h"
#include "store/team.h"

enum { RIGHTS_LENGTH_MAX = 16 * 1024 };

static const struct {
    const char *name;
    enum scope scope;
} categories[] = {
    { "instance_read", SCOPE_INSTANCE_READ },
    { "instance_write", SCOPE_INSTANCE_WRITE },
    { "user_read", SCOPE_USER_READ },
    { "user_write", SCOPE_USER_WRITE },
    { "billing_read", SCOPE_BILLING_READ },
    { "billing_write", SCOPE_BILLING_WRITE },
    { "machine_read", SCOPE_MACHINE_READ },
    { "machine_write", SCOPE_MACHINE_WRITE },
    { "misc", SCOPE_MISC },
    { "team_read", SCOPE_TEAM_READ },
    { "team_write", SCOPE_TEAM_WRITE },
};

/* One local part, one domain, nothing that would need quoting; lower case in `email`. */
bool account_email(const char *text, char email[static EMAIL_LENGTH_MAX + 1])
{
    size_t length = strlen(text);
    const char *at = strchr(text, '@');

    if (length > EMAIL_LENGTH_MAX || at == NULL || at == text || at[1] == '\0' ||
        strchr(at + 1, '@') != NULL || at[1] == '.' || text[length - 1] == '.')
        return false;
    for (size_t i = 0; i <= length; i++) {
        char byte = text[i];

        if (byte != '\0' && (byte <= ' ' || byte > '~' || strchr("\"(),:;<>[\\]", byte) != NULL))
            return false;
        email[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    return true;
}

/* The name that is asked for, or what stands before the email's @. */
static void choose_name(const struct account_request *request, const char *email,
                        char name[static NAME_LENGTH_MAX + 1])
{
    if (request->username != NULL)
        (void)snprintf(name, NAME_LENGTH_MAX + 1, "%s", request->username);
    else
        (void)snprintf(name, NAME_LENGTH_MAX + 1, "%.*s", (int)strcspn(email, "@"), email);
}

static bool insert_rows(struct db *db, const struct account_request *request,
                        const struct user_row *user, struct account_reply *reply, struct error *err)
{
    struct api_key_row key = { .name = "main",
                               .rights = "",
                               .scopes = SCOPE_ALL,
                               .hash = crypto_sha256(reply->api_key, strlen(reply->api_key)),
                               .created = user->created };

    if (!user_insert(db, user, &key.user_id, err) ||
        !api_key_insert(db, &key, &reply->key_id, err) ||
        (request->password != NULL &&
         !user_set_password(db, key.user_id, request->password, err)) ||
        (request->terms != NULL &&
         !user_set_terms(db, key.user_id, request->terms, request->terms_at, err)))
        return false;
    if (request->credit.nanodollars > 0) {
        char ledger_key[JOURNAL_KEY_SIZE];

        (void)snprintf(ledger_key, sizeof ledger_key, "promo:signup:%" PRId64, key.user_id);
        if (!funds_grant(db, key.user_id, request->credit, ledger_key, user->created, err))
            return false;
    }
    reply->user_id = key.user_id;
    reply->outcome = ACCOUNT_CREATED;
    return true;
}

bool account_insert(struct db *db, const struct account_request *request, struct instant now,
                    struct account_reply *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char email[EMAIL_LENGTH_MAX + 1], username[NAME_LENGTH_MAX + 1];
    struct user_row user = { .email = email,
                             .username = username,
                             .fullname = "",
                             .is_admin = request->is_admin,
                             .is_verified = !request->is_unverified,
                             .is_host_only = request->is_host_only,
                             .parent_id = request->parent_id,
                             .created = now,
                             .t_zero = INSTANT_NEVER };
    struct user_row other;
    bool has_other;

    ret->outcome = ACCOUNT_BAD_EMAIL;
    if (!account_email(request->email, email))
        return true;
    choose_name(request, email, username);
    if (!user_find(db, email, &arena, &other, &has_other, err))
        return false;
    ret->outcome = ACCOUNT_EXISTS;
    return has_other || insert_rows(db, request, &user, ret, err);
}

struct create_work {
    const struct account_request *request;
    struct instant now;
    struct account_reply reply;
};

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct create_work *work = context;

    return account_insert(db, work->request, work->now, &work->reply, err);
}

bool flow_account_create(const struct flow *flow, const struct account_request *request,
                         struct account_reply *ret, struct error *err)
{
    struct create_work work = { .request = request, .now = clock_now(flow->clock) };

    if (request->credit.nanodollars < 0) {
        *ret = (struct account_reply){ .outcome = ACCOUNT_BAD_CREDIT };
        return true;
    }
    (void)crypto_token(work.reply.api_key);
    if (!store_write(flow->store, create_work, &work, err))
        return error_context(err, "create an account");
    if (work.reply.outcome != ACCOUNT_CREATED)
        crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    *ret = work.reply;
    return true;
}

static enum scope category_scope(const char *name)
{
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (strcmp(categories[i].name, name) == 0)
            return categories[i].scope;
    return 0;
}

bool account_rights(const char *rights, int64_t *ret_named, int64_t *ret_whole)
{
    auto_json json_t *root = NULL;
    struct error err;
    const json_t *api;
    const char *name;
    json_t *routes;
    int64_t named = 0, whole = 0;

    if (strlen(rights) > RIGHTS_LENGTH_MAX || !json_parse(rights, strlen(rights), &root, &err) ||
        !json_need_object(root, "api", &api, &err))
        return false;
    json_object_foreach((json_t *)api, name, routes)
    {
        if (category_scope(name) == 0 || !json_is_object(routes))
            return false;
        named |= category_scope(name);
        if (json_object_size(routes) == 0)
            whole |= category_scope(name);
    }
    *ret_named = named;
    *ret_whole = whole;
    return true;
}

struct authenticate_work {
    struct hash hash;
    struct instant now;
    struct caller caller;
    bool is_known;
};

/* The caller's account is a team's: what they may is also what the role of the member who acts
 * allows. `*ret_is_member` false: they are none any more. */
static bool add_member(struct db *db, int64_t member_id, struct arena *arena, struct caller *caller,
                       bool *ret_is_member, struct error *err)
{
    struct team_member_row member;
    struct user_row actor;
    int64_t named, whole;
    bool has_member, has_actor = false;

    if (!team_member_load(db, caller->user_id, member_id, arena, &member, &has_member, err) ||
        (has_member && !user_load(db, member_id, arena, &actor, &has_actor, err)))
        return false;
    *ret_is_member = has_actor;
    if (!has_actor)
        return true;
    if (!account_rights(member.role.rights, &named, &whole))
        return error_set(err, ERROR_CORRUPT, "role %" PRId64 " has no rights", member.role.id);
    caller->narrowed =
        ((caller->scopes | caller->narrowed) & (whole | named)) & ~(caller->scopes & whole);
    caller->scopes &= whole;
    caller->actor_id = member_id;
    caller->has_tfa = actor.has_tfa;
    return true;
}

static bool authenticate_work(struct db *db, void *context, struct error *err)
{
    struct authenticate_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct api_key_owned found;
    const struct api_key_row *key = &found.key;
    int64_t named = 0, whole = 0;
    bool has_key;

    work->is_known = false;
    if (!api_key_find(db, &work->hash, &arena, &found, &has_key, err))
        return false;
    if (!has_key)
        return login_caller(db, &work->hash, work->now, &work->caller, &work->is_known, err);
    if (key->rights[0] != '\0' && !account_rights(key->rights, &named, &whole))
        return error_set(err, ERROR_CORRUPT, "API key %" PRId64 " has no rights", key->id);
    work->caller = (struct caller){ .user_id = key->user_id,
                                    .key_id = key->id,
                                    .scopes = key->scopes,
                                    .narrowed = named & ~whole,
                                    .has_tfa = found.has_owner_tfa,
                                    .actor_id = key->user_id,
                                    .instance_id = key->contract_id,
                                    .is_admin = found.is_owner_admin && key->contract_id == 0 };
    work->is_known = true;
    return key->member_id == 0 ||
           add_member(db, key->member_id, &arena, &work->caller, &work->is_known, err);
}

/* As bytes, to be kept: of a key all follows from the database, of a session it does not. */
struct keep_work {
    struct authenticate_work work;
    struct store_answer answer;
};

static bool keep_work(struct db *db, void *context, struct error *err)
{
    struct keep_work *keep = context;

    buf_release(keep->answer.bytes);
    if (!authenticate_work(db, &keep->work, err))
        return false;
    keep->answer.is_lasting = keep->work.is_known && keep->work.caller.login_id == 0;
    if (keep->work.is_known)
        buf_append(keep->answer.bytes, (const char *)&keep->work.caller, sizeof(struct caller));
    return true;
}

bool flow_authenticate(const struct flow *flow, const struct hash *key, struct caller *ret,
                       bool *ret_is_known, struct error *err)
{
    static const char kind[] = "key ";
    char name[sizeof kind - 1 + sizeof key->bytes];
    auto_buf struct buf bytes = buf_of(sizeof *ret);
    struct instant now = clock_now(flow->clock);
    struct keep_work keep = { .work = { .hash = *key, .now = now },
                              .answer = { name, sizeof name, &bytes, false } };

    memcpy(name, kind, sizeof kind - 1);
    memcpy(name + sizeof kind - 1, key->bytes, sizeof key->bytes);
    if (!store_read_kept(flow->store, keep_work, &keep, &keep.answer, err))
        return error_context(err, "look up an API key");
    *ret_is_known = bytes.length > 0;
    if (*ret_is_known) {
        memcpy(ret, bytes.bytes, sizeof *ret);
        login_touch(flow, ret, now);
    }
    return true;
}

struct act_work {
    int64_t team_id;
    struct caller caller;
    bool is_member;
};

static bool act_work(struct db *db, void *context, struct error *err)
{
    struct act_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    int64_t member_id = work->caller.user_id;

    work->caller.user_id = work->team_id;
    work->caller.is_admin = false;
    return add_member(db, member_id, &arena, &work->caller, &work->is_member, err);
}

bool flow_act_for_team(const struct flow *flow, int64_t team_id, struct caller *caller,
                       bool *ret_is_member, struct error *err)
{
    struct act_work work = { .team_id = team_id, .caller = *caller };

    if (!store_read(flow->store, act_work, &work, err))
        return error_context(err, "act for team %" PRId64, team_id);
    if (work.is_member)
        *caller = work.caller;
    *ret_is_member = work.is_member;
    return true;
}

static struct api_key_owner owner_of(const struct caller *caller)
{
    return (struct api_key_owner){ caller->user_id, caller_member(caller) };
}

struct rights_work {
    const struct caller *caller;
    struct arena *arena;
    struct key_rights rights;
};

static bool rights_work(struct db *db, void *context, struct error *err)
{
    struct rights_work *work = context;
    const struct caller *caller = work->caller;
    struct team_member_row member;
    struct api_key_row key;
    bool has_key, has_member = false;

    work->rights = (struct key_rights){ "", "" };
    if (!api_key_load(db, owner_of(caller), caller->key_id, work->arena, &key, &has_key, err) ||
        (caller_member(caller) != 0 && !team_member_load(db, caller->user_id, caller->actor_id,
                                                         work->arena, &member, &has_member, err)))
        return false;
    if (has_key)
        work->rights.key = key.rights;
    if (has_member)
        work->rights.role = member.role.rights;
    return true;
}

bool flow_key_rights(const struct flow *flow, const struct caller *caller, struct arena *arena,
                     struct key_rights *ret, struct error *err)
{
    struct rights_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, rights_work, &work, err))
        return error_context(err, "read a key's rights");
    *ret = work.rights;
    return true;
}

struct key_work {
    const struct caller *caller;
    struct instant now;
    struct api_key_row key;
    int64_t key_id;
    struct key_reply reply;
};

static bool key_create_work(struct db *db, void *context, struct error *err)
{
    struct key_work *work = context;
    int64_t count;

    work->reply.outcome = KEY_TOO_MANY;
    if (!user_lock_open(db, work->key.user_id, err) ||
        !api_key_count(db, owner_of(work->caller), &count, err))
        return false;
    if (count >= API_KEYS_MAX)
        return true;
    work->reply.outcome = KEY_DONE;
    return api_key_insert(db, &work->key, &work->reply.key_id, err);
}

bool flow_key_create(const struct flow *flow, const struct caller *caller, const char *name,
                     const char *rights, struct key_reply *ret, struct error *err)
{
    struct key_work work = { .caller = caller, .now = clock_now(flow->clock) };
    int64_t named = 0, whole = caller->scopes;

    *ret = (struct key_reply){ .outcome = KEY_BAD_NAME };
    if (name == NULL || strlen(name) > NAME_LENGTH_MAX)
        return true;
    if (rights != NULL && !account_rights(rights, &named, &whole)) {
        ret->outcome = KEY_BAD_RIGHTS;
        return true;
    }
    /* What it narrows must be the caller's in whole: rights are not compared route by route. */
    if (((named | whole) & ~caller->scopes) != 0 || caller->instance_id != 0) {
        ret->outcome = KEY_EXCEEDS_CALLER;
        return true;
    }
    (void)crypto_token(work.reply.api_key);
    work.key = (struct api_key_row){ .user_id = caller->user_id,
                                     .member_id = caller_member(caller),
                                     .name = name,
                                     .rights = rights == NULL ? "" : rights,
                                     .scopes = whole,
                                     .created = work.now };
    work.key.hash = crypto_sha256(work.reply.api_key, strlen(work.reply.api_key));
    if (!store_write(flow->store, key_create_work, &work, err))
        return error_context(err, "create an API key");
    if (work.reply.outcome != KEY_DONE)
        crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    *ret = work.reply;
    return true;
}

static bool key_revoke_work(struct db *db, void *context, struct error *err)
{
    struct key_work *work = context;
    int64_t count;

    if (!api_key_revoke(db, owner_of(work->caller), work->key_id, work->now, &count, err))
        return false;
    work->reply.outcome = count == 0 ? KEY_NOT_FOUND : KEY_DONE;
    return true;
}

bool flow_key_revoke(const struct flow *flow, const struct caller *caller, int64_t key_id,
                     struct key_reply *ret, struct error *err)
{
    struct key_work work = { .caller = caller, .now = clock_now(flow->clock), .key_id = key_id };

    if (!store_write(flow->store, key_revoke_work, &work, err))
        return error_context(err, "revoke an API key");
    *ret = work.reply;
    ret->key_id = key_id;
    return true;
}

static bool key_reset_work(struct db *db, void *context, struct error *err)
{
    struct key_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct api_key_row key;
    int64_t count;
    bool has;

    work->reply.outcome = KEY_NOT_FOUND;
    if (!api_key_load(db, owner_of(work->caller), work->caller->key_id, &arena, &key, &has, err))
        return false;
    if (!has || key.contract_id != 0)
        return true;
    key.hash = work->key.hash;
    key.created = work->now;
    if (!api_key_revoke(db, owner_of(work->caller), key.id, work->now, &count, err) ||
        !api_key_insert(db, &key, &work->reply.key_id, err))
        return false;
    work->reply.outcome = KEY_DONE;
    return true;
}

bool flow_key_reset(const struct flow *flow, const struct caller *caller, struct key_reply *ret,
                    struct error *err)
{
    struct key_work work = { .caller = caller, .now = clock_now(flow->clock) };

    (void)crypto_token(work.reply.api_key);
    work.key.hash = crypto_sha256(work.reply.api_key, strlen(work.reply.api_key));
    if (!store_write(flow->store, key_reset_work, &work, err))
        return error_context(err, "reset an API key");
    if (work.reply.outcome != KEY_DONE)
        crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    *ret = work.reply;
    return true;
}

struct keys_work {
    const struct caller *caller;
    struct arena *arena;
    struct api_key_row *keys;
    size_t count;
};

static bool key_list_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;

    return api_key_list(db, owner_of(work->caller), work->arena, &work->keys, &work->count, err);
}

bool flow_key_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                   struct api_key_row **ret, size_t *ret_count, struct error *err)
{
    struct keys_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, key_list_work, &work, err))
        return error_context(err, "list API keys");
    *ret = work.keys;
    *ret_count = work.count;
    return true;
}

struct used_work {
    const struct api_key_use *uses;
    size_t count;
};

static bool used_work(struct db *db, void *context, struct error *err)
{
    const struct used_work *work = context;

    return api_key_use_all(db, work->uses, work->count, err);
}

bool flow_keys_used(const struct flow *flow, const struct api_key_use *uses, size_t count,
                    struct error *err)
{
    struct used_work work = { uses, count };

    return count == 0 || store_write(flow->store, used_work, &work, err) ||
           error_context(err, "write down when API keys were used");
}

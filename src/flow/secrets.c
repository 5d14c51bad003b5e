/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/secrets.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"
#include "flow/limits.h"
#include "store/user.h"

enum {
    ABOUT_SIZE = SECRET_NAME_MAX + 64,
    GIVEN_MAX = 8 << 20, /* of all of an account's as JSON, escaped */
};

enum secret_action { SECRET_CREATE, SECRET_UPDATE, SECRET_DELETE };

struct secret_work {
    const struct flow *flow;
    int64_t user_id;
    enum secret_action action;
    char name[SECRET_NAME_MAX + 1];
    const char *value;
    struct instant now;
    enum secret_outcome outcome;
};

/* Sealed for this account and name, and no other. */
static void name_secret(int64_t user_id, const char *name, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "secret %" PRId64 " %s", user_id, name);
}

static bool put(struct db *db, struct secret_work *work, struct arena *arena, struct error *err)
{
    auto_vault_key struct vault_key key;
    char about[ABOUT_SIZE];
    struct secret_row sealed;
    int64_t count;

    name_secret(work->user_id, work->name, about);
    if (!vault_key_need(db, work->flow->vault, work->user_id, work->now, &key, err) ||
        !vault_seal(&key, about, work->value, arena, &sealed, err))
        return false;
    sealed.name = work->name;
    return work->action == SECRET_CREATE
               ? secret_insert(db, work->user_id, &sealed, work->now, err)
               : secret_update(db, work->user_id, &sealed, work->now, &count, err);
}

static bool change_work(struct db *db, void *context, struct error *err)
{
    struct secret_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct secret_row *secrets;
    size_t count;
    int64_t deleted;
    bool exists = false;

    if (!user_lock_open(db, work->user_id, err) ||
        !secret_list(db, work->user_id, &arena, &secrets, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        exists = exists || strcmp(secrets[i].name, work->name) == 0;
    work->outcome = exists ? SECRET_EXISTS : SECRET_UNKNOWN;
    if (exists == (work->action == SECRET_CREATE))
        return true;
    work->outcome = SECRET_TOO_MANY;
    if (work->action == SECRET_CREATE && count >= SECRETS_MAX)
        return true;
    work->outcome = SECRET_DONE;
    return work->action == SECRET_DELETE
               ? secret_delete(db, work->user_id, work->name, &deleted, err)
               : put(db, work, &arena, err);
}

/* In upper case, as it is kept. */
static enum secret_outcome read_name(const char *name, char upper[static SECRET_NAME_MAX + 1])
{
    size_t length = strlen(name);

    if (length > SECRET_NAME_MAX)
        return SECRET_TOO_LONG;
    for (size_t i = 0; i <= length; i++) {
        char c = name[i];

        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    bool is_good = length > 0 && !(upper[0] >= '0' && upper[0] <= '9') &&
                   strspn(upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == length;
    return is_good ? SECRET_DONE : SECRET_BAD_NAME;
}

static enum secret_outcome check_value(const char *value)
{
    if (strlen(value) > SECRET_VALUE_MAX)
        return SECRET_TOO_LONG;
    for (const char *c = value; *c != '\0'; c++) {
        if (((unsigned char)*c < 0x20 && strchr("\t\r\n", *c) == NULL) || *c == 0x7f)
            return SECRET_BAD_VALUE;
    }
    return SECRET_DONE;
}

static bool change(struct secret_work *work, const char *name, enum secret_outcome *ret,
                   struct error *err)
{
    *ret = read_name(name, work->name);
    if (*ret == SECRET_DONE && work->value != NULL)
        *ret = check_value(work->value);
    if (*ret != SECRET_DONE)
        return true;
    assert(work->flow->vault != NULL);
    if (!store_write(work->flow->store, change_work, work, err))
        return error_context(err, "change a variable of user %" PRId64, work->user_id);
    *ret = work->outcome;
    return true;
}

bool flow_secret_create(const struct flow *flow, const struct caller *caller, const char *name,
                        const char *value, enum secret_outcome *ret, struct error *err)
{
    struct secret_work work = { .flow = flow,
                                .user_id = caller->user_id,
                                .action = SECRET_CREATE,
                                .value = value,
                                .now = clock_now(flow->clock) };

    return change(&work, name, ret, err);
}

bool flow_secret_update(const struct flow *flow, const struct caller *caller, const char *name,
                        const char *value, enum secret_outcome *ret, struct error *err)
{
    struct secret_work work = { .flow = flow,
                                .user_id = caller->user_id,
                                .action = SECRET_UPDATE,
                                .value = value,
                                .now = clock_now(flow->clock) };

    return change(&work, name, ret, err);
}

bool flow_secret_delete(const struct flow *flow, const struct caller *caller, const char *name,
                        enum secret_outcome *ret, struct error *err)
{
    struct secret_work work = { .flow = flow,
                                .user_id = caller->user_id,
                                .action = SECRET_DELETE,
                                .now = clock_now(flow->clock) };

    return change(&work, name, ret, err);
}

struct list_work {
    int64_t user_id;
    struct arena *arena;
    struct secret_row *secrets;
    size_t count;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return secret_list(db, work->user_id, work->arena, &work->secrets, &work->count, err);
}

bool flow_secret_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                      const char ***ret_names, size_t *ret_count, struct error *err)
{
    struct list_work work = { .user_id = caller->user_id, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list variables");
    const char **names = arena_alloc(arena, work.count, sizeof *names);
    if (names == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the variables");
    for (size_t i = 0; i < work.count; i++)
        names[i] = work.secrets[i].name;
    *ret_names = names;
    *ret_count = work.count;
    return true;
}

static void name_given(int64_t contract_id, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "contract-env %" PRId64, contract_id);
}

/* {"NAME": "value", ...}: all that the account has, opened. */
static bool write_all(const struct vault_key *key, int64_t user_id,
                      const struct secret_row *secrets, size_t count, struct arena *arena,
                      struct buf *out, struct error *err)
{
    struct encoder json = encoder_of(out);

    encode_object(&json);
    for (size_t i = 0; i < count; i++) {
        char about[ABOUT_SIZE];
        const char *value;

        name_secret(user_id, secrets[i].name, about);
        if (!vault_unseal(key, about, &secrets[i], arena, &value, err))
            return false;
        encode_field_text(&json, secrets[i].name, value);
    }
    encode_end(&json);
    return !out->has_overflowed ||
           error_set(err, ERROR_OUT_OF_RANGE, "the account's variables are too long");
}

bool secrets_give(struct db *db, const struct vault *vault, int64_t user_id, int64_t contract_id,
                  struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    auto_vault_key struct vault_key key;
    auto_buf struct buf text = buf_of(GIVEN_MAX);
    struct secret_row *secrets, sealed;
    char about[ABOUT_SIZE];
    size_t count;
    bool has;

    if (!secret_list(db, user_id, &arena, &secrets, &count, err))
        return false;
    if (count == 0)
        return true;
    assert(vault != NULL);
    if (!vault_key_load(db, vault, user_id, &key, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "user %" PRId64 " has variables and no key", user_id);
    name_given(contract_id, about);
    bool is_given = write_all(&key, user_id, secrets, count, &arena, &text, err) &&
                    vault_seal(&key, about, text.bytes, &arena, &sealed, err) &&
                    contract_env_insert(db, contract_id, sealed.sealed, sealed.length, err);
    if (text.length > 0)
        crypto_wipe(text.bytes, text.length);
    return is_given;
}

static bool is_set(const struct instance_spec *spec, const char *name)
{
    for (int64_t i = 0; i < spec->env_count; i++) {
        if (strcmp(spec->env[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Those of the object that the spec does not set itself, as far as it has room. */
static bool merge(json_t *given, struct arena *arena, struct instance_spec *spec, struct error *err)
{
    struct spec_variable *env = arena_alloc(arena, SPEC_ENV_MAX, sizeof *env);
    const char *name;
    json_t *value;

    if (env == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for variables");
    for (int64_t i = 0; i < spec->env_count; i++)
        env[i] = spec->env[i];
    spec->env = env;
    json_object_foreach(given, name, value)
    {
        if (is_set(spec, name) || spec->env_count == SPEC_ENV_MAX)
            continue;
        struct spec_variable *at = &env[spec->env_count];

        *at = (struct spec_variable){ arena_text(arena, name),
                                      arena_text(arena, json_string_value(value)) };
        if (at->name == NULL || at->value == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "no room for variables");
        spec->env_count++;
    }
    return true;
}

bool secrets_add(struct db *db, const struct vault *vault, int64_t user_id, int64_t contract_id,
                 struct arena *arena, struct instance_spec *spec, struct error *err)
{
    auto_vault_key struct vault_key key;
    auto_json json_t *given = NULL;
    struct secret_row sealed;
    char about[ABOUT_SIZE];
    const char *text;
    bool has, has_key = false;

    if (!contract_env_load(db, contract_id, arena, &sealed, &has, err))
        return false;
    if (!has)
        return true;
    if (vault == NULL)
        return error_set(err, ERROR_CORRUPT, "there is no master key to open variables with");
    name_given(contract_id, about);
    if (!vault_key_load(db, vault, user_id, &key, &has_key, err))
        return false;
    if (!has_key)
        return error_set(err, ERROR_CORRUPT, "user %" PRId64 " has no key", user_id);
    return vault_unseal(&key, about, &sealed, arena, &text, err) &&
           json_parse(text, strlen(text), &given, err) && merge(given, arena, spec, err);
}

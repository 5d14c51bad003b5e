/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "flow/limits.h"
#include "flow/vault.h"
#include "market/launch.h"
#include "market/template.h"
#include "store/user.h"
#include "sys/crypto.h"

enum { ABOUT_SIZE = 64, LOGIN_PART_MAX = 4096 };

struct template_work {
    const struct flow *flow;
    const struct caller *caller;
    struct template_key key;
    const json_t *body;
    struct arena *arena;
    struct instant now;
    struct template_row row;
    struct template_row *rows;
    size_t count;
    const char *login;
    struct template_reply reply;
};

static void name_login(int64_t user_id, char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "template login %" PRId64, user_id);
}

static bool refuse(struct template_work *work, const struct error *why)
{
    work->reply.outcome = TEMPLATE_BAD;
    (void)snprintf(work->reply.why, sizeof work->reply.why, "%s", why->text);
    return true;
}

/* One that the caller may see; `*ret_has` false: there is none such. */
static bool find(struct db *db, struct template_work *work, struct template_row *ret, bool *ret_has,
                 struct error *err)
{
    if (work->key.hash_id != NULL
            ? !template_find(db, work->key.hash_id, work->arena, ret, ret_has, err)
            : !template_load(db, work->key.id, work->arena, ret, ret_has, err))
        return false;
    *ret_has = *ret_has && (!ret->is_private || ret->owner_id == work->caller->user_id);
    return true;
}

static bool is_own(const struct template_work *work, const struct template_row *row)
{
    return row->owner_id == work->caller->user_id;
}

/* 128 bits of owner and content: as many templates, as many hashes. */
static bool hash_form(struct template_work *work, const char *form, struct error *err)
{
    auto_buf struct buf text = buf_of(FLOW_ARENA_MAX);
    char hash[HEX_SIZE(HASH_SIZE)];

    buf_printf(&text, "template %" PRId64 " %s", work->caller->user_id, form);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the template is too long");
    struct hash digest = crypto_sha256(text.bytes, text.length);
    (void)hex_format(digest.bytes, HASH_SIZE, hash);
    hash[TEMPLATE_HASH_SIZE - 1] = '\0';
    work->row.hash_id = arena_text(work->arena, hash);
    work->row.form = arena_text(work->arena, form);
    return (work->row.hash_id != NULL && work->row.form != NULL) ||
           error_set(err, ERROR_OUT_OF_RANGE, "no room for a template");
}

/* Checked, as text and hash. A refusal is in the reply. */
static bool read_form(struct template_work *work, const json_t *present, struct error *err)
{
    auto_json json_t *form = NULL;
    bool is_recommended = work->row.is_recommended;
    struct error why;

    work->reply.outcome = TEMPLATE_DONE;
    if (!template_read(work->body, present, &form, &why) ||
        !json_opt_bool(work->body, "recommended", &is_recommended, &why))
        return refuse(work, &why);
    auto_free char *text = template_text(form);
    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a template");
    work->row.is_private = json_is_true(json_object_get(form, "private"));
    if (work->caller->is_admin)
        work->row.is_recommended = is_recommended;
    return hash_form(work, text, err);
}

/* "-u USER -p PASSWORD REPO", as a rental's image_login, which is what it becomes. */
static bool read_login(struct template_work *work, const char **ret, struct error *err)
{
    const char *user = NULL, *password = NULL, *repo = "";
    auto_buf struct buf text = buf_of(8 * LOGIN_PART_MAX);
    struct launch_login parsed;

    *ret = NULL;
    if (!json_opt_text(work->body, "docker_login_user", LOGIN_PART_MAX, &user, err) ||
        !json_opt_text(work->body, "docker_login_pass", LOGIN_PART_MAX, &password, err) ||
        !json_opt_text(work->body, "docker_login_repo", LOGIN_PART_MAX, &repo, err))
        return false;
    if (user == NULL && password == NULL)
        return true;
    if (user == NULL || password == NULL)
        return error_set(err, ERROR_INVALID,
                         "docker_login_user and docker_login_pass come together");
    launch_login_format(&text, &(struct launch_login){ user, password, repo });
    *ret = text.has_overflowed ? NULL : arena_text(work->arena, text.bytes);
    crypto_wipe(text.bytes, text.length);
    return *ret == NULL ? error_set(err, ERROR_OUT_OF_RANGE, "the login is too long")
                        : launch_login_parse(*ret, work->arena, &parsed, err);
}

static bool seal_login(struct db *db, struct template_work *work, struct error *err)
{
    auto_vault_key struct vault_key key;
    struct secret_row sealed;
    char about[ABOUT_SIZE];

    if (work->login == NULL)
        return true;
    name_login(work->caller->user_id, about);
    if (!vault_key_need(db, work->flow->vault, work->caller->user_id, work->now, &key, err) ||
        !vault_seal(&key, about, work->login, work->arena, &sealed, err))
        return false;
    work->row.login = sealed.sealed;
    work->row.login_length = sealed.length;
    return true;
}

/* The same content again is the template that there is. */
static bool insert(struct db *db, struct template_work *work, struct error *err)
{
    struct template_row there;
    int64_t count;
    bool has;

    if (!template_find(db, work->row.hash_id, work->arena, &there, &has, err))
        return false;
    if (has && work->login == NULL) {
        work->row = there;
        return true;
    }
    if (has) {
        work->row.id = there.id;
        work->row.created = there.created;
        return seal_login(db, work, err) && template_update(db, &work->row, err);
    }
    if (!template_count(db, work->caller->user_id, &count, err))
        return false;
    if (count >= TEMPLATES_PER_USER_MAX) {
        work->reply.outcome = TEMPLATE_TOO_MANY;
        return true;
    }
    return seal_login(db, work, err) && template_insert(db, &work->row, &work->row.id, err);
}

static bool create_work(struct db *db, void *context, struct error *err)
{
    struct template_work *work = context;
    struct error why;

    work->row = (struct template_row){ .owner_id = work->caller->user_id, .created = work->now };
    if (!read_form(work, NULL, err))
        return false;
    if (work->reply.outcome != TEMPLATE_DONE)
        return true;
    if (!read_login(work, &work->login, &why))
        return refuse(work, &why);
    return user_lock_open(db, work->caller->user_id, err) && insert(db, work, err);
}

static bool run(struct template_work *work, store_work *body, const char *what,
                struct template_reply *ret, struct error *err)
{
    work->now = clock_now(work->flow->clock);
    if (!store_write(work->flow->store, body, work, err))
        return error_context(err, "%s a template", what);
    work->reply.row = work->row;
    *ret = work->reply;
    return true;
}

bool flow_template_create(const struct flow *flow, const struct caller *caller, const json_t *body,
                          struct arena *arena, struct template_reply *ret, struct error *err)
{
    struct template_work work = { .flow = flow, .caller = caller, .body = body, .arena = arena };

    return run(&work, create_work, "make", ret, err);
}

/* Another of the caller's with that content cannot be told apart from this one. */
static bool update(struct db *db, struct template_work *work, struct error *err)
{
    struct template_row there;
    bool has;

    if (!template_find(db, work->row.hash_id, work->arena, &there, &has, err))
        return false;
    if (has && there.id != work->row.id) {
        work->reply.outcome = TEMPLATE_TAKEN;
        return true;
    }
    return seal_login(db, work, err) && template_update(db, &work->row, err);
}

static bool update_work(struct db *db, void *context, struct error *err)
{
    struct template_work *work = context;
    auto_json json_t *present = NULL;
    struct error why;
    bool has;

    work->reply.outcome = TEMPLATE_NONE;
    work->row = (struct template_row){ 0 };
    if (!user_lock_open(db, work->caller->user_id, err) || !find(db, work, &work->row, &has, err))
        return false;
    if (!has || !is_own(work, &work->row))
        return true;
    if (!json_parse(work->row.form, strlen(work->row.form), &present, err))
        return error_context(err, "template %" PRId64, work->row.id);
    if (!read_form(work, present, err))
        return false;
    if (work->reply.outcome != TEMPLATE_DONE)
        return true;
    if (!read_login(work, &work->login, &why))
        return refuse(work, &why);
    return update(db, work, err);
}

bool flow_template_update(const struct flow *flow, const struct caller *caller,
                          struct template_key key, const json_t *body, struct arena *arena,
                          struct template_reply *ret, struct error *err)
{
    struct template_work work = {
        .flow = flow, .caller = caller, .key = key, .body = body, .arena = arena
    };

    return run(&work, update_work, "change", ret, err);
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct template_work *work = context;
    bool has;

    work->reply.outcome = TEMPLATE_NONE;
    if (!user_lock_open(db, work->caller->user_id, err) || !find(db, work, &work->row, &has, err))
        return false;
    if (!has || !is_own(work, &work->row))
        return true;
    work->reply.outcome = TEMPLATE_DONE;
    return template_delete(db, work->row.id, work->now, err);
}

bool flow_template_delete(const struct flow *flow, const struct caller *caller,
                          struct template_key key, enum template_outcome *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct template_work work = { .flow = flow, .caller = caller, .key = key, .arena = &arena };
    struct template_reply reply;

    if (!run(&work, delete_work, "delete", &reply, err))
        return false;
    *ret = reply.outcome;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct template_work *work = context;

    return template_list(db, work->caller->user_id, TEMPLATES_SHOWN_MAX, work->arena, &work->rows,
                         &work->count, err);
}

bool flow_template_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                        struct template_row **ret, size_t *ret_count, struct error *err)
{
    struct template_work work = { .flow = flow, .caller = caller, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list templates");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

static bool open_login(struct db *db, struct template_work *work, struct error *err)
{
    auto_vault_key struct vault_key key;
    struct secret_row sealed = { .sealed = work->row.login, .length = work->row.login_length };
    char about[ABOUT_SIZE];
    bool has;

    if (work->row.login == NULL || !is_own(work, &work->row))
        return true;
    name_login(work->row.owner_id, about);
    if (!vault_key_load(db, work->flow->vault, work->row.owner_id, &key, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a sealed login without its key");
    return vault_unseal(&key, about, &sealed, work->arena, &work->login, err);
}

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct template_work *work = context;
    bool has;

    work->reply.outcome = TEMPLATE_NONE;
    if (!find(db, work, &work->row, &has, err))
        return false;
    if (!has)
        return true;
    work->reply.outcome = TEMPLATE_DONE;
    return open_login(db, work, err);
}

bool flow_template_find(const struct flow *flow, const struct caller *caller,
                        struct template_key key, struct arena *arena, struct template_reply *ret,
                        json_t **ret_form, const char **ret_login, struct error *err)
{
    struct template_work work = { .flow = flow, .caller = caller, .key = key, .arena = arena };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "find a template");
    work.reply.row = work.row;
    if (work.reply.outcome == TEMPLATE_DONE) {
        if (!json_parse(work.row.form, strlen(work.row.form), ret_form, err))
            return error_context(err, "template %" PRId64, work.row.id);
        *ret_login = work.login;
    }
    *ret = work.reply;
    return true;
}

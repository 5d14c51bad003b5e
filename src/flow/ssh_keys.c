/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/ssh_keys.h"

#include <string.h>

#include "flow/change.h"
#include "flow/limits.h"
#include "flow/ssh_key_text.h"
#include "store/user.h"

struct keys_work {
    const struct caller *caller;
    struct instant now;
    struct arena *arena;
    int64_t instance_id, key_id;
    const char *line;
    struct ssh_keys_reply reply;
    struct ssh_key_row *keys;
    size_t count;
    bool has;
};

static bool refuse(struct keys_work *work, enum ssh_keys_outcome outcome, const char *why)
{
    work->reply = (struct ssh_keys_reply){ .outcome = outcome, .why = why };
    return true;
}

static bool no_instance(struct keys_work *work)
{
    return refuse(work, SSH_KEYS_NO_INSTANCE, "There is no such instance on this account.");
}

static bool no_key(struct keys_work *work)
{
    return refuse(work, SSH_KEYS_NO_KEY, "There is no such SSH key on this account.");
}

/* An instance's own key may touch that instance alone. */
static bool may_touch(const struct caller *caller, int64_t instance_id)
{
    return caller->instance_id == 0 || caller->instance_id == instance_id;
}

/* Let the hosts of the caller's instances know: of all, or of one. */
static bool tell_hosts(struct db *db, const struct keys_work *work, int64_t instance_id,
                       struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    if (!contract_list_owned(db, work->caller->user_id, work->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct change change;
        struct contract_row contract;
        bool has;

        if (instance_id != 0 && contracts[i].id != instance_id)
            continue;
        /* Loaded again under its machine's lock. */
        if (!change_begin(&change, db, contracts[i].machine_id, work->now, work->arena, &has,
                          err) ||
            !contract_load_owned(db, work->caller->user_id, contracts[i].id, work->arena, &contract,
                                 &has, err))
            return false;
        if (has && (!change_touch(&change, &contract, err) || !change_end(&change, err)))
            return false;
    }
    return true;
}

static bool find_line(const struct keys_work *work, struct ssh_key_row *ret)
{
    for (size_t i = 0; i < work->count; i++)
        if (strcmp(work->keys[i].public_key, work->line) == 0) {
            *ret = work->keys[i];
            return true;
        }
    return false;
}

static bool add_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;
    struct ssh_key_row key = { .user_id = work->caller->user_id,
                               .public_key = work->line,
                               .is_account = true,
                               .created = work->now };

    if (!user_lock_open(db, work->caller->user_id, err) ||
        !ssh_key_list(db, work->caller->user_id, work->arena, &work->keys, &work->count, err))
        return false;
    if (find_line(work, &key)) {
        work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE, .key = key };
        return true;
    }
    if (work->count >= SSH_KEYS_PER_USER_MAX)
        return refuse(work, SSH_KEYS_TOO_MANY, "This account has as many SSH keys as one may.");
    if (!ssh_key_insert(db, &key, &key.id, err) ||
        !ssh_key_attach_everywhere(db, key.user_id, key.id, err) || !tell_hosts(db, work, 0, err))
        return false;
    work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE, .key = key };
    return true;
}

/* Where the text is no key, the reply says so and nothing else is done. */
static bool parse(const char *text, struct keys_work *work)
{
    const char *why;

    if (ssh_key_parse(text, work->arena, &work->line, &why))
        return true;
    (void)refuse(work, SSH_KEYS_NOT_A_KEY, why);
    return false;
}

bool flow_ssh_key_add(const struct flow *flow, const struct caller *caller, const char *text,
                      struct arena *arena, struct ssh_keys_reply *ret, struct error *err)
{
    struct keys_work work = { .caller = caller, .now = clock_now(flow->clock), .arena = arena };

    if (parse(text, &work) && !store_write(flow->store, add_work, &work, err))
        return error_context(err, "add an SSH key");
    *ret = work.reply;
    return true;
}

static bool update_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;
    struct ssh_key_row key;
    int64_t count;
    bool has;

    if (!ssh_key_load(db, work->caller->user_id, work->key_id, work->arena, &key, &has, err))
        return false;
    if (!has)
        return no_key(work);
    key.public_key = work->line;
    if (!ssh_key_update(db, work->caller->user_id, work->key_id, work->line, &count, err) ||
        !tell_hosts(db, work, 0, err))
        return false;
    work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE, .key = key };
    return true;
}

bool flow_ssh_key_update(const struct flow *flow, const struct caller *caller, int64_t key_id,
                         const char *text, struct arena *arena, struct ssh_keys_reply *ret,
                         struct error *err)
{
    struct keys_work work = {
        .caller = caller, .now = clock_now(flow->clock), .arena = arena, .key_id = key_id
    };

    if (parse(text, &work) && !store_write(flow->store, update_work, &work, err))
        return error_context(err, "change an SSH key");
    *ret = work.reply;
    return true;
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;
    int64_t count;

    if (!ssh_key_delete(db, work->caller->user_id, work->key_id, work->now, &count, err))
        return false;
    if (count == 0)
        return no_key(work);
    work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE };
    return tell_hosts(db, work, 0, err);
}

bool flow_ssh_key_delete(const struct flow *flow, const struct caller *caller, int64_t key_id,
                         struct ssh_keys_reply *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct keys_work work = {
        .caller = caller, .now = clock_now(flow->clock), .arena = &arena, .key_id = key_id
    };

    if (!store_write(flow->store, delete_work, &work, err))
        return error_context(err, "delete an SSH key");
    *ret = work.reply;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;

    return ssh_key_list(db, work->caller->user_id, work->arena, &work->keys, &work->count, err);
}

bool flow_ssh_key_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                       struct ssh_key_row **ret, size_t *ret_count, struct error *err)
{
    struct keys_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list SSH keys");
    *ret = work.keys;
    *ret_count = work.count;
    return true;
}

static bool has_instance(struct db *db, const struct keys_work *work, bool *ret_has,
                         struct error *err)
{
    struct contract_row contract;

    *ret_has = false;
    return !may_touch(work->caller, work->instance_id) ||
           contract_load_owned(db, work->caller->user_id, work->instance_id, work->arena, &contract,
                               ret_has, err);
}

static bool attach_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;
    struct ssh_key_row key = { .user_id = work->caller->user_id,
                               .public_key = work->line,
                               .created = work->now };
    int64_t count;
    bool has;

    if (!has_instance(db, work, &has, err))
        return false;
    if (!has)
        return no_instance(work);
    /* It may be there already, as the account's key or by an earlier attachment. */
    if (!ssh_key_list_of(db, key.user_id, work->instance_id, work->arena, &work->keys, &work->count,
                         err))
        return false;
    if (find_line(work, &key)) {
        work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE, .key = key };
        return true;
    }
    if (work->count >= SSH_KEYS_PER_USER_MAX)
        return refuse(work, SSH_KEYS_TOO_MANY, "This instance has as many SSH keys as one may.");
    if (!ssh_key_list(db, key.user_id, work->arena, &work->keys, &work->count, err))
        return false;
    if ((!find_line(work, &key) && !ssh_key_insert(db, &key, &key.id, err)) ||
        !ssh_key_attach(db, key.user_id, work->instance_id, key.id, &count, err) ||
        !tell_hosts(db, work, work->instance_id, err))
        return false;
    work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE, .key = key };
    return true;
}

bool flow_ssh_key_attach(const struct flow *flow, const struct caller *caller, int64_t instance_id,
                         const char *text, struct arena *arena, struct ssh_keys_reply *ret,
                         struct error *err)
{
    struct keys_work work = {
        .caller = caller, .now = clock_now(flow->clock), .arena = arena, .instance_id = instance_id
    };

    if (parse(text, &work) && !store_write(flow->store, attach_work, &work, err))
        return error_context(err, "attach an SSH key");
    *ret = work.reply;
    return true;
}

static bool detach_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;
    int64_t count;
    bool has;

    if (!has_instance(db, work, &has, err))
        return false;
    if (!has)
        return no_instance(work);
    if (!ssh_key_detach(db, work->caller->user_id, work->instance_id, work->key_id, &count, err))
        return false;
    if (count == 0)
        return no_key(work);
    work->reply = (struct ssh_keys_reply){ .outcome = SSH_KEYS_DONE };
    return tell_hosts(db, work, work->instance_id, err);
}

bool flow_ssh_key_detach(const struct flow *flow, const struct caller *caller, int64_t instance_id,
                         int64_t key_id, struct ssh_keys_reply *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct keys_work work = { .caller = caller,
                              .now = clock_now(flow->clock),
                              .arena = &arena,
                              .instance_id = instance_id,
                              .key_id = key_id };

    if (!store_write(flow->store, detach_work, &work, err))
        return error_context(err, "detach an SSH key");
    *ret = work.reply;
    return true;
}

static bool list_of_work(struct db *db, void *context, struct error *err)
{
    struct keys_work *work = context;

    work->count = 0;
    if (!has_instance(db, work, &work->has, err))
        return false;
    return !work->has || ssh_key_list_of(db, work->caller->user_id, work->instance_id, work->arena,
                                         &work->keys, &work->count, err);
}

bool flow_ssh_key_list_of(const struct flow *flow, const struct caller *caller, int64_t instance_id,
                          struct arena *arena, struct ssh_key_row **ret, size_t *ret_count,
                          bool *ret_has, struct error *err)
{
    struct keys_work work = { .caller = caller, .arena = arena, .instance_id = instance_id };

    if (!store_read(flow->store, list_of_work, &work, err))
        return error_context(err, "list the SSH keys of an instance");
    *ret = work.keys;
    *ret_count = work.count;
    *ret_has = work.has;
    return true;
}

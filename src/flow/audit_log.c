/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_log.h"

#include <stdlib.h>

enum { TEXTS_MAX = 16 * 1024 };

/* An entry on its way, with its texts. */
struct entry {
    const struct log *log;
    struct arena texts;
    struct audit_log_row row;
};

static bool write_work(struct db *db, void *context, struct error *err)
{
    const struct entry *entry = context;

    return audit_log_insert(db, &entry->row, err);
}

static void written(void *context, bool is_stored, const struct error *err)
{
    struct entry *entry = context;

    if (!is_stored)
        log_failure(entry->log, "audit entry not written", err);
    arena_release(&entry->texts);
    free(entry);
}

void audit_log_write(const struct flow *flow, const struct caller *caller, const char *address,
                     const char *route, const char *args)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL)
        abort();
    entry->log = flow->log;
    entry->texts = arena_of(TEXTS_MAX);
    const char *kept = arena_text(&entry->texts, args);
    entry->row = (struct audit_log_row){ .user_id = caller->user_id,
                                         .key_id = caller->key_id,
                                         .login_id = caller->login_id,
                                         .member_id = caller_member(caller),
                                         .at = clock_now(flow->clock),
                                         .address = arena_text(&entry->texts, address),
                                         .route = route,
                                         .args = kept != NULL ? kept : "{}" };
    if (entry->row.address == NULL)
        entry->row.address = "";
    store_write_later(flow->store, write_work, entry, written);
}

struct list_work {
    int64_t user_id;
    struct arena *arena;
    struct audit_log_row *rows;
    struct user_address_row *addresses;
    size_t count;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return audit_log_list(db, work->user_id, AUDIT_LOG_MAX, work->arena, &work->rows, &work->count,
                          err);
}

bool flow_audit_log(const struct flow *flow, const struct caller *caller, struct arena *arena,
                    struct audit_log_row **ret, size_t *ret_count, struct error *err)
{
    struct list_work work = { .user_id = caller != NULL ? caller->user_id : 0, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "read the audit log");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

static bool addresses_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return user_address_list(db, work->user_id, AUDIT_ADDRESSES_MAX, work->arena, &work->addresses,
                             &work->count, err);
}

bool flow_addresses(const struct flow *flow, const struct caller *caller, struct arena *arena,
                    struct user_address_row **ret, size_t *ret_count, struct error *err)
{
    struct list_work work = { .user_id = caller->user_id, .arena = arena };

    if (!store_read(flow->store, addresses_work, &work, err))
        return error_context(err, "read addresses");
    *ret = work.addresses;
    *ret_count = work.count;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/approval.h"

#include "flow/account.h"
#include "flow/limits.h"

static bool write_down(struct db *db, const char *what, const struct approval_request *request,
                       struct error *err)
{
    struct approval_row row = { .what = what,
                                .body = request->body,
                                .amount = request->amount,
                                .asked_by = request->operator_id,
                                .asked = request->at };

    return approval_ask(db, &row, err);
}

bool approval_seek(struct db *db, const char *what, const struct approval_request *request,
                   enum approval_outcome *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct approval_row row;
    bool has;

    if (!approval_find(db, what, &arena, &row, &has, err))
        return false;
    if (has && row.given_by != 0)
        return error_set(err, ERROR_CORRUPT, "%s was approved and not done", what);
    struct approval_asked asked = { .at = { 0 } };
    if (has)
        asked = (struct approval_asked){ row.body, row.amount, row.asked_by, row.asked };
    *ret = approval_decide(request, has ? &asked : NULL);
    if (*ret == APPROVAL_ASKED)
        return write_down(db, what, request, err);
    return *ret != APPROVAL_GIVEN ||
           approval_give(db, row.id, request->operator_id, request->at, err);
}

struct instant approval_day_before(struct instant now)
{
    return instant_add(now, -APPROVAL_DAY_HOURS * US_PER_HOUR);
}

bool flow_operator(const struct flow *flow, const struct hash *key, int64_t *ret_id,
                   struct error *err)
{
    struct caller caller;
    bool is_known;

    if (!flow_authenticate(flow, key, &caller, &is_known, err))
        return false;
    bool may = is_known && caller.is_admin && caller.scopes == SCOPE_ALL && caller.narrowed == 0 &&
               caller.instance_id == 0;
    *ret_id = may ? caller.user_id : 0;
    return true;
}

struct list_work {
    const struct approval_filter *filter;
    struct arena *arena;
    struct approval_row *rows;
    size_t count;
};

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct list_work *work = context;

    return approval_list(db, work->filter, work->arena, &work->rows, &work->count, err);
}

bool flow_approval_list(const struct flow *flow, const struct approval_filter *filter,
                        struct arena *arena, struct approval_row **ret, size_t *ret_count,
                        struct error *err)
{
    struct list_work work = { .filter = filter, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list approvals");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

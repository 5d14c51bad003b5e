/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rating.h"

#include <inttypes.h>
#include <string.h>

#include "flow/audit_ask.h"
#include "flow/limits.h"
#include "flow/upkeep.h"
#include "store/contract.h"
#include "store/interval.h"
#include "store/machine.h"
#include "store/user.h"

/* Empty, or of at most so many bytes without control characters. */
static bool is_text(const char *text, size_t max)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' && text[i] != '\n')
            return false;
    }
    return length <= max;
}

struct rate_work {
    const struct caller *caller;
    const struct rating_request *request;
    struct instant now;
    enum rating_outcome outcome;
};

/* Whether the caller may rate it: `outcome` says why not. */
static bool may_rate(struct db *db, struct rate_work *work, const struct contract_row *contract,
                     const struct machine_row *machine, struct error *err)
{
    bool has_run, has_rated;

    if (!interval_ever(db, contract->id, &has_run, err) ||
        !rating_has(db, contract->id, &has_rated, err))
        return false;
    work->outcome = machine->owner_id == work->caller->user_id ? RATING_OWN
                    : !has_run                                 ? RATING_NEVER_RAN
                    : has_rated                                ? RATING_TWICE
                                                               : RATING_DONE;
    return true;
}

static bool rate_work(struct db *db, void *context, struct error *err)
{
    struct rate_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract;
    struct machine_row machine;
    bool has;

    work->outcome = RATING_NO_INSTANCE;
    if (!user_lock_open(db, work->caller->user_id, err) ||
        !contract_load(db, work->request->instance_id, &arena, &contract, &has, err))
        return false;
    if (!has || contract.owner_id != work->caller->user_id || contract.kind == KIND_IDLE)
        return true;
    if (!machine_load(db, contract.machine_id, &arena, &machine, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its machine");
    if (!may_rate(db, work, &contract, &machine, err))
        return false;
    const struct rating_row rating = { .contract_id = contract.id,
                                       .machine_id = machine.id,
                                       .host_id = machine.owner_id,
                                       .user_id = work->caller->user_id,
                                       .stars = work->request->stars,
                                       .message = work->request->message,
                                       .created = work->now };
    return work->outcome != RATING_DONE ||
           (rating_insert(db, &rating, err) &&
            (rating.stars > RATING_POOR || audit_ask_soon(db, machine.id, work->now, err)));
}

bool flow_rate(const struct flow *flow, const struct caller *caller,
               const struct rating_request *request, enum rating_outcome *ret, struct error *err)
{
    struct rate_work work = { .caller = caller, .request = request, .now = clock_now(flow->clock) };

    *ret = RATING_BAD;
    if (request->stars < 1 || request->stars > 5 || !is_text(request->message, RATING_MESSAGE_MAX))
        return true;
    if (!store_write(flow->store, rate_work, &work, err))
        return error_context(err, "rate instance %" PRId64, request->instance_id);
    *ret = work.outcome;
    return true;
}

struct page_work {
    int64_t host_id;
    struct arena *arena;
    struct rating_page page;
};

static bool page_work(struct db *db, void *context, struct error *err)
{
    struct page_work *work = context;
    struct rating_page *page = &work->page;
    struct machine_row *machines;
    size_t count;

    if (!machine_has_any(db, work->host_id, &page->has_host, err))
        return false;
    if (!page->has_host)
        return true;
    if (!machine_list(db, work->host_id, work->arena, &machines, &count, err))
        return false;
    page->machines = (int64_t)count;
    return rating_sum(db, work->host_id, &page->count, &page->stars, err) &&
           rating_list(db, work->host_id, RATING_LIST_MAX, work->arena, &page->ratings,
                       &page->rating_count, err);
}

bool flow_host_ratings(const struct flow *flow, int64_t host_id, struct arena *arena,
                       struct rating_page *ret, struct error *err)
{
    struct page_work work = { .host_id = host_id, .arena = arena };

    if (!store_read(flow->store, page_work, &work, err))
        return error_context(err, "ratings of host %" PRId64, host_id);
    *ret = work.page;
    return true;
}

struct reply_work {
    int64_t host_id, report_id;
    const char *reply;
    struct instant now;
    int64_t count;
};

static bool reply_work(struct db *db, void *context, struct error *err)
{
    struct reply_work *work = context;

    return machine_report_reply(db, work->host_id, work->report_id, work->reply, work->now,
                                &work->count, err);
}

bool flow_reply_report(const struct flow *flow, const struct caller *caller, int64_t report_id,
                       const char *reply, enum rating_outcome *ret, struct error *err)
{
    struct reply_work work = { .host_id = caller->user_id,
                               .report_id = report_id,
                               .reply = reply,
                               .now = clock_now(flow->clock) };

    *ret = RATING_BAD;
    if (*reply == '\0' || !is_text(reply, UPKEEP_MESSAGE_MAX))
        return true;
    if (!store_write(flow->store, reply_work, &work, err))
        return error_context(err, "answer report %" PRId64, report_id);
    *ret = work.count == 1 ? RATING_DONE : RATING_NO_REPORT;
    return true;
}

struct own_work {
    int64_t user_id;
    struct arena *arena;
    struct machine_report_row *reports;
    size_t count;
};

static bool own_work(struct db *db, void *context, struct error *err)
{
    struct own_work *work = context;

    return machine_report_list_by(db, work->user_id, UPKEEP_REPORTS_MAX, work->arena,
                                  &work->reports, &work->count, err);
}

bool flow_own_reports(const struct flow *flow, const struct caller *caller, struct arena *arena,
                      struct machine_report_row **ret, size_t *ret_count, struct error *err)
{
    struct own_work work = { .user_id = caller->user_id, .arena = arena };

    if (!store_read(flow->store, own_work, &work, err))
        return error_context(err, "an account's reports");
    *ret = work.reports;
    *ret_count = work.count;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/bid.h"
#include "flow/instance_change.h"
#include "flow/limits.h"
#include "flow/op.h"
#include "flow/vault.h"
#include "store/contract.h"
#include "store/user.h"

enum { ABOUT_SIZE = 64 };

struct schedule_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct schedule_request *request;
    struct instant now;
    int64_t id;
    struct arena *arena;
    struct job_row *jobs;
    size_t count;
    int64_t changed;
    struct schedule_reply reply;
};

static struct vault_text text_of(int64_t owner_id, int64_t contract_id, enum job_deed deed,
                                 char about[static ABOUT_SIZE])
{
    (void)snprintf(about, ABOUT_SIZE, "scheduled job %" PRId64 " %d", contract_id, (int)deed);
    return (struct vault_text){ owner_id, about };
}

/* SCHEDULE_DONE: there may be such a job. */
static bool check(struct db *db, struct schedule_work *work, struct arena *arena, struct error *err)
{
    const struct schedule_request *request = work->request;
    struct contract_row contract;
    struct job_row other, *all;
    size_t count;
    bool has;

    work->reply.outcome = SCHEDULE_NO_INSTANCE;
    if (!contract_load_owned(db, work->caller->user_id, request->instance_id, arena, &contract,
                             &has, err))
        return false;
    if (!has)
        return true;
    if (!user_lock_open(db, work->caller->user_id, err) ||
        !job_find(db, work->caller->user_id, request->instance_id, request->deed, arena, &other,
                  &has, err) ||
        !job_list(db, work->caller->user_id, JOBS_PER_USER_MAX, arena, &all, &count, err))
        return false;
    if (has && other.id != request->id) {
        work->reply = (struct schedule_reply){ SCHEDULE_EXISTS, other.id };
        return true;
    }
    if (!has && request->id != 0)
        work->reply.outcome = SCHEDULE_NO_JOB;
    else if (!has && count >= JOBS_PER_USER_MAX)
        work->reply.outcome = SCHEDULE_TOO_MANY;
    else
        work->reply.outcome = SCHEDULE_DONE;
    return true;
}

static bool schedule_work(struct db *db, void *context, struct error *err)
{
    struct schedule_work *work = context;
    const struct schedule_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char about[ABOUT_SIZE];
    struct vault_text of =
        text_of(work->caller->user_id, request->instance_id, request->deed, about);
    struct job_row job = { .id = request->id,
                           .owner_id = work->caller->user_id,
                           .contract_id = request->instance_id,
                           .deed = request->deed,
                           .frequency = request->frequency,
                           .schedule = request->schedule,
                           .next = schedule_next(&request->schedule, work->now) };
    int64_t count;

    if (!check(db, work, &arena, err))
        return false;
    if (work->reply.outcome != SCHEDULE_DONE)
        return true;
    if (!vault_text_seal(db, work->flow->vault, &of, request->body, work->now, &arena, &job.body,
                         err))
        return false;
    work->reply.id = request->id;
    return request->id != 0 ? job_update(db, &job, &count, err)
                            : job_insert(db, &job, &work->reply.id, err);
}

static bool is_good_body(const struct schedule_request *request)
{
    size_t length = strlen(request->body);

    if (request->deed == JOB_COMMAND)
        return length > 0 && length <= JOB_COMMAND_MAX;
    return length <= MONEY_TEXT_SIZE;
}

bool flow_schedule(const struct flow *flow, const struct caller *caller,
                   const struct schedule_request *request, struct schedule_reply *ret,
                   struct error *err)
{
    struct schedule_work work = {
        .flow = flow, .caller = caller, .request = request, .now = clock_now(flow->clock)
    };

    *ret = (struct schedule_reply){ .outcome = SCHEDULE_BAD_TIME };
    if (!schedule_is_valid(&request->schedule) ||
        instant_compare(schedule_next(&request->schedule, work.now), INSTANT_NEVER) == 0)
        return true;
    ret->outcome = SCHEDULE_BAD_BODY;
    if (!is_good_body(request))
        return true;
    if (!store_write(flow->store, schedule_work, &work, err))
        return error_context(err, "schedule a job for instance %" PRId64, request->instance_id);
    *ret = work.reply;
    return true;
}

static bool delete_work(struct db *db, void *context, struct error *err)
{
    struct schedule_work *work = context;

    return job_delete(db, work->caller->user_id, work->id, &work->changed, err);
}

bool flow_schedule_delete(const struct flow *flow, const struct caller *caller, int64_t id,
                          enum schedule_outcome *ret, struct error *err)
{
    struct schedule_work work = { .caller = caller, .id = id };

    if (!store_write(flow->store, delete_work, &work, err))
        return error_context(err, "delete scheduled job %" PRId64, id);
    *ret = work.changed > 0 ? SCHEDULE_DONE : SCHEDULE_NO_JOB;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct schedule_work *work = context;

    return job_list(db, work->caller->user_id, JOBS_PER_USER_MAX, work->arena, &work->jobs,
                    &work->count, err);
}

bool flow_schedule_list(const struct flow *flow, const struct caller *caller, struct arena *arena,
                        struct job_row **ret, size_t *ret_count, struct error *err)
{
    struct schedule_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list scheduled jobs");
    *ret = work.jobs;
    *ret_count = work.count;
    return true;
}

static bool due_work(struct db *db, void *context, struct error *err)
{
    struct schedule_work *work = context;

    return job_due(db, work->now, SCHEDULE_BATCH_MAX, work->arena, &work->jobs, &work->count, err);
}

/* One run of one job. */
struct run_work {
    const struct flow *flow;
    struct job_row *job;
    struct instant now;
    struct arena *arena;
    bool is_mine;
    const char *body;
};

/* Take it, and read what it is. What has no further run is gone with this one. */
static bool claim_work(struct db *db, void *context, struct error *err)
{
    struct run_work *work = context;
    const struct job_row *job = work->job;
    struct instant next = schedule_next(&job->schedule, work->now);
    char about[ABOUT_SIZE];
    struct vault_text of = text_of(job->owner_id, job->contract_id, job->deed, about);
    int64_t count;

    if (!job_claim(db, job, next, &count, err))
        return false;
    work->is_mine = count > 0;
    if (!work->is_mine)
        return true;
    if (!vault_text_open(db, work->flow->vault, &of, job->body, work->arena, &work->body, err))
        return false;
    return instant_compare(next, INSTANT_NEVER) != 0 ||
           job_delete(db, job->owner_id, job->id, &count, err);
}

/* `*ret_is_gone`: there is no such instance any more. */
static bool run_bid(const struct run_work *work, const struct caller *caller, bool *ret_is_gone,
                    struct error *err)
{
    struct bid_request request = { .instance_id = work->job->contract_id };
    struct bid_reply reply;

    request.has_price = work->body[0] != '\0';
    if (request.has_price && !money_parse(work->body, &request.price, err))
        return error_context(err, "the price of a scheduled bid");
    if (!flow_bid_change(work->flow, caller, &request, &reply, err))
        return false;
    *ret_is_gone = reply.outcome == BID_NO_INSTANCE;
    return true;
}

static bool run_command(const struct run_work *work, const struct caller *caller, bool *ret_is_gone,
                        struct error *err)
{
    struct op_request request = { .instance_id = work->job->contract_id,
                                  .kind = OP_EXEC,
                                  .command = work->body };
    struct op_reply reply;

    if (!flow_op_create(work->flow, caller, &request, &reply, err))
        return false;
    *ret_is_gone = reply.outcome == OP_NO_INSTANCE;
    return true;
}

static bool run_reboot(const struct run_work *work, const struct caller *caller, bool *ret_is_gone,
                       struct error *err)
{
    enum change_outcome outcome;

    if (!flow_reboot(work->flow, caller, work->job->contract_id, &outcome, err))
        return false;
    *ret_is_gone = outcome == CHANGE_NO_INSTANCE;
    return true;
}

static bool run(const struct flow *flow, struct job_row *job, struct instant now,
                struct arena *arena, struct error *err)
{
    struct caller caller = { .kind = CALLER_USER, .user_id = job->owner_id, .scopes = SCOPE_ALL };
    struct run_work work = { .flow = flow, .job = job, .now = now, .arena = arena };
    enum schedule_outcome ignored;
    bool is_gone = false, is_run = false;

    if (!store_write(flow->store, claim_work, &work, err))
        return false;
    if (!work.is_mine)
        return true;
    switch (job->deed) {
    case JOB_REBOOT:
        is_run = run_reboot(&work, &caller, &is_gone, err);
        break;
    case JOB_COMMAND:
        is_run = run_command(&work, &caller, &is_gone, err);
        break;
    case JOB_BID:
        is_run = run_bid(&work, &caller, &is_gone, err);
        break;
    }
    return is_run && (!is_gone || flow_schedule_delete(flow, &caller, job->id, &ignored, err));
}

bool flow_schedule_run(const struct flow *flow, size_t *ret_count, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct schedule_work work = { .now = clock_now(flow->clock), .arena = &arena };
    struct error why;

    if (!store_read(flow->store, due_work, &work, err))
        return error_context(err, "find scheduled jobs");
    for (size_t i = 0; i < work.count; i++) {
        if (!run(flow, &work.jobs[i], work.now, &arena, &why))
            log_failure(flow->log, "scheduled job", &why);
    }
    *ret_count = work.count;
    return true;
}

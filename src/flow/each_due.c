/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/each_due.h"

#include <assert.h>

struct due_work {
    const struct due_job *job;
    struct instant now;
    int64_t id; /* the one to deal with, and the last one after that */
    bool is_done;
    size_t count;
    int64_t ids[EACH_DUE_MAX];
};

static bool look(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;
    const struct due_job *job = work->job;

    return job->walk != NULL ? job->walk(db, work->id, work->ids, job->max, &work->count, err)
                             : job->find(db, work->now, work->ids, job->max, &work->count, err);
}

static bool deal(struct db *db, void *context, struct error *err)
{
    struct due_work *work = context;

    work->is_done = false; /* a conflict runs it again */
    return work->job->deal(db, work->id, work->now, &work->is_done, err);
}

static bool deal_with(const struct flow *flow, struct due_work *work, struct error *err)
{
    if (store_write(flow->store, deal, work, err))
        return true;
    work->is_done = false;
    return work->job->lets_be != ERROR_NONE && err->code == work->job->lets_be;
}

bool each_due(const struct flow *flow, const struct due_job *job, size_t *ret_count,
              struct error *err)
{
    struct due_work work = { .job = job, .now = clock_now(flow->clock) };
    size_t count = 0;

    assert((job->find != NULL) != (job->walk != NULL));
    assert(job->max >= 1 && job->max <= EACH_DUE_MAX);
    do {
        if (!store_read(flow->store, look, &work, err))
            return error_context(err, "look for %s", job->seeks);
        for (size_t i = 0; i < work.count; i++) {
            work.id = work.ids[i];
            if (!deal_with(flow, &work, err))
                return error_context(err, "%s %lld", job->deed, (long long)work.id);
            count += job->walk == NULL || work.is_done;
        }
    } while (job->walk != NULL && work.count == job->max);
    *ret_count = count;
    return true;
}

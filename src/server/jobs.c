/* SPDX-License-Identifier: Apache-2.0 */
#include "server/jobs.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "flow/audit_ask.h"
#include "flow/automation.h"
#include "flow/autopay.h"
#include "flow/bill.h"
#include "flow/bill_renters.h"
#include "flow/contact_lost.h"
#include "flow/decide_due.h"
#include "flow/dispute.h"
#include "flow/due.h"
#include "flow/hold.h"
#include "flow/lifetime.h"
#include "flow/list_machine.h"
#include "flow/liveness.h"
#include "flow/login.h"
#include "flow/no_credit.h"
#include "flow/op.h"
#include "flow/pay_card.h"
#include "flow/pay_paypal.h"
#include "flow/post_usage.h"
#include "flow/predictor.h"
#include "flow/prepay.h"
#include "flow/requirement.h"
#include "flow/rewrap.h"
#include "flow/schedule.h"
#include "flow/seal.h"
#include "flow/warn_credit.h"
#include "flow/write_off.h"
#include "sys/heap.h"
#include "sys/thread.h"

/* After a look, those that changes ask for come no sooner. */
#define LOOK_PAUSE_US (100 * US_PER_MS)

/* What is due and was not dealt with is tried again after this long. */
#define RETRY_US US_PER_SECOND

/* A clock that was set, or a hint that got lost, is noticed after this long. */
#define LOOK_MAX_US (30 * US_PER_SECOND)

/* A flow that deals with some of what is due, and says with how much. */
typedef bool job_batch(const struct flow *flow, size_t *ret_count, struct error *err);

/* What is no batch: once is enough. */
typedef bool job_run(const struct jobs_options *options, struct error *err);

static bool run_liveness(const struct jobs_options *options, struct error *err)
{
    return flow_liveness(options->flow, options->server_proc, err);
}

static bool run_op_expire(const struct jobs_options *options, struct error *err)
{
    return flow_op_expire(options->flow, err);
}

static bool run_login_forget(const struct jobs_options *options, struct error *err)
{
    return flow_login_forget(options->flow, err);
}

static bool run_census(const struct jobs_options *options, struct error *err)
{
    return flow_audit_census(options->flow, err);
}

static bool run_recovery(const struct jobs_options *options, struct error *err)
{
    return options->recovery == NULL || recovery_watch_look(options->recovery, err);
}

static bool run_trim(const struct jobs_options *options, struct error *err)
{
    (void)options;
    (void)err;
    heap_trim();
    return true;
}

static bool run_market_history(const struct jobs_options *options, struct error *err)
{
    return options->market_stats == NULL || market_stats_keep(options->market_stats, err);
}

static bool run_key_uses(const struct jobs_options *options, struct error *err)
{
    return options->key_uses == NULL || key_uses_write(options->key_uses, options->flow, err);
}

enum { ALWAYS = -1 };

static const struct job {
    const char *name;
    job_batch *batch;
    size_t batch_max; /* as many ask to be called again at once */
    job_run *run;     /* where `batch` is NULL */
    int due;          /* what says when (flow/due.h); ALWAYS: every period */
    int64_t period_us;
} table[] = {
    { "recovery", NULL, 0, run_recovery, ALWAYS, 5 * US_PER_SECOND },
    { "liveness", NULL, 0, run_liveness, ALWAYS, LIVENESS_SECONDS *US_PER_SECOND },
    { "contact lost", flow_contact_lost, CONTACT_LOST_MAX, NULL, DUE_CONTACT_LOST, LOOK_MAX_US },
    { "no credit", flow_no_credit, NO_CREDIT_MAX, NULL, DUE_NO_CREDIT, LOOK_MAX_US },
    { "deposits", flow_reservations, RESERVATIONS_DUE_MAX, NULL, DUE_RESERVATIONS, LOOK_MAX_US },
    { "lifetime", flow_lifetime, LIFETIME_MAX, NULL, DUE_LIFETIME, LOOK_MAX_US },
    { "lifetime warnings", flow_lifetime_warn, LIFETIME_MAX, NULL, DUE_LIFETIME_WARNING,
      LOOK_MAX_US },
    { "stopped too long", flow_destroy_stopped, AUTOMATION_MAX, NULL, DUE_STOPPED_TOO_LONG,
      LOOK_MAX_US },
    { "decide", flow_decide_due, DECIDE_DUE_MAX, NULL, DUE_DECIDE, LOOK_MAX_US },
    { "funded bids", flow_funded, SIZE_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "post usage", flow_post_usage, POST_USAGE_MAX, NULL, DUE_POST_USAGE, LOOK_MAX_US },
    { "credit warnings", flow_warn_credit, WARN_CREDIT_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "bill hosts", flow_bill_hosts, BILL_HOSTS_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "bill renters", flow_bill_renters, BILL_RENTERS_MAX, NULL, ALWAYS, 60 * US_PER_SECOND },
    { "payouts by PayPal", flow_paypal_gather, PAYPAL_ITEMS_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "expire holds", flow_hold_expire, HOLDS_EXPIRE_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "another master key", flow_rewrap, REWRAP_BATCH_MAX, NULL, ALWAYS, 60 * US_PER_SECOND },
    { "seal journals", flow_seal, SEAL_BATCH_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "scheduled jobs", flow_schedule_run, SCHEDULE_BATCH_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "listings", flow_listings, LISTINGS_DUE_MAX, NULL, ALWAYS, 60 * US_PER_SECOND },
    { "proofs", flow_audit_ask, AUDIT_BATCH_MAX, NULL, ALWAYS, 30 * US_PER_SECOND },
    { "requirements", flow_requirements_look, REQUIREMENT_BATCH_MAX, NULL, ALWAYS,
      30 * US_PER_SECOND },
    { "predictor", flow_predictor, PREDICTOR_BATCH_MAX, NULL, ALWAYS, 60 * US_PER_SECOND },
    { "census", NULL, 0, run_census, ALWAYS, 5 * US_PER_SECOND },
    { "old logins", NULL, 0, run_login_forget, ALWAYS, 600 * US_PER_SECOND },
    { "automatic payments", flow_autopay, AUTOPAY_BATCH_MAX, NULL, ALWAYS, 10 * US_PER_SECOND },
    { "old debts", flow_write_off, WRITE_OFF_MAX, NULL, ALWAYS, 3600 * US_PER_SECOND },
    { "test credit", flow_test_credit_expire, TEST_CREDIT_BATCH_MAX, NULL, ALWAYS,
      600 * US_PER_SECOND },
    { "disputes", flow_dispute_remind, DISPUTE_REMIND_MAX, NULL, ALWAYS, 600 * US_PER_SECOND },
    { "market history", NULL, 0, run_market_history, ALWAYS, 10 * US_PER_SECOND },
    { "uses of keys", NULL, 0, run_key_uses, ALWAYS, 10 * US_PER_SECOND },
    { "memory", NULL, 0, run_trim, ALWAYS, 60 * US_PER_SECOND },
    { "expire operations", NULL, 0, run_op_expire, DUE_OP_EXPIRE, LOOK_MAX_US },
};
enum { JOB_COUNT = sizeof table / sizeof table[0] };

/* The first ones, that run while a recovery is open: nothing else falls due then. */
enum { JOBS_IN_RECOVERY = 2 };

struct jobs {
    struct jobs_options options;
    pthread_t thread;
    /* Of CLOCK_MONOTONIC; the thread's own. */
    int64_t due_us[JOB_COUNT], ran_us[JOB_COUNT], looked_us;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool is_stopping, is_woken, is_hinted;
};

static int64_t monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static bool is_stopping(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    bool result = jobs->is_stopping;
    (void)pthread_mutex_unlock(&jobs->lock);
    return result;
}

/* By itself, since no request waits for it: no other line would say what it was. */
static void look_how_long(const struct jobs *jobs, const struct job *job, size_t count,
                          int64_t took_us)
{
    if (jobs->options.slow_us == 0 || took_us < jobs->options.slow_us)
        return;
    metrics_add(jobs->options.metrics, METRICS_JOBS_SLOW, 1);
    log_write(jobs->options.flow->log, LOG_WARNING, "slow job", "%s: %lld ms, %zu dealt with",
              job->name, (long long)(took_us / US_PER_MS), count);
}

/* One job to the end of what is due. One that fails is tried again a period later. */
static void run_job(struct jobs *jobs, const struct job *job)
{
    struct metrics *metrics = jobs->options.metrics;
    bool is_full = true;
    struct error err;

    while (is_full && !is_stopping(jobs)) {
        size_t count = 0;
        int64_t began_us = monotonic_us();
        bool is_done = job->batch != NULL ? job->batch(jobs->options.flow, &count, &err)
                                          : job->run(&jobs->options, &err);
        is_full = job->batch != NULL && count >= job->batch_max;
        look_how_long(jobs, job, count, monotonic_us() - began_us);
        if (is_done) {
            metrics_add(metrics, METRICS_JOBS_RUN, 1);
            continue;
        }
        metrics_add(metrics, METRICS_JOBS_FAILED, 1);
        (void)error_context(&err, "%s", job->name);
        log_failure(jobs->options.flow->log, "job failed", &err);
        return;
    }
}

/* When a job that has run, or has not, is to run: when its next is due, but soon after a run only
 * if that has left something. */
static int64_t plan_job(const struct jobs *jobs, size_t i, const struct instant *dues)
{
    const struct job *job = &table[i];
    int64_t now_us = jobs->looked_us, latest_us = jobs->ran_us[i] + job->period_us;

    if (job->due == ALWAYS)
        return latest_us;
    if (dues == NULL)
        return now_us + RETRY_US;
    int64_t left_us = instant_until(clock_now(jobs->options.flow->clock), dues[job->due]);
    if (left_us <= 0)
        return jobs->ran_us[i] + RETRY_US;
    return left_us < latest_us - now_us ? now_us + left_us : latest_us;
}

static void plan(struct jobs *jobs)
{
    const struct flow *flow = jobs->options.flow;
    struct instant dues[DUE_COUNT];
    struct error err;

    bool is_known = flow_due(flow, dues, &err);
    if (!is_known)
        log_failure(flow->log, "job failed", &err);
    jobs->looked_us = monotonic_us();
    for (size_t i = 0; i < JOB_COUNT; i++)
        jobs->due_us[i] = plan_job(jobs, i, is_known ? dues : NULL);
}

static int64_t first_due_us(const struct jobs *jobs)
{
    int64_t due_us = jobs->due_us[0];

    for (size_t i = 1; i < JOB_COUNT; i++)
        due_us = jobs->due_us[i] < due_us ? jobs->due_us[i] : due_us;
    return due_us;
}

/* Sleep until the first is due, something has changed, or it is over: then false. */
static bool wait_for_next(struct jobs *jobs)
{
    int64_t due_us = first_due_us(jobs), look_us = jobs->looked_us + LOOK_PAUSE_US;

    (void)pthread_mutex_lock(&jobs->lock);
    while (!jobs->is_stopping && !jobs->is_woken) {
        int64_t until_us = jobs->is_hinted && look_us < due_us ? look_us : due_us;
        struct timespec until = { .tv_sec = until_us / US_PER_SECOND,
                                  .tv_nsec = until_us % US_PER_SECOND * 1000 };

        if (monotonic_us() >= until_us)
            break;
        (void)pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
    }
    if (jobs->is_woken)
        memset(jobs->due_us, 0, sizeof jobs->due_us);
    jobs->is_woken = jobs->is_hinted = false;
    bool goes_on = !jobs->is_stopping;
    (void)pthread_mutex_unlock(&jobs->lock);
    return goes_on;
}

static void run_due(struct jobs *jobs)
{
    for (size_t i = 0; i < JOB_COUNT; i++) {
        if (jobs->due_us[i] > monotonic_us())
            continue;
        if (i < JOBS_IN_RECOVERY || !recovery_watch_is_open(jobs->options.recovery))
            run_job(jobs, &table[i]);
        jobs->ran_us[i] = monotonic_us();
    }
}

static void *run(void *context)
{
    struct jobs *jobs = context;

    do {
        run_due(jobs);
        plan(jobs);
    } while (wait_for_next(jobs));
    return NULL;
}

bool jobs_open(const struct jobs_options *options, struct jobs **ret_jobs, struct error *err)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);

    if (jobs == NULL)
        abort();
    jobs->options = *options;
    (void)pthread_mutex_init(&jobs->lock, NULL);
    thread_cond(&jobs->changed);
    if (!thread_start(&jobs->thread, run, jobs, err)) {
        free(jobs);
        return error_context(err, "start the jobs");
    }
    *ret_jobs = jobs;
    return true;
}

void jobs_wake(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    jobs->is_woken = true;
    (void)pthread_cond_signal(&jobs->changed);
    (void)pthread_mutex_unlock(&jobs->lock);
}

void jobs_hint(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    jobs->is_hinted = true;
    (void)pthread_cond_signal(&jobs->changed);
    (void)pthread_mutex_unlock(&jobs->lock);
}

void jobs_stop(struct jobs *jobs)
{
    (void)pthread_mutex_lock(&jobs->lock);
    bool was_stopping = jobs->is_stopping;
    jobs->is_stopping = true;
    (void)pthread_cond_signal(&jobs->changed);
    (void)pthread_mutex_unlock(&jobs->lock);
    if (!was_stopping)
        (void)pthread_join(jobs->thread, NULL);
}

void jobs_close(struct jobs **jobs_owner)
{
    struct jobs *jobs = *jobs_owner;

    if (jobs == NULL)
        return;
    jobs_stop(jobs);
    (void)pthread_cond_destroy(&jobs->changed);
    (void)pthread_mutex_destroy(&jobs->lock);
    free(jobs);
    *jobs_owner = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"

#include <assert.h>
#include <string.h>

/* What is wanted of an instance here and now, local limits included. */
struct want {
    bool is_running, is_absent;
    const char *message; /* why it is stopped although the server wants it running */
};

const char *plan_step_name(enum plan_step step)
{
    static const char *const names[] = {
        [PLAN_NOTHING] = "nothing", [PLAN_PREPARE] = "prepare", [PLAN_CREATE] = "create",
        [PLAN_START] = "start",     [PLAN_STOP] = "stop",       [PLAN_RESTART] = "restart",
        [PLAN_REBIND] = "rebind",   [PLAN_DESTROY] = "destroy", [PLAN_FORGET] = "forget",
        [PLAN_CANCEL] = "cancel",   [PLAN_NOTIFY] = "notify",   [PLAN_KILL] = "kill",
        [PLAN_CLEAR] = "clear",     [PLAN_OPEN] = "open",
    };

    assert((size_t)step < sizeof names / sizeof names[0]);
    return names[step];
}

static bool is_past(int64_t now_us, int64_t due_us)
{
    return due_us >= 0 && now_us >= due_us;
}

static struct want want_of(const struct plan_facts *facts, const struct plan_instance *instance)
{
    const struct desired_instance *desired = instance->desired;
    struct want want = { .message = "" };

    if (desired == NULL || instance->is_foreign)
        want.message = "not known to the server: stopped and kept";
    else if (desired->state == DESIRED_ABSENT && instance->may_destroy)
        want.is_absent = true;
    else if (desired->state == DESIRED_ABSENT)
        want.message = "the order to destroy it is not signed by the server: stopped and kept";
    else if (desired->state == DESIRED_STOPPED)
        want.message = "";
    else if (is_past(facts->now_us, instance->stop_due_us))
        want.message = "stopped: the credit is used up";
    else if (is_past(facts->now_us, instance->lifetime_due_us))
        want.message = "stopped: the contract has ended";
    else if (facts->now_us - facts->last_contact_us >= facts->alone_max_us)
        want.message = "stopped: the host has not reached the server for too long";
    else
        want.is_running = true;
    return want;
}

static bool is_up(const struct plan_instance *instance)
{
    return instance->seen != NULL && instance->seen->state == SEEN_RUNNING &&
           !seen_is_for_copies(instance->seen);
}

/* It is stopped, and its files are open for copies. */
static bool is_open(const struct plan_instance *instance)
{
    return instance->seen != NULL && instance->seen->state == SEEN_RUNNING &&
           seen_is_for_copies(instance->seen);
}

/* Made from something else than what is desired now. */
static bool is_outdated(const struct plan_instance *instance)
{
    return strcmp(instance->seen->spec, instance->spec) != 0 ||
           strcmp(instance->seen->gpus, instance->gpus) != 0;
}

static bool needs_restart(const struct plan_instance *instance)
{
    return instance->record->restart_nonce < instance->desired->restart_nonce;
}

/* It ended by itself, and nobody has asked for it since. */
static bool has_exited(const struct plan_facts *facts, const struct plan_instance *instance)
{
    const struct record *record = instance->record;

    return instance->seen->state == SEEN_EXITED && !record->is_stopped_by_us &&
           !instance->was_cut && record->start_gen >= instance->desired->gen &&
           strcmp(record->started_before, instance->seen->started_at) != 0 &&
           strcmp(record->boot_id, facts->boot_id) == 0 && !needs_restart(instance);
}

/* The step failed a moment ago. */
static bool must_pause(const struct plan_facts *facts, const struct plan_instance *instance,
                       enum plan_step step)
{
    return instance->failure.count > 0 && instance->failure.step == step &&
           facts->now_us < instance->failure.retry_us;
}

/* Trying again will not help until the server changes its mind. */
static bool has_given_up(const struct plan_instance *instance)
{
    return instance->failure.count > 0 && instance->failure.is_final &&
           instance->failure.gen == instance->desired->gen;
}

/* Its renter wants it from the image again. The record says what was made last. */
static bool must_remake(const struct plan_instance *instance)
{
    return instance->record != NULL && instance->record->remake < instance->desired->spec.remake;
}

static enum plan_step step_to_remake(const struct plan_instance *instance)
{
    if (is_up(instance) || is_open(instance) ||
        (instance->next != NULL && instance->next->state == SEEN_RUNNING))
        return PLAN_STOP;
    return instance->seen != NULL || instance->next != NULL ? PLAN_CLEAR : PLAN_PREPARE;
}

static enum plan_step step_to_run(const struct plan_facts *facts,
                                  const struct plan_instance *instance)
{
    const struct seen *seen = instance->seen;

    if (has_given_up(instance))
        return PLAN_NOTHING;
    if (instance->record == NULL && (seen != NULL || instance->next != NULL))
        return PLAN_NOTHING;
    if (must_remake(instance))
        return step_to_remake(instance);
    if (instance->next != NULL || (seen != NULL && is_outdated(instance)))
        return is_up(instance) || is_open(instance) ? PLAN_STOP : PLAN_REBIND;
    if (seen == NULL)
        return instance->record == NULL || !instance->is_prepared ? PLAN_PREPARE : PLAN_CREATE;
    if (seen->state == SEEN_BUSY)
        return PLAN_NOTHING;
    if (has_exited(facts, instance))
        return is_past(facts->now_us, instance->revival_us) ? PLAN_START : PLAN_NOTHING;
    if (is_up(instance))
        return needs_restart(instance) ? PLAN_RESTART : PLAN_NOTHING;
    return PLAN_START;
}

/* Signalled once, and then its own to use until the deadline. */
static enum plan_step step_to_yield(const struct plan_facts *facts,
                                    const struct plan_instance *instance)
{
    if (is_past(facts->now_us, instance->notice_due_us))
        return PLAN_KILL;
    return instance->record->notice_gen < instance->desired->gen ? PLAN_NOTIFY : PLAN_NOTHING;
}

static bool has_notice(const struct plan_instance *instance)
{
    return instance->desired != NULL && instance->desired->has_notice && !instance->is_foreign &&
           instance->record != NULL;
}

/* One that has files, and is nobody's to run just now. */
static bool may_open(const struct plan_instance *instance)
{
    return instance->wants_copies && instance->desired != NULL &&
           instance->desired->state != DESIRED_ABSENT && instance->record != NULL &&
           instance->seen != NULL && instance->seen->state != SEEN_BUSY;
}

static enum plan_step step_to_stop(const struct plan_facts *facts,
                                   const struct plan_instance *instance)
{
    if (is_up(instance))
        return has_notice(instance) ? step_to_yield(facts, instance) : PLAN_STOP;
    if (instance->is_foreign)
        return instance->seen != NULL && !seen_is_kept(instance->seen) ? PLAN_STOP : PLAN_NOTHING;
    if (instance->next != NULL && instance->next->state == SEEN_RUNNING)
        return PLAN_STOP;
    if (is_open(instance) != may_open(instance))
        return is_open(instance) ? PLAN_STOP : PLAN_OPEN;
    if (instance->desired != NULL)
        return PLAN_NOTHING;
    if (instance->seen == NULL && instance->next == NULL && instance->record != NULL)
        return PLAN_FORGET;
    return PLAN_NOTHING;
}

/* A step that is under way goes on, unless it leads where nobody wants to go any more. */
static enum plan_step step_meanwhile(const struct plan_instance *instance, const struct want *want)
{
    bool leads_up = instance->under_way == PLAN_PREPARE || instance->under_way == PLAN_CREATE ||
                    instance->under_way == PLAN_START || instance->under_way == PLAN_REBIND;

    return leads_up && !want->is_running ? PLAN_CANCEL : PLAN_NOTHING;
}

static enum plan_step step_of(const struct plan_facts *facts, const struct plan_instance *instance,
                              const struct want *want)
{
    bool has_any = instance->seen != NULL || instance->next != NULL || instance->record != NULL;
    enum plan_step step;

    if (!facts->has_desired || !facts->is_engine_ok)
        return PLAN_NOTHING;
    if (instance->under_way != PLAN_NOTHING)
        return step_meanwhile(instance, want);
    if (want->is_absent)
        step = has_any ? PLAN_DESTROY : PLAN_NOTHING;
    else
        step = want->is_running ? step_to_run(facts, instance) : step_to_stop(facts, instance);
    return must_pause(facts, instance, step) ? PLAN_NOTHING : step;
}

/* A generation that is certainly not the current one: what is, is still what was. */
static int64_t stale_gen(const struct plan_instance *instance)
{
    int64_t before = instance->desired->gen - 1;
    int64_t started = instance->record != NULL ? instance->record->start_gen : 0;

    return started < before ? started : before;
}

static void judge_running(const struct plan_facts *facts, const struct plan_instance *instance,
                          struct plan_verdict *verdict)
{
    bool is_kept = instance->seen != NULL && instance->record != NULL;
    bool is_right = is_kept && is_up(instance) && !is_outdated(instance) &&
                    instance->next == NULL && !needs_restart(instance);
    const struct plan_failure *failure = &instance->failure;

    verdict->gen = instance->desired->gen;
    if (is_right && instance->under_way == PLAN_NOTHING) {
        verdict->phase = PHASE_RUNNING;
    } else if (is_up(instance) && instance->under_way == PLAN_NOTHING) {
        verdict->phase = PHASE_RUNNING; /* in its old form, about to change */
        verdict->gen = stale_gen(instance);
    } else if (has_given_up(instance) ||
               (failure->count >= PLAN_TRIES_BEFORE_FAILED && failure->step != PLAN_OPEN &&
                !instance->desired->is_kept_running)) {
        verdict->phase = PHASE_FAILED;
    } else if (instance->seen != NULL && instance->record == NULL) {
        verdict->phase = PHASE_FAILED;
        verdict->message = "the host has lost its record of this instance";
    } else if (is_kept && instance->under_way == PLAN_NOTHING && instance->next == NULL &&
               !is_outdated(instance) && has_exited(facts, instance)) {
        bool is_revived = instance->revival_us >= 0;

        verdict->phase = is_revived ? PHASE_CREATING : PHASE_EXITED;
        verdict->message = is_revived ? "it ended by itself, and is started again" : "";
    } else {
        verdict->phase = PHASE_CREATING;
    }
}

static void judge_stopped(const struct plan_instance *instance, struct plan_verdict *verdict)
{
    const struct desired_instance *desired = instance->desired;
    bool is_local = desired != NULL && desired->state == DESIRED_RUNNING;

    verdict->phase = is_up(instance) ? PHASE_RUNNING : PHASE_STOPPED;
    if (desired == NULL || instance->is_foreign)
        verdict->gen = instance->seen != NULL ? instance->seen->gen : 0;
    else if (desired->state == DESIRED_ABSENT || (is_up(instance) && !is_local))
        verdict->gen = stale_gen(instance);
    else
        verdict->gen = desired->gen;
}

static struct plan_verdict judge(const struct plan_facts *facts,
                                 const struct plan_instance *instance)
{
    struct want want = want_of(facts, instance);
    struct plan_verdict verdict = { .message = want.message, .wants_running = want.is_running };

    verdict.step = step_of(facts, instance, &want);
    if (want.is_running) {
        judge_running(facts, instance, &verdict);
    } else if (want.is_absent && instance->seen == NULL && instance->next == NULL &&
               instance->record == NULL && instance->under_way == PLAN_NOTHING) {
        verdict.phase = PHASE_ABSENT;
        verdict.gen = instance->desired->gen;
    } else {
        judge_stopped(instance, &verdict);
        if (want.is_absent)
            verdict.gen = stale_gen(instance);
    }
    return verdict;
}

static bool takes_gpus(enum plan_step step)
{
    return step == PLAN_CREATE || step == PLAN_START || step == PLAN_REBIND || step == PLAN_RESTART;
}

/* Whether `other` has its hands on a GPU that `wanted` names. */
static bool holds(const struct plan_instance *other, const char *wanted)
{
    if (other->seen != NULL && other->seen->state == SEEN_RUNNING &&
        seen_gpus_overlap(other->seen->gpus, wanted))
        return true;
    return takes_gpus(other->under_way) && other->gpus != NULL &&
           seen_gpus_overlap(other->gpus, wanted);
}

/* Two containers never share a GPU: who comes later waits until it is let go. */
static bool must_wait(const struct plan_instance *instances, const struct plan_verdict *verdicts,
                      size_t count, size_t index)
{
    const char *wanted = instances[index].gpus;

    if (!takes_gpus(verdicts[index].step) || wanted == NULL || *wanted == '\0')
        return false;
    for (size_t i = 0; i < count; i++) {
        if (i != index && holds(&instances[i], wanted))
            return true;
        if (i < index && takes_gpus(verdicts[i].step) &&
            seen_gpus_overlap(instances[i].gpus, wanted))
            return true;
    }
    return false;
}

void plan_make(const struct plan_facts *facts, const struct plan_instance *instances, size_t count,
               struct plan_verdict *verdicts)
{
    for (size_t i = 0; i < count; i++)
        verdicts[i] = judge(facts, &instances[i]);
    for (size_t i = 0; i < count; i++) {
        if (!must_wait(instances, verdicts, count, i))
            continue;
        verdicts[i].step = PLAN_NOTHING;
        verdicts[i].message = "waiting for a GPU that another instance is leaving";
    }
}

static void take_sooner(int64_t now_us, int64_t due_us, int64_t *next_us)
{
    if (due_us > now_us && (*next_us < 0 || due_us < *next_us))
        *next_us = due_us;
}

int64_t plan_next_us(const struct plan_facts *facts, const struct plan_instance *instances,
                     size_t count)
{
    int64_t next_us = -1;

    for (size_t i = 0; i < count; i++) {
        take_sooner(facts->now_us, instances[i].stop_due_us, &next_us);
        take_sooner(facts->now_us, instances[i].lifetime_due_us, &next_us);
        if (has_notice(&instances[i]))
            take_sooner(facts->now_us, instances[i].notice_due_us, &next_us);
        take_sooner(facts->now_us, instances[i].revival_us, &next_us);
        if (instances[i].failure.count > 0)
            take_sooner(facts->now_us, instances[i].failure.retry_us, &next_us);
    }
    if (count > 0)
        take_sooner(facts->now_us, facts->last_contact_us + facts->alone_max_us, &next_us);
    return next_us;
}

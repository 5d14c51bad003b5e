/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bencher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/prover.h"
#include "sys/file.h"

enum { KEPT_MAX = 1 << 16, QUIET_TICKS = 60, WEEK_S = 7 * 86400, DAY_S = 86400 };

static const char kept_name[] = "bench.json";

struct bencher {
    struct bencher_options options;
    struct bench_options bench;
    struct job *job;
    struct prover *prover;
    struct bench_report report;
    int64_t measured_s; /* by this machine's clock; 0: never */
    int quiet_ticks;    /* seconds without anything running */
    bool is_told, is_on_its_way;
};

static int64_t now_s(const struct bencher *bencher)
{
    return clock_now(bencher->options.clock).microseconds / US_PER_SECOND;
}

static int64_t age_s(const struct bencher *bencher)
{
    int64_t age = now_s(bencher) - bencher->measured_s;

    return age < 0 ? 0 : age > BENCH_AGE_MAX_S ? BENCH_AGE_MAX_S : age;
}

static void load(struct bencher *bencher)
{
    auto_buf struct buf text = buf_of(KEPT_MAX);
    auto_json json_t *root = NULL;
    const json_t *report;
    struct json_bounds bounds = { 0, INT64_MAX / US_PER_SECOND };
    struct error ignored;

    if (!file_read(bencher->options.dir, kept_name, &text, &ignored) || text.length == 0 ||
        !json_parse(text.bytes, text.length, &root, &ignored) ||
        !json_need_object(root, "report", &report, &ignored) ||
        !bench_report_decode(report, &bencher->report, &ignored) ||
        !json_need_int(root, "measured", bounds, &bencher->measured_s, &ignored))
        bencher->measured_s = 0;
}

static void save(const struct bencher *bencher)
{
    auto_buf struct buf text = buf_of(KEPT_MAX), report = buf_of(KEPT_MAX);
    struct encoder json = encoder_of(&text);
    struct error err;

    bench_report_encode(&report, &bencher->report);
    encode_object(&json);
    encode_field_int(&json, "measured", bencher->measured_s);
    encode_key(&json, "report");
    encode_raw(&json, report.bytes, report.length);
    encode_end(&json);
    if (!file_replace(bencher->options.dir, kept_name, 0600, text.bytes, text.length, &err))
        log_failure(&bencher->options.log, "measurements not saved", &err);
}

struct bencher *bencher_open(const struct bencher_options *options)
{
    struct bencher *bencher = calloc(1, sizeof *bencher);

    if (bencher == NULL)
        abort(); /* As base/buf.h says. */
    bencher->options = *options;
    bencher->bench = (struct bench_options){ options->facts, options->disk };
    bencher->prover =
        prover_open(&(struct prover_options){ options->loop, options->facts, options->server_url,
                                              options->ca_file, options->disk, options->log });
    load(bencher);
    return bencher;
}

void bencher_close(struct bencher **bencher)
{
    if (*bencher != NULL) {
        job_cancel(&(*bencher)->job);
        prover_close(&(*bencher)->prover);
    }
    free(*bencher);
    *bencher = NULL;
}

bool bencher_is_busy(const struct bencher *bencher)
{
    return bencher->job != NULL || prover_is_busy(bencher->prover);
}

static bool has_measured(const struct bencher *bencher, const char *uuid)
{
    for (int64_t i = 0; i < bencher->report.gpu_count; i++) {
        if (strcmp(bencher->report.gpus[i].uuid, uuid) == 0)
            return true;
    }
    return false;
}

static bool has_measured_all(const struct bencher *bencher)
{
    const struct machine_facts *facts = bencher->options.facts;
    bool has_all = true;

    for (int64_t i = 0; i < facts->gpu_count && !facts->is_simulated; i++)
        has_all = has_all && has_measured(bencher, facts->gpus[i].uuid);
    return has_all;
}

/* Another driver may be another speed; and one that says nothing of the driver is of an agent that
 * measured less. */
static bool has_other_driver(const struct bencher *bencher)
{
    const struct machine_facts *facts = bencher->options.facts;

    return facts->gpu_count > 0 && !facts->is_simulated &&
           strcmp(bencher->report.driver, facts->driver_version) != 0;
}

/* What could not be measured is tried again a day later. */
static bool is_due(const struct bencher *bencher)
{
    return bencher->measured_s == 0 || age_s(bencher) >= WEEK_S || has_other_driver(bencher) ||
           (!has_measured_all(bencher) && age_s(bencher) >= DAY_S);
}

static void on_end(void *context, const struct job_end *end)
{
    struct bencher *bencher = context;
    struct error err = end->err;

    if (!end->is_done || !bench_report_decode(end->result, &bencher->report, &err)) {
        log_failure(&bencher->options.log, "machine not measured", &err);
        bencher->report = (struct bench_report){ 0 };
        (void)snprintf(bencher->report.driver, sizeof bencher->report.driver, "%s",
                       bencher->options.facts->driver_version);
    }
    bencher->measured_s = now_s(bencher);
    bencher->is_told = false;
    log_write(&bencher->options.log, LOG_INFO, "machine measured", "%d of %d GPUs",
              (int)bencher->report.gpu_count, (int)bencher->options.facts->gpu_count);
    save(bencher);
}

static void measure(struct bencher *bencher)
{
    struct job_spec spec = { .work = bench_work,
                             .work_context = &bencher->bench,
                             .timeout_ms = BENCH_TIMEOUT_MS,
                             .on_end = on_end,
                             .context = bencher };
    struct error err;

    if (!job_start(bencher->options.loop, &spec, &bencher->job, &err))
        log_failure(&bencher->options.log, "machine not measured", &err);
}

static void tell(struct bencher *bencher, struct link *link)
{
    auto_buf struct buf body = buf_of(PROTO_BODY_MAX);

    if (bencher->is_told || bencher->is_on_its_way || bencher->measured_s == 0)
        return;
    bencher->report.age_s = age_s(bencher);
    bench_report_encode(&body, &bencher->report);
    bencher->is_on_its_way = link_post(link, LINK_POST_BENCH, &body);
}

/* What it is to have, and what its containers have by now. */
static void take(struct vacancy *vacancy, const struct machine_facts *facts,
                 const struct instance *instance)
{
    const struct seen *seen = instance_seen(instance, false), *next = instance_seen(instance, true);
    const char *uuids[] = { instance->gpus, seen != NULL ? seen->gpus : NULL,
                            next != NULL ? next->gpus : NULL };
    bool is_known = false;

    for (int i = 0; i < 3; i++) {
        if (uuids[i] == NULL || *uuids[i] == '\0')
            continue;
        is_known = true;
        vacancy_take(vacancy, facts, uuids[i]);
    }
    if (!is_known)
        vacancy_take(vacancy, facts, "");
}

/* Where nothing of anybody's runs, or is about to. */
static struct vacancy find_vacancy(const struct machine_facts *facts,
                                   const struct instances *instances)
{
    struct vacancy vacancy = vacancy_of(facts);

    for (size_t i = 0; i < instances->count; i++) {
        const struct plan_verdict *verdict = &instances->all[i]->verdict;

        if (verdict->wants_running || verdict->phase == PHASE_RUNNING ||
            verdict->phase == PHASE_CREATING)
            take(&vacancy, facts, instances->all[i]);
    }
    return vacancy;
}

void bencher_tend(struct bencher *bencher, struct link *link, const struct instances *instances,
                  const struct keep *keep)
{
    struct vacancy vacancy = find_vacancy(bencher->options.facts, instances);

    bencher->quiet_ticks = vacancy.is_idle ? bencher->quiet_ticks + 1 : 0;
    /* Somebody comes: what they rented is theirs. */
    prover_make_way(bencher->prover, &vacancy);
    if (!vacancy.is_idle)
        job_cancel(&bencher->job);
    if (link == NULL || !link_is_connected(link))
        return;
    tell(bencher, link);
    /* Not both at once: each would make the other slow. */
    if (bencher->job == NULL)
        prover_tend(bencher->prover, link, keep->has_desired ? keep->desired.audit_id : 0);
    if (bencher->job == NULL && bencher->quiet_ticks >= QUIET_TICKS && is_due(bencher))
        measure(bencher);
}

void bencher_connected(struct bencher *bencher)
{
    bencher->is_told = false;
}

void bencher_posted(struct bencher *bencher, enum link_post post, const struct web_answer *answer)
{
    if (post == LINK_POST_CHALLENGE)
        return prover_answered(bencher->prover, answer);
    bencher->is_on_its_way = false;
    bencher->is_told = answer != NULL && answer->is_answered && answer->status == 200;
}

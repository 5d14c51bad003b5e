/* SPDX-License-Identifier: Apache-2.0 */
#include "market/requirement.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "market/gpu.h"

enum {
    THREADS_PER_GPU = 2,
    RAM_MIN_MB = 2048, /* of a machine without GPUs */
    RAM_PER_GPU_MB = 4096,
    RAM_ENOUGH_MB = 2000000,
    VRAM_MIN_MB = 7000,
    DISK_MIN_GB = 20, /* of a machine without GPUs */
    DISK_PER_GPU_GB = 128,
    CUDA_MIN = 120,
    PORTS_PER_GPU = 3,
    PCIE_MIN_MBS = 2850,
    INET_CPU_MBIT = 10, /* of a machine without GPUs */
    INET_MIN_MBIT = 100,
    INET_ENOUGH_MBIT = 500,
    INET_ENOUGH_VRAM_MB = 192 * 1024, /* for which INET_ENOUGH_MBIT are asked */
    PROOFS_MIN = 3,                   /* for each GPU */
    UPTIME_MIN_H = 72,
    RELIABILITY_MIN_PPM = 900000,
    STARTS_HOURS = 2,
};

static const struct {
    const char *name, *title;
    enum requirement_source source;
    enum requirement_cost cost;
    bool is_waived; /* where it is not known */
    const char *mend;
} table[REQUIREMENTS] = {
#define REQUIREMENT(id, name, title, source, cost, is_waived, mend)                                \
    { name, title, REQUIREMENT_OF_##source, REQUIREMENT_COSTS_##cost, is_waived, mend },
#include "market/requirements.def"
#undef REQUIREMENT
};

/* The line at hand, and what it is worked out from. */
struct look {
    const struct requirement_subject *subject;
    const struct machine_facts *facts;
    struct requirement_line *lines;
    int64_t gpus;
};

#define NEED(line, ...) (void)snprintf((line)->needed, sizeof(line)->needed, __VA_ARGS__)

#define JUDGE(line, is_good, ...)                                                                  \
    do {                                                                                           \
        (line)->state = (is_good) ? REQUIREMENT_GOOD : REQUIREMENT_BAD;                            \
        (void)snprintf((line)->measured, sizeof(line)->measured, __VA_ARGS__);                     \
    } while (false)

static void leave(struct requirement_line *line, enum requirement_state state, const char *why)
{
    line->state = state;
    (void)snprintf(line->measured, sizeof line->measured, "%s", why);
}

static bool are_one_model(const struct machine_facts *facts)
{
    for (int64_t i = 1; i < facts->gpu_count; i++) {
        if (strcmp(facts->gpus[i].name, facts->gpus[0].name) != 0 ||
            facts->gpus[i].memory_mb != facts->gpus[0].memory_mb)
            return false;
    }
    return true;
}

static void judge_gpus(struct look *look)
{
    static const enum requirement of_gpus[] = { REQUIREMENT_GPU_GENERATION, REQUIREMENT_GPU_MODEL,
                                                REQUIREMENT_GPU_MEMORY, REQUIREMENT_CUDA };
    const struct machine_facts *facts = look->facts;
    const struct gpu_facts *gpu = &facts->gpus[0];
    struct requirement_line *lines = look->lines;

    NEED(&lines[REQUIREMENT_GPU_GENERATION], "GTX 10 series or newer (compute capability 6.0)");
    NEED(&lines[REQUIREMENT_GPU_MODEL], "all of one model and size");
    NEED(&lines[REQUIREMENT_GPU_MEMORY], "%d MB or more", VRAM_MIN_MB);
    NEED(&lines[REQUIREMENT_CUDA], "%d.%d or newer", CUDA_MIN / 10, CUDA_MIN % 10);
    for (size_t i = 0; look->gpus == 0 && i < sizeof of_gpus / sizeof of_gpus[0]; i++)
        leave(&lines[of_gpus[i]], REQUIREMENT_NOT_NEEDED, "no GPUs");
    if (look->gpus == 0)
        return;
    bool is_old = false;
    for (int64_t i = 0; i < look->gpus; i++)
        is_old = is_old || gpu_is_too_old(facts->gpus[i].name, facts->gpus[i].compute_cap);
    if (gpu->compute_cap > 0)
        JUDGE(&lines[REQUIREMENT_GPU_GENERATION], !is_old, "%.48s, compute capability %d.%d",
              gpu->name, (int)(gpu->compute_cap / 100), (int)(gpu->compute_cap / 10 % 10));
    else
        JUDGE(&lines[REQUIREMENT_GPU_GENERATION], !is_old, "%.48s", gpu->name);
    JUDGE(&lines[REQUIREMENT_GPU_MODEL], are_one_model(facts), "%" PRId64 " x %.48s%s", look->gpus,
          gpu->name, are_one_model(facts) ? "" : " and others");
    JUDGE(&lines[REQUIREMENT_GPU_MEMORY], gpu->memory_mb >= VRAM_MIN_MB, "%" PRId64 " MB",
          gpu->memory_mb);
    JUDGE(&lines[REQUIREMENT_CUDA], facts->cuda_version >= CUDA_MIN, "%d.%d",
          (int)(facts->cuda_version / 10), (int)(facts->cuda_version % 10));
}

static int64_t vram_mb(const struct look *look)
{
    return look->gpus > 0 ? look->gpus * look->facts->gpus[0].memory_mb : 0;
}

static void judge_computer(struct look *look)
{
    const struct machine_facts *facts = look->facts;
    struct requirement_line *lines = look->lines;
    int64_t threads = look->gpus > 0 ? THREADS_PER_GPU * look->gpus : 1;
    int64_t disk_gb = look->gpus > 0 ? DISK_PER_GPU_GB * look->gpus : DISK_MIN_GB;
    int64_t ram_mb = look->gpus > 0 ? RAM_PER_GPU_MB * look->gpus : RAM_MIN_MB;
    /* As much as the GPUs have, less what firmware and kernel keep for themselves. */
    int64_t beside_mb = vram_mb(look) / 100 * 95;

    beside_mb = beside_mb < RAM_ENOUGH_MB ? beside_mb : RAM_ENOUGH_MB;
    ram_mb = ram_mb > beside_mb ? ram_mb : beside_mb;
    NEED(&lines[REQUIREMENT_CPU_THREADS], "%" PRId64 " or more", threads);
    JUDGE(&lines[REQUIREMENT_CPU_THREADS], facts->cpu_cores >= threads, "%" PRId64,
          facts->cpu_cores);
    NEED(&lines[REQUIREMENT_AVX], "AVX");
    if (strcmp(facts->cpu_arch, "amd64") == 0)
        JUDGE(&lines[REQUIREMENT_AVX], facts->has_avx, "%s", facts->has_avx ? "AVX" : "none");
    else
        leave(&lines[REQUIREMENT_AVX], REQUIREMENT_NOT_NEEDED, facts->cpu_arch);
    NEED(&lines[REQUIREMENT_MEMORY], "%" PRId64 " MB or more", ram_mb);
    JUDGE(&lines[REQUIREMENT_MEMORY], facts->ram_mb >= ram_mb, "%" PRId64 " MB", facts->ram_mb);
    NEED(&lines[REQUIREMENT_DISK], "%" PRId64 " GB or more", disk_gb);
    JUDGE(&lines[REQUIREMENT_DISK], facts->disk_gb >= disk_gb, "%" PRId64 " GB", facts->disk_gb);
}

static void judge_speed(struct requirement_line *line, int64_t kbps, int64_t mbit)
{
    NEED(line, "%" PRId64 " Mbit/s or more", mbit);
    if (kbps > 0)
        JUDGE(line, kbps >= mbit * 1000, "%" PRId64 " Mbit/s", kbps / 1000);
}

static void judge_network(struct look *look)
{
    const struct machine_facts *facts = look->facts;
    int64_t ports = facts->port_last - facts->port_first + 1;
    int64_t wanted = PORTS_PER_GPU * (look->gpus > 0 ? look->gpus : 1);
    int64_t mbit = INET_ENOUGH_MBIT * vram_mb(look) / INET_ENOUGH_VRAM_MB;

    mbit = mbit > INET_MIN_MBIT ? mbit : INET_MIN_MBIT;
    mbit = mbit < INET_ENOUGH_MBIT ? mbit : INET_ENOUGH_MBIT;
    if (look->gpus == 0)
        mbit = INET_CPU_MBIT;
    NEED(&look->lines[REQUIREMENT_PORTS], "%" PRId64 " or more, or those of a relay", wanted);
    if (facts->is_behind_nat != 0)
        JUDGE(&look->lines[REQUIREMENT_PORTS], true, "behind NAT: relays lend theirs");
    else
        JUDGE(&look->lines[REQUIREMENT_PORTS], ports >= wanted, "%" PRId64, ports);
    judge_speed(&look->lines[REQUIREMENT_INET_DOWN], facts->inet_down_kbps, mbit);
    judge_speed(&look->lines[REQUIREMENT_INET_UP], facts->inet_up_kbps, mbit);
}

static void judge_bench(struct look *look)
{
    const struct machine_bench *bench = look->subject->bench;
    struct requirement_line *measured = &look->lines[REQUIREMENT_MEASURED];
    struct requirement_line *pcie = &look->lines[REQUIREMENT_PCIE];

    NEED(measured, "within %d days", (int)(DLPERF_STALE_US / RELIABILITY_DAY_US));
    NEED(pcie, "%d.%02d GB/s or more", PCIE_MIN_MBS / 1000, PCIE_MIN_MBS % 1000 / 10);
    if (look->gpus == 0)
        leave(pcie, REQUIREMENT_NOT_NEEDED, "no GPUs");
    if (bench == NULL || bench->measured.microseconds == 0)
        return;
    int64_t age_us = instant_until(bench->measured, look->subject->now);
    bool has_rates = look->gpus == 0 || bench->rates.of[DLPERF_F32] > 0;
    measured->next = pcie->next = instant_add(bench->measured, REQUIREMENT_BENCH_US);
    if (has_rates)
        JUDGE(measured, age_us <= DLPERF_STALE_US, "%d days ago",
              (int)((age_us > 0 ? age_us : 0) / RELIABILITY_DAY_US));
    else
        leave(measured, REQUIREMENT_UNKNOWN, "not all of its GPUs");
    if (look->gpus > 0 && bench->pcie_mbs > 0)
        JUDGE(pcie, bench->pcie_mbs >= PCIE_MIN_MBS, "%d.%02d GB/s", (int)(bench->pcie_mbs / 1000),
              (int)(bench->pcie_mbs % 1000 / 10));
}

static void judge_program(struct requirement_line *line, enum requirement_state program)
{
    if (program == REQUIREMENT_NOT_NEEDED)
        leave(line, REQUIREMENT_NOT_NEEDED, "there is no list");
    else
        JUDGE(line, program == REQUIREMENT_GOOD, "%s",
              program == REQUIREMENT_GOOD ? "one of them" : "another, or it does not say");
}

static void judge_conduct(struct look *look, const struct requirement_record *record)
{
    struct requirement_line *lines = look->lines;
    int64_t ago_us = instant_until(record->last_failed_start, look->subject->now);

    JUDGE(&lines[REQUIREMENT_HARDWARE], !record->is_quarantined, "%s",
          record->is_quarantined ? "another, under rentals" : "the same");
    JUDGE(&lines[REQUIREMENT_ENGINE], record->is_engine_ok, "%.90s",
          record->is_engine_ok              ? "works"
          : *record->engine_message != '\0' ? record->engine_message
                                            : "does not work");
    judge_program(&lines[REQUIREMENT_PROGRAM], record->program);
    if (record->last_failed_start.microseconds == 0)
        JUDGE(&lines[REQUIREMENT_STARTS], true, "none failed");
    else
        JUDGE(&lines[REQUIREMENT_STARTS], ago_us >= STARTS_HOURS * US_PER_HOUR,
              "one failed %" PRId64 " minutes ago", ago_us / (60 * US_PER_SECOND));
    JUDGE(&lines[REQUIREMENT_PROOF_DEBT], record->debt == 0, "%" PRId64, record->debt);
    if (look->gpus > 0)
        JUDGE(&lines[REQUIREMENT_PROOFS], record->proofs_good >= PROOFS_MIN * look->gpus,
              "%" PRId64, record->proofs_good);
    JUDGE(&lines[REQUIREMENT_UPTIME], record->seen.up_us >= UPTIME_MIN_H * US_PER_HOUR,
          "%" PRId64 " h", record->seen.up_us / US_PER_HOUR);
    int64_t ppm = reliability_day_ppm(&record->seen);
    JUDGE(&lines[REQUIREMENT_RELIABILITY], ppm >= RELIABILITY_MIN_PPM, "%d.%02d %%",
          (int)(ppm / 10000), (int)(ppm / 100 % 100));
}

static void judge_record(struct look *look)
{
    const struct requirement_record *record = look->subject->record;
    struct requirement_line *lines = look->lines;

    NEED(&lines[REQUIREMENT_HARDWARE], "what it was when it was rented out");
    NEED(&lines[REQUIREMENT_ENGINE], "works");
    NEED(&lines[REQUIREMENT_PROGRAM], "one that the operator knows");
    NEED(&lines[REQUIREMENT_STARTS], "none failed within %d hours", STARTS_HOURS);
    NEED(&lines[REQUIREMENT_PROOF_DEBT], "none");
    NEED(&lines[REQUIREMENT_PROOFS], "%" PRId64 " right ones in a row", PROOFS_MIN * look->gpus);
    NEED(&lines[REQUIREMENT_UPTIME], "%d h", UPTIME_MIN_H);
    NEED(&lines[REQUIREMENT_RELIABILITY], "%d %% or more", RELIABILITY_MIN_PPM / 10000);
    if (look->gpus == 0) {
        leave(&lines[REQUIREMENT_PROOFS], REQUIREMENT_NOT_NEEDED, "no GPUs");
        leave(&lines[REQUIREMENT_PROOF_DEBT], REQUIREMENT_NOT_NEEDED, "no GPUs");
    }
    if (record != NULL)
        judge_conduct(look, record);
}

void requirement_judge(const struct requirement_subject *subject,
                       struct requirement_line lines[static REQUIREMENTS])
{
    struct look look = { .subject = subject,
                         .facts = subject->facts,
                         .lines = lines,
                         .gpus = subject->facts->gpu_count };

    for (int i = 0; i < REQUIREMENTS; i++) {
        lines[i] = (struct requirement_line){ .state = REQUIREMENT_UNKNOWN };
        leave(&lines[i], REQUIREMENT_UNKNOWN, "not measured yet");
    }
    judge_gpus(&look);
    judge_computer(&look);
    judge_network(&look);
    judge_bench(&look);
    judge_record(&look);
    for (int i = 0; i < REQUIREMENTS; i++) {
        if (lines[i].state == REQUIREMENT_UNKNOWN && table[i].is_waived)
            lines[i].state = REQUIREMENT_NOT_NEEDED;
    }
}

static bool all_hold(const struct requirement_line *lines, enum requirement_cost cost)
{
    for (int i = 0; i < REQUIREMENTS; i++) {
        bool is_met =
            lines[i].state == REQUIREMENT_GOOD || lines[i].state == REQUIREMENT_NOT_NEEDED;

        if (table[i].cost == cost && !is_met)
            return false;
    }
    return true;
}

struct requirement_standing
requirement_apply(struct requirement_standing standing,
                  const struct requirement_line lines[static REQUIREMENTS], struct instant now)
{
    bool may_stay = all_hold(lines, REQUIREMENT_COSTS_STAY);

    /* Who owes right answers is off the market already, and comes back by them (market/audit.h). */
    if (standing.is_set || standing.debt > 0)
        return standing;
    if (!may_stay && standing.now != VERIFICATION_UNVERIFIED) {
        standing.now = VERIFICATION_DEVERIFIED;
        standing.failed = now;
        return standing;
    }
    if (standing.now == VERIFICATION_DEVERIFIED && standing.failed.microseconds != 0 &&
        instant_until(standing.failed, now) < REQUIREMENT_RECOVER_US)
        return standing;
    bool is_good = may_stay && all_hold(lines, REQUIREMENT_COSTS_JOIN) &&
                   all_hold(lines, REQUIREMENT_COSTS_BADGE);
    standing.now = is_good ? VERIFICATION_VERIFIED : VERIFICATION_UNVERIFIED;
    standing.failed = (struct instant){ 0 };
    return standing;
}

struct instant requirement_back(const struct requirement_standing *standing)
{
    if (standing->now != VERIFICATION_DEVERIFIED || standing->failed.microseconds == 0)
        return (struct instant){ 0 };
    return instant_add(standing->failed, REQUIREMENT_RECOVER_US);
}

const char *requirement_name(enum requirement requirement)
{
    assert(requirement < REQUIREMENTS);
    return table[requirement].name;
}

const char *requirement_title(enum requirement requirement)
{
    assert(requirement < REQUIREMENTS);
    return table[requirement].title;
}

const char *requirement_mend(enum requirement requirement)
{
    assert(requirement < REQUIREMENTS);
    return table[requirement].mend;
}

enum requirement_source requirement_source(enum requirement requirement)
{
    assert(requirement < REQUIREMENTS);
    return table[requirement].source;
}

enum requirement_cost requirement_cost(enum requirement requirement)
{
    assert(requirement < REQUIREMENTS);
    return table[requirement].cost;
}

const char *requirement_state_name(enum requirement_state state)
{
    static const char *const names[] = { "good", "bad", "unknown", "not needed" };

    assert(state <= REQUIREMENT_NOT_NEEDED);
    return names[state];
}

const char *requirement_cost_name(enum requirement_cost cost)
{
    static const char *const names[] = { "join", "badge", "stay" };

    assert(cost <= REQUIREMENT_COSTS_STAY);
    return names[cost];
}

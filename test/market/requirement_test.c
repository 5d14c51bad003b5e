/* SPDX-License-Identifier: Apache-2.0 */
#include "market/requirement.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "support.h"

#define HOUR US_PER_HOUR
#define NOW  ((struct instant){ INT64_C(1795330553000000) })

static struct instant ago(int64_t us)
{
    return instant_add(NOW, -us);
}

/* A machine of which every line is good. */
struct subject {
    struct machine_facts facts;
    struct machine_bench bench;
    struct requirement_record record;
};

static struct subject good(void)
{
    struct subject subject = { .facts = *some_facts() };

    subject.facts.gpu_count = 2;
    subject.facts.has_avx = true;
    subject.bench =
        (struct machine_bench){ .pcie_mbs = 20000, .measured = ago(RELIABILITY_DAY_US) };
    for (int i = 0; i < DLPERF_RATES; i++)
        subject.bench.rates.of[i] = 80000;
    subject.record = (struct requirement_record){
        .seen = { .up_us = 90 * RELIABILITY_DAY_US, .counted = NOW },
        .proofs_good = 20,
        .is_engine_ok = true,
        .engine_message = "",
    };
    return subject;
}

static void look(const struct subject *subject, struct requirement_line lines[REQUIREMENTS])
{
    const struct requirement_subject all = { &subject->facts, &subject->bench, &subject->record,
                                             NOW };

    requirement_judge(&all, lines);
}

static enum requirement_state state_of(const struct subject *subject, enum requirement requirement)
{
    struct requirement_line lines[REQUIREMENTS];

    look(subject, lines);
    for (int i = 0; i < REQUIREMENTS; i++) {
        check_row("%s: %s, needed %s", requirement_name((enum requirement)i), lines[i].measured,
                  lines[i].needed);
        CHECK(*lines[i].measured != '\0' && *lines[i].needed != '\0');
        /* One thing is wrong at most, and it is the one that was changed. */
        if ((enum requirement)i != requirement)
            CHECK(lines[i].state == REQUIREMENT_GOOD || lines[i].state == REQUIREMENT_NOT_NEEDED);
    }
    return lines[requirement].state;
}

static void set_vram(struct subject *subject, int64_t mb)
{
    subject->facts.gpus[0].memory_mb = subject->facts.gpus[1].memory_mb = mb;
}

/* Both sides of every edge: what is set, and what the line is then. */
#define EDGE(requirement, set, value_good, value_bad)                                              \
    do {                                                                                           \
        struct subject subject = good();                                                           \
        set(value_good);                                                                           \
        CHECK_INT(state_of(&subject, REQUIREMENT_##requirement), REQUIREMENT_GOOD);                \
        set(value_bad);                                                                            \
        CHECK_INT(state_of(&subject, REQUIREMENT_##requirement), REQUIREMENT_BAD);                 \
    } while (false)

#define VRAM(x)        set_vram(&subject, x)
#define CUDA(x)        subject.facts.cuda_version = (x)
#define THREADS(x)     subject.facts.cpu_cores = (x)
#define AVX(x)         subject.facts.has_avx = (x)
#define RAM(x)         subject.facts.ram_mb = (x)
#define DISK_GB(x)     subject.facts.disk_gb = (x)
#define PORTS(x)       subject.facts.port_last = subject.facts.port_first + (x)-1
#define DOWN(x)        subject.facts.inet_down_kbps = (x)
#define UP(x)          subject.facts.inet_up_kbps = (x)
#define MEASURED(x)    subject.bench.measured = ago(x)
#define PCIE(x)        subject.bench.pcie_mbs = (x)
#define QUARANTINED(x) subject.record.is_quarantined = (x)
#define ENGINE(x)      subject.record.is_engine_ok = (x)
#define PROGRAM(x)     subject.record.program = (x)
#define FAILED(x)      subject.record.last_failed_start = ago(x)
#define DEBT(x)        subject.record.debt = (x)
#define PROOFS(x)      subject.record.proofs_good = (x)
#define SEEN(x)        subject.record.seen.up_us = (x)
#define LOST(x)        subject.record.seen.lost_ppm = (x)
#define OLD(x)         subject.facts.gpus[1].compute_cap = subject.facts.gpus[0].compute_cap = (x)

static void test_each_line_has_two_sides(void **state)
{
    (void)state;
    EDGE(GPU_GENERATION, OLD, 600, 599);
    EDGE(GPU_MEMORY, VRAM, 7000, 6999);
    EDGE(CUDA, CUDA, 120, 119);
    EDGE(CPU_THREADS, THREADS, 4, 3);
    EDGE(AVX, AVX, true, false);
    EDGE(MEMORY, RAM, 46645, 46644); /* 0.95 of 2 x 24,564, in whole hundreds */
    EDGE(DISK, DISK_GB, 256, 255);
    EDGE(PORTS, PORTS, 6, 5);
    EDGE(INET_DOWN, DOWN, 124000, 123999); /* 500 Mbit/s by 192 GB, of 48 GB */
    EDGE(INET_UP, UP, 124000, 123999);
    EDGE(MEASURED, MEASURED, 30 * RELIABILITY_DAY_US, 30 * RELIABILITY_DAY_US + 1);
    EDGE(PCIE, PCIE, 2850, 2849);
    EDGE(HARDWARE, QUARANTINED, false, true);
    EDGE(ENGINE, ENGINE, true, false);
    EDGE(PROGRAM, PROGRAM, REQUIREMENT_GOOD, REQUIREMENT_BAD);
    EDGE(STARTS, FAILED, 2 * HOUR, 2 * HOUR - 1);
    EDGE(PROOF_DEBT, DEBT, 0, 1);
    EDGE(PROOFS, PROOFS, 6, 5);
    EDGE(RELIABILITY, LOST, 9000000, 9200000);
}

/* Without a list nobody's program is looked at. */
static void test_programs_are_judged_where_there_is_a_list(void **state)
{
    struct requirement_standing standing = { .now = VERIFICATION_VERIFIED };
    struct requirement_line lines[REQUIREMENTS];
    struct subject subject = good();

    (void)state;
    PROGRAM(REQUIREMENT_NOT_NEEDED);
    CHECK_INT(state_of(&subject, REQUIREMENT_PROGRAM), REQUIREMENT_NOT_NEEDED);
    look(&subject, lines);
    CHECK_INT(requirement_apply(standing, lines, NOW).now, VERIFICATION_VERIFIED);
    PROGRAM(REQUIREMENT_BAD);
    look(&subject, lines);
    CHECK_INT(requirement_apply(standing, lines, NOW).now, VERIFICATION_DEVERIFIED);
    standing.now = VERIFICATION_UNVERIFIED;
    CHECK_INT(requirement_apply(standing, lines, NOW).now, VERIFICATION_UNVERIFIED);
}

/* Reliability needs longer than the time that is asked for, so the line is looked at alone. */
static void test_time_in_contact_is_a_line_of_its_own(void **state)
{
    struct requirement_line lines[REQUIREMENTS];
    struct subject subject = good();

    (void)state;
    SEEN(72 * HOUR);
    look(&subject, lines);
    CHECK_INT(lines[REQUIREMENT_UPTIME].state, REQUIREMENT_GOOD);
    SEEN(72 * HOUR - 1);
    look(&subject, lines);
    CHECK_INT(lines[REQUIREMENT_UPTIME].state, REQUIREMENT_BAD);
}

static void test_the_network_is_asked_for_by_the_memory_of_gpus(void **state)
{
    static const struct {
        int64_t gpus, vram_mb, mbit;
    } rows[] = { { 1, 8192, 100 }, { 8, 81920, 500 }, { 2, 49152, 250 }, { 0, 0, 10 } };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct requirement_line lines[REQUIREMENTS];
        struct subject subject = good();
        char wanted[32];

        subject.facts.gpu_count = rows[i].gpus;
        for (int64_t k = 0; k < rows[i].gpus; k++) {
            subject.facts.gpus[k] = subject.facts.gpus[0];
            subject.facts.gpus[k].memory_mb = rows[i].vram_mb;
        }
        look(&subject, lines);
        (void)snprintf(wanted, sizeof wanted, "%d Mbit/s or more", (int)rows[i].mbit);
        CHECK_TEXT(lines[REQUIREMENT_INET_UP].needed, wanted);
    }
}

static void test_what_nobody_knows_is_not_good(void **state)
{
    struct subject subject = good();
    struct requirement_line lines[REQUIREMENTS];
    const struct requirement_subject alone = { .facts = &subject.facts };

    (void)state;
    subject.bench = (struct machine_bench){ 0 };
    look(&subject, lines);
    CHECK_INT(lines[REQUIREMENT_MEASURED].state, REQUIREMENT_UNKNOWN);
    CHECK_INT(lines[REQUIREMENT_PCIE].state, REQUIREMENT_UNKNOWN);
    /* Only where the line says so, what is not known is not asked. */
    DOWN(0);
    CHECK_INT(subject.facts.inet_down_kbps, 0);
    look(&subject, lines);
    CHECK_INT(lines[REQUIREMENT_INET_DOWN].state, REQUIREMENT_NOT_NEEDED);
    requirement_judge(&alone, lines);
    for (int i = 0; i < REQUIREMENTS; i++) {
        check_row("%s", requirement_name((enum requirement)i));
        CHECK((lines[i].state == REQUIREMENT_UNKNOWN) ==
              (requirement_source((enum requirement)i) != REQUIREMENT_OF_FACTS));
    }
}

static void test_machines_without_gpus_are_asked_for_less(void **state)
{
    struct subject subject = good();

    (void)state;
    subject.facts = *cpu_facts();
    subject.facts.has_avx = true;
    subject.facts.cpu_cores = 1;
    subject.facts.ram_mb = 2048;
    subject.facts.disk_gb = 20;
    subject.record.proofs_good = 0;
    CHECK_INT(state_of(&subject, REQUIREMENT_PROOFS), REQUIREMENT_NOT_NEEDED);
    CHECK_INT(state_of(&subject, REQUIREMENT_GPU_GENERATION), REQUIREMENT_NOT_NEEDED);
    CHECK_INT(state_of(&subject, REQUIREMENT_PCIE), REQUIREMENT_NOT_NEEDED);
    RAM(2047);
    CHECK_INT(state_of(&subject, REQUIREMENT_MEMORY), REQUIREMENT_BAD);
    RAM(2048);
    /* Neither AVX where processors have none, nor ports where relays lend theirs. */
    (void)snprintf(subject.facts.cpu_arch, sizeof subject.facts.cpu_arch, "arm64");
    AVX(false);
    subject.facts.port_first = 0;
    subject.facts.port_last = -1;
    CHECK_INT(state_of(&subject, REQUIREMENT_PORTS), REQUIREMENT_BAD);
    subject.facts.is_behind_nat = 1;
    CHECK_INT(state_of(&subject, REQUIREMENT_PORTS), REQUIREMENT_GOOD);
}

static void test_old_and_odd_gpus_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        int64_t compute_cap;
        bool is_old;
    } rows[] = {
        { "GTX 980", 520, true },    { "GTX 980", 0, true },    { "GTX 1060", 610, false },
        { "GTX 1060", 0, false },    { "GTX 980 Ti", 0, true }, { "GTX TITAN X", 0, true },
        { "Tesla K80", 0, true },    { "Tesla T4", 0, false },  { "GT 710", 0, true },
        { "Quadro M4000", 0, true }, { "RTX 9999", 0, false },  { "GTX 1080 Ti", 0, false },
        { "RTX 4090", 599, true },   { "GTX 980", 600, false },
    };
    struct subject odd = good();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct subject subject = good();

        for (int k = 0; k < 2; k++) {
            (void)snprintf(subject.facts.gpus[k].name, NAME_SIZE, "%s", rows[i].name);
            subject.facts.gpus[k].compute_cap = rows[i].compute_cap;
        }
        check_row("%s %d", rows[i].name, (int)rows[i].compute_cap);
        CHECK_INT(state_of(&subject, REQUIREMENT_GPU_GENERATION),
                  rows[i].is_old ? REQUIREMENT_BAD : REQUIREMENT_GOOD);
        /* And who joins is judged alike. */
        CHECK_INT(machine_facts_check(&subject.facts),
                  rows[i].is_old ? MACHINE_GPU_TOO_OLD : MACHINE_OK);
    }
    (void)snprintf(odd.facts.gpus[1].name, NAME_SIZE, "RTX 3090");
    CHECK_INT(state_of(&odd, REQUIREMENT_GPU_MODEL), REQUIREMENT_BAD);
}

enum lines { ALL_GOOD, BADGE_BAD, BADGE_UNKNOWN, STAY_BAD };

static struct requirement_standing apply(struct requirement_standing standing, enum lines kind)
{
    struct requirement_line lines[REQUIREMENTS];
    struct subject subject = good();

    look(&subject, lines);
    if (kind == BADGE_BAD)
        lines[REQUIREMENT_RELIABILITY].state = REQUIREMENT_BAD;
    if (kind == BADGE_UNKNOWN)
        lines[REQUIREMENT_MEASURED].state = REQUIREMENT_UNKNOWN;
    if (kind == STAY_BAD)
        lines[REQUIREMENT_ENGINE].state = REQUIREMENT_BAD;
    return requirement_apply(standing, lines, NOW);
}

static void test_what_the_lines_make_of_a_machine(void **state)
{
    enum { UN = VERIFICATION_UNVERIFIED, OK = VERIFICATION_VERIFIED, DE = VERIFICATION_DEVERIFIED };
    static const struct {
        int was;
        bool is_set;
        int64_t debt, failed_ago_us; /* 0: never */
        enum lines lines;
        int is;
        bool has_failed_now;
    } rows[] = {
        { UN, false, 0, 0, ALL_GOOD, OK, false },
        { UN, false, 0, 0, BADGE_BAD, UN, false },
        { UN, false, 0, 0, BADGE_UNKNOWN, UN, false },
        { UN, false, 0, 0, STAY_BAD, UN, false },
        { OK, false, 0, 0, ALL_GOOD, OK, false },
        { OK, false, 0, 0, BADGE_BAD, UN, false },
        { OK, false, 0, 0, BADGE_UNKNOWN, UN, false },
        { OK, false, 0, 0, STAY_BAD, DE, true },
        { DE, false, 0, HOUR - 1, ALL_GOOD, DE, false },
        { DE, false, 0, HOUR, ALL_GOOD, OK, false },
        { DE, false, 0, HOUR, BADGE_BAD, UN, false },
        { DE, false, 0, HOUR, STAY_BAD, DE, true },
        { DE, false, 0, 0, ALL_GOOD, OK, false },
        { DE, false, 1, 2 * HOUR, ALL_GOOD, DE, false }, /* right answers come first */
        { OK, true, 0, 0, STAY_BAD, OK, false },
        { DE, true, 0, 2 * HOUR, ALL_GOOD, DE, false },
        { OK, true, 0, 0, BADGE_BAD, OK, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct requirement_standing standing = {
            .now = (enum verification)rows[i].was,
            .is_set = rows[i].is_set,
            .debt = rows[i].debt,
            .failed =
                rows[i].failed_ago_us > 0 ? ago(rows[i].failed_ago_us) : (struct instant){ 0 },
        };
        struct requirement_standing after = apply(standing, rows[i].lines);

        check_row("row %zu", i);
        CHECK_INT(after.now, rows[i].is);
        CHECK((after.failed.microseconds == NOW.microseconds) == rows[i].has_failed_now);
        if (after.now == VERIFICATION_DEVERIFIED && rows[i].has_failed_now)
            CHECK_INT(requirement_back(&after).microseconds, instant_add(NOW, HOUR).microseconds);
        else if (after.now != VERIFICATION_DEVERIFIED)
            CHECK_INT(requirement_back(&after).microseconds, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_line_has_two_sides),
        cmocka_unit_test(test_programs_are_judged_where_there_is_a_list),
        cmocka_unit_test(test_time_in_contact_is_a_line_of_its_own),
        cmocka_unit_test(test_the_network_is_asked_for_by_the_memory_of_gpus),
        cmocka_unit_test(test_what_nobody_knows_is_not_good),
        cmocka_unit_test(test_machines_without_gpus_are_asked_for_less),
        cmocka_unit_test(test_old_and_odd_gpus_are_told_apart),
        cmocka_unit_test(test_what_the_lines_make_of_a_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

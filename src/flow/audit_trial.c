/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit_trial.h"

#include <string.h>

#include "flow/hardware.h"
#include "market/timing.h"
#include "proto/bench.h"
#include "store/machine_bench.h"
#include "sys/crypto.h"
#include "sys/proof_disk.h"
#include "sys/proof_slice.h"

/* What a machine says of its disk and network; 0: nothing. Bytes a second, and reads. */
struct claim {
    int64_t disk, reads, down, up;
};

static bool load_claim(struct db *db, const struct machine_row *row, struct arena *arena,
                       struct claim *ret, struct error *err)
{
    struct machine_bench_row bench;
    struct bench_report report = { 0 };
    struct machine_facts facts;
    struct error ignored;
    bool has;

    if (!hardware_facts(row->facts, &facts, err) ||
        !machine_bench_last(db, row->id, arena, &bench, &has, err))
        return false;
    auto_json json_t *root = NULL;
    if (has && json_parse(bench.report, strlen(bench.report), &root, &ignored) &&
        !bench_report_decode(root, &report, &ignored))
        report.disk_iops = 0; /* of an older version: it says nothing that is understood */
    *ret = (struct claim){ .disk = row->bench.disk_mbs * 1000000,
                           .reads = report.disk_iops,
                           .down = facts.inet_down_kbps * 125,
                           .up = facts.inet_up_kbps * 125 };
    return true;
}

/* Whether it is time for that one, and whether it is because of what was odd. */
static bool is_due(struct db *db, const struct machine_row *row, enum audit_kind kind,
                   struct instant now, struct arena *arena, bool *ret, struct error *err)
{
    struct machine_proof_row last;
    bool has;

    if (!machine_proof_last_trial(db, row->id, kind, arena, &last, &has, err))
        return false;
    bool is_over = has && (last.state == AUDIT_GOOD || last.state == AUDIT_BAD);
    int64_t rest_us = is_over ? AUDIT_TRIAL_US : AUDIT_TRIAL_US / 7;
    *ret = !has || instant_until(last.asked, now) >= rest_us;
    return true;
}

static bool choose_kind(struct db *db, const struct machine_row *row,
                        const struct machine_facts *facts, struct instant now, struct arena *arena,
                        enum audit_kind *ret, bool *ret_is_one, struct error *err)
{
    static const enum audit_kind kinds[] = { AUDIT_DISK, AUDIT_NETWORK };

    *ret_is_one = false;
    for (int i = 0; i < 2 && facts->challenge_level >= CHALLENGE_TRIALS; i++) {
        int64_t own = audit_tested(kinds[i]) | audit_silent(kinds[i]);
        bool is_odd = (row->standing.suspicion & own) != 0, is_now;

        if (kinds[i] == AUDIT_DISK && facts->disk_gb < AUDIT_TRIAL_DISK_GB)
            continue;
        if (!is_due(db, row, kinds[i], now, arena, &is_now, err))
            return false;
        if (is_odd || (is_now && !*ret_is_one))
            *ret = kinds[i];
        *ret_is_one = *ret_is_one || is_odd || is_now;
        if (is_odd)
            break;
    }
    return true;
}

bool audit_trial_choose(struct db *db, const struct machine_row *row,
                        const struct machine_facts *facts, struct instant now, struct arena *arena,
                        struct audit_terms *ret, bool *ret_is_one, struct error *err)
{
    static const struct timing_bounds disk = { 64 << 20,
                                               (int64_t)DISK_BLOCKS_MAX * DISK_BLOCK_SIZE };
    static const struct timing_bounds reads = { 512, DISK_READS_MAX };
    static const struct timing_bounds network = { 8 << 20, 64 << 20 };
    struct audit_terms terms = { 0 };
    struct claim claim;

    if (!choose_kind(db, row, facts, now, arena, &terms.kind, ret_is_one, err) ||
        (*ret_is_one && !load_claim(db, row, arena, &claim, err)))
        return false;
    if (!*ret_is_one)
        return true;
    if (terms.kind == AUDIT_DISK) {
        terms.n = timing_amount(claim.disk, disk) / DISK_BLOCK_SIZE;
        terms.rounds = timing_amount(claim.reads, reads);
    } else {
        /* Where it says nothing, as much as it has shown. */
        int64_t down = claim.down > 0 ? claim.down : row->shown.down_kbps * 125;
        int64_t up = claim.up > 0 ? claim.up : row->shown.up_kbps * 125;

        terms.n = timing_amount(down, network) / SLICE_DOWN_SIZE;
        terms.rounds = timing_amount(up, network) / SLICE_UP_SIZE;
    }
    *ret = terms;
    return true;
}

static bool is_disk_right(const struct machine_proof_row *proof,
                          const struct audit_opening *opening)
{
    struct disk_terms terms = { .blocks = (uint32_t)proof->n, .reads = (uint32_t)proof->rounds };
    struct hash commitment, answer;

    if (opening->length != sizeof answer.bytes)
        return false;
    memcpy(terms.seed, proof->seed, sizeof terms.seed);
    memcpy(commitment.bytes, proof->commitment, sizeof commitment.bytes);
    memcpy(answer.bytes, opening->bytes, sizeof answer.bytes);
    return disk_verify(&terms, &commitment, proof->draw, &answer);
}

static bool is_network_right(const struct machine_proof_row *proof,
                             const struct audit_opening *opening)
{
    struct hash down = slices_down_digest(proof->draw, (uint32_t)proof->n);
    struct hash up = slices_up_digest(proof->draw, (uint32_t)proof->rounds);

    return opening->length == sizeof up.bytes &&
           crypto_equal(down.bytes, proof->commitment, sizeof down.bytes) &&
           crypto_equal(up.bytes, opening->bytes, sizeof up.bytes);
}

bool audit_trial_is_right(const struct machine_proof_row *proof,
                          const struct audit_opening *opening)
{
    return proof->kind == AUDIT_DISK ? is_disk_right(proof, opening)
                                     : is_network_right(proof, opening);
}

bool audit_trial_time(struct db *db, const struct machine_row *row, int64_t rtt_us,
                      struct machine_proof_row *proof, struct arena *arena, struct error *err)
{
    struct claim claim;
    bool is_slow;

    if (!load_claim(db, row, arena, &claim, err))
        return false;
    proof->half_us = timing_net_us(proof->committed, proof->done, rtt_us, 1);
    if (proof->kind == AUDIT_DISK)
        is_slow = timing_is_slower(proof->net_us, proof->n * DISK_BLOCK_SIZE, claim.disk) ||
                  timing_is_slower(proof->half_us, proof->rounds, claim.reads);
    else
        is_slow = timing_is_slower(proof->net_us, proof->n * SLICE_DOWN_SIZE, claim.down) ||
                  timing_is_slower(proof->half_us, proof->rounds * SLICE_UP_SIZE, claim.up);
    if (is_slow)
        proof->seen |= audit_tested(proof->kind);
    return true;
}

void audit_trial_shown(const struct machine_proof_row *proof, struct machine_shown *shown)
{
    if (proof->kind == AUDIT_DISK)
        shown->disk_mbs =
            timing_per_second(proof->n * DISK_BLOCK_SIZE, proof->net_us) / 1000000 + 1;
    if (proof->kind != AUDIT_NETWORK)
        return;
    shown->down_kbps = timing_per_second(proof->n * SLICE_DOWN_SIZE, proof->net_us) / 125 + 1;
    shown->up_kbps = timing_per_second(proof->rounds * SLICE_UP_SIZE, proof->half_us) / 125 + 1;
}

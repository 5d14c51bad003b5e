/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_accrued.h"

#include <inttypes.h>

#include "base/arena.h"
#include "flow/accrued.h"
#include "flow/limits.h"

/* All that exists of one renter's, by contract, and the lines that are kept of it. */
struct renter {
    struct check_run *run;
    int64_t id;
    struct burn_row *burns;
    size_t burn_count;
    struct accrued_part *parts;
    size_t part_count;
    struct accrual sum;
};

/* So many rows from here on are of one contract. */
static size_t rows_of(const struct renter *renter, size_t from)
{
    size_t until = from;

    while (until < renter->burn_count &&
           renter->burns[until].contract_id == renter->burns[from].contract_id)
        until++;
    return until - from;
}

/* One that has changed since is looked at anew before anybody goes by it. */
static void check_part(struct renter *renter, const struct accrued_part *part,
                       const struct burn_row *burns, size_t count)
{
    struct accrued_part made = accrued_of(burns, count, part->contract_id, part->seen);

    if (part->due.microseconds != 0 && (!accrual_equals(&made.accrual, &part->accrual) ||
                                        instant_compare(made.due, part->due) != 0))
        check_run_find(renter->run, "I-21",
                       "what contract %" PRId64 " runs up is not as it is kept", part->contract_id);
}

static bool add_part(struct accrual *sum, const struct accrued_part *part)
{
    return accrual_move(sum, &part->accrual, &(struct accrual){ 0 });
}

/* Both in the order of their contracts. A line whose contract has ended is dropped at the next
 * look, for which it is due. */
static void check_parts(struct renter *renter)
{
    struct accrual sum = { 0 };
    size_t at = 0, count;
    bool adds_up = true;

    for (size_t i = 0; i < renter->part_count; i++) {
        const struct accrued_part *part = &renter->parts[i];

        adds_up &= add_part(&sum, part);
        for (; at < renter->burn_count && renter->burns[at].contract_id < part->contract_id;
             at += rows_of(renter, at))
            check_run_find(renter->run, "I-21", "of contract %" PRId64 " no line is kept",
                           renter->burns[at].contract_id);
        count = at < renter->burn_count && renter->burns[at].contract_id == part->contract_id
                    ? rows_of(renter, at)
                    : 0;
        check_part(renter, part, renter->burns + at, count);
        at += count;
    }
    for (; at < renter->burn_count; at += rows_of(renter, at))
        check_run_find(renter->run, "I-21", "of contract %" PRId64 " no line is kept",
                       renter->burns[at].contract_id);
    if (!adds_up || !accrual_equals(&sum, &renter->sum))
        check_run_find(renter->run, "I-21",
                       "what user %" PRId64 " runs up is not the sum of its contracts", renter->id);
}

static bool check_renter(struct check_run *run, int64_t user_id, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct renter renter = { .run = run, .id = user_id };

    if (burn_list(run->db, user_id, &arena, &renter.burns, &renter.burn_count, err) &&
        accrued_list(run->db, user_id, &arena, &renter.parts, &renter.part_count, err) &&
        accrued_sum(run->db, user_id, &renter.sum, err)) {
        check_parts(&renter);
        return true;
    }
    if (err->code != ERROR_CORRUPT)
        return false;
    check_run_find(run, "I-21", "what user %" PRId64 " runs up cannot be told: %s", user_id,
                   err->text);
    return true;
}

bool check_accrued(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream rows = audit_open(run->db, AUDIT_ACCRUED);
    const struct audit_row *row;

    for (; audit_see(&rows, &row, err); audit_take(&rows)) {
        if (row == NULL)
            return true;
        if (!check_renter(run, row->at[0], err))
            return false;
    }
    return false;
}

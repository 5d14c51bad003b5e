/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/accrued.h"

#include <assert.h>

#include "flow/usage.h"

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

struct accrued_part accrued_of(const struct burn_row *burns, size_t count, int64_t contract_id,
                               struct instant at)
{
    static const struct accrual none = { 0 };
    struct accrued_part part = { .contract_id = contract_id, .seen = at, .due = INSTANT_NEVER };

    for (size_t i = 0; i < count; i++) {
        struct instant bend;
        struct accrual line = usage_accrual(&burns[i], at, &bend);

        /* Two meters run by the clock, and each is within half the limit. */
        bool is_within = accrual_move(&part.accrual, &line, &none);
        assert(is_within);
        part.due = earlier(part.due, bend);
    }
    return part;
}

/* The contract's line as it is now, and in its place in the sum. `*ret_is_over`: there is none. */
static bool look_anew(struct db *db, struct accrued_part *part, struct instant now,
                      struct arena *arena, struct accrual *sum, bool *ret_is_over,
                      struct error *err)
{
    struct accrual old = part->accrual;
    struct burn_row *burns;
    size_t count;

    if (!burn_list_of(db, part->contract_id, arena, &burns, &count, err))
        return false;
    *part = accrued_of(burns, count, part->contract_id, now);
    *ret_is_over = true;
    for (size_t i = 0; i < count; i++)
        *ret_is_over = burns[i].is_destroyed;
    if (!accrual_move(sum, &part->accrual, &old))
        return error_set(err, ERROR_OUT_OF_RANGE, "more runs up than can be counted");
    return true;
}

static bool sum_up(struct db *db, int64_t owner_id, struct instant now, bool is_kept,
                   struct arena *arena, struct accrual *ret, struct error *err)
{
    struct accrued_part *due;
    struct accrual sum;
    size_t count;

    if (!accrued_sum(db, owner_id, &sum, err) ||
        !accrued_list_due(db, owner_id, now, arena, &due, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool is_over;

        if (!look_anew(db, &due[i], now, arena, &sum, &is_over, err) ||
            (is_kept && !(is_over ? accrued_drop(db, due[i].contract_id, err)
                                  : accrued_save(db, &due[i], err))))
            return error_context(err, "what contract %lld runs up", (long long)due[i].contract_id);
    }
    *ret = sum;
    return !is_kept || count == 0 || accrued_set_sum(db, owner_id, &sum, err);
}

bool accrued_now(struct db *db, int64_t owner_id, struct instant now, struct arena *arena,
                 struct accrual *ret, struct error *err)
{
    return sum_up(db, owner_id, now, false, arena, ret, err);
}

bool accrued_keep(struct db *db, int64_t owner_id, struct instant now, struct arena *arena,
                  struct accrual *ret, struct error *err)
{
    return sum_up(db, owner_id, now, true, arena, ret, err);
}

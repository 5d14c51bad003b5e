/* SPDX-License-Identifier: Apache-2.0 */
#include "store/accrued.h"

#include <assert.h>

#include "store/rows.h"

#define PART_SELECT                                                                                \
    "SELECT burn_high, burn_low, base_high, base_low, contract_id, seen_us, due_us "               \
    "FROM accrued_part WHERE owner_id = $1 "

/* A numerator as two numbers: high * LIMB + low, where low is never negative. */
#define LIMB ((numerator)1 << 62)

static int64_t low_of(numerator value)
{
    return (int64_t)((value % LIMB + LIMB) % LIMB);
}

static int64_t high_of(numerator value)
{
    assert(value >= -ACCRUAL_MAX && value <= ACCRUAL_MAX);
    return (int64_t)((value - low_of(value)) / LIMB);
}

static bool accrual_read(struct db_rows *row, void *context, struct error *err)
{
    numerator burn = db_column_int(row, 0) * LIMB + db_column_int(row, 1);
    numerator base = db_column_int(row, 2) * LIMB + db_column_int(row, 3);

    if (burn < 0 || burn > ACCRUAL_MAX || base < -ACCRUAL_MAX || base > ACCRUAL_MAX)
        return error_set(err, ERROR_CORRUPT, "a line past every limit");
    *(struct accrual *)context = (struct accrual){ burn, base };
    return true;
}

static bool part_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct accrued_part *part = item;

    (void)arena;
    part->contract_id = db_column_int(row, 4);
    part->seen = db_column_instant(row, 5);
    part->due = db_column_instant(row, 6);
    return accrual_read(row, &part->accrual, err);
}

static const struct rows_reader reader = { "line", sizeof(struct accrued_part), part_read };

bool accrued_open(struct db *db, int64_t contract_id, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO accrued_part (contract_id, owner_id) "
                   "SELECT id, owner_id FROM contract WHERE id = $1",
                   DB_ARGS(db_int(contract_id)), err);
}

bool accrued_save(struct db *db, const struct accrued_part *part, struct error *err)
{
    const struct accrual *line = &part->accrual;

    return db_exec(db,
                   "UPDATE accrued_part SET burn_high = $2, burn_low = $3, base_high = $4, "
                   "base_low = $5, seen_us = $6, due_us = $7 WHERE contract_id = $1",
                   DB_ARGS(db_int(part->contract_id), db_int(high_of(line->burn)),
                           db_int(low_of(line->burn)), db_int(high_of(line->base)),
                           db_int(low_of(line->base)), db_instant(part->seen),
                           db_instant(part->due)),
                   err);
}

bool accrued_drop(struct db *db, int64_t contract_id, struct error *err)
{
    return db_exec(db, "DELETE FROM accrued_part WHERE contract_id = $1",
                   DB_ARGS(db_int(contract_id)), err);
}

bool accrued_list_due(struct db *db, int64_t owner_id, struct instant now, struct arena *arena,
                      struct accrued_part **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, PART_SELECT "AND due_us <= $2 ORDER BY contract_id",
                     DB_ARGS(db_int(owner_id), db_instant(now)), arena, ret, ret_count, err);
}

bool accrued_list(struct db *db, int64_t owner_id, struct arena *arena, struct accrued_part **ret,
                  size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader, PART_SELECT "ORDER BY contract_id", DB_ARGS(db_int(owner_id)),
                     arena, ret, ret_count, err);
}

bool accrued_sum(struct db *db, int64_t owner_id, struct accrual *ret, struct error *err)
{
    struct accrual sum = { 0 };
    bool has;

    if (!db_query_one(db,
                      "SELECT burn_high, burn_low, base_high, base_low FROM accrued_sum "
                      "WHERE owner_id = $1",
                      DB_ARGS(db_int(owner_id)), accrual_read, &sum, &has, err))
        return false;
    *ret = sum;
    return true;
}

bool accrued_set_sum(struct db *db, int64_t owner_id, const struct accrual *sum, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO accrued_sum (owner_id, burn_high, burn_low, base_high, base_low) "
                   "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner_id) DO UPDATE SET "
                   "burn_high = $2, burn_low = $3, base_high = $4, base_low = $5",
                   DB_ARGS(db_int(owner_id), db_int(high_of(sum->burn)), db_int(low_of(sum->burn)),
                           db_int(high_of(sum->base)), db_int(low_of(sum->base))),
                   err);
}

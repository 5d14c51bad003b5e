/* SPDX-License-Identifier: Apache-2.0 */
/* What the journals charged each contract, added up while the books are read: one pass over them
 * serves both. Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_USAGE_H
#define BERTH_FLOW_CHECK_USAGE_H

#include "base/idmap.h"
#include "market/journal.h"

struct check_usage_of {
    int64_t contract_id;
    numerator charged[COMPONENT_COUNT + 1]; /* by component */
    numerator host_share[COMPONENT_COUNT + 1];
    struct instant latest; /* that anything is charged for, */
    int64_t latest_id;     /* and by which journal */
    bool is_taken;
};

struct check_usage {
    struct check_usage_of *items; /* owned */
    size_t count, capacity;
    struct idmap places; /* of items, by contract */
};

void check_usage_release(struct check_usage *usage);

/* A journal of usage; others are none of its business. */
void check_usage_add(struct check_usage *usage, int64_t journal_id, const struct journal *journal);

/* Of a contract: all zero where it was charged nothing. */
struct check_usage_of check_usage_take(struct check_usage *usage, int64_t contract_id);

/* One that nobody has taken, after `*at`, which moves on; NULL: no more. */
const struct check_usage_of *check_usage_left(const struct check_usage *usage, size_t *at);

#endif

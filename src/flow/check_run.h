/* SPDX-License-Identifier: Apache-2.0 */
/* A check that is under way. Inside src/flow/check*.c only. */

#ifndef BERTH_FLOW_CHECK_RUN_H
#define BERTH_FLOW_CHECK_RUN_H

#include "flow/check.h"
#include "flow/check_usage.h"
#include "market/meter.h"
#include "store/audit.h"

struct check_run {
    struct db *db;
    check_found *found;
    void *context;
    struct check_counts counts;
    numerator provider_balance[2]; /* of Stripe and PayPal, as our books have them */
    struct check_usage usage;      /* as the books say, for the contracts */
};

void check_run_find(struct check_run *run, const char *rule, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Rows of `stream` that belong to none before `id`: each is a finding. */
NODISCARD bool check_run_skip(struct check_run *run, struct audit_stream *stream, int64_t id,
                              const char *what, struct error *err);

/* The next row if it belongs to `id`; it is taken, and copied. */
NODISCARD bool check_run_take(struct audit_stream *stream, int64_t id, struct audit_row *ret_row,
                              bool *ret_has, struct error *err);

#endif

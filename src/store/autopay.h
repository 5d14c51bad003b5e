/* SPDX-License-Identifier: Apache-2.0 */
/* Whose saved cards may be charged with nobody there, and when next (market/autopay.h). */

#ifndef BERTH_STORE_AUTOPAY_H
#define BERTH_STORE_AUTOPAY_H

#include "store/db.h"

struct autopay_row {
    int64_t user_id;
    struct money threshold, topup; /* topup 0: off */
    int64_t tries;
    struct instant next; /* INSTANT_NEVER: not until something changes */
    int64_t debt_day;
};

/* What an account has that never said anything: off, and due. */
NODISCARD bool autopay_load(struct db *db, int64_t user_id, struct autopay_row *ret,
                            struct error *err);
NODISCARD bool autopay_put(struct db *db, const struct autopay_row *row, struct error *err);

/* Users with a card, no charge of it open, and a debt of at least so much, or top-ups; due by now.
 */
NODISCARD bool autopay_due(struct db *db, struct instant now, struct money debt_min,
                           int64_t *ret_ids, size_t max, size_t *ret_count, struct error *err);

/* What was, or may still be, charged with nobody there since then; and when the user's first
 * payment arrived, INSTANT_NEVER where none has. */
NODISCARD bool autopay_history(struct db *db, int64_t user_id, struct instant since,
                               struct money *ret_charged, struct instant *ret_first,
                               struct error *err);

#endif

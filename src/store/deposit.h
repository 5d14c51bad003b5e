/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits by the name that their provider has for them: each is announced or not, and arrives
 * once. */

#ifndef BERTH_STORE_DEPOSIT_H
#define BERTH_STORE_DEPOSIT_H

#include "base/arena.h"
#include "store/db.h"

/* Stored in deposit.state. */
enum deposit_state {
    DEPOSIT_MADE,
    DEPOSIT_ON_ITS_WAY,
    DEPOSIT_ARRIVED,
    DEPOSIT_FAILED,
    DEPOSIT_CANCELLED,
};

struct deposit_row {
    int64_t id, user_id;
    const char *provider;  /* "manual", "stripe" */
    const char *object_id; /* the provider's name for it, or the operator's ticket; "": none yet */
    struct money amount;

    /* Of those that a provider sees to; the others leave it as it is. */
    enum deposit_state state;
    bool is_automatic;   /* a saved card was charged, and nobody was there */
    const char *page;    /* where it is paid: the provider's name for the page; "" none */
    const char *url;     /* of that page */
    const char *reason;  /* why it failed; "" */
    const char *receipt; /* the number of its receipt; "" none */
    struct instant created, settled; /* settled: 0 while it is open */
};

/* Made for a provider to see to; sets `row->id`. */
NODISCARD bool deposit_make(struct db *db, struct deposit_row *row, struct error *err);
NODISCARD bool deposit_load(struct db *db, int64_t id, struct arena *arena, struct deposit_row *ret,
                            bool *ret_has, struct error *err);
NODISCARD bool deposit_find(struct db *db, const char *provider, const char *object_id,
                            struct arena *arena, struct deposit_row *ret, bool *ret_has,
                            struct error *err);

/* The user's newest first, at most `max`; and an open one of that amount, made since then, that is
 * paid on a page. */
NODISCARD bool deposit_list(struct db *db, int64_t user_id, size_t max, struct arena *arena,
                            struct deposit_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool deposit_open_page(struct db *db, const struct deposit_row *wanted,
                                 struct instant since, struct arena *arena, struct deposit_row *ret,
                                 bool *ret_has, struct error *err);
/* Of the user's, those that are made and have neither page nor object. */
NODISCARD bool deposit_unsent(struct db *db, int64_t user_id, const char *provider,
                              struct arena *arena, struct deposit_row **ret, size_t *ret_count,
                              struct error *err);

/* All that changes of one that a provider sees to. One that has arrived stays so: `*ret_count` 0.
 */
NODISCARD bool deposit_update(struct db *db, const struct deposit_row *row, int64_t *ret_count,
                              struct error *err);

/* On its way. `*ret_is_new` false: that was known, or it has even arrived or been given up, as
 * `deposit->id`; ERROR_CONFLICT where the name stands for another user's, or another amount. */
NODISCARD bool deposit_expect(struct db *db, struct deposit_row *deposit, struct instant now,
                              bool *ret_is_new, struct error *err);

/* `*ret_is_new` false: it arrived before. One that was given up may arrive all the same. */
NODISCARD bool deposit_arrive(struct db *db, struct deposit_row *deposit, struct instant now,
                              bool *ret_is_new, struct error *err);

/* Give the receipt of one that arrives in this transaction the next number, of the year that it
 * arrives in: REC-2026-000123. */
NODISCARD bool deposit_number(struct db *db, int64_t id, struct instant now, struct error *err);

/* It does not come. Changes nothing unless it was on its way. */
NODISCARD bool deposit_cancel(struct db *db, int64_t id, struct instant now, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Offers: slices of machines that can be rented, at terms that never change, but for a later end. A
 * change of terms or a rental removes the offer, and what is left is offered anew under a new id.
 * Space for volumes is offered in rows of the same table (store/volume.h), which none of these
 * functions find. */

#ifndef BERTH_STORE_OFFER_H
#define BERTH_STORE_OFFER_H

#include "base/arena.h"
#include "market/offer.h"
#include "store/db.h"
#include "store/rows.h"

struct offer_row {
    int64_t id, machine_id, host_id;
    struct offer_terms terms;
    int64_t discount_max_ppm;
    struct money run_bid_hour; /* what a bid for it must be to run now; -1: none would run */
};

NODISCARD bool offer_insert(struct db *db, const struct offer_row *offer, int64_t *ret_id,
                            struct error *err);

/* Live ones only. */
NODISCARD bool offer_load(struct db *db, int64_t id, struct offer_row *ret, bool *ret_has,
                          struct error *err);
NODISCARD bool offer_list(struct db *db, int64_t machine_id, struct arena *arena,
                          struct offer_row **ret, size_t *ret_count, struct error *err);
/* The last of them. */
NODISCARD bool offer_set_run_bid(struct db *db, int64_t id, struct money run_bid_hour,
                                 struct error *err);
NODISCARD bool offer_remove(struct db *db, int64_t id, struct instant now, struct error *err);

/* A later one: for the rest, its terms stay. */
NODISCARD bool offer_set_end(struct db *db, int64_t id, struct instant end, struct error *err);

/* Machines that have live offers or rented GPUs and are online, above `after`, in order. */
NODISCARD bool offer_machines(struct db *db, int64_t after, int64_t *ret_ids, size_t max,
                              size_t *ret_count, struct error *err);

/* Six columns from `column` on, num_gpus to down_tb: for readers of contracts too. */
NODISCARD bool offer_terms_read(struct db_rows *row, int column, struct offer_terms *ret,
                                struct error *err);

/* For others that read whole rows. */
#define OFFER_COLUMNS                                                                              \
    "id, machine_id, host_id, num_gpus, gpu_hour, min_bid_hour, disk_month, up_tb, down_tb, "      \
    "disk_gb, discount_max_ppm, start_us, end_us, run_bid_hour"
extern const struct rows_reader offer_reader;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: space on one machine, for as long as its renter pays.
 *
 * An offer of space is sold in parts, and stays; a volume is a contract of kind KIND_VOLUME
 * (store/contract.h), under whose id the API knows it. An instance mounts volumes from its making
 * on, until it is destroyed. */

#ifndef BERTH_STORE_VOLUME_H
#define BERTH_STORE_VOLUME_H

#include "store/contract.h"
#include "store/offer.h"

/* The machine's offer of space; there is none but the live one. `terms`: disk_month, disk_gb in
 * all, start and end. The machine has none live. */
NODISCARD bool volume_offer_insert(struct db *db, const struct offer_row *offer, int64_t *ret_id,
                                   struct error *err);
NODISCARD bool volume_offer_load(struct db *db, int64_t id, struct offer_row *ret, bool *ret_has,
                                 struct error *err);
NODISCARD bool volume_offer_on(struct db *db, int64_t machine_id, struct offer_row *ret,
                               bool *ret_has, struct error *err);

/* Take it back, where there is one. Volumes that were made of it stay. */
NODISCARD bool volume_offer_remove(struct db *db, int64_t machine_id, struct instant now,
                                   struct error *err);

/* Machines online and sound whose offers last beyond `now`, above `after`, in order. */
NODISCARD bool volume_offer_machines(struct db *db, struct instant now, int64_t after,
                                     int64_t *ret_ids, size_t max, size_t *ret_count,
                                     struct error *err);

/* GB of an offer that volumes have, those not confirmed as gone included. */
NODISCARD bool volume_offer_sold(struct db *db, int64_t offer_id, int64_t *ret_gb,
                                 struct error *err);

/* Those of one renter that exist. */
NODISCARD bool volume_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                                 struct contract_row *ret, bool *ret_has, struct error *err);
NODISCARD bool volume_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                                 struct contract_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool volume_count_owned(struct db *db, int64_t owner_id, int64_t *ret_count,
                                  struct error *err);

NODISCARD bool volume_mount(struct db *db, int64_t contract_id, int64_t volume_id,
                            struct error *err);

/* Instances that exist and mount it, by id. */
NODISCARD bool volume_mounted_by(struct db *db, int64_t volume_id, struct arena *arena,
                                 int64_t **ret, size_t *ret_count, struct error *err);

#endif

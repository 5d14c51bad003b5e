/* SPDX-License-Identifier: Apache-2.0 */
/* A contract's spec between a rental and the database: what a renter gives with one, variables and
 * a registry login among it, lies there sealed (flow/vault.h). Where there is no vault, as in
 * simulations, it lies there as JSON, and JSON of before is read as it is. */

#ifndef BERTH_FLOW_SPEC_H
#define BERTH_FLOW_SPEC_H

#include "flow/vault.h"
#include "proto/desired.h"
#include "store/contract.h"

/* `*ret` is what to store as the contract's spec, in the arena. Its owner and request hash are set
 * already, since they are what it is bound to. */
NODISCARD bool spec_seal(struct db *db, const struct vault *vault,
                         const struct contract_row *contract, const struct buf *json,
                         struct instant now, struct arena *arena, const char **ret,
                         struct error *err);

/* ERROR_CORRUPT: it is none, or does not open. */
NODISCARD bool spec_open(struct db *db, const struct vault *vault,
                         const struct contract_row *contract, struct arena *arena,
                         struct instance_spec *ret, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An account's environment variables, which every container of it gets (api.md 2.12). Their values
 * are sealed when they arrive, and opened for nobody but the host that runs a container.
 *
 * A contract keeps what there was when it was made: a change is for later contracts, and recreates
 * no container. What the request itself says of a name wins. */

#ifndef BERTH_FLOW_SECRETS_H
#define BERTH_FLOW_SECRETS_H

#include "flow/caller.h"
#include "flow/vault.h"
#include "proto/desired.h"

enum {
    SECRETS_MAX = 64,
    SECRET_NAME_MAX = 128,
    SECRET_VALUE_MAX = 32 * 1024,
};

enum secret_outcome {
    SECRET_DONE,
    SECRET_BAD_NAME,  /* not of A-Z, 0-9 and _, or a digit first; lower case counts as upper */
    SECRET_BAD_VALUE, /* control characters but tab and line ends */
    SECRET_TOO_LONG,
    SECRET_TOO_MANY,
    SECRET_EXISTS,  /* to create */
    SECRET_UNKNOWN, /* to update, to delete */
};

NODISCARD bool flow_secret_create(const struct flow *flow, const struct caller *caller,
                                  const char *name, const char *value, enum secret_outcome *ret,
                                  struct error *err);
NODISCARD bool flow_secret_update(const struct flow *flow, const struct caller *caller,
                                  const char *name, const char *value, enum secret_outcome *ret,
                                  struct error *err);
NODISCARD bool flow_secret_delete(const struct flow *flow, const struct caller *caller,
                                  const char *name, enum secret_outcome *ret, struct error *err);

/* Names alone, in order. */
NODISCARD bool flow_secret_list(const struct flow *flow, const struct caller *caller,
                                struct arena *arena, const char ***ret_names, size_t *ret_count,
                                struct error *err);

/* Within a transaction: give a contract that is made now what its owner has. */
NODISCARD bool secrets_give(struct db *db, const struct vault *vault, int64_t user_id,
                            int64_t contract_id, struct error *err);

/* And add what it was given to its spec, for its host. */
NODISCARD bool secrets_add(struct db *db, const struct vault *vault, int64_t user_id,
                           int64_t contract_id, struct arena *arena, struct instance_spec *spec,
                           struct error *err);

#endif

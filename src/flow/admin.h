/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator does by hand. The caller is checked at the door; `berthd admin` has none. */

#ifndef BERTH_FLOW_ADMIN_H
#define BERTH_FLOW_ADMIN_H

#include "base/arena.h"
#include "flow/flow.h"
#include "store/machine.h"
#include "store/user.h"

enum admin_outcome { ADMIN_DONE, ADMIN_NOT_FOUND, ADMIN_BAD_AMOUNT, ADMIN_BAD_PLACE };

enum { ADMIN_PLACE_MAX = 128 };

/* Promo credit for a user. The same `ticket` grants once. */
NODISCARD bool flow_grant_credit(const struct flow *flow, int64_t user_id, struct money amount,
                                 const char *ticket, enum admin_outcome *ret, struct error *err);

/* Bought credit: money that reached the bank. The same `ticket` counts once. */
NODISCARD bool flow_deposit(const struct flow *flow, int64_t user_id, struct money amount,
                            const char *ticket, enum admin_outcome *ret, struct error *err);
NODISCARD bool flow_set_credit_limit(const struct flow *flow, int64_t user_id, struct money limit,
                                     enum admin_outcome *ret, struct error *err);

/* What an account may spend in an hour; 0: what its age and history allow. */
NODISCARD bool flow_set_spend_cap(const struct flow *flow, int64_t user_id, struct money cap,
                                  enum admin_outcome *ret, struct error *err);
NODISCARD bool flow_set_verification(const struct flow *flow, int64_t machine_id,
                                     enum verification verification, enum admin_outcome *ret,
                                     struct error *err);

/* "Gothenburg, SE", or "SE"; "": not known. Nobody else says where a machine is. ADMIN_BAD_PLACE:
 * no country's two letters at its end, or more than ADMIN_PLACE_MAX bytes. */
NODISCARD bool flow_set_place(const struct flow *flow, int64_t machine_id, const char *place,
                              enum admin_outcome *ret, struct error *err);

/* In order of id, above `after`. */
NODISCARD bool flow_user_list(const struct flow *flow, int64_t after, size_t max,
                              struct arena *arena, struct user_row **ret, size_t *ret_count,
                              struct error *err);
NODISCARD bool flow_machine_list(const struct flow *flow, int64_t after, size_t max,
                                 struct arena *arena, struct machine_row **ret, size_t *ret_count,
                                 struct error *err);

#endif

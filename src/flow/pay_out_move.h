/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a payout at its provider: the second half of flow/pay_out.h, from pay_out_start()
 * on. */

#ifndef BERTH_FLOW_PAY_OUT_MOVE_H
#define BERTH_FLOW_PAY_OUT_MOVE_H

#include "flow/pay_out.h"
#include "market/notification.h"

/* The provider's name for the host, to be asked for; a payout to be moved to its account. Rows of
 * flow/provider.h. */
NODISCARD bool pay_out_enroll(const struct pay *pay, const struct payout_method_row *method,
                              struct error *err);
NODISCARD bool pay_out_start_transfer(const struct pay *pay, const struct payout_row *payout,
                                      const struct payout_method_row *method, struct error *err);

/* The payout and its route, with its host locked. */
NODISCARD bool pay_out_load(const struct pay *pay, int64_t id, struct payout_row *ret,
                            struct payout_route_row *ret_route, bool *ret_has, struct error *err);

/* Into another state, with the money that moves for it. */
struct pay_out_step {
    enum payout_state to;
    enum ledger_code from; /* whence the provider pays */
    struct money fee;      /* that it kept, of the house's */
};
NODISCARD bool pay_out_go(const struct pay *pay, struct payout_row *payout,
                          const struct pay_out_step *step, struct error *err);

/* The host is told, as it has chosen. */
NODISCARD bool pay_out_tell(const struct pay *pay, const struct payout_row *payout,
                            enum notification kind, struct error *err);

#endif

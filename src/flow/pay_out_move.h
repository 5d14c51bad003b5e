/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a payout at its provider: the second half of flow/pay_out.h, from pay_out_start()
 * on. */

#ifndef BERTH_FLOW_PAY_OUT_MOVE_H
#define BERTH_FLOW_PAY_OUT_MOVE_H

#include "flow/pay_out.h"

#endif

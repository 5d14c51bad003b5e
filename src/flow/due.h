/* SPDX-License-Identifier: Apache-2.0 */
/* When each of the things that time alone brings about is due next, so that nobody looks before.
 *
 * An instant may lie in the past: what is due and was not dealt with yet, or cannot be now. */

#ifndef BERTH_FLOW_DUE_H
#define BERTH_FLOW_DUE_H

#include "flow/flow.h"

enum due {
    DUE_CONTACT_LOST, /* flow/contact_lost.h */
    DUE_NO_CREDIT,    /* flow/no_credit.h */
    DUE_RESERVATIONS, /* flow/prepay.h */
    DUE_LIFETIME,     /* flow/lifetime.h */
    DUE_LIFETIME_WARNING,
    DUE_STOPPED_TOO_LONG, /* flow/automation.h */
    DUE_POST_USAGE,       /* flow/post_usage.h */
    DUE_OP_EXPIRE,        /* flow/op.h */
    DUE_DECIDE,           /* flow/decide_due.h */
    DUE_COUNT
};

NODISCARD bool flow_due(const struct flow *flow, struct instant ret[static DUE_COUNT],
                        struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_payments.h"

#include "base/encode.h"
#include "flow/pay.h"

bool admin_payments_sweep(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);

    if (!flow_pay_sweep(&admin->flow, err))
        return false;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_end(&json);
    return true;
}

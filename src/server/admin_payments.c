/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_payments.h"

#include "base/encode.h"
#include "flow/pay_back.h"
#include "server/admin_approvals.h"

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

static bool refuse(enum pay_back_outcome outcome, struct error *err)
{
    switch (outcome) {
    case PAY_BACK_DONE:
    case PAY_BACK_BEFORE:
    case PAY_BACK_WAITS:
        return true;
    case PAY_BACK_OFF:
        return admin_refuse(err, "no payment provider has served this market");
    case PAY_BACK_NO_DEPOSIT:
        return admin_refuse(err, "there is no such deposit");
    case PAY_BACK_NOT_PAID:
        return admin_refuse(err, "that did not come in by a card");
    case PAY_BACK_BAD_AMOUNT:
        return admin_refuse(err, "whole cents, and no more than is left of the deposit");
    case PAY_BACK_SPENT:
        return admin_refuse(err, "more than there is of bought credit: what is spent stays spent");
    case PAY_BACK_BAD_TICKET:
        return admin_refuse(err, "a ticket has 1 to 48 characters");
    case PAY_BACK_NOBODY:
        return admin_refuse_nobody(err);
    }
    return admin_refuse(err, "the market refused");
}

/* The call goes to the server by way of the outbox, with the name that the server has given this
 * installation. */
bool admin_deposit_refund(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    struct pay_back_request request = { .operator_id = 0 };
    struct pay_settings settings = { .has_stripe = true };
    enum pay_back_outcome outcome;
    const char *amount;

    if (!admin_parse_id(admin->options->words[2], &request.deposit_id, err) ||
        !admin_need(admin, "amount", &amount, err) || !money_parse(amount, &request.amount, err) ||
        !admin_need(admin, "ticket", &request.ticket, err) ||
        !admin_operator(admin, &request.operator_id, err) ||
        !flow_installation(admin->flow.store, settings.installation, err))
        return false;
    admin->flow.pay = &settings;
    bool is_done = flow_pay_back(&admin->flow, &request, &outcome, err) && refuse(outcome, err);
    admin->flow.pay = NULL;
    if (!is_done)
        return false;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "deposit", request.deposit_id);
    encode_field_bool(&json, "changed", outcome == PAY_BACK_DONE);
    encode_field_bool(&json, "waits", outcome == PAY_BACK_WAITS);
    encode_end(&json);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_money.h"

#include <string.h>

#include "base/encode.h"
#include "base/parse.h"
#include "flow/payout.h"
#include "flow/refund.h"
#include "flow/write_off.h"
#include "market/billing.h"
#include "server/admin_approvals.h"

enum { PAYOUTS_PAGE_MAX = 256, DEBTS_PAGE_MAX = 256, MONEY_ARENA_MAX = 16 << 20 };

bool admin_refuse(struct error *err, const char *sentence)
{
    return error_set(err, ERROR_FORBIDDEN, "%s", sentence);
}

bool admin_need(const struct admin *admin, const char *name, const char **ret, struct error *err)
{
    *ret = options_get(admin->options, name);
    return *ret != NULL || error_set(err, ERROR_INVALID, "--%s is needed", name);
}

bool admin_parse_id(const char *text, int64_t *ret, struct error *err)
{
    uint64_t id;

    if (text == NULL || !parse_u64(text, &id) || id == 0 || id > INT64_MAX)
        return error_set(err, ERROR_INVALID, "'%.32s' is not an id", text != NULL ? text : "");
    *ret = (int64_t)id;
    return true;
}

static bool read_amount(struct admin *admin, int64_t *ret_user_id, struct money *ret,
                        struct error *err)
{
    const char *amount;

    return admin_find_user(admin, ret_user_id, err) && admin_need(admin, "amount", &amount, err) &&
           money_parse(amount, ret, err);
}

bool admin_credit_grant(struct admin *admin, struct error *err)
{
    const char *ticket = options_get(admin->options, "ticket");
    char made_up[TOKEN_TEXT_SIZE];
    struct money amount;
    int64_t user_id;
    enum admin_outcome outcome;

    if (ticket == NULL)
        ticket = crypto_token(made_up);
    return read_amount(admin, &user_id, &amount, err) &&
           flow_grant_credit(&admin->flow, user_id, amount, ticket, &outcome, err) &&
           admin_report(admin, outcome, "user", user_id, err);
}

bool admin_credit_deposit(struct admin *admin, struct error *err)
{
    const char *ticket;
    struct money amount;
    int64_t user_id;
    enum admin_outcome outcome;

    return read_amount(admin, &user_id, &amount, err) &&
           admin_need(admin, "ticket", &ticket, err) &&
           flow_deposit(&admin->flow, user_id, amount, ticket, &outcome, err) &&
           admin_report(admin, outcome, "user", user_id, err);
}

bool admin_credit_limit(struct admin *admin, struct error *err)
{
    struct money amount;
    int64_t user_id;
    enum admin_outcome outcome;

    return read_amount(admin, &user_id, &amount, err) &&
           flow_set_credit_limit(&admin->flow, user_id, amount, &outcome, err) &&
           admin_report(admin, outcome, "user", user_id, err);
}

bool admin_credit_cap(struct admin *admin, struct error *err)
{
    struct money amount;
    int64_t user_id;
    enum admin_outcome outcome;

    return read_amount(admin, &user_id, &amount, err) &&
           flow_set_spend_cap(&admin->flow, user_id, amount, &outcome, err) &&
           admin_report(admin, outcome, "user", user_id, err);
}

bool admin_debt_list(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    char at[INSTANT_TEXT_SIZE];
    int64_t after = 0;
    size_t count;

    encode_array(&json);
    do {
        auto_arena struct arena arena = arena_of(MONEY_ARENA_MAX);
        struct debt_row *debts;
        if (!flow_written_off(&admin->flow, after, DEBTS_PAGE_MAX, &arena, &debts, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            encode_object(&json);
            encode_field_int(&json, "journal", debts[i].journal_id);
            encode_field_int(&json, "user", debts[i].user_id);
            encode_field_exact(&json, "amount", debts[i].amount);
            encode_field_text(&json, "written_off_at", instant_format(debts[i].at, at));
            encode_end(&json);
            after = debts[i].journal_id;
        }
    } while (count == DEBTS_PAGE_MAX);
    encode_end(&json);
    return true;
}

static void encode_payout(struct encoder *json, const struct payout_row *payout, struct instant now)
{
    char date[BILLING_DATE_SIZE], time[INSTANT_TEXT_SIZE];

    encode_object(json);
    encode_field_int(json, "id", payout->id);
    encode_field_int(json, "host", payout->host_id);
    encode_field_money(json, "amount", payout->amount);
    encode_field_text(json, "state", payout_state_name(payout->state));
    encode_field_bool(json, "is_late", payout_is_late(payout, now));
    encode_field_text(json, "week_until",
                      billing_date_format(billing_day(instant_add(payout->cut, 1)), date));
    encode_field_text(json, "provider", payout->provider);
    encode_field_text(json, "reference", payout->reference);
    encode_field_text(json, "reason", payout->reason);
    encode_field_text(json, "changed_at", instant_format(payout->state_at, time));
    encode_end(json);
}

static bool read_filter(struct admin *admin, struct payout_filter *filter, struct error *err)
{
    const char *state = options_get(admin->options, "state");
    enum payout_state wanted;

    *filter = (struct payout_filter){ .max = PAYOUTS_PAGE_MAX };
    if (state != NULL) {
        if (!payout_state_parse(state, &wanted))
            return error_set(err, ERROR_INVALID, "'%.32s' is no state of a payout", state);
        filter->state = wanted;
    }
    if (options_get(admin->options, "user") == NULL && options_get(admin->options, "email") == NULL)
        return true;
    return admin_find_user(admin, &filter->host_id, err);
}

bool admin_payout_list(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    struct instant now = clock_now(admin->flow.clock);
    struct payout_filter filter;
    size_t count;

    if (!read_filter(admin, &filter, err))
        return false;
    encode_array(&json);
    do {
        auto_arena struct arena arena = arena_of(MONEY_ARENA_MAX);
        struct payout_row *payouts;
        if (!flow_payout_list(&admin->flow, &filter, &arena, &payouts, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            encode_payout(&json, &payouts[i], now);
            filter.after = payouts[i].id;
        }
    } while (count == PAYOUTS_PAGE_MAX);
    encode_end(&json);
    return true;
}

static bool move_payout(struct admin *admin, enum payout_state to, const char *reason,
                        struct error *err)
{
    const char *reference = options_get(admin->options, "reference");
    struct payout_request request = { .to = to,
                                      .reference = reference != NULL ? reference : "",
                                      .reason = reason };
    enum payout_outcome outcome;
    enum payout_state state;

    if (!admin_parse_id(admin->options->words[2], &request.payout_id, err) ||
        !flow_payout_move(&admin->flow, &request, &outcome, &state, err))
        return false;
    /* What had been paid already has come back. */
    if (to == PAYOUT_FAILED && outcome == PAYOUT_NO_WAY && state == PAYOUT_PAID) {
        request.to = PAYOUT_RETURNED;
        if (!flow_payout_move(&admin->flow, &request, &outcome, &state, err))
            return false;
    }
    switch (outcome) {
    case PAYOUT_DONE:
    case PAYOUT_WAS_DONE:
        break;
    case PAYOUT_NOT_FOUND:
        return error_set(err, ERROR_NOT_FOUND, "there is no payout %lld",
                         (long long)request.payout_id);
    case PAYOUT_NO_WAY:
        return error_set(err, ERROR_FORBIDDEN, "the payout is %s", payout_state_name(state));
    case PAYOUT_TOO_LONG:
        return admin_refuse(err, "reference and reason have at most 256 characters");
    }
    struct encoder json = encoder_of(admin->out);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "payout", request.payout_id);
    encode_field_text(&json, "state", payout_state_name(state));
    encode_field_bool(&json, "changed", outcome == PAYOUT_DONE);
    encode_end(&json);
    return true;
}

bool admin_payout_submit(struct admin *admin, struct error *err)
{
    return move_payout(admin, PAYOUT_SUBMITTED, "", err);
}

bool admin_payout_settle(struct admin *admin, struct error *err)
{
    return move_payout(admin, PAYOUT_PAID, "", err);
}

bool admin_payout_fail(struct admin *admin, struct error *err)
{
    const char *reason;

    return admin_need(admin, "reason", &reason, err) &&
           move_payout(admin, PAYOUT_FAILED, reason, err);
}

static bool read_component(const char *text, enum component *ret, struct error *err)
{
    for (int i = COMPONENT_GPU; i <= COMPONENT_DOWN; i++) {
        if (strcmp(component_name((enum component)i), text) == 0) {
            *ret = (enum component)i;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "--component is gpu, disk, bwu or bwd");
}

/* Hours into microseconds, GB into bytes: a decimal number, as amounts of money are. */
static bool read_used(const char *text, enum component component, int64_t *ret, struct error *err)
{
    bool is_time = component == COMPONENT_GPU || component == COMPONENT_DISK;
    struct money number;

    if (strcmp(text, "all") == 0) {
        *ret = INT64_MAX;
        return true;
    }
    if (!money_parse(text, &number, err) || number.nanodollars <= 0)
        return error_set(err, ERROR_INVALID, "--used is a number above 0, or all");
    numerator used = (numerator)number.nanodollars * (is_time ? US_PER_HOUR : INT64_C(1) << 30) /
                     NANODOLLARS_PER_DOLLAR;
    *ret = used < INT64_MAX ? (int64_t)used : INT64_MAX - 1;
    return true;
}

bool admin_refund(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    const char *component, *used;
    struct refund_request request = { .operator_id = 0 };
    struct refund_reply done;

    if (!admin_parse_id(admin->options->words[2], &request.contract_id, err) ||
        !admin_need(admin, "component", &component, err) ||
        !read_component(component, &request.component, err) ||
        !admin_need(admin, "used", &used, err) ||
        !read_used(used, request.component, &request.used, err) ||
        !admin_need(admin, "ticket", &request.ticket, err) ||
        !admin_operator(admin, &request.operator_id, err) ||
        !flow_refund(&admin->flow, &request, &done, err))
        return false;
    switch (done.outcome) {
    case REFUNDED:
    case REFUNDED_BEFORE:
    case REFUND_WAITS:
        break;
    case REFUND_NOBODY:
        return admin_refuse_nobody(err);
    case REFUND_NO_CONTRACT:
        return error_set(err, ERROR_NOT_FOUND, "there is no instance %lld",
                         (long long)request.contract_id);
    case REFUND_BAD_TICKET:
        return admin_refuse(err, "a ticket has 1 to 48 characters");
    case REFUND_BAD_AMOUNT:
        return admin_refuse(err, "that is more than was charged and not taken back yet");
    }
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "instance", request.contract_id);
    encode_field_bool(&json, "changed", done.outcome == REFUNDED);
    encode_field_bool(&json, "waits", done.outcome == REFUND_WAITS);
    encode_field_money(&json, "amount", done.gross);
    encode_end(&json);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_holds.h"

#include "base/encode.h"
#include "base/parse.h"
#include "flow/hold.h"
#include "server/admin_approvals.h"

enum { HOLDS_PAGE_MAX = 256, HOLDS_ARENA_MAX = 16 << 20, HOLD_DAYS_MAX = 3650 };

/* How long a bank may take. */
enum { EXPECT_DAYS = 14 };

static bool read_until(struct admin *admin, uint64_t days, struct instant *ret, struct error *err)
{
    const char *text = options_get(admin->options, "days");

    if (text != NULL && (!parse_u64(text, &days) || days == 0 || days > HOLD_DAYS_MAX))
        return error_set(err, ERROR_INVALID, "--days is a whole number from 1 to %d",
                         HOLD_DAYS_MAX);
    *ret = days == 0 ? INSTANT_NEVER
                     : instant_add(clock_now(admin->flow.clock), (int64_t)days * 24 * US_PER_HOUR);
    return true;
}

static bool report(struct admin *admin, enum hold_outcome outcome, int64_t id, struct error *err)
{
    struct encoder json = encoder_of(admin->out);

    switch (outcome) {
    case HOLD_DONE:
    case HOLD_WAS_DONE:
    case HOLD_WAITS:
        encode_object(&json);
        encode_field_bool(&json, "success", true);
        encode_field_int(&json, "hold", id);
        encode_field_bool(&json, "changed", outcome == HOLD_DONE);
        encode_field_bool(&json, "waits", outcome == HOLD_WAITS);
        encode_end(&json);
        return true;
    case HOLD_NOT_FOUND:
        return error_set(err, ERROR_NOT_FOUND, "there is no such user or hold");
    case HOLD_BAD_AMOUNT:
        return admin_refuse(err, "the amount must be above zero, and at most what is held");
    case HOLD_NOT_COVERED:
        return admin_refuse(err, "there is not that much to hold");
    case HOLD_NO_WAY:
        return admin_refuse(err, "it has ended another way, or is money that has yet to arrive");
    case HOLD_TOO_LONG:
        return admin_refuse(err, "a ticket has 1 to 48 characters, a reason at most 256");
    case HOLD_NOBODY:
        return admin_refuse_nobody(err);
    case HOLD_TICKET_USED:
        return admin_refuse(err, "that ticket was used for another");
    }
    return admin_refuse(err, "the market refused");
}

static bool place(struct admin *admin, enum hold_kind kind, uint64_t days, struct error *err)
{
    const char *amount, *reason = options_get(admin->options, "reason");
    struct hold_request request = { .kind = kind, .note = reason != NULL ? reason : "" };
    enum hold_outcome outcome;
    int64_t id = 0;

    return admin_find_user(admin, &request.user_id, err) &&
           admin_need(admin, "amount", &amount, err) && money_parse(amount, &request.amount, err) &&
           admin_need(admin, "ticket", &request.ticket, err) &&
           read_until(admin, days, &request.until, err) &&
           flow_hold_place(&admin->flow, &request, &outcome, &id, err) &&
           report(admin, outcome, id, err);
}

bool admin_credit_expect(struct admin *admin, struct error *err)
{
    return place(admin, HOLD_DEPOSIT, EXPECT_DAYS, err);
}

bool admin_hold_credit(struct admin *admin, struct error *err)
{
    return place(admin, HOLD_CREDIT, 0, err);
}

bool admin_hold_earnings(struct admin *admin, struct error *err)
{
    return place(admin, HOLD_EARNINGS, 0, err);
}

bool admin_hold_release(struct admin *admin, struct error *err)
{
    enum hold_outcome outcome;
    int64_t id;

    return admin_parse_id(admin->options->words[2], &id, err) &&
           flow_hold_release(&admin->flow, id, &outcome, err) && report(admin, outcome, id, err);
}

bool admin_hold_take(struct admin *admin, struct error *err)
{
    const char *text = options_get(admin->options, "amount");
    struct hold_taking taking = { .amount = { 0 } };
    enum hold_outcome outcome;

    if (!admin_parse_id(admin->options->words[2], &taking.hold_id, err) ||
        (text != NULL && !money_parse(text, &taking.amount, err)))
        return false;
    if (text != NULL && taking.amount.nanodollars <= 0)
        return report(admin, HOLD_BAD_AMOUNT, taking.hold_id, err);
    return admin_operator(admin, &taking.operator_id, err) &&
           flow_hold_take(&admin->flow, &taking, &outcome, err) &&
           report(admin, outcome, taking.hold_id, err);
}

static void encode_hold(struct encoder *json, const struct hold_row *hold)
{
    bool expires = instant_compare(hold->expires, INSTANT_NEVER) < 0;
    char time[INSTANT_TEXT_SIZE];

    encode_object(json);
    encode_field_int(json, "id", hold->id);
    encode_field_text(json, "kind", hold_kind_name(hold->kind));
    encode_field_int(json, "user", hold->user_id);
    encode_field_money(json, "amount", hold->amount);
    encode_field_text(json, "state", hold_state_name(hold->state));
    encode_field_text(json, "key", hold->key);
    encode_field_text(json, "reason", hold->note);
    encode_field_text(json, "created_at", instant_format(hold->created, time));
    encode_field_text(json, "until", expires ? instant_format(hold->expires, time) : "");
    encode_field_text(json, "ended_at",
                      hold->state != HOLD_OPEN ? instant_format(hold->resolved, time) : "");
    encode_field_int(json, "journal", hold->journal_id);
    encode_end(json);
}

static bool read_filter(struct admin *admin, struct hold_filter *filter, struct error *err)
{
    const char *state = options_get(admin->options, "state");
    enum hold_state wanted;

    *filter = (struct hold_filter){ .state = -1, .max = HOLDS_PAGE_MAX };
    if (state != NULL) {
        if (!hold_state_parse(state, &wanted))
            return error_set(err, ERROR_INVALID, "'%.32s' is no state of a hold", state);
        filter->state = (int64_t)wanted;
    }
    return (!options_has(admin->options, "user") && !options_has(admin->options, "email")) ||
           admin_find_user(admin, &filter->user_id, err);
}

bool admin_hold_list(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    struct hold_filter filter;
    size_t count;

    if (!read_filter(admin, &filter, err))
        return false;
    encode_array(&json);
    do {
        auto_arena struct arena arena = arena_of(HOLDS_ARENA_MAX);
        struct hold_row *holds;
        if (!flow_hold_list(&admin->flow, &filter, &arena, &holds, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            encode_hold(&json, &holds[i]);
            filter.after = holds[i].id;
        }
    } while (count == HOLDS_PAGE_MAX);
    encode_end(&json);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see and do over HTTP: a part of `berthd admin`, by the same flows. The door lets
 * in who operates the market alone; what they do is in the audit log. */
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/admin.h"
#include "flow/payout.h"
#include "flow/revoke_key.h"
#include "flow/show_user.h"
#include "flow/write_off.h"
#include "market/billing.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/trial_json.h"

enum { OPERATOR_PAGE = 100, OPERATOR_ARENA_MAX = 16 << 20, TICKET_MAX = 128 };

void handle_operator_ledger(struct call *call)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct trial_balance trial;
    struct error err;

    if (!flow_trial_balance(&call->app->flow, &trial, &err))
        return reply_error(call, &err);
    trial_encode(&json, &trial);
    reply_json(call, &body);
}

/* `after` of the query, 0 without; false where it is no id, which is refused. */
static bool read_after(struct call *call, int64_t *ret)
{
    const char *text = http_query(call->request, "after");
    uint64_t id = 0;

    if (text != NULL && (!parse_u64(text, &id) || id > INT64_MAX)) {
        reply_refuse(call, 400, "invalid_args", "after is an id.");
        return false;
    }
    *ret = (int64_t)id;
    return true;
}

/* Ends the array and the reply: a full page may have another behind it. */
static void end_page(struct call *call, struct encoder *json, size_t count, int64_t last)
{
    encode_end(json);
    encode_key(json, "next");
    if (count == OPERATOR_PAGE)
        encode_int(json, last);
    else
        encode_null(json);
    encode_end(json);
    reply_json(call, json->out);
}

static bool encode_user(struct call *call, struct encoder *json, const struct user_row *user,
                        struct error *err)
{
    const struct caller caller = { .kind = CALLER_USER, .user_id = user->id, .scopes = SCOPE_ALL };
    auto_arena struct arena arena = arena_of(OPERATOR_ARENA_MAX);
    struct user_view view;

    if (!flow_show_user(&call->app->flow, &caller, &arena, &view, err))
        return error_context(err, "user %lld", (long long)user->id);
    encode_object(json);
    encode_field_int(json, "id", user->id);
    encode_field_text(json, "email", user->email);
    field_known_text(json, "username", user->username);
    encode_field_bool(json, "is_admin", user->is_admin);
    encode_field_bool(json, "is_host", view.has_machines);
    encode_field_money(json, "credit", view.credit);
    encode_field_money(json, "balance", view.earnings);
    encode_field_money(json, "pending_credit", view.pending_credit);
    encode_field_money(json, "held_credit", view.held_credit);
    encode_field_money(json, "held_earnings", view.held_earnings);
    field_time(json, "created_at", user->created);
    field_time(json, "deleted_at", user->closed);
    encode_end(json);
    return true;
}

void handle_operator_users(struct call *call)
{
    auto_arena struct arena arena = arena_of(OPERATOR_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct user_row *users;
    struct error err;
    int64_t after;
    size_t count;

    if (!read_after(call, &after))
        return;
    if (!flow_user_list(&call->app->flow, after, OPERATOR_PAGE, &arena, &users, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "users");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        if (!encode_user(call, &json, &users[i], &err))
            return reply_error(call, &err);
    end_page(call, &json, count, count > 0 ? users[count - 1].id : 0);
}

void handle_operator_machines(struct call *call)
{
    auto_arena struct arena arena = arena_of(OPERATOR_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_row *machines;
    struct error err;
    int64_t after;
    size_t count;

    if (!read_after(call, &after))
        return;
    if (!flow_machine_list(&call->app->flow, after, OPERATOR_PAGE, &arena, &machines, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "machines");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", machines[i].id);
        encode_field_int(&json, "host_id", machines[i].owner_id);
        encode_field_bool(&json, "is_online", machines[i].is_online);
        encode_field_bool(&json, "is_listed", machines[i].is_listed);
        encode_field_bool(&json, "is_quarantined", machines[i].is_quarantined);
        encode_field_bool(&json, "is_simulated", machines[i].is_simulated);
        encode_field_text(&json, "verification", verification_name(machines[i].verification));
        field_known_text(&json, "geolocation", machines[i].geolocation);
        field_time(&json, "key_revoked_at", machines[i].key_revoked);
        field_time(&json, "created_at", machines[i].created);
        encode_end(&json);
    }
    end_page(call, &json, count, count > 0 ? machines[count - 1].id : 0);
}

void handle_operator_payouts(struct call *call)
{
    auto_arena struct arena arena = arena_of(OPERATOR_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *state = http_query(call->request, "state");
    enum payout_state wanted;
    struct payout_filter filter = { .max = OPERATOR_PAGE };
    struct instant now = clock_now(call->app->clock);
    char date[BILLING_DATE_SIZE];
    struct payout_row *payouts;
    struct error err;
    size_t count;

    if (!read_after(call, &filter.after))
        return;
    if (state != NULL && !payout_state_parse(state, &wanted))
        return reply_refuse(call, 400, "invalid_args", "There is no such state of a payout.");
    if (state != NULL)
        filter.state = wanted;
    if (!flow_payout_list(&call->app->flow, &filter, &arena, &payouts, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "payouts");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        const struct payout_row *payout = &payouts[i];

        encode_object(&json);
        encode_field_int(&json, "id", payout->id);
        encode_field_int(&json, "host_id", payout->host_id);
        encode_field_money(&json, "amount", payout->amount);
        encode_field_text(&json, "state", payout_state_name(payout->state));
        encode_field_bool(&json, "is_late", payout_is_late(payout, now));
        encode_field_text(&json, "week_until",
                          billing_date_format(billing_day(instant_add(payout->cut, 1)), date));
        encode_field_text(&json, "provider", payout->provider);
        encode_field_text(&json, "reference", payout->reference);
        encode_field_text(&json, "reason", payout->reason);
        field_time(&json, "changed_at", payout->state_at);
        encode_end(&json);
    }
    end_page(call, &json, count, count > 0 ? payouts[count - 1].id : 0);
}

void handle_operator_debts(struct call *call)
{
    auto_arena struct arena arena = arena_of(OPERATOR_ARENA_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct debt_row *debts;
    struct error err;
    int64_t after;
    size_t count;

    if (!read_after(call, &after))
        return;
    if (!flow_written_off(&call->app->flow, after, OPERATOR_PAGE, &arena, &debts, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "written_off");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_int(&json, "id", debts[i].journal_id);
        encode_field_int(&json, "user_id", debts[i].user_id);
        encode_field_exact(&json, "amount", debts[i].amount);
        field_time(&json, "written_off_at", debts[i].at);
        encode_end(&json);
    }
    end_page(call, &json, count, count > 0 ? debts[count - 1].journal_id : 0);
}

static bool give(struct call *call, int64_t user_id, struct money amount, const char *ticket,
                 enum admin_outcome *ret, struct error *err)
{
    const char *kind = json_string_value(json_member(call->body, "kind"));
    const struct flow *flow = &call->app->flow;

    return strcmp(kind, "deposit") == 0
               ? flow_deposit(flow, user_id, amount, ticket, ret, err)
               : flow_grant_credit(flow, user_id, amount, ticket, ret, err);
}

void handle_operator_credit(struct call *call)
{
    enum admin_outcome outcome;
    struct money amount;
    const char *kind, *ticket;
    struct error err;
    int64_t user_id;

    if (!json_need_int(call->body, "user_id", (struct json_bounds){ 1, INT64_MAX }, &user_id,
                       &err) ||
        !json_need_money(call->body, "amount", &amount, &err) ||
        !json_need_text(call->body, "kind", TICKET_MAX, &kind, &err) ||
        !json_need_text(call->body, "ticket", TICKET_MAX, &ticket, &err))
        return reply_error(call, &err);
    if (ticket[0] == '\0' || (strcmp(kind, "grant") != 0 && strcmp(kind, "deposit") != 0))
        return reply_refuse(call, 400, "invalid_args",
                            "kind is grant or deposit, and ticket says why.");
    if (!give(call, user_id, amount, ticket, &outcome, &err))
        return reply_error(call, &err);
    switch (outcome) {
    case ADMIN_DONE:
        return reply_message(call, "It is on the account; the same ticket again adds nothing.");
    case ADMIN_NOT_FOUND:
        return reply_refuse(call, 400, "invalid_args", "There is no such account.");
    case ADMIN_BAD_AMOUNT:
    case ADMIN_BAD_PLACE:
        return reply_refuse(call, 400, "invalid_args", "The amount must be above zero.");
    }
}

void handle_operator_verification(struct call *call)
{
    enum verification verification;
    enum admin_outcome outcome;
    const char *wanted;
    struct error err;
    int64_t machine_id;

    if (!json_need_int(call->body, "machine_id", (struct json_bounds){ 1, INT64_MAX }, &machine_id,
                       &err) ||
        !json_need_text(call->body, "verification", TICKET_MAX, &wanted, &err))
        return reply_error(call, &err);
    if (strcmp(wanted, "verified") == 0)
        verification = VERIFICATION_VERIFIED;
    else if (strcmp(wanted, "deverified") == 0)
        verification = VERIFICATION_DEVERIFIED;
    else if (strcmp(wanted, "automatic") == 0)
        verification = VERIFICATION_UNVERIFIED;
    else
        return reply_refuse(call, 400, "invalid_args",
                            "verification is verified, deverified or automatic.");
    if (!flow_set_verification(&call->app->flow, machine_id, verification, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == ADMIN_NOT_FOUND)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)machine_id);
    reply_message(call, verification == VERIFICATION_VERIFIED     ? "It counts as verified."
                        : verification == VERIFICATION_DEVERIFIED ? "It takes no new rentals."
                                                                  : "What is asked of it decides.");
}

void handle_operator_revoke_key(struct call *call)
{
    enum admin_outcome outcome;
    struct error err;
    int64_t machine_id;

    if (!json_need_int(call->body, "machine_id", (struct json_bounds){ 1, INT64_MAX }, &machine_id,
                       &err) ||
        !flow_revoke_key(&call->app->flow, machine_id, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == ADMIN_NOT_FOUND)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)machine_id);
    reply_message(call,
                  "No key of machine %lld is good any more. Its host comes back by a token for it.",
                  (long long)machine_id);
}

void handle_operator_place(struct call *call)
{
    enum admin_outcome outcome;
    const char *place;
    struct error err;
    int64_t machine_id;

    if (!json_need_int(call->body, "machine_id", (struct json_bounds){ 1, INT64_MAX }, &machine_id,
                       &err) ||
        !json_need_text(call->body, "geolocation", ADMIN_PLACE_MAX, &place, &err) ||
        !flow_set_place(&call->app->flow, machine_id, place, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == ADMIN_BAD_PLACE)
        return reply_refuse(call, 400, "invalid_args",
                            "geolocation ends in a country's two letters: Gothenburg, SE.");
    if (outcome == ADMIN_NOT_FOUND)
        return reply_refuse(call, 404, "no_such_machine", "There is no machine %lld.",
                            (long long)machine_id);
    reply_message(call, "That is where it is.");
}

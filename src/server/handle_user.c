/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's own account (api.md 2.2). */
#include <stdio.h>

#include "base/json.h"
#include "flow/autopay.h"
#include "flow/show_user.h"
#include "flow/sign_up.h"
#include "flow/ssh_keys.h"
#include "flow/update_user.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { USER_REPLY_MAX = 64 * 1024, TEXT_LENGTH_MAX = 64 * 1024 };

static void encode_identity(struct encoder *json, const struct user_view *view,
                            const struct caller *caller)
{
    const struct user_row *user = &view->user;
    char sid[32];

    (void)snprintf(sid, sizeof sid, "u%lld", (long long)user->id);
    encode_field_int(json, "id", user->id);
    encode_field_text(json, "username", user->username);
    encode_field_text(json, "user", user->username);
    encode_field_text(json, "email", user->email);
    encode_field_bool(json, "email_verified", user->is_verified);
    field_known_text(json, "fullname", user->fullname);
    encode_field_text(json, "sid", sid);
    field_known_int(json, "key_id", caller->key_id);
    field_null(json, "api_key"); /* some clients end where they cannot take it out */
    encode_field_text(json, "tfa_status", user->has_tfa ? "enabled" : "disabled");
    encode_field_bool(json, "password_resettable", true);
    field_known_int(json, "parent_id", user->parent_id);
    encode_field_bool(json, "host_only", user->is_host_only);
    field_known_text(json, "ssh_key", view->ssh_key);
    encode_field_bool(json, "is_admin", user->is_admin);
    encode_field_bool(json, "is_host", view->has_machines);
}

static const char *const address_names[ADDRESS_PARTS] = {
    [ADDRESS_LINE1] = "billaddress_line1",     [ADDRESS_LINE2] = "billaddress_line2",
    [ADDRESS_CITY] = "billaddress_city",       [ADDRESS_ZIP] = "billaddress_zip",
    [ADDRESS_COUNTRY] = "billaddress_country", [ADDRESS_TAXINFO] = "billaddress_taxinfo",
    [ADDRESS_PHONE] = "phone_number",
};

static void encode_billing(struct encoder *json, const struct user_view *view)
{
    static const char *const amounts[] = { "billed_expected", "billed_verified", "paid_expected",
                                           "paid_verified" };

    encode_field_money(json, "credit", view->credit);
    encode_field_money(json, "balance", view->earnings);
    encode_field_money(json, "pending_credit", view->pending_credit);
    encode_field_money(json, "held_credit", view->held_credit);
    encode_field_money(json, "held_earnings", view->held_earnings);
    encode_field_money(json, "autobill_threshold", view->autobill);
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
        encode_field_int(json, amounts[i], 0);
    for (int i = 0; i < ADDRESS_PARTS; i++)
        encode_field_text(json, address_names[i], view->address[i]);
    encode_field_money(json, "balance_threshold", view->user.low_credit);
    encode_field_bool(json, "balance_threshold_enabled", view->user.warns_low);
    encode_field_int(json, "billing_creditonly", 1);
    encode_field_bool(json, "can_pay", view->credit.nanodollars > 0);
    encode_field_int(json, "got_signup_credit", 0);
    encode_field_bool(json, "has_billing", false);
    encode_field_bool(json, "has_payout", false);
    field_null(json, "last4");
    field_null(json, "paypal_email");
}

static void encode_user(struct encoder *json, const struct user_view *view,
                        const struct caller *whose)
{
    encode_object(json);
    encode_identity(json, view, whose);
    encode_billing(json, view);
    encode_end(json);
}

/* For flow_show_user_text(). */
static void write_user(const struct user_view *view, const struct caller *whose, struct buf *out)
{
    struct encoder json = encoder_of(out);

    encode_user(&json, view, whose);
}

void handle_user_show(struct call *call)
{
    auto_buf struct buf body = buf_of(USER_REPLY_MAX);
    struct error err;

    if (!flow_show_user_text(&call->app->flow, &call->caller, call->request->arena, write_user,
                             &body, &err))
        return reply_error(call, &err);
    reply_json(call, &body);
}

void handle_subaccounts_list(struct call *call)
{
    auto_buf struct buf body = buf_of(SUBACCOUNTS_MAX * USER_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct user_row *users;
    size_t count;
    struct error err;

    if (!flow_subaccount_list(&call->app->flow, &call->caller, call->request->arena, &users, &count,
                              &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "users");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        const struct caller below = { .kind = CALLER_USER, .user_id = users[i].id };
        struct user_view view;

        if (!flow_show_user(&call->app->flow, &below, call->request->arena, &view, &err))
            return reply_error(call, &err);
        encode_user(&json, &view, &below);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* Having cards charged is another permission than the rest of an account's settings. True where it
 * was not asked for, or is done; else the call is answered. */
static bool set_autobill(struct call *call)
{
    struct money threshold = { 0 };
    struct error err;
    bool is_good;

    if (json_member(call->body, "autobill_threshold") == NULL)
        return true;
    if (!json_need_money(call->body, "autobill_threshold", &threshold, &err)) {
        reply_error(call, &err);
        return false;
    }
    if (!routes_may_also(call, SCOPE_BILLING_WRITE))
        return false;
    if (!flow_autopay_below(&call->app->flow, &call->caller, threshold, &is_good, &err)) {
        reply_error(call, &err);
        return false;
    }
    if (!is_good)
        reply_refuse(call, 400, "invalid_args",
                     "autobill_threshold is in whole cents, up to $10,000; 0 turns it off.");
    return is_good;
}

/* True where the key is in; else the call is answered. */
static bool add_ssh_key(struct call *call, const char *text)
{
    struct ssh_keys_reply done;
    struct error err;

    if (!flow_ssh_key_add(&call->app->flow, &call->caller, text, call->request->arena, &done,
                          &err)) {
        reply_error(call, &err);
        return false;
    }
    if (done.outcome == SSH_KEYS_DONE)
        return true;
    reply_refuse(call, 400, done.outcome == SSH_KEYS_TOO_MANY ? "too_many_keys" : "no_ssh_key",
                 "%s", done.why);
    return false;
}

static void reply_updated(struct call *call, enum update_user_outcome outcome)
{
    switch (outcome) {
    case UPDATE_USER_DONE:
        return reply_message(call, "The account is changed.");
    case UPDATE_USER_NAME_TOO_LONG:
        return reply_refuse(call, 400, "input_too_long",
                            "username and fullname have at most %d characters.", NAME_LENGTH_MAX);
    case UPDATE_USER_NAME_EMPTY:
        return reply_refuse(call, 400, "missing_input", "username must not be empty.");
    case UPDATE_USER_ADDRESS_TOO_LONG:
        return reply_refuse(call, 400, "input_too_long",
                            "A part of the billing address has at most %d bytes.",
                            ADDRESS_LENGTH_MAX);
    case UPDATE_USER_BAD_PHONE:
        return reply_refuse(call, 400, "invalid_characters",
                            "phone_number has more than digits, blanks and +-().");
    case UPDATE_USER_BAD_ADDRESS:
        return reply_refuse(call, 400, "invalid_characters",
                            "The billing address has a control character.");
    }
}

struct warning {
    struct money low_credit;
    bool warns_low;
};

/* Both are in `*warning`, and `*request` says which of them are given. */
static bool read_warning(const json_t *body, struct warning *warning,
                         struct update_user_request *request, struct error *err)
{
    if (!json_opt_money(body, "balance_threshold", &warning->low_credit, err) ||
        !json_opt_bool(body, "balance_threshold_enabled", &warning->warns_low, err))
        return false;
    if (json_member(body, "balance_threshold") != NULL)
        request->low_credit = &warning->low_credit;
    if (json_member(body, "balance_threshold_enabled") != NULL)
        request->warns_low = &warning->warns_low;
    return true;
}

/* `*ret_has` is set where any part is given. */
static bool read_address(const json_t *body, struct update_user_request *request, bool *ret_has,
                         struct error *err)
{
    for (int i = 0; i < ADDRESS_PARTS; i++) {
        if (!json_opt_text(body, address_names[i], TEXT_LENGTH_MAX, &request->address[i], err))
            return false;
        *ret_has |= request->address[i] != NULL;
    }
    return true;
}

void handle_user_update(struct call *call)
{
    struct update_user_request request = { 0 };
    struct warning warning = { .warns_low = false };
    enum update_user_outcome outcome = UPDATE_USER_DONE;
    const char *ssh_key = NULL;
    bool has_address = false;
    struct error err;

    if (!json_opt_text(call->body, "username", TEXT_LENGTH_MAX, &request.username, &err) ||
        !json_opt_text(call->body, "fullname", TEXT_LENGTH_MAX, &request.fullname, &err) ||
        !json_opt_text(call->body, "ssh_key", TEXT_LENGTH_MAX, &ssh_key, &err))
        return reply_error(call, &err);
    if (!read_warning(call->body, &warning, &request, &err) ||
        !read_address(call->body, &request, &has_address, &err))
        return reply_error(call, &err);
    bool has_row = has_address || request.username != NULL || request.fullname != NULL ||
                   request.low_credit != NULL || request.warns_low != NULL;
    if (!has_row && ssh_key == NULL && json_member(call->body, "autobill_threshold") == NULL)
        return reply_refuse(call, 400, "missing_input",
                            "Give username, fullname, balance_threshold, autobill_threshold, a "
                            "billing address, phone_number or ssh_key.");
    if (!set_autobill(call))
        return;
    if (has_row && !flow_update_user(&call->app->flow, &call->caller, &request, &outcome, &err))
        return reply_error(call, &err);
    if (outcome == UPDATE_USER_DONE && ssh_key != NULL && !add_ssh_key(call, ssh_key))
        return;
    reply_updated(call, outcome);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting an account, and what stands against it. */
#include <inttypes.h>

#include "base/json.h"
#include "flow/close_account.h"
#include "server/app.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "server/session_reply.h"

enum { REPLY_MAX = 16 * 1024, TEXT_LENGTH_MAX = 4096 };

static bool is_money(enum closing_reason reason)
{
    return closing_kind(reason) != CLOSING_KIND_COUNT;
}

static void encode_reason(struct encoder *json, enum closing_reason reason, int64_t amount)
{
    encode_object(json);
    encode_field_text(json, "reason", closing_code(reason));
    encode_key(json, "count");
    if (is_money(reason))
        encode_null(json);
    else
        encode_int(json, amount);
    encode_key(json, "amount");
    if (is_money(reason))
        encode_money(json, (struct money){ amount });
    else
        encode_null(json);
    encode_field_bool(json, "can_give_up", closing_kind(reason) == CLOSING_KIND_GIVEN);
    encode_field_text(json, "what_to_do", closing_advice(reason));
    encode_field_text(json, "page", closing_where(reason));
    encode_end(json);
}

void handle_user_deletion(struct call *call)
{
    auto_buf struct buf body = buf_of(REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct closing_facts facts;
    struct error err;

    if (!flow_close_account_look(&call->app->flow, &call->caller, &facts, &err))
        return reply_error(call, &err);
    struct money given_up = closing_given(&facts);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_bool(&json, "can_delete", closing_may(&facts, given_up));
    encode_field_money(&json, "given_up", given_up);
    encode_key(&json, "reasons");
    encode_array(&json);
    for (int i = 0; i < CLOSING_REASON_COUNT; i++)
        if (facts.amount[i] != 0)
            encode_reason(&json, (enum closing_reason)i, facts.amount[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* All of them in one sentence each. */
static void refuse_standing(struct call *call, const struct closing_facts *facts,
                            struct money given_up)
{
    auto_buf struct buf text = buf_of(REPLY_MAX);
    char money[MONEY_TEXT_SIZE];

    for (int i = 0; i < CLOSING_REASON_COUNT; i++) {
        enum closing_reason reason = (enum closing_reason)i;

        if (!closing_stands(facts, reason, given_up))
            continue;
        if (is_money(reason))
            buf_printf(&text, " %s $%s:", closing_code(reason),
                       money_format((struct money){ facts->amount[i] }, money));
        else
            buf_printf(&text, " %s %" PRId64 ":", closing_code(reason), facts->amount[i]);
        buf_printf(&text, " %s.", closing_advice(reason));
    }
    reply_refuse(call, 409, "in_use", "The account cannot be deleted now.%s", text.bytes);
}

static void answer(struct call *call, const struct close_account_request *request,
                   const struct close_account_reply *done)
{
    switch (done->outcome) {
    case CLOSE_ACCOUNT_DONE:
        session_set_cookie(call, NULL);
        return reply_message(call, "The account is deleted. A last mail says so.");
    case CLOSE_ACCOUNT_STANDS:
        return refuse_standing(call, &done->facts, request->given_up);
    case CLOSE_ACCOUNT_NO_SESSION:
        return reply_refuse(call, 400, "login_failed",
                            "A key cannot delete an account: log in with the password.");
    case CLOSE_ACCOUNT_TEAM:
        return reply_refuse(call, 403, "team_user_forbidden",
                            "A team is not deleted so: its owner destroys it.");
    case CLOSE_ACCOUNT_OTHER_EMAIL:
        return reply_refuse(call, 400, "invalid_email",
                            "confirm_email is not the email of the account.");
    case CLOSE_ACCOUNT_WRONG:
        return reply_refuse(call, 400, "login_failed", "This is not the account's password.");
    case CLOSE_ACCOUNT_THROTTLED:
        return reply_wait(call, done->wait_us);
    case CLOSE_ACCOUNT_BUSY:
        return reply_busy(call);
    }
}

void handle_user_delete(struct call *call)
{
    struct close_account_request request = { .address = call->request->client };
    struct close_account_reply done;
    struct error err;

    if (!json_need_text(call->body, "confirm_email", TEXT_LENGTH_MAX, &request.email, &err) ||
        !json_opt_text(call->body, "password", TEXT_LENGTH_MAX, &request.password, &err) ||
        (json_member(call->body, "give_up") != NULL &&
         !json_need_money(call->body, "give_up", &request.given_up, &err)) ||
        !flow_close_account(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    answer(call, &request, &done);
}

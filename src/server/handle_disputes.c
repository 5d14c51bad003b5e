/* SPDX-License-Identifier: Apache-2.0 */
/* Disputes of payments, for operators: the queue, what is answered to one, and that it is
 * submitted. */
#include "base/json.h"
#include "base/parse.h"
#include "flow/dispute.h"
#include "flow/review.h"
#include "server/app.h"
#include "server/dispute_json.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/reply.h"

enum { DISPUTES_PAGE = 100, DISPUTES_ARENA_MAX = 8 << 20, DISPUTES_REPLY_MAX = 1 << 20 };

static void encode_dispute(struct encoder *json, const struct dispute_row *dispute)
{
    encode_object(json);
    encode_field_int(json, "id", dispute->id);
    encode_field_int(json, "user_id", dispute->user_id);
    encode_field_int(json, "deposit_id", dispute->deposit_id);
    encode_field_text(json, "provider", dispute->provider);
    encode_field_text(json, "reference", dispute->object_id);
    encode_field_money(json, "amount", dispute->amount);
    encode_field_money(json, "frozen", dispute->frozen);
    encode_field_text(json, "state", dispute_state_name(dispute->state));
    encode_field_text(json, "reason", dispute->reason);
    encode_field_bool(json, "is_asked", dispute->asks);
    field_time(json, "due_at", dispute->due);
    field_time(json, "created_at", dispute->created);
    field_time(json, "changed_at", dispute->state_at);
    encode_end(json);
}

/* A number of the query, 0 without; false: it is no id, and that was said. */
static bool read_id(struct call *call, const char *name, int64_t *ret)
{
    const char *text = http_query(call->request, name);
    uint64_t id = 0;

    *ret = 0;
    if (text != NULL && (!parse_u64(text, &id) || id > INT64_MAX)) {
        reply_refuse(call, 400, "invalid_args", "%s is an id.", name);
        return false;
    }
    *ret = (int64_t)id;
    return true;
}

void handle_operator_disputes(struct call *call)
{
    auto_arena struct arena arena = arena_of(DISPUTES_ARENA_MAX);
    auto_buf struct buf body = buf_of(DISPUTES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *state = http_query(call->request, "state");
    struct dispute_filter filter = { .state = -1, .max = DISPUTES_PAGE };
    struct dispute_row *disputes;
    enum dispute_state wanted;
    struct error err;
    size_t count;

    if (!read_id(call, "after", &filter.after))
        return;
    if (state != NULL && !dispute_state_parse(state, &wanted))
        return reply_refuse(call, 400, "invalid_args", "There is no such state of a dispute.");
    if (state != NULL)
        filter.state = wanted;
    if (!flow_dispute_list(&call->app->flow, &filter, &arena, &disputes, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "disputes");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_dispute(&json, &disputes[i]);
    encode_end(&json);
    encode_key(&json, "next");
    if (count == DISPUTES_PAGE)
        encode_int(&json, disputes[count - 1].id);
    else
        encode_null(&json);
    encode_end(&json);
    reply_json(call, &body);
}

static void reply_view(struct call *call, int64_t dispute_id)
{
    auto_arena struct arena arena = arena_of(DISPUTES_ARENA_MAX);
    auto_buf struct buf body = buf_of(DISPUTES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct dispute_view view;
    struct error err;
    bool has;

    if (!flow_dispute_show(&call->app->flow, dispute_id, &arena, &view, &has, &err))
        return reply_error(call, &err);
    if (!has)
        return reply_refuse(call, 404, "no_such_dispute", "There is no such dispute.");
    encode_object(&json);
    encode_key(&json, "dispute");
    encode_dispute(&json, &view.dispute);
    encode_key(&json, "evidence");
    if (view.has_answer)
        dispute_answer_encode(&json, &view.answer, field_time);
    else
        encode_null(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* True: it was refused, and that was said. */
static bool refuse(struct call *call, enum dispute_outcome outcome)
{
    switch (outcome) {
    case DISPUTE_DONE:
    case DISPUTE_BEFORE:
        return false;
    case DISPUTE_OFF:
        reply_refuse(call, 409, "payments_off", "No payment provider serves this market.");
        return true;
    case DISPUTE_NONE:
        reply_refuse(call, 404, "no_such_dispute", "There is no such dispute.");
        return true;
    case DISPUTE_DECIDED:
        reply_refuse(call, 409, "conflict", "The bank has decided: nothing more can be said.");
        return true;
    case DISPUTE_NOT_ASKED:
        reply_refuse(call, 409, "conflict", "The provider does not wait for evidence.");
        return true;
    case DISPUTE_TOO_LATE:
        reply_refuse(call, 409, "conflict", "The day until which evidence is taken has passed.");
        return true;
    case DISPUTE_BAD_NOTE:
        reply_refuse(call, 400, "invalid_args", "A note has up to %d bytes.", DISPUTE_NOTE_MAX);
        return true;
    }
    return true;
}

void handle_operator_evidence(struct call *call)
{
    int64_t dispute_id;

    if (read_id(call, "dispute", &dispute_id))
        reply_view(call, dispute_id);
}

static bool read_dispute(struct call *call, int64_t *ret, struct error *err)
{
    return json_need_int(call->body, "dispute_id", (struct json_bounds){ 1, INT64_MAX }, ret, err);
}

void handle_operator_evidence_note(struct call *call)
{
    enum dispute_outcome outcome;
    int64_t dispute_id;
    const char *note;
    struct error err;

    if (!read_dispute(call, &dispute_id, &err) ||
        !json_need_text(call->body, "note", DISPUTE_NOTE_MAX, &note, &err) ||
        !flow_dispute_note(&call->app->flow, dispute_id, note, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome))
        return;
    if (outcome == DISPUTE_BEFORE)
        return reply_refuse(call, 409, "conflict", "It was submitted, and stays as it is.");
    reply_view(call, dispute_id);
}

void handle_operator_evidence_submit(struct call *call)
{
    enum dispute_outcome outcome;
    int64_t dispute_id;
    struct error err;

    if (!read_dispute(call, &dispute_id, &err) ||
        !flow_dispute_submit(&call->app->flow, dispute_id, call->caller.user_id, &outcome, &err))
        return reply_error(call, &err);
    if (refuse(call, outcome))
        return;
    reply_message(call, outcome == DISPUTE_BEFORE ? "It was submitted before: nothing changed."
                                                  : "It goes to the bank, which decides on it.");
}

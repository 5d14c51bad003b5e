/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin_disputes.h"

#include "base/encode.h"
#include "flow/dispute.h"
#include "flow/review.h"
#include "server/dispute_json.h"

enum { DISPUTES_PAGE_MAX = 256, DISPUTES_ARENA_MAX = 8 << 20 };

static void encode_time(struct encoder *json, const char *key, struct instant at)
{
    char text[INSTANT_TEXT_SIZE];

    encode_field_text(json, key, at.microseconds != 0 ? instant_format(at, text) : "");
}

static void encode_dispute(struct encoder *json, const struct dispute_row *dispute)
{
    encode_object(json);
    encode_field_int(json, "id", dispute->id);
    encode_field_int(json, "user", dispute->user_id);
    encode_field_int(json, "deposit", dispute->deposit_id);
    encode_field_text(json, "reference", dispute->object_id);
    encode_field_money(json, "amount", dispute->amount);
    encode_field_money(json, "frozen", dispute->frozen);
    encode_field_text(json, "state", dispute_state_name(dispute->state));
    encode_field_text(json, "reason", dispute->reason);
    encode_field_bool(json, "is_asked", dispute->asks);
    encode_time(json, "due_at", dispute->due);
    encode_time(json, "created_at", dispute->created);
    encode_time(json, "changed_at", dispute->state_at);
    encode_end(json);
}

bool admin_dispute_list(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    const char *state = options_get(admin->options, "state");
    struct dispute_filter filter = { .state = -1, .max = DISPUTES_PAGE_MAX };
    enum dispute_state wanted;
    size_t count;

    if (state != NULL && !dispute_state_parse(state, &wanted))
        return error_set(err, ERROR_INVALID, "'%.32s' is no state of a dispute", state);
    if (state != NULL)
        filter.state = wanted;
    encode_array(&json);
    do {
        auto_arena struct arena arena = arena_of(DISPUTES_ARENA_MAX);
        struct dispute_row *disputes;
        if (!flow_dispute_list(&admin->flow, &filter, &arena, &disputes, &count, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            encode_dispute(&json, &disputes[i]);
            filter.after = disputes[i].id;
        }
    } while (count == DISPUTES_PAGE_MAX);
    encode_end(&json);
    return true;
}

static bool print_view(struct admin *admin, int64_t dispute_id, struct error *err)
{
    auto_arena struct arena arena = arena_of(DISPUTES_ARENA_MAX);
    struct encoder json = encoder_of(admin->out);
    struct dispute_view view;
    bool has;

    if (!flow_dispute_show(&admin->flow, dispute_id, &arena, &view, &has, err))
        return false;
    if (!has)
        return admin_refuse(err, "there is no such dispute");
    encode_object(&json);
    encode_key(&json, "dispute");
    encode_dispute(&json, &view.dispute);
    encode_key(&json, "evidence");
    if (view.has_answer)
        dispute_answer_encode(&json, &view.answer, encode_time);
    else
        encode_null(&json);
    encode_end(&json);
    return true;
}

bool admin_dispute_show(struct admin *admin, struct error *err)
{
    int64_t id;

    return admin_parse_id(admin->options->words[2], &id, err) && print_view(admin, id, err);
}

static bool refuse(enum dispute_outcome outcome, struct error *err)
{
    switch (outcome) {
    case DISPUTE_DONE:
    case DISPUTE_BEFORE:
        return true;
    case DISPUTE_OFF:
        return admin_refuse(err, "no payment provider has served this market");
    case DISPUTE_NONE:
        return admin_refuse(err, "there is no such dispute");
    case DISPUTE_DECIDED:
        return admin_refuse(err, "the bank has decided: nothing more can be said");
    case DISPUTE_NOT_ASKED:
        return admin_refuse(err, "the provider does not wait for evidence");
    case DISPUTE_TOO_LATE:
        return admin_refuse(err, "the day until which evidence is taken has passed");
    case DISPUTE_BAD_NOTE:
        return admin_refuse(err, "a note has up to 5000 bytes");
    }
    return admin_refuse(err, "the market refused");
}

/* The call goes to the server by way of the outbox. `note` NULL: submit. */
static bool change(struct admin *admin, int64_t id, const char *note, enum dispute_outcome *ret,
                   struct error *err)
{
    struct pay_settings settings = { .has_stripe = true };

    admin->flow.pay = &settings;
    bool is_done = (note != NULL ? flow_dispute_note(&admin->flow, id, note, ret, err)
                                 : flow_dispute_submit(&admin->flow, id, 0, ret, err)) &&
                   refuse(*ret, err);
    admin->flow.pay = NULL;
    return is_done;
}

bool admin_dispute_note(struct admin *admin, struct error *err)
{
    enum dispute_outcome outcome;
    const char *note;
    int64_t id;

    if (!admin_parse_id(admin->options->words[2], &id, err) ||
        !admin_need(admin, "text", &note, err) || !change(admin, id, note, &outcome, err))
        return false;
    return outcome == DISPUTE_BEFORE ? admin_refuse(err, "it was submitted, and stays as it is")
                                     : print_view(admin, id, err);
}

bool admin_dispute_submit(struct admin *admin, struct error *err)
{
    struct encoder json = encoder_of(admin->out);
    enum dispute_outcome outcome;
    int64_t id;

    if (!admin_parse_id(admin->options->words[2], &id, err) ||
        !change(admin, id, NULL, &outcome, err))
        return false;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "dispute", id);
    encode_field_bool(&json, "changed", outcome == DISPUTE_DONE);
    encode_end(&json);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dispute.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "flow/dispute_facts.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "store/user.h"

enum { KEY_SIZE = 96, MEMBERS_MAX = 1024 };

/* When operators are reminded, the last one first: once each. */
static const struct reminder {
    int64_t before_us, number;
    const char *left;
} reminders[] = {
    { 24 * US_PER_HOUR, 2, "a day" },
    { 72 * US_PER_HOUR, 1, "three days" },
};

/* What they are told, once for its number. */
struct told {
    const char *template, *detail;
    int64_t number;
};

static bool tell_operators(const struct pay *pay, const struct dispute_row *row,
                           const struct told *told, struct error *err)
{
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char amount[MONEY_TEXT_SIZE], due[INSTANT_TEXT_SIZE], key[KEY_SIZE];
    struct operator_row *operators;
    size_t count;

    if (!operator_list(pay->db, DISPUTE_OPERATORS_MAX, pay->arena, &operators, &count, err))
        return false;
    encode_object(&json);
    encode_field_int(&json, "dispute", row->id);
    encode_field_int(&json, "account", row->user_id);
    encode_field_text(&json, "amount", money_format(row->amount, amount));
    encode_field_text(&json, "reason", row->reason);
    encode_field_text(&json, "detail", told->detail);
    encode_field_text(&json, "end",
                      row->due.microseconds != 0 ? instant_format(row->due, due)
                                                 : "a day that the provider has not said");
    encode_end(&json);
    const char *members = notice_members(&body);
    for (size_t i = 0; i < count; i++) {
        const struct notice mail = { operators[i].email, told->template, key, members };

        (void)snprintf(key, sizeof key, "%s:%" PRId64 ":%" PRId64 ":%" PRId64, told->template,
                       row->id, told->number, operators[i].id);
        if (!notice_mail(pay->db, &mail, pay->now, err))
            return false;
    }
    return true;
}

/* A draft, with the note that it has. */
static bool draft(const struct pay *pay, const struct dispute_row *row,
                  struct dispute_answer_row *answer, struct error *err)
{
    answer->dispute_id = row->id;
    answer->made = pay->now;
    return dispute_facts(pay, row, &answer->facts, err) && dispute_answer_put(pay->db, answer, err);
}

static struct dispute_answer_row nothing_yet(void)
{
    return (struct dispute_answer_row){ .state = DISPUTE_ANSWER_DRAFT, .note = "", .reason = "" };
}

bool dispute_heard(const struct pay *pay, struct dispute_row *row,
                   const struct stripe_object *dispute, struct error *err)
{
    struct instant due = { dispute->due_s * US_PER_SECOND };
    struct dispute_answer_row answer;
    bool has;

    if (!dispute_answer_load(pay->db, row->id, pay->arena, &answer, &has, err))
        return false;
    if (row->asks != dispute->is_asked || instant_compare(row->due, due) != 0) {
        row->asks = dispute->is_asked;
        row->due = due;
        if (!dispute_update(pay->db, row, err))
            return false;
    }
    if (!has && row->asks) {
        answer = nothing_yet();
        return draft(pay, row, &answer, err) &&
               tell_operators(pay, row, &(struct told){ "dispute_asks", "", 0 }, err);
    }
    if (!has || dispute->submissions == 0 || answer.state == DISPUTE_ANSWER_TAKEN)
        return true;
    /* Ours has arrived, or somebody has answered at the provider itself. */
    answer.state = DISPUTE_ANSWER_TAKEN;
    return dispute_answer_put(pay->db, &answer, err);
}

bool dispute_ended(const struct pay *pay, const struct dispute_row *row, struct error *err)
{
    const struct told told = { "dispute_ended", dispute_state_name(row->state), row->state };

    return tell_operators(pay, row, &told, err);
}

static bool set_state(const struct pay *pay, int64_t dispute_id, enum dispute_answer_state state,
                      const char *reason, struct error *err)
{
    struct dispute_answer_row answer;
    struct dispute_row row;
    bool has, has_row;

    if (!dispute_load(pay->db, dispute_id, pay->arena, &row, &has_row, err))
        return false;
    if (!has_row)
        return true;
    if (!user_lock(pay->db, row.user_id, err) ||
        !dispute_answer_load(pay->db, dispute_id, pay->arena, &answer, &has, err))
        return false;
    if (!has || answer.state != DISPUTE_ANSWER_SENT)
        return true;
    answer.state = state;
    answer.reason = reason;
    return dispute_answer_put(pay->db, &answer, err) &&
           (state != DISPUTE_ANSWER_REFUSED ||
            tell_operators(pay, &row, &(struct told){ "dispute_refused", reason, answer.tries },
                           err));
}

bool dispute_taken(const struct pay *pay, int64_t dispute_id, struct error *err)
{
    return set_state(pay, dispute_id, DISPUTE_ANSWER_TAKEN, "", err);
}

bool dispute_refused(const struct pay *pay, int64_t dispute_id, const char *reason,
                     struct error *err)
{
    return set_state(pay, dispute_id, DISPUTE_ANSWER_REFUSED, reason, err);
}

struct work {
    const struct flow *flow;
    struct instant now;
    struct arena *arena;
    int64_t id, operator_id;
    const char *note; /* NULL: submit */
    struct dispute_view view;
    bool has;
    enum dispute_outcome outcome;
    const struct reminder *reminder;
    int64_t ids[DISPUTE_REMIND_MAX];
    size_t count;
};

static bool load(struct db *db, struct work *work, struct arena *arena, struct error *err)
{
    struct dispute_view *view = &work->view;

    view->has_answer = false;
    return dispute_load(db, work->id, arena, &view->dispute, &work->has, err) &&
           (!work->has ||
            dispute_answer_load(db, work->id, arena, &view->answer, &view->has_answer, err));
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;

    return load(db, work, work->arena, err);
}

bool flow_dispute_show(const struct flow *flow, int64_t dispute_id, struct arena *arena,
                       struct dispute_view *ret, bool *ret_has, struct error *err)
{
    struct work work = { .id = dispute_id, .arena = arena };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show dispute %" PRId64, dispute_id);
    *ret = work.view;
    *ret_has = work.has;
    return true;
}

/* Whether something may still be said. */
static enum dispute_outcome judge(const struct work *work)
{
    const struct dispute_view *view = &work->view;
    enum dispute_answer_state state = view->has_answer ? view->answer.state : DISPUTE_ANSWER_DRAFT;

    if (!work->has)
        return DISPUTE_NONE;
    if (state == DISPUTE_ANSWER_SENT || state == DISPUTE_ANSWER_TAKEN)
        return DISPUTE_BEFORE;
    if (view->dispute.state == DISPUTE_WON || view->dispute.state == DISPUTE_LOST)
        return DISPUTE_DECIDED;
    if (!view->dispute.asks)
        return DISPUTE_NOT_ASKED;
    if (view->dispute.due.microseconds != 0 && instant_compare(view->dispute.due, work->now) <= 0)
        return DISPUTE_TOO_LATE;
    return DISPUTE_DONE;
}

static bool send(const struct pay *pay, struct work *work, struct error *err)
{
    struct dispute_answer_row *answer = &work->view.answer;
    const struct dispute_facts *facts = &answer->facts;
    const struct pay_call call = { PAY_EVIDENCE, work->id, 1, NULL };
    const char *text = arena_printf(pay->arena, "%s%s%s", answer->note,
                                    answer->note[0] != '\0' ? "\n\n" : "", facts->record);

    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for evidence");
    const struct stripe_evidence evidence = { .dispute = work->view.dispute.object_id,
                                              .activity = facts->activity,
                                              .billing = facts->billing,
                                              .email = facts->email,
                                              .name = facts->name,
                                              .address = facts->address,
                                              .product = facts->product,
                                              .served = facts->served,
                                              .text = text,
                                              .is_submitted = true };
    struct psp_call bytes = stripe_evidence(&evidence);

    answer->state = DISPUTE_ANSWER_SENT;
    answer->sent = work->now;
    answer->by_user = work->operator_id;
    answer->reason = "";
    answer->tries++;
    return pay_call_renew(pay->db, &call, &bytes, work->now, err) &&
           dispute_answer_put(pay->db, answer, err);
}

static bool change_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = { db, work->flow, work->now, &arena };
    struct dispute_answer_row *answer = &work->view.answer;

    if (!load(db, work, &arena, err))
        return false;
    /* Again under the lock. */
    if (work->has &&
        (!user_lock(db, work->view.dispute.user_id, err) || !load(db, work, &arena, err)))
        return false;
    work->outcome = judge(work);
    if (work->outcome != DISPUTE_DONE)
        return true;
    if (!work->view.has_answer)
        *answer = nothing_yet();
    if (work->note != NULL)
        answer->note = work->note;
    if ((work->note != NULL || !work->view.has_answer) &&
        !draft(&pay, &work->view.dispute, answer, err))
        return false;
    return work->note != NULL || send(&pay, work, err);
}

static bool change(struct work *work, enum dispute_outcome *ret, struct error *err)
{
    *ret = DISPUTE_OFF;
    if (work->flow->pay == NULL || !work->flow->pay->has_stripe)
        return true;
    if (!store_write(work->flow->store, change_work, work, err))
        return error_context(err, "answer dispute %" PRId64, work->id);
    *ret = work->outcome;
    return true;
}

bool flow_dispute_note(const struct flow *flow, int64_t dispute_id, const char *note,
                       enum dispute_outcome *ret, struct error *err)
{
    struct work work = {
        .flow = flow, .now = clock_now(flow->clock), .id = dispute_id, .note = note
    };

    *ret = DISPUTE_BAD_NOTE;
    return strlen(note) > DISPUTE_NOTE_MAX || change(&work, ret, err);
}

bool flow_dispute_submit(const struct flow *flow, int64_t dispute_id, int64_t operator_id,
                         enum dispute_outcome *ret, struct error *err)
{
    struct work work = {
        .flow = flow, .now = clock_now(flow->clock), .id = dispute_id, .operator_id = operator_id
    };

    return change(&work, ret, err);
}

static bool due_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    const struct dispute_due due = { work->now, instant_add(work->now, work->reminder->before_us),
                                     work->reminder->number };

    return dispute_answer_due(db, &due, work->ids, DISPUTE_REMIND_MAX, &work->count, err);
}

static bool remind_work(struct db *db, void *context, struct error *err)
{
    struct work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    const struct pay pay = { db, work->flow, work->now, &arena };
    const struct told told = { "dispute_due", work->reminder->left, work->reminder->number };

    if (!load(db, work, &arena, err))
        return false;
    if (!work->has || !user_lock(db, work->view.dispute.user_id, err) ||
        !load(db, work, &arena, err))
        return !work->has;
    /* Another server may have been first, or somebody has answered. */
    if (judge(work) != DISPUTE_DONE || !work->view.has_answer ||
        work->view.answer.reminded >= work->reminder->number)
        return true;
    work->view.answer.reminded = work->reminder->number;
    return dispute_answer_put(db, &work->view.answer, err) &&
           tell_operators(&pay, &work->view.dispute, &told, err);
}

bool flow_dispute_remind(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct work work = { .flow = flow, .now = clock_now(flow->clock) };

    *ret_count = 0;
    for (size_t i = 0; i < sizeof reminders / sizeof reminders[0]; i++) {
        work.reminder = &reminders[i];
        if (!store_read(flow->store, due_work, &work, err))
            return error_context(err, "look for disputes that are due");
        size_t count = work.count;
        for (size_t k = 0; k < count; k++) {
            work.id = work.ids[k];
            if (!store_write(flow->store, remind_work, &work, err))
                return error_context(err, "remind of dispute %" PRId64, work.id);
        }
        *ret_count += count;
    }
    return true;
}

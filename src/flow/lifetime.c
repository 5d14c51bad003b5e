/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lifetime.h"

#include "base/encode.h"
#include "flow/change.h"
#include "flow/each_due.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/reclaim.h"
#include "market/lifetime.h"
#include "store/event.h"
#include "store/user.h"

enum { MAIL_MAX = 16 * 1024 };

bool lifetime_stop(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                   struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char end[INSTANT_TEXT_SIZE];
    struct contract_row contract;
    struct change change;
    const char *reason;
    bool has;

    if (!change_begin_contract(&change, db, id, now, &arena, &contract, &has, err))
        return false;
    /* The host may have extended it while we looked. */
    if (!has || instant_compare(now, contract.terms.end) < 0)
        return true;
    if (!reclaim_reason(&change, contract.terms.end, &reason, err))
        return false;
    return change_contract(&change, &contract,
                           reason != NULL ? RENTAL_RECLAIMED : RENTAL_LIFETIME_ENDED,
                           reason != NULL ? reason : instant_format(contract.terms.end, end),
                           ret_is_done, err) &&
           change_user(&change, contract.owner_id, err) && change_end(&change, err);
}

bool flow_lifetime(const struct flow *flow, size_t *ret_count, struct error *err)
{
    static const struct due_job job = { .seeks = "contracts that are over",
                                        .deed = "end contract",
                                        .find = contract_overdue,
                                        .deal = lifetime_stop,
                                        .max = LIFETIME_MAX };

    return each_due(flow, &job, ret_count, err);
}

/* What the mail is made from. */
static void encode_mail(struct buf *out, const struct contract_row *contract, const char *left)
{
    struct encoder json = encoder_of(out);
    char text[INSTANT_TEXT_SIZE];

    encode_object(&json);
    encode_field_int(&json, "instance", contract->id);
    encode_field_text(&json, "label", contract->label);
    encode_field_text(&json, "left", left);
    encode_field_text(&json, "end", instant_format(contract->terms.end, text));
    encode_field_text(&json, "kept_until",
                      instant_format(lifetime_retention(contract->terms.end), text));
    encode_end(&json);
}

static bool send_mail(struct db *db, struct instant now, const struct contract_row *contract,
                      const char *left, struct arena *arena, struct error *err)
{
    auto_buf struct buf body = buf_of(MAIL_MAX);

    encode_mail(&body, contract, left);
    /* An end that was moved out is warned of anew. */
    const char *key = arena_printf(arena, "lifetime:%lld:%lld:%s", (long long)contract->id,
                                   (long long)contract->terms.end.microseconds, left);
    if (body.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event event = { .user_id = contract->owner_id,
                                        .kind = NOTIFICATION_LIFETIME_ENDS,
                                        .template = "lifetime_ends",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, now, err);
}

bool lifetime_warn(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                   struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char end[INSTANT_TEXT_SIZE];
    struct contract_row contract;
    struct change change;
    bool has;

    if (!change_begin_contract(&change, db, id, now, &arena, &contract, &has, err))
        return false;
    /* Somebody else may have warned, or its host extended it, while we looked. */
    if (!has || instant_compare(now, contract.warn) < 0)
        return true;

    const char *left = lifetime_warning(contract.terms.end, now);
    contract.warn = lifetime_next_warning(contract.terms.end, now);
    if (!contract_update(db, &contract, contract.gen, err))
        return false;
    *ret_is_done = left != NULL;
    if (left == NULL)
        return true;
    struct event_row event = {
        .contract_id = contract.id,
        .at = now,
        .state = contract.state,
        .detail = arena_printf(&arena,
                               "Its lifetime ends in %s, at %s. Copy your data away; only its host "
                               "can extend it.",
                               left, instant_format(contract.terms.end, end)),
    };
    if (event.detail == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a warning");
    return event_insert(db, &event, err) && send_mail(db, now, &contract, left, &arena, err) &&
           db_notify(db, TOPIC_CONTRACT, contract.id, err);
}

bool flow_lifetime_warn(const struct flow *flow, size_t *ret_count, struct error *err)
{
    static const struct due_job job = { .seeks = "contracts that end soon",
                                        .deed = "warn of the end of contract",
                                        .find = contract_to_warn,
                                        .deal = lifetime_warn,
                                        .max = LIFETIME_MAX };

    return each_due(flow, &job, ret_count, err);
}

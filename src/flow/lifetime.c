/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lifetime.h"

#include "base/encode.h"
#include "flow/change.h"
#include "flow/limits.h"
#include "market/lifetime.h"
#include "store/event.h"
#include "store/outbox.h"
#include "store/user.h"

enum { MAIL_MAX = 16 * 1024 };

struct lifetime_work {
    struct instant now;
    int64_t id;
    size_t count;
    int64_t ids[LIFETIME_MAX];
};

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct lifetime_work *work = context;

    return contract_overdue(db, work->now, work->ids, LIFETIME_MAX, &work->count, err);
}

static bool stop_work(struct db *db, void *context, struct error *err)
{
    struct lifetime_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char end[INSTANT_TEXT_SIZE];
    struct contract_row contract;
    struct change change;
    bool has, has_changed;

    if (!contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, contract.machine_id, work->now, &arena, &has, err) ||
        !contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    /* The host may have extended it while we looked. */
    if (!has || instant_compare(work->now, contract.terms.end) < 0)
        return true;
    return change_contract(&change, &contract, RENTAL_LIFETIME_ENDED,
                           instant_format(contract.terms.end, end), &has_changed, err) &&
           change_user(&change, contract.owner_id, err) && change_end(&change, err);
}

bool flow_lifetime(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct lifetime_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for contracts that are over");
    for (size_t i = 0; i < work.count; i++) {
        work.id = work.ids[i];
        if (!store_write(flow->store, stop_work, &work, err))
            return error_context(err, "end contract %lld", (long long)work.id);
    }
    *ret_count = work.count;
    return true;
}

static bool find_to_warn(struct db *db, void *context, struct error *err)
{
    struct lifetime_work *work = context;

    return contract_to_warn(db, work->now, work->ids, LIFETIME_MAX, &work->count, err);
}

/* What the mail is made from. */
static void encode_mail(struct buf *out, const struct contract_row *contract, const char *left)
{
    struct encoder json = encoder_of(out);
    char text[INSTANT_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "template", "lifetime_ends");
    encode_field_int(&json, "instance", contract->id);
    encode_field_text(&json, "label", contract->label);
    encode_field_text(&json, "left", left);
    encode_field_text(&json, "end", instant_format(contract->terms.end, text));
    encode_field_text(&json, "kept_until",
                      instant_format(lifetime_retention(contract->terms.end), text));
    encode_end(&json);
}

static bool send_mail(struct db *db, const struct lifetime_work *work,
                      const struct contract_row *contract, const char *left, struct arena *arena,
                      struct error *err)
{
    auto_buf struct buf body = buf_of(MAIL_MAX);
    struct user_row user;
    bool has;

    if (!user_load(db, contract->owner_id, arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    encode_mail(&body, contract, left);
    /* An end that was moved out is warned of anew. */
    const char *key = arena_printf(arena, "lifetime:%lld:%lld:%s", (long long)contract->id,
                                   (long long)contract->terms.end.microseconds, left);
    if (body.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    struct outbox_item item = {
        .key = key, .provider = "mail", .method = "POST", .path = user.email, .body = body.bytes
    };
    return outbox_append(db, &item, work->now, err);
}

static bool warn_work(struct db *db, void *context, struct error *err)
{
    struct lifetime_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    char end[INSTANT_TEXT_SIZE];
    struct contract_row contract;
    bool has;

    if (!contract_load(db, work->id, &arena, &contract, &has, err))
        return false;
    if (!has || !machine_lock(db, contract.machine_id, err) ||
        !contract_load(db, work->id, &arena, &contract, &has, err))
        return !has;
    /* Somebody else may have warned, or its host extended it, while we looked. */
    if (!has || instant_compare(work->now, contract.warn) < 0)
        return true;

    const char *left = lifetime_warning(contract.terms.end, work->now);
    contract.warn = lifetime_next_warning(contract.terms.end, work->now);
    if (!contract_update(db, &contract, contract.gen, err))
        return false;
    if (left == NULL)
        return true;
    struct event_row event = {
        .contract_id = contract.id,
        .at = work->now,
        .state = contract.state,
        .detail = arena_printf(&arena,
                               "Its lifetime ends in %s, at %s. Copy your data away; only its host "
                               "can extend it.",
                               left, instant_format(contract.terms.end, end)),
    };
    if (event.detail == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a warning");
    return event_insert(db, &event, err) && send_mail(db, work, &contract, left, &arena, err) &&
           db_notify(db, TOPIC_CONTRACT, contract.id, err);
}

bool flow_lifetime_warn(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct lifetime_work work = { .now = clock_now(flow->clock) };

    if (!store_read(flow->store, find_to_warn, &work, err))
        return error_context(err, "look for contracts that end soon");
    for (size_t i = 0; i < work.count; i++) {
        work.id = work.ids[i];
        if (!store_write(flow->store, warn_work, &work, err))
            return error_context(err, "warn of the end of contract %lld", (long long)work.id);
    }
    *ret_count = work.count;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reclaim.h"

#include <string.h>

#include "base/encode.h"
#include "flow/downtime.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "flow/offer_cut.h"
#include "market/lifetime.h"
#include "market/reclaim.h"
#include "store/bid.h"
#include "store/event.h"
#include "store/offer.h"
#include "store/reclaim.h"
#include "store/user.h"

enum { MEMBERS_MAX = 4096 };

struct reclaim_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct reclaim_request *request;
    struct instant now;
    struct reclaim_reply reply;
};

/* Of the host's own jobs nobody has to be told, and who has ended already loses nothing. */
static bool is_concerned(const struct contract_row *contract, struct instant now)
{
    return contract->kind != KIND_IDLE && contract->destroyed.microseconds == 0 &&
           instant_compare(contract->terms.end, now) > 0;
}

static bool is_firm(const struct contract_row *contract)
{
    return contract->kind == KIND_ON_DEMAND || contract->kind == KIND_RESERVED;
}

/* What a bid that has processes was promised. */
static bool find_grace(struct change *change, const struct contract_row *contract,
                       int64_t *ret_grace_s, struct error *err)
{
    struct bid_row bid;
    bool has;

    *ret_grace_s = 0;
    if (contract->kind != KIND_BID || contract->state != RENTAL_RUNNING)
        return true;
    if (!bid_load(change->db, contract->id, &bid, &has, err))
        return false;
    *ret_grace_s = has ? bid.grace_s : 0;
    return true;
}

static bool mail(struct change *change, const struct contract_row *contract,
                 const struct reclaim_row *reclaim, struct error *err)
{
    auto_buf struct buf members = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&members);
    char end[INSTANT_TEXT_SIZE], kept[INSTANT_TEXT_SIZE];

    encode_object(&json);
    encode_field_int(&json, "instance", contract->id);
    encode_field_text(&json, "label", contract->label);
    encode_field_text(&json, "reason", reclaim->reason);
    encode_field_text(&json, "end", instant_format(contract->terms.end, end));
    encode_field_text(&json, "kept_until",
                      instant_format(lifetime_retention(contract->terms.end), kept));
    encode_end(&json);
    const char *key = arena_printf(change->arena, "reclaim:%lld:%lld", (long long)contract->id,
                                   (long long)reclaim->id);
    if (members.has_overflowed || key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event told = { .user_id = contract->owner_id,
                                       .kind = NOTIFICATION_RECLAIM,
                                       .template = "reclaim",
                                       .key = key,
                                       .members = notice_members(&members) };
    return notice_tell(change->db, &told, change->now, err);
}

static bool tell(struct change *change, const struct contract_row *contract,
                 const struct reclaim_row *reclaim, struct error *err)
{
    char end[INSTANT_TEXT_SIZE];
    const char *text =
        arena_printf(change->arena,
                     "Its host takes the machine back (%s): it stops at %s. Copy your data away; "
                     "leaving earlier costs nothing.",
                     reclaim->reason, instant_format(contract->terms.end, end));
    struct event_row event = {
        .contract_id = contract->id, .at = change->now, .state = contract->state, .detail = text
    };

    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for an announcement");
    return event_insert(change->db, &event, err) && mail(change, contract, reclaim, err);
}

/* What was promised to one that runs on demand, and is taken from it. */
static bool pay(struct change *change, const struct contract_row *contract,
                const struct reclaim_row *reclaim, int64_t bps, struct error *err)
{
    int64_t missed_us = reclaim_missed_us(contract->terms.end, reclaim->due);
    const char *key = arena_printf(change->arena, "promo:reclaim:%lld:%lld",
                                   (long long)contract->id, (long long)reclaim->id);
    struct span missed = { reclaim->due, instant_add(reclaim->due, missed_us) };

    if (!is_firm(contract) || contract->state != RENTAL_RUNNING || missed_us == 0)
        return true;
    if (key == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a payment");
    return downtime_pay(change, contract, key, missed, bps, err);
}

static bool take_back(struct change *change, struct reclaim_work *work,
                      const struct reclaim_row *reclaim, struct contract_row *contract,
                      struct error *err)
{
    int64_t grace_s;

    if (!find_grace(change, contract, &grace_s, err))
        return false;
    struct instant end = reclaim_end(contract->terms.end, change->now, reclaim->due, grace_s);
    if (instant_compare(end, contract->terms.end) >= 0)
        return true; /* it ends before that anyway */
    work->reply.told++;
    if (!pay(change, contract, reclaim, work->flow->downtime_bps, err))
        return false;
    contract->terms.end = end;
    contract->warn = lifetime_next_warning(end, change->now);
    return change_touch(change, contract, err) && tell(change, contract, reclaim, err) &&
           change_user(change, contract->owner_id, err);
}

static bool take_back_all(struct change *change, struct reclaim_work *work, struct error *err)
{
    struct reclaim_row reclaim = { .machine_id = change->machine.id,
                                   .at = change->now,
                                   .reason = work->request->reason };
    struct contract_row *contracts;
    bool has_firm = false;
    size_t count;

    if (!contract_list_for(change->db, change->machine.id, change->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        has_firm |= is_concerned(&contracts[i], change->now) && is_firm(&contracts[i]);
    work->reply.due = reclaim_earliest(change->now, has_firm);
    work->reply.outcome = RECLAIM_TOO_SOON;
    if (work->request->has_due && instant_compare(work->request->due, work->reply.due) < 0)
        return true;
    if (work->request->has_due)
        work->reply.due = work->request->due;
    work->reply.outcome = RECLAIM_DONE;
    reclaim.due = work->reply.due;
    if (!reclaim_insert(change->db, &reclaim, &reclaim.id, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (is_concerned(&contracts[i], change->now) &&
            !take_back(change, work, &reclaim, &contracts[i], err))
            return false;
    change->machine.is_listed = false;
    change->cuts_offers = true;
    change->cause = "its host takes the machine back";
    return offer_take_off(change->db, change->machine.id, change->now, change->arena, err) &&
           change_end(change, err);
}

static bool reclaim_work(struct db *db, void *context, struct error *err)
{
    struct reclaim_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct machine_row owned;
    struct change change;
    bool has;

    work->reply = (struct reclaim_reply){ .outcome = RECLAIM_NO_MACHINE };
    if (!machine_load_owned(db, work->caller->user_id, work->request->machine_id, &arena, &owned,
                            &has, err))
        return false;
    if (!has)
        return true;
    return change_begin(&change, db, owned.id, work->now, &arena, &has, err) &&
           (!has || take_back_all(&change, work, err));
}

bool flow_reclaim(const struct flow *flow, const struct caller *caller,
                  const struct reclaim_request *request, struct reclaim_reply *ret,
                  struct error *err)
{
    struct reclaim_work work = {
        .flow = flow, .caller = caller, .request = request, .now = clock_now(flow->clock)
    };
    size_t length = strnlen(request->reason, RECLAIM_REASON_MAX + 1);

    *ret = (struct reclaim_reply){ .outcome = RECLAIM_BAD_REASON };
    if (length == 0 || length > RECLAIM_REASON_MAX)
        return true;
    if (!store_write(flow->store, reclaim_work, &work, err))
        return error_context(err, "take machine %lld back", (long long)request->machine_id);
    *ret = work.reply;
    return true;
}

bool reclaim_reason(struct change *change, struct instant end, const char **ret, struct error *err)
{
    struct reclaim_row reclaim;
    bool has;

    if (!reclaim_last(change->db, change->machine.id, change->arena, &reclaim, &has, err))
        return false;
    *ret = has && reclaim_covers(reclaim.at, reclaim.due, end) ? reclaim.reason : NULL;
    return true;
}

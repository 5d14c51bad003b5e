/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reservation.h"

#include <assert.h>
#include <stdio.h>

#include "base/encode.h"
#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "market/billing.h"
#include "store/event.h"
#include "store/interval.h"
#include "store/ledger.h"
#include "store/usage_line.h"
#include "store/user.h"

enum {
    EPOCHS_MAX = 1024, /* of one meter: deposits and sizes of disk */
    MEMBERS_MAX = 1024,
};

/* Between two looks at one deposit. */
#define LOOK_MIN_US US_PER_SECOND

bool reservation_of(struct db *db, const struct contract_row *contract, struct reservation_row *ret,
                    struct error *err)
{
    bool has;

    assert(contract->kind == KIND_RESERVED);
    if (!reservation_load(db, contract->id, ret, &has, err))
        return false;
    return has || error_set(err, ERROR_CORRUPT, "contract %lld is reserved without a deposit",
                            (long long)contract->id);
}

static bool tell(struct db *db, const struct contract_row *contract, struct instant at,
                 const char *text, struct error *err)
{
    const struct event_row event = {
        .contract_id = contract->id, .at = at, .state = contract->state, .detail = text
    };

    return event_insert(db, &event, err) && db_notify(db, TOPIC_CONTRACT, contract->id, err);
}

/* Its owner, who may want to pay ahead again. */
static bool mail(struct db *db, const struct contract_row *contract,
                 const struct reservation_row *reservation, struct error *err)
{
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char key[JOURNAL_KEY_SIZE], end[INSTANT_TEXT_SIZE];

    encode_object(&json);
    encode_field_int(&json, "instance", contract->id);
    encode_field_text(&json, "label", contract->label);
    encode_field_text(&json, "end", instant_format(reservation->closed, end));
    encode_field_exact(&json, "amount", reservation->gpu_hour);
    encode_end(&json);
    (void)snprintf(key, sizeof key, "res:%lld:used_up", (long long)reservation->id);
    if (body.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "a mail that is too long");
    const struct notice_event event = { .user_id = contract->owner_id,
                                        .kind = NOTIFICATION_DEPOSIT_USED_UP,
                                        .template = "deposit_used_up",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, reservation->closed, err);
}

static bool become_on_demand(struct db *db, struct contract_row *contract,
                             const struct reservation_row *reservation, struct error *err)
{
    contract->kind = KIND_ON_DEMAND;
    contract->discount_ppm = 0;
    return reservation_update(db, reservation, err) && reservation_mark(db, contract, err);
}

bool reservation_used_up(struct db *db, struct contract_row *contract, struct meters *meters,
                         struct instant at, struct error *err)
{
    struct reservation_row reservation;

    if (!reservation_of(db, contract, &reservation, err) ||
        !meters_reprice(db, meters, COMPONENT_GPU, reservation.gpu_hour, at, err) ||
        !meters_reprice(db, meters, COMPONENT_DISK, reservation.disk_month, at, err))
        return false;
    reservation.closed = at;
    contract->terms.gpu_hour = reservation.gpu_hour;
    return become_on_demand(db, contract, &reservation, err) &&
           tell(db, contract, at,
                "Its deposit is used up: from now on it is one on demand, at the full price.",
                err) &&
           mail(db, contract, &reservation, err);
}

bool reservation_stop(struct db *db, const struct contract_row *contract, struct instant now,
                      struct arena *arena, struct instant *ret, struct error *err)
{
    struct reservation_row reservation;
    struct user_row user;
    struct credit credit;
    bool has;

    if (!reservation_of(db, contract, &reservation, err) ||
        !user_load(db, contract->owner_id, arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    *ret = INSTANT_NEVER;
    if (instant_compare(reservation.ends, INSTANT_NEVER) == 0)
        return true;
    if (!funds_credit_kept(db, &user, now, arena, &credit, err))
        return false;
    const struct meter gpu = meter_open(COMPONENT_GPU, reservation.gpu_hour, 1, contract->fee_bps);
    const struct meter disk = meter_open(COMPONENT_DISK, reservation.disk_month,
                                         contract->share.disk_gb, contract->fee_bps);
    struct credit then = credit_from(&credit, instant_max(reservation.ends, now));
    credit_add(&then, &gpu, &then.as_of);
    credit_add(&then, &disk, &then.as_of);
    if (!credit_zero(&then, ret))
        *ret = INSTANT_NEVER;
    return true;
}

bool reservation_plan_look(struct db *db, const struct contract_row *contract,
                           const struct meters *meters, struct instant now, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct interval_row interval;
    struct instant zero = INSTANT_NEVER;
    struct money left;
    bool runs;

    if (!reservation_left(db, contract, &left, err) ||
        !interval_load(db, contract->id, &arena, &interval, &runs, err))
        return false;
    struct credit credit = credit_open(left, (struct money){ 0 }, now);
    credit_add(&credit, &meters->of[COMPONENT_GPU - 1], runs ? &now : NULL);
    credit_add(&credit, &meters->of[COMPONENT_DISK - 1], &now);
    if (credit_zero(&credit, &zero))
        zero = instant_max(zero, instant_add(now, LOOK_MIN_US));
    else
        zero = INSTANT_NEVER;
    return reservation_set_ends(db, contract->id, zero, err);
}

bool reservation_affords(struct db *db, const struct contract_row *contract, struct money rate,
                         struct instant now, int64_t *ret_us, struct error *err)
{
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct user_row user;
    struct credit credit;
    bool has;

    if (!user_load(db, contract->owner_id, &arena, &user, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a contract without its owner");
    if (!funds_credit(db, &user, now, &arena, &credit, err))
        return false;
    *ret_us = credit_affords_us(&credit, rate);
    return true;
}

static bool given_on(struct db *db, const struct reservation_row *reservation,
                     const struct meters *meters, enum component component, struct money *ret,
                     struct error *err)
{
    bool is_gpu = component == COMPONENT_GPU;
    struct meter_epoch epochs[EPOCHS_MAX];
    size_t count;

    if (!meters_load_epochs(db, reservation->contract_id, component, epochs, EPOCHS_MAX, &count,
                            err))
        return false;
    *ret = reserved_given(component, is_gpu ? reservation->gpu_hour : reservation->disk_month,
                          epochs, count, is_gpu ? reservation->gpu_from : reservation->disk_from,
                          meters->of[component - 1].posted_total);
    return true;
}

bool reservation_given(struct db *db, const struct reservation_row *reservation,
                       const struct meters *meters, struct money ret[static 2], struct error *err)
{
    return given_on(db, reservation, meters, COMPONENT_GPU, &ret[0], err) &&
           given_on(db, reservation, meters, COMPONENT_DISK, &ret[1], err);
}

/* What is kept is on the bills, as what it was given on. */
static bool add_lines(struct db *db, const struct contract_row *contract,
                      const struct reservation_row *reservation, const struct meters *meters,
                      const struct reserved_end *end, struct error *err)
{
    for (size_t i = 0; i < 2; i++) {
        const struct meter *meter = &meters->of[i];
        const struct usage_line line = { .contract_id = contract->id,
                                         .owner_id = contract->owner_id,
                                         .host_id = contract->host_id,
                                         .machine_id = contract->machine_id,
                                         .day = billing_day(reservation->closed),
                                         .component = meter->component,
                                         .kind = USAGE_FORFEITED,
                                         .rate = meter->rate,
                                         .quantity = meter->quantity,
                                         .gross = end->kept[i].gross,
                                         .host = end->kept[i].host,
                                         .accrued = end->kept[i].host,
                                         .from = reservation->begun,
                                         .until = reservation->closed };

        if (line.gross.nanodollars > 0 && !usage_line_add(db, &line, err))
            return false;
    }
    return true;
}

static bool post_end(struct db *db, const struct contract_row *contract,
                     const struct reservation_row *reservation, const struct reserved_end *end,
                     struct error *err)
{
    char key[JOURNAL_KEY_SIZE];
    const struct reserved_event event = { .key = key,
                                          .contract_id = contract->id,
                                          .renter_id = contract->owner_id,
                                          .host_id = contract->host_id,
                                          .occurred = reservation->closed };
    enum ledger_outcome outcome;
    struct renter_funds funds;
    struct journal journal;

    (void)snprintf(key, sizeof key, "res:%lld:end", (long long)reservation->id);
    if (!ledger_load_funds(db, contract->owner_id, &funds, err))
        return false;
    if (reserved_journal_end(&event, end, &funds, &journal) != JOURNAL_BUILT)
        return true; /* nothing is left */
    if (!ledger_post(db, &journal, reservation->closed, &outcome, err))
        return false;
    return outcome == LEDGER_POSTED ||
           error_set(err, ERROR_CORRUPT, "a deposit that ends twice: %s", key);
}

bool reservation_end(struct db *db, struct contract_row *contract, bool is_whole,
                     struct instant now, struct error *err)
{
    struct reservation_row reservation;
    struct money left, given[2];
    struct meters meters;

    if (!user_lock(db, contract->owner_id, err) ||
        !reservation_of(db, contract, &reservation, err) ||
        !reservation_left(db, contract, &left, err) ||
        !meters_load(db, contract->id, &meters, err) ||
        !reservation_given(db, &reservation, &meters, given, err))
        return false;
    struct reserved_end end = reserved_end(left, given, is_whole, contract->fee_bps);
    reservation.closed = now;
    reservation.given_back = end.back;
    reservation.kept.nanodollars = left.nanodollars - end.back.nanodollars;
    return post_end(db, contract, &reservation, &end, err) &&
           add_lines(db, contract, &reservation, &meters, &end, err) &&
           become_on_demand(db, contract, &reservation, err);
}

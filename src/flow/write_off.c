/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/write_off.h"

#include <inttypes.h>
#include <stdio.h>

#include "flow/funds.h"
#include "flow/limits.h"
#include "flow/notice.h"
#include "market/debt.h"
#include "market/journal.h"
#include "store/ledger.h"
#include "store/user.h"

enum { MEMBERS_MAX = 512 };

struct write_off_work {
    struct instant now;
    int64_t user_id;
    int64_t ids[WRITE_OFF_MAX];
    size_t count;

    int64_t after;
    size_t max;
    struct arena *arena;
    struct debt_row *rows;
};

static struct instant patience_began(struct instant now)
{
    return instant_add(now, -DEBT_PATIENCE_US);
}

static bool find_work(struct db *db, void *context, struct error *err)
{
    struct write_off_work *work = context;
    const struct debt_due due = { patience_began(work->now), { DEBT_PART_MIN } };

    return debt_due(db, &due, work->ids, WRITE_OFF_MAX, &work->count, err);
}

static bool tell(struct db *db, const struct write_off_work *work, struct money amount,
                 const char *key, struct error *err)
{
    auto_buf struct buf body = buf_of(MEMBERS_MAX);
    struct encoder json = encoder_of(&body);
    char text[MONEY_TEXT_SIZE];

    encode_object(&json);
    encode_field_text(&json, "amount", money_format(amount, text));
    encode_end(&json);
    const struct notice_event event = { .user_id = work->user_id,
                                        .kind = NOTIFICATION_WRITTEN_OFF,
                                        .template = "written_off",
                                        .key = key,
                                        .members = notice_members(&body) };
    return notice_tell(db, &event, work->now, err);
}

static bool post(struct db *db, const struct write_off_work *work, struct money amount,
                 const char *key, struct error *err)
{
    const struct leg leg = { { .code = LEDGER_BAD_DEBT },
                             { LEDGER_RENTER_RECEIVABLE, work->user_id, 0 },
                             amount,
                             LEG_WRITTEN_OFF };
    const struct journal_moves moves = { .key = key,
                                         .kind = JOURNAL_ADJUSTMENT,
                                         .ref_kind = JOURNAL_REF_USER,
                                         .ref_id = work->user_id,
                                         .occurred = work->now,
                                         .legs = &leg,
                                         .leg_count = 1 };
    struct journal journal;
    enum ledger_outcome outcome;

    if (journal_moves(&moves, &journal) != JOURNAL_BUILT)
        return error_set(err, ERROR_CORRUPT, "a debt of nothing");
    return ledger_post(db, &journal, work->now, &outcome, err) &&
           (outcome == LEDGER_POSTED ||
            error_set(err, ERROR_CORRUPT, "%s has been posted before", key));
}

/* Another server, or a payment, may have been first: it is looked at again under the lock. */
static bool write_off_work(struct db *db, void *context, struct error *err)
{
    const struct write_off_work *work = context;
    struct money owed, young;
    char key[JOURNAL_KEY_SIZE];

    if (!user_lock(db, work->user_id, err) ||
        !debt_load(db, work->user_id, patience_began(work->now), &owed, &young, err))
        return false;
    struct money amount = debt_given_up(owed, young);
    if (amount.nanodollars == 0)
        return true;
    (void)snprintf(key, sizeof key, "adj:debt:%" PRId64 ":%" PRId64, work->user_id,
                   work->now.microseconds);
    return post(db, work, amount, key, err) &&
           funds_set_t_zero(db, work->user_id, work->now, err) &&
           tell(db, work, amount, key, err) && db_notify(db, TOPIC_USER, work->user_id, err);
}

bool flow_write_off(const struct flow *flow, size_t *ret_count, struct error *err)
{
    struct write_off_work work = { .now = clock_now(flow->clock) };

    *ret_count = 0;
    if (!store_read(flow->store, find_work, &work, err))
        return error_context(err, "look for debts to write off");
    for (size_t i = 0; i < work.count; i++) {
        work.user_id = work.ids[i];
        if (!store_write(flow->store, write_off_work, &work, err))
            return error_context(err, "write off the debt of user %" PRId64, work.user_id);
    }
    *ret_count = work.count;
    return true;
}

static bool list_work(struct db *db, void *context, struct error *err)
{
    struct write_off_work *work = context;

    return debt_list_written_off(db, work->after, work->max, work->arena, &work->rows, &work->count,
                                 err);
}

bool flow_written_off(const struct flow *flow, int64_t after, size_t max, struct arena *arena,
                      struct debt_row **ret, size_t *ret_count, struct error *err)
{
    struct write_off_work work = { .after = after, .max = max, .arena = arena };

    if (!store_read(flow->store, list_work, &work, err))
        return error_context(err, "list what was written off");
    *ret = work.rows;
    *ret_count = work.count;
    return true;
}

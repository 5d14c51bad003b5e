/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hold.h"

#include <assert.h>
#include <string.h>

#include "store/driver.h"
#include "store/ledger.h"
#include "store/ledger_entries.h"
#include "store/rows.h"

#define HOLD_COLUMNS                                                                               \
    "id, idem_key, kind, user_id, amount, note, created_us, "                                      \
    "COALESCE(expires_us, 9223372036854775807), state, resolved_us, resolved_journal"

static bool hold_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct hold_row *hold = item;
    int64_t kind, state;

    if (!rows_number(row, 2, HOLD_DEPOSIT, HOLD_EARNINGS, &kind, err) ||
        !rows_number(row, 8, HOLD_OPEN, HOLD_EXPIRED, &state, err))
        return false;
    *hold = (struct hold_row){ .id = db_column_int(row, 0),
                               .kind = (enum hold_kind)kind,
                               .user_id = db_column_int(row, 3),
                               .amount = db_column_money(row, 4),
                               .created = db_column_instant(row, 6),
                               .expires = db_column_instant(row, 7),
                               .state = (enum hold_state)state,
                               .resolved = db_column_instant(row, 9),
                               .journal_id = db_column_int(row, 10) };
    return rows_text(row, 1, arena, &hold->key, err) && rows_text(row, 5, arena, &hold->note, err);
}

static const struct rows_reader reader = { "hold", sizeof(struct hold_row), hold_read };

/* Both accounts, and the amount on each. */
static bool entries_of(struct db *db, const struct hold_row *hold, struct ledger_entries *entries,
                       struct instant now, struct error *err)
{
    struct leg leg = hold_leg(hold->kind, hold->user_id, hold->amount);
    bool fits = ledger_entries_add(entries, &leg);

    assert(fits);
    return ledger_entries_find(db, entries, now, err);
}

/* What was placed under the key before. */
static bool compare(struct db *db, struct hold_row *hold, enum hold_placing *ret, struct error *err)
{
    auto_arena struct arena arena = arena_of(4096);
    struct hold_row before = { .id = 0 }; /* of no kind */
    bool has;

    if (!hold_find(db, hold->key, &arena, &before, &has, err))
        return false;
    *ret = HOLD_DIFFERS;
    if (before.kind == hold->kind && before.user_id == hold->user_id &&
        money_compare(before.amount, hold->amount) == 0) {
        hold->id = before.id;
        *ret = HOLD_EXISTS;
    }
    return true;
}

static bool read_id(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool hold_place(struct db *db, struct hold_row *hold, enum hold_placing *ret, struct error *err)
{
    struct ledger_entries entries = { .count = 0 };
    bool is_new, expires = instant_compare(hold->expires, INSTANT_NEVER) < 0;

    assert(hold->amount.nanodollars > 0);
    if (!entries_of(db, hold, &entries, hold->created, err) ||
        !db_query_one(db,
                      "INSERT INTO hold (idem_key, kind, user_id, dr, cr, amount, note, "
                      "created_us, expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                      "ON CONFLICT (idem_key) DO NOTHING RETURNING id",
                      DB_ARGS(db_text(hold->key), db_int(hold->kind), db_int(hold->user_id),
                              db_int(entries.items[entries.debits[0]].id),
                              db_int(entries.items[entries.credits[0]].id), db_money(hold->amount),
                              db_text(hold->note), db_instant(hold->created),
                              expires ? db_instant(hold->expires) : db_null()),
                      read_id, &hold->id, &is_new, err))
        return error_context(err, "hold %s", hold->key);
    if (!is_new)
        return compare(db, hold, ret, err);
    if (!ledger_entries_pend(db, &entries, 1, err))
        return error_context(err, "hold %s", hold->key);
    *ret = HOLD_PLACED;
    return true;
}

bool hold_load(struct db *db, int64_t id, struct arena *arena, struct hold_row *ret, bool *ret_has,
               struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " HOLD_COLUMNS " FROM hold WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool hold_find(struct db *db, const char *key, struct arena *arena, struct hold_row *ret,
               bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " HOLD_COLUMNS " FROM hold WHERE idem_key = $1",
                         DB_ARGS(db_text(key)), arena, ret, ret_has, err);
}

/* Nothing is pending for it any more: what was held must be free before it can be taken, as the
 * limits look at each statement. */
static bool let_go(struct db *db, const struct hold_row *hold, struct instant now,
                   struct error *err)
{
    struct ledger_entries entries = { .count = 0 };

    return entries_of(db, hold, &entries, now, err) && ledger_entries_pend(db, &entries, -1, err);
}

/* Its end, if it is open still. */
static bool resolve(struct db *db, const struct hold_row *after, struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "UPDATE hold SET state = $2, resolved_us = $3, resolved_journal = $4 "
                  "WHERE id = $1 AND state = 0",
                  DB_ARGS(db_int(after->id), db_int(after->state), db_instant(after->resolved),
                          after->journal_id != 0 ? db_int(after->journal_id) : db_null()),
                  &count, err))
        return error_context(err, "end hold %lld", (long long)after->id);
    if (count != 1)
        return db_fail(db, DB_FAILURE_RETRY, ERROR_CONFLICT, err, "hold %lld has ended",
                       (long long)after->id);
    return true;
}

bool hold_end(struct db *db, const struct hold_row *hold, enum hold_state state, struct instant now,
              struct error *err)
{
    struct hold_row after = { .id = hold->id, .state = state, .resolved = now };

    assert(state == HOLD_RELEASED || state == HOLD_EXPIRED);
    return resolve(db, &after, err) && let_go(db, hold, now, err);
}

/* Whether the journal takes no more than what was held, and from where it was held. */
static bool is_covered(const struct hold_row *hold, const struct journal *journal)
{
    struct leg held = hold_leg(hold->kind, hold->user_id, hold->amount);
    numerator taken = 0;

    for (size_t i = 0; i < journal->leg_count; i++)
        if (ledger_key_equals(journal->legs[i].debit, held.debit))
            taken += journal->legs[i].amount.nanodollars;
    return taken > 0 && taken <= hold->amount.nanodollars;
}

bool hold_capture(struct db *db, const struct hold_row *hold, const struct journal *journal,
                  struct instant now, struct error *err)
{
    struct hold_row after = { .id = hold->id, .state = HOLD_CAPTURED, .resolved = now };
    enum ledger_outcome outcome;
    bool has;

    if (!is_covered(hold, journal))
        return db_fail(db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err,
                       "%s takes what hold %lld does not cover", journal->key, (long long)hold->id);
    if (!let_go(db, hold, now, err) || !ledger_post(db, journal, now, &outcome, err))
        return error_context(err, "capture hold %lld", (long long)hold->id);
    if (outcome != LEDGER_POSTED)
        return error_set(err, ERROR_CORRUPT, "%s has been posted before", journal->key);
    return db_query_one(db, "SELECT id FROM journal WHERE idem_key = $1",
                        DB_ARGS(db_text(journal->key)), read_id, &after.journal_id, &has, err) &&
           resolve(db, &after, err);
}

bool hold_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max, size_t *ret_count,
              struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM hold WHERE state = 0 AND expires_us <= $1 "
                         "ORDER BY expires_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool hold_list(struct db *db, const struct hold_filter *filter, struct arena *arena,
               struct hold_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " HOLD_COLUMNS " FROM hold WHERE id > $1 "
                     "AND ($2 = 0 OR user_id = $2) AND ($3 = 0 OR kind = $3) "
                     "AND ($4 < 0 OR state = $4) ORDER BY id LIMIT $5",
                     DB_ARGS(db_int(filter->after), db_int(filter->user_id), db_int(filter->kind),
                             db_int(filter->state), db_int((int64_t)filter->max)),
                     arena, ret, ret_count, err);
}

static bool read_sum(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct money *)context = db_column_money(row, 0);
    return true;
}

static bool read_sums(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct hold_sums *)context = (struct hold_sums){ .deposits = db_column_money(row, 0),
                                                       .credit = db_column_money(row, 1),
                                                       .earnings = db_column_money(row, 2) };
    return true;
}

/* Of one kind. No GROUP BY: SQLite sorts for it, also where there is nothing to sort. */
#define HELD_SUM(kind) "CAST(COALESCE(SUM(CASE WHEN kind = " kind " THEN amount END), 0) AS BIGINT)"
#define HELD_SUMS      HELD_SUM("$2") ", " HELD_SUM("$3") ", " HELD_SUM("$4")

bool hold_sums(struct db *db, int64_t user_id, struct hold_sums *ret, struct error *err)
{
    bool has;

    if (!db_query_one(db, "SELECT " HELD_SUMS " FROM hold WHERE user_id = $1 AND state = 0",
                      DB_ARGS(db_int(user_id), db_int(HOLD_DEPOSIT), db_int(HOLD_CREDIT),
                              db_int(HOLD_EARNINGS)),
                      read_sums, ret, &has, err))
        return error_context(err, "sum up what is held");
    return true;
}

bool hold_captured(struct db *db, int64_t user_id, enum hold_kind kind, struct instant since,
                   struct money *ret, struct error *err)
{
    bool has;

    return db_query_one(db,
                        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM hold "
                        "WHERE user_id = $1 AND kind = $2 AND state = 1 AND resolved_us > $3",
                        DB_ARGS(db_int(user_id), db_int(kind), db_instant(since)), read_sum, ret,
                        &has, err);
}

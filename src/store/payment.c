/* SPDX-License-Identifier: Apache-2.0 */
#include "store/payment.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/rows.h"

static bool read_name(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    (void)snprintf(context, INSTALLATION_SIZE, "%s", db_column_text(row, 0));
    return true;
}

bool installation_name(struct db *db, const char *fresh, char ret[static INSTALLATION_SIZE],
                       struct error *err)
{
    bool has;

    return db_exec(db,
                   "INSERT INTO setting (name, value) VALUES ('installation', $1) "
                   "ON CONFLICT (name) DO NOTHING",
                   DB_ARGS(db_text(fresh)), err) &&
           db_query_one(db, "SELECT value FROM setting WHERE name = 'installation'", DB_NO_ARGS,
                        read_name, ret, &has, err);
}

static bool read_time(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(struct instant *)context = db_column_instant(row, 0);
    return true;
}

bool setting_time(struct db *db, const char *name, struct instant *ret, struct error *err)
{
    struct instant at = { 0 };
    bool has;

    if (!db_query_one(db, "SELECT CAST(value AS BIGINT) FROM setting WHERE name = $1",
                      DB_ARGS(db_text(name)), read_time, &at, &has, err))
        return false;
    *ret = at;
    return true;
}

bool setting_set_time(struct db *db, const char *name, struct instant at, struct error *err)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, at.microseconds);
    return setting_set(db, name, text, err);
}

static bool read_is_same(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(bool *)context = db_column_int(row, 0) != 0;
    return true;
}

bool setting_is(struct db *db, const char *name, const char *value, bool *ret_is, bool *ret_has,
                struct error *err)
{
    return db_query_one(
        db, "SELECT CASE WHEN value = $2 THEN 1 ELSE 0 END FROM setting WHERE name = $1",
        DB_ARGS(db_text(name), db_text(value)), read_is_same, ret_is, ret_has, err);
}

bool setting_set(struct db *db, const char *name, const char *value, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO setting (name, value) VALUES ($1, $2) "
                   "ON CONFLICT (name) DO UPDATE SET value = $2",
                   DB_ARGS(db_text(name), db_text(value)), err);
}

static bool name_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    return rows_text(row, 0, arena, item, err);
}

static const struct rows_reader name_reader = { "customer", sizeof(const char *), name_read };

bool customer_of(struct db *db, const char *provider, int64_t user_id, struct arena *arena,
                 const char **ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &name_reader,
                         "SELECT customer_id FROM customer WHERE user_id = $1 AND provider = $2",
                         DB_ARGS(db_int(user_id), db_text(provider)), arena, ret, ret_has, err);
}

static bool read_int(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

bool customer_find(struct db *db, const char *provider, const char *customer, int64_t *ret_user_id,
                   bool *ret_has, struct error *err)
{
    return db_query_one(db, "SELECT user_id FROM customer WHERE provider = $1 AND customer_id = $2",
                        DB_ARGS(db_text(provider), db_text(customer)), read_int, ret_user_id,
                        ret_has, err);
}

bool customer_set(struct db *db, const char *provider, int64_t user_id, const char *customer,
                  struct error *err)
{
    return db_exec(db,
                   "INSERT INTO customer (user_id, provider, customer_id) VALUES ($1, $2, $3) "
                   "ON CONFLICT (user_id, provider) DO NOTHING",
                   DB_ARGS(db_int(user_id), db_text(provider), db_text(customer)), err);
}

static bool card_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct card_row *card = item;

    card->id = db_column_int(row, 0);
    card->user_id = db_column_int(row, 1);
    card->month = db_column_int(row, 7);
    card->year = db_column_int(row, 8);
    card->created = db_column_instant(row, 9);
    return rows_text(row, 2, arena, &card->provider, err) &&
           rows_text(row, 3, arena, &card->object_id, err) &&
           rows_text(row, 4, arena, &card->brand, err) &&
           rows_text(row, 5, arena, &card->last4, err) &&
           rows_text(row, 6, arena, &card->fingerprint, err);
}

static const struct rows_reader card_reader = { "card", sizeof(struct card_row), card_read };

bool card_put(struct db *db, const struct card_row *row, struct error *err)
{
    return db_exec(db,
                   "INSERT INTO card (user_id, provider, object_id, brand, last4, fingerprint, "
                   "month, year, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                   "ON CONFLICT (provider, object_id) DO UPDATE SET brand = $4, last4 = $5, "
                   "fingerprint = $6, month = $7, year = $8",
                   DB_ARGS(db_int(row->user_id), db_text(row->provider), db_text(row->object_id),
                           db_text(row->brand), db_text(row->last4), db_text(row->fingerprint),
                           db_int(row->month), db_int(row->year), db_instant(row->created)),
                   err);
}

bool card_list(struct db *db, int64_t user_id, struct arena *arena, struct card_row **ret,
               size_t *ret_count, struct error *err)
{
    return rows_load(db, &card_reader,
                     "SELECT id, user_id, provider, object_id, brand, last4, fingerprint, month, "
                     "year, created_us FROM card WHERE user_id = $1 AND removed_us IS NULL "
                     "ORDER BY id",
                     DB_ARGS(db_int(user_id)), arena, ret, ret_count, err);
}

bool card_remove(struct db *db, int64_t user_id, int64_t id, struct instant now, int64_t *ret_count,
                 struct error *err)
{
    return db_count(db,
                    "UPDATE card SET removed_us = $3 WHERE user_id = $1 AND id = $2 "
                    "AND removed_us IS NULL",
                    DB_ARGS(db_int(user_id), db_int(id), db_instant(now)), ret_count, err);
}

#define CARD_PAGE_SELECT                                                                           \
    "SELECT id, user_id, provider, url, state, created_us FROM card_page WHERE "

static bool page_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct card_page_row *page = item;
    int64_t state;

    page->id = db_column_int(row, 0);
    page->user_id = db_column_int(row, 1);
    page->created = db_column_instant(row, 5);
    if (!rows_text(row, 2, arena, &page->provider, err) ||
        !rows_text(row, 3, arena, &page->url, err) ||
        !rows_number(row, 4, CARD_PAGE_MADE, CARD_PAGE_OVER, &state, err))
        return false;
    page->state = (enum card_page_state)state;
    return true;
}

static const struct rows_reader page_reader = { "page for a card", sizeof(struct card_page_row),
                                                page_read };

bool card_page_insert(struct db *db, struct card_page_row *row, struct error *err)
{
    return db_insert(
        db,
        "INSERT INTO card_page (user_id, provider, created_us) VALUES ($1, $2, $3) "
        "RETURNING id",
        DB_ARGS(db_int(row->user_id), db_text(row->provider), db_instant(row->created)), &row->id,
        err);
}

bool card_page_newest(struct db *db, int64_t user_id, struct instant since, struct arena *arena,
                      struct card_page_row *ret, bool *ret_has, struct error *err)
{
    return rows_load_one(db, &page_reader,
                         CARD_PAGE_SELECT "user_id = $1 AND created_us >= $2 AND state < 2 "
                                          "ORDER BY id DESC LIMIT 1",
                         DB_ARGS(db_int(user_id), db_instant(since)), arena, ret, ret_has, err);
}

bool card_page_load(struct db *db, int64_t id, struct arena *arena, struct card_page_row *ret,
                    bool *ret_has, struct error *err)
{
    return rows_load_one(db, &page_reader, CARD_PAGE_SELECT "id = $1", DB_ARGS(db_int(id)), arena,
                         ret, ret_has, err);
}

bool card_page_set(struct db *db, int64_t id, enum card_page_state state, const char *page,
                   const char *url, struct error *err)
{
    return db_exec(db,
                   "UPDATE card_page SET state = $2, page = CASE WHEN $3 = '' THEN page ELSE $3 "
                   "END, url = CASE WHEN $4 = '' THEN url ELSE $4 END WHERE id = $1 "
                   "AND state <= $2",
                   DB_ARGS(db_int(id), db_int(state), db_text(page), db_text(url)), err);
}

bool test_credit_insert(struct db *db, const struct test_credit_row *row, bool *ret_is_new,
                        struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "INSERT INTO test_credit (user_id, fingerprint, mailbox, amount, granted_us) "
                  "VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                  DB_ARGS(db_int(row->user_id), db_text(row->fingerprint), db_text(row->mailbox),
                          db_money(row->amount), db_instant(row->granted)),
                  &count, err))
        return error_context(err, "test credit");
    *ret_is_new = count == 1;
    return true;
}

bool test_credit_due(struct db *db, struct instant granted_until, int64_t *ret_ids, size_t max,
                     size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT user_id FROM test_credit WHERE expired_us IS NULL "
                         "AND granted_us <= $1 ORDER BY granted_us LIMIT $2",
                         DB_ARGS(db_instant(granted_until), db_int((int64_t)max)), ret_ids, max,
                         ret_count, err);
}

bool test_credit_load(struct db *db, int64_t user_id, struct money *ret_amount, bool *ret_has,
                      struct error *err)
{
    int64_t amount = 0;

    if (!db_query_one(db,
                      "SELECT amount FROM test_credit WHERE user_id = $1 AND expired_us IS NULL",
                      DB_ARGS(db_int(user_id)), read_int, &amount, ret_has, err))
        return false;
    *ret_amount = (struct money){ amount };
    return true;
}

bool test_credit_expire(struct db *db, int64_t user_id, struct instant now, struct error *err)
{
    return db_exec(db,
                   "UPDATE test_credit SET expired_us = $2 WHERE user_id = $1 "
                   "AND expired_us IS NULL",
                   DB_ARGS(db_int(user_id), db_instant(now)), err);
}

bool provider_txn_insert(struct db *db, const struct provider_txn_row *row, const char *journal_key,
                         struct error *err)
{
    assert(row->amount.nanodollars != 0);
    return db_exec(db,
                   "INSERT INTO provider_txn (provider, txn_id, code, amount, at_us, journal_id) "
                   "VALUES ($1, $2, $3, $4, $5, (SELECT id FROM journal WHERE idem_key = $6))",
                   DB_ARGS(db_text(row->provider), db_text(row->id), db_int(row->code),
                           db_money(row->amount), db_instant(row->at), db_text(journal_key)),
                   err);
}

bool provider_txn_exists(struct db *db, const char *provider, const char *id, bool *ret_has,
                         struct error *err)
{
    int64_t found;

    return db_query_one(db, "SELECT id FROM provider_txn WHERE provider = $1 AND txn_id = $2",
                        DB_ARGS(db_text(provider), db_text(id)), read_int, &found, ret_has, err);
}

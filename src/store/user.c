/* SPDX-License-Identifier: Apache-2.0 */
#include "store/user.h"

#include <stdint.h>

#include "market/warning.h"
#include "store/rows.h"

#define USER_COLUMNS                                                                               \
    "id, email, username, fullname, is_admin, created_us, credit_limit, t_zero_us, warned, "       \
    "spend_cap, email_verified_us, tfa_us, host_only, parent_id, low_credit, warns_low, closed_us"

static bool user_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct user_row *user = item;

    if (!rows_number(row, 0, 1, INT64_MAX, &user->id, err) ||
        !rows_text(row, 1, arena, &user->email, err) ||
        !rows_text(row, 2, arena, &user->username, err) ||
        !rows_text(row, 3, arena, &user->fullname, err))
        return false;
    user->is_admin = db_column_int(row, 4) != 0;
    user->created = db_column_instant(row, 5);
    user->credit_limit = db_column_money(row, 6);
    user->t_zero = db_column_instant(row, 7);
    user->warned = db_column_int(row, 8);
    user->spend_cap = db_column_money(row, 9);
    user->is_verified = db_column_int(row, 10) != 0;
    user->has_tfa = db_column_int(row, 11) != 0;
    user->is_host_only = db_column_int(row, 12) != 0;
    user->parent_id = db_column_int(row, 13);
    user->low_credit = db_column_money(row, 14);
    user->warns_low = db_column_int(row, 15) != 0;
    user->closed = db_column_instant(row, 16);
    if (user->credit_limit.nanodollars < 0)
        return error_set(err, ERROR_CORRUPT, "a credit limit below zero");
    return true;
}

enum { USER_COLUMN_COUNT = 17, ADDRESS_COLUMN = USER_COLUMN_COUNT + 3 };

static const struct rows_reader reader = { "user", sizeof(struct user_row), user_read };

bool user_insert(struct db *db, const struct user_row *user, int64_t *ret_id, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO users (email, username, fullname, is_admin, created_us, "
                     "credit_limit, t_zero_us, email_verified_us, host_only, parent_id) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                     "RETURNING id",
                     DB_ARGS(db_text(user->email), db_text(user->username), db_text(user->fullname),
                             db_int(user->is_admin), db_instant(user->created),
                             db_money(user->credit_limit), db_instant(user->t_zero),
                             db_instant(user->is_verified ? user->created : (struct instant){ 0 }),
                             db_int(user->is_host_only), db_int(user->parent_id)),
                     ret_id, err);
}

bool user_load(struct db *db, int64_t id, struct arena *arena, struct user_row *ret, bool *ret_has,
               struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " USER_COLUMNS " FROM users WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

static bool profile_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct user_profile *profile = item;

    profile->has_machines = db_column_int(row, USER_COLUMN_COUNT) != 0;
    profile->autobill = db_column_money(row, USER_COLUMN_COUNT + 2);
    for (int i = 0; i < ADDRESS_PARTS; i++)
        if (!rows_text(row, ADDRESS_COLUMN + i, arena, &profile->address[i], err))
            return false;
    profile->terms_at = db_column_instant(row, ADDRESS_COLUMN + ADDRESS_PARTS + 1);
    return rows_text(row, USER_COLUMN_COUNT + 1, arena, &profile->ssh_key, err) &&
           rows_text(row, ADDRESS_COLUMN + ADDRESS_PARTS, arena, &profile->terms, err) &&
           user_read(row, arena, &profile->user, err);
}

bool user_load_profile(struct db *db, int64_t id, struct arena *arena, struct user_profile *ret,
                       bool *ret_has, struct error *err)
{
    static const struct rows_reader profile = { "user", sizeof(struct user_profile), profile_read };

    return rows_load_one(
        db, &profile,
        "SELECT " USER_COLUMNS ", "
        "CASE WHEN EXISTS (SELECT 1 FROM machine m WHERE m.owner_id = users.id) THEN 1 ELSE 0 END, "
        "COALESCE((SELECT k.public_key FROM ssh_key k WHERE k.user_id = users.id "
        "AND k.deleted_us IS NULL AND k.is_account = 1 ORDER BY k.id LIMIT 1), ''), "
        "COALESCE((SELECT a.threshold FROM autopay a WHERE a.user_id = users.id AND a.topup > 0), "
        "0), "
        "bill_line1, bill_line2, bill_city, bill_zip, bill_country, bill_taxinfo, bill_phone, "
        "terms, terms_us "
        "FROM users WHERE id = $1",
        DB_ARGS(db_int(id)), arena, ret, ret_has, err);
}

bool user_find(struct db *db, const char *email, struct arena *arena, struct user_row *ret,
               bool *ret_has, struct error *err)
{
    return rows_load_one(db, &reader, "SELECT " USER_COLUMNS " FROM users WHERE email = $1",
                         DB_ARGS(db_text(email)), arena, ret, ret_has, err);
}

bool user_lock(struct db *db, int64_t id, struct error *err)
{
    return db_take(db, "UPDATE users SET t_zero_us = t_zero_us WHERE id = $1", id, err);
}

bool user_lock_open(struct db *db, int64_t id, struct error *err)
{
    int64_t open;
    size_t count;

    if (!user_lock(db, id, err) ||
        !rows_load_ids(db, "SELECT id FROM users WHERE id = $1 AND closed_us = 0",
                       DB_ARGS(db_int(id)), &open, 1, &count, err))
        return false;
    return count == 1 || error_set(err, ERROR_NOT_FOUND, "account %lld was deleted", (long long)id);
}

bool user_set_t_zero(struct db *db, int64_t id, struct instant t_zero, struct error *err)
{
    return db_exec(db, "UPDATE users SET t_zero_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(t_zero)), err);
}

bool user_set_names(struct db *db, int64_t id, const char *username, const char *fullname,
                    struct error *err)
{
    return db_exec(db, "UPDATE users SET username = $2, fullname = $3 WHERE id = $1",
                   DB_ARGS(db_int(id), db_text(username), db_text(fullname)), err);
}

bool user_set_address(struct db *db, int64_t id, const char *const parts[ADDRESS_PARTS],
                      struct error *err)
{
    return db_exec(db,
                   "UPDATE users SET bill_line1 = $2, bill_line2 = $3, bill_city = $4, "
                   "bill_zip = $5, bill_country = $6, bill_taxinfo = $7, bill_phone = $8 "
                   "WHERE id = $1",
                   DB_ARGS(db_int(id), db_text(parts[ADDRESS_LINE1]), db_text(parts[ADDRESS_LINE2]),
                           db_text(parts[ADDRESS_CITY]), db_text(parts[ADDRESS_ZIP]),
                           db_text(parts[ADDRESS_COUNTRY]), db_text(parts[ADDRESS_TAXINFO]),
                           db_text(parts[ADDRESS_PHONE])),
                   err);
}

bool user_set_credit_limit(struct db *db, int64_t id, struct money limit, int64_t *ret_count,
                           struct error *err)
{
    return db_count(db, "UPDATE users SET credit_limit = $2 WHERE id = $1",
                    DB_ARGS(db_int(id), db_money(limit)), ret_count, err);
}

bool user_set_warned(struct db *db, int64_t id, int64_t warned, struct instant next,
                     struct error *err)
{
    return db_exec(db, "UPDATE users SET warned = $2, warn_us = $3 WHERE id = $1",
                   DB_ARGS(db_int(id), db_int(warned), db_instant(next)), err);
}

bool user_may_warn(struct db *db, int64_t id, int64_t level, struct instant now, bool *ret_may,
                   struct error *err)
{
    int64_t count;

    if (!db_count(db,
                  "INSERT INTO credit_warning (user_id, level, told_us) VALUES ($1, $2, $3) "
                  "ON CONFLICT (user_id, level) DO UPDATE SET told_us = $3 "
                  "WHERE credit_warning.told_us <= $4",
                  DB_ARGS(db_int(id), db_int(level), db_instant(now),
                          db_instant(instant_add(now, -WARNING_APART_US))),
                  &count, err))
        return false;
    *ret_may = count == 1;
    return true;
}

bool user_set_low_credit(struct db *db, int64_t id, struct money amount, bool is_on,
                         struct error *err)
{
    return db_exec(db, "UPDATE users SET low_credit = $2, warns_low = $3 WHERE id = $1",
                   DB_ARGS(db_int(id), db_money(amount), db_int(is_on)), err);
}

bool user_to_warn(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                  size_t *ret_count, struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM users WHERE warn_us <= $1 AND "
                         "warn_us < 9223372036854775807 ORDER BY warn_us, id LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool user_set_spend_cap(struct db *db, int64_t id, struct money cap, int64_t *ret_count,
                        struct error *err)
{
    return db_count(db, "UPDATE users SET spend_cap = $2 WHERE id = $1",
                    DB_ARGS(db_int(id), db_money(cap)), ret_count, err);
}

bool user_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max, size_t *ret_count,
              struct error *err)
{
    return rows_load_ids(db,
                         "SELECT id FROM users WHERE t_zero_us <= $1 ORDER BY t_zero_us, id "
                         "LIMIT $2",
                         DB_ARGS(db_instant(now), db_int((int64_t)max)), ret_ids, max, ret_count,
                         err);
}

bool user_list(struct db *db, int64_t after, size_t max, struct arena *arena, struct user_row **ret,
               size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " USER_COLUMNS " FROM users WHERE id > $1 ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(after), db_int((int64_t)max)), arena, ret, ret_count, err);
}

static bool text_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    return rows_text(row, 0, arena, item, err);
}

bool user_mail(struct db *db, int64_t id, struct arena *arena, const char **ret, struct error *err)
{
    static const struct rows_reader email = { "email", sizeof(const char *), text_read };
    bool has;

    if (!rows_load_one(db, &email,
                       "SELECT CASE WHEN o.closed_us = 0 THEN o.email ELSE '' END FROM users u "
                       "LEFT JOIN team t ON t.id = u.id "
                       "JOIN users o ON o.id = COALESCE(t.owner_id, u.id) WHERE u.id = $1",
                       DB_ARGS(db_int(id)), arena, ret, &has, err))
        return false;
    return has || error_set(err, ERROR_CORRUPT, "there is no user %lld", (long long)id);
}

bool user_load_password(struct db *db, int64_t id, struct arena *arena, const char **ret,
                        struct error *err)
{
    static const struct rows_reader password = { "password", sizeof(const char *), text_read };
    bool has;

    *ret = "";
    return rows_load_one(db, &password, "SELECT password FROM users WHERE id = $1",
                         DB_ARGS(db_int(id)), arena, ret, &has, err);
}

bool user_set_password(struct db *db, int64_t id, const char *password, struct error *err)
{
    return db_exec(db, "UPDATE users SET password = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_text(password)), err);
}

bool user_set_terms(struct db *db, int64_t id, const char *terms, struct instant at,
                    struct error *err)
{
    return db_exec(db, "UPDATE users SET terms = $2, terms_us = $3 WHERE id = $1",
                   DB_ARGS(db_int(id), db_text(terms), db_instant(at)), err);
}

bool user_set_email(struct db *db, int64_t id, const char *email, struct instant now,
                    struct error *err)
{
    return db_exec(db, "UPDATE users SET email = $2, email_verified_us = $3 WHERE id = $1",
                   DB_ARGS(db_int(id), db_text(email), db_instant(now)), err);
}

bool user_set_tfa(struct db *db, int64_t id, struct instant since, struct error *err)
{
    return db_exec(db, "UPDATE users SET tfa_us = $2 WHERE id = $1",
                   DB_ARGS(db_int(id), db_instant(since)), err);
}

bool user_list_of_parent(struct db *db, int64_t parent_id, size_t max, struct arena *arena,
                         struct user_row **ret, size_t *ret_count, struct error *err)
{
    return rows_load(db, &reader,
                     "SELECT " USER_COLUMNS " FROM users WHERE parent_id = $1 AND parent_id > 0 "
                     "AND closed_us = 0 ORDER BY id LIMIT $2",
                     DB_ARGS(db_int(parent_id), db_int((int64_t)max)), arena, ret, ret_count, err);
}

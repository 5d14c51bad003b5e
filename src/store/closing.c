/* SPDX-License-Identifier: Apache-2.0 */
#include "store/closing.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/ledger.h"
#include "store/rows.h"

enum { PSEUDONYM_SIZE = 64, EMAIL_SIZE = 96 };

/* Counted by one statement each, of one account. */
static const struct {
    enum closing_reason reason;
    const char *sql;
} counts[] = {
    { CLOSING_OPERATOR, "SELECT COUNT(*) FROM users WHERE id = $1 AND is_admin = 1" },
    { CLOSING_INSTANCES,
      "SELECT COUNT(*) FROM contract WHERE owner_id = $1 AND destroyed_us = 0 AND kind <> 5" },
    { CLOSING_VOLUMES,
      "SELECT COUNT(*) FROM contract WHERE owner_id = $1 AND destroyed_us = 0 AND kind = 5" },
    { CLOSING_MACHINES, "SELECT COUNT(*) FROM machine WHERE owner_id = $1 AND removed_us = 0" },
    { CLOSING_HELD, "SELECT COUNT(*) FROM hold WHERE user_id = $1 AND state = 0" },
    { CLOSING_DEPOSITS, "SELECT COUNT(*) FROM deposit WHERE user_id = $1 AND state IN (0, 1)" },
    { CLOSING_REFUNDS, "SELECT COUNT(*) FROM pay_refund WHERE user_id = $1 AND state IN (0, 1)" },
    { CLOSING_DISPUTES, "SELECT COUNT(*) FROM dispute WHERE user_id = $1 AND state IN (0, 1)" },
    { CLOSING_PAYOUTS, "SELECT COUNT(*) FROM payout WHERE host_id = $1 AND state IN (1, 2, 3)" },
    { CLOSING_PARKED, "SELECT COUNT(*) FROM parked_tick p JOIN contract c ON c.id = p.contract_id "
                      "WHERE p.state = 1 AND (c.owner_id = $1 OR c.host_id = $1)" },
    { CLOSING_TEAMS, "SELECT COUNT(*) FROM team WHERE owner_id = $1 AND deleted_us IS NULL" },
    { CLOSING_SUBACCOUNTS, "SELECT COUNT(*) FROM users WHERE parent_id = $1 AND closed_us = 0" },
};

/* Balances of the account in the books. */
static const struct {
    enum closing_reason reason;
    enum ledger_code code;
} balances[] = {
    { CLOSING_DEBT, LEDGER_RENTER_RECEIVABLE }, { CLOSING_HOST_DEBT, LEDGER_HOST_RECEIVABLE },
    { CLOSING_FROZEN, LEDGER_RENTER_HOLD },     { CLOSING_ACCRUED, LEDGER_HOST_ACCRUED },
    { CLOSING_CREDIT, LEDGER_RENTER_PREPAID },  { CLOSING_EARNINGS, LEDGER_HOST_PAYABLE },
};

static bool number_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    return rows_number(row, 0, 0, INT64_MAX, item, err);
}

static const struct rows_reader number = { "count", sizeof(int64_t), number_read };

static bool load_balance(struct db *db, int64_t user_id, enum ledger_code code, int64_t *ret,
                         struct error *err)
{
    struct ledger_sums sums;

    if (!ledger_load_sums(db, (struct ledger_key){ code, user_id, 0 }, &sums, err))
        return false;
    int64_t balance = sums.credits.nanodollars - sums.debits.nanodollars;
    *ret = balance < 0 ? -balance : balance;
    return true;
}

bool closing_load(struct db *db, int64_t user_id, struct closing_facts *ret, struct error *err)
{
    struct closing_facts facts = { { 0 } };
    bool has;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (!rows_load_one(db, &number, counts[i].sql, DB_ARGS(db_int(user_id)), NULL,
                           &facts.amount[counts[i].reason], &has, err))
            return false;
    for (size_t i = 0; i < sizeof balances / sizeof balances[0]; i++)
        if (!load_balance(db, user_id, balances[i].code, &facts.amount[balances[i].reason], err))
            return false;
    *ret = facts;
    return true;
}

/* $1 the account. */
static const char *const gone[] = {
    "DELETE FROM login_session WHERE user_id = $1",
    "DELETE FROM mail_code WHERE user_id = $1",
    "DELETE FROM tfa_method WHERE user_id = $1",
    "DELETE FROM backup_code WHERE user_id = $1",
    "DELETE FROM enroll_token WHERE user_id = $1",
    "DELETE FROM team_member WHERE user_id = $1",
    "DELETE FROM scheduled_job WHERE owner_id = $1",
    "DELETE FROM autopay WHERE user_id = $1",
    "DELETE FROM notification_choice WHERE user_id = $1",
    "DELETE FROM credit_warning WHERE user_id = $1",
    "DELETE FROM webhook WHERE user_id = $1",
    "DELETE FROM cloud_connection WHERE user_id = $1",
    "DELETE FROM secret WHERE user_id = $1",
    "DELETE FROM payout_method WHERE user_id = $1",
    "DELETE FROM customer WHERE user_id = $1",
    "DELETE FROM user_address WHERE user_id = $1",
};

/* $1 the account, $2 now. */
static const char *const ended[] = {
    "UPDATE api_key SET revoked_us = $2 WHERE (user_id = $1 OR member_id = $1) "
    "AND revoked_us IS NULL",
    "UPDATE ssh_key SET public_key = '', deleted_us = COALESCE(deleted_us, $2) WHERE user_id = $1",
    "UPDATE card SET brand = '', last4 = '', removed_us = COALESCE(removed_us, $2) "
    "WHERE user_id = $1",
    "UPDATE standing_order SET state = 2, ended_us = $2, launch = NULL "
    "WHERE owner_id = $1 AND state = 0",
    "UPDATE template SET login = NULL, deleted_us = COALESCE(deleted_us, $2) WHERE owner_id = $1",
};

static bool blank_user(struct db *db, int64_t user_id, struct instant now, struct error *err)
{
    char name[PSEUDONYM_SIZE], email[EMAIL_SIZE];

    (void)snprintf(name, sizeof name, "deleted-%" PRId64, user_id);
    (void)snprintf(email, sizeof email, "%s@deleted.invalid", name);
    return db_exec(db,
                   "UPDATE users SET closed_us = $2, email = $3, username = $4, fullname = '', "
                   "password = '', email_verified_us = 0, tfa_us = 0, credit_limit = 0, "
                   "spend_cap = 0, low_credit = 0, warns_low = 0, warn_us = 9223372036854775807, "
                   "t_zero_us = 9223372036854775807, terms = '', terms_us = 0, bill_line1 = '', "
                   "bill_line2 = '', bill_city = '', bill_zip = '', bill_country = '', "
                   "bill_taxinfo = '', bill_phone = '' WHERE id = $1",
                   DB_ARGS(db_int(user_id), db_instant(now), db_text(email), db_text(name)), err);
}

bool closing_erase(struct db *db, int64_t user_id, struct instant now, struct error *err)
{
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (!db_exec(db, gone[i], DB_ARGS(db_int(user_id)), err))
            return false;
    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        if (!db_exec(db, ended[i], DB_ARGS(db_int(user_id), db_instant(now)), err))
            return false;
    return blank_user(db, user_id, now, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db.h"

#include <string.h>

#include "store/support.h"

static bool add_account(struct db *db, void *context, struct error *err)
{
    return db_insert(db,
                     "INSERT INTO account (code, owner_id, created_us) VALUES ($1, $2, $3) "
                     "RETURNING id",
                     DB_ARGS(db_int(2010), db_int(7), db_int(1)), context, err);
}

static bool count_accounts(struct db *db, void *context, struct error *err)
{
    auto_db_rows struct db_rows rows = db_query(db, "SELECT count(*) FROM account", DB_NO_ARGS);

    if (db_next(&rows, err))
        *(int64_t *)context = db_column_int(&rows, 0);
    return !rows.has_failed;
}

static void test_what_is_written_is_read(void **state)
{
    struct support *support = *state;
    int64_t id = 0, count = -1;

    support_write(support, add_account, &id);
    CHECK(id > 0);
    support_read(support, count_accounts, &count);
    CHECK_INT(count, 1);
    support_reopen(support);
    support_read(support, count_accounts, &count);
    CHECK_INT(count, 1);
}

static void test_a_broken_constraint_is_a_conflict(void **state)
{
    struct support *support = *state;
    int64_t id = 0, count = -1;
    struct error err;

    support_write(support, add_account, &id);
    CHECK_FAILS(store_write(support->store, add_account, &id, &err), &err, ERROR_CONFLICT);
    support_read(support, count_accounts, &count);
    CHECK_INT(count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_broken_constraint_is_a_conflict),
    };
    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_run.h"

#include "store/driver.h"
#include "store/support.h"

static void count(void *context, const char *rule, const char *text)
{
    CHECK_TEXT(rule, "I-2");
    CHECK(text[0] != '\0');
    ++*(int *)context;
}

static const char accounts[] =
    "INSERT INTO account (id, code, created_us) VALUES (3, 1, 1), (5, 2, 1), (9, 3, 1);";

static void test_rows_before_the_wanted_one_are_findings(void **state)
{
    int found = 0;
    struct support *support = *state;
    struct audit_row row = { .at = { 77 } };
    struct error err;
    bool has;

    support_script(support, accounts);
    struct db *db = support_connect(support);
    CHECK_OK(db_begin(db, TRANSACTION_READ, &err), &err);
    struct check_run run = { .db = db, .found = count, .context = &found };
    struct audit_stream stream = audit_open(db, AUDIT_ACCOUNTS);

    CHECK_OK(check_run_skip(&run, &stream, 3, "accounts", &err), &err);
    CHECK_INT(found, 0);
    CHECK_OK(check_run_take(&stream, 4, &row, &has, &err), &err);
    CHECK(!has && row.at[0] == 77);
    CHECK_OK(check_run_take(&stream, 3, &row, &has, &err), &err);
    CHECK(has && row.at[0] == 3);
    CHECK_OK(check_run_skip(&run, &stream, 9, "accounts", &err), &err);
    CHECK_INT(found, 1);
    CHECK_OK(check_run_skip(&run, &stream, INT64_MAX, "accounts", &err), &err);
    CHECK_INT(found, 2);
    CHECK_INT((int64_t)run.counts.findings, 2);
    CHECK_OK(check_run_take(&stream, 9, &row, &has, &err), &err);
    CHECK(!has);
    audit_close(&stream);
    CHECK_OK(db_commit(db, &err), &err);
    db_close(&db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_before_the_wanted_one_are_findings),
    };
    return SUPPORT_RUN(tests);
}

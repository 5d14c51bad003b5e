/* SPDX-License-Identifier: Apache-2.0 */
#include "server/mail_text.h"

#include <string.h>

#include "check.h"

/* Subject and text of a mail to a host, to be compared as a whole. */
static void check_mail(const char *name, const char *members, const char *subject, const char *text)
{
    auto_buf struct buf head = buf_of(1024), body = buf_of(8192);
    auto_json json_t *values = NULL;
    struct error err;

    CHECK_OK(json_parse(members, strlen(members), &values, &err), &err);
    CHECK_OK(mail_text_plain(name, values, &head, &body, &err), &err);
    buf_append(&head, "", 1);
    buf_append(&body, "", 1);
    CHECK_TEXT(head.bytes, subject);
    CHECK_TEXT(body.bytes, text);
}

static void test_a_week_is_said_with_its_payout(void **state)
{
    (void)state;
    check_mail("payout_made",
               "{\"amount\":\"0.81\",\"from\":\"2026-11-20\",\"until\":\"2026-11-26\","
               "\"invoice\":\"HINV-2026-000001\",\"method\":\"Stripe\","
               "\"arrives\":\"2026-11-30\",\"url\":\"https://m.test\"}",
               "A payout of $0.81 is on its way",
               "Your week from 2026-11-20 to 2026-11-26 is invoiced: HINV-2026-000001.\n"
               "$0.81 is paid out to you by Stripe, and should arrive by 2026-11-30. What becomes "
               "of it:\n`berth show payouts`, or https://m.test/billing/.\n");
}

static void test_what_came_back_is_said_with_why(void **state)
{
    (void)state;
    check_mail("payout_back",
               "{\"amount\":\"0.81\",\"reason\":\"no such account\",\"url\":\"https://m.test\"}",
               "A payout of $0.81 did not arrive",
               "Your payout of $0.81 did not arrive: no such account.\n"
               "You are owed it again, for the next Friday's payout. Tell the operator of "
               "https://m.test what is to be\ndone otherwise then.\n");
}

static void test_operators_hear_of_a_dispute_until_when(void **state)
{
    (void)state;
    check_mail("dispute_asks",
               "{\"dispute\":3,\"account\":7,\"amount\":\"50.00\",\"reason\":\"fraudulent\","
               "\"detail\":\"\",\"end\":\"2026-12-07\",\"url\":\"https://m.test\"}",
               "Dispute 3: $50.00, evidence by 2026-12-07",
               "A payment of $50.00 to account 7 is disputed: fraudulent.\n"
               "What the books know of it is put together. Look at it, add what you know, and "
               "submit it by\n2026-12-07: `berthd admin dispute show 3`, or "
               "https://m.test/operator/disputes/.\n");
}

static void test_there_is_no_mail_of_another_name(void **state)
{
    auto_buf struct buf head = buf_of(1024), body = buf_of(8192);
    struct error err;

    (void)state;
    CHECK_FAILS(mail_text_plain("payout", NULL, &head, &body, &err), &err, ERROR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_is_said_with_its_payout),
        cmocka_unit_test(test_what_came_back_is_said_with_why),
        cmocka_unit_test(test_operators_hear_of_a_dispute_until_when),
        cmocka_unit_test(test_there_is_no_mail_of_another_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of every call beside those of Stripe's own library (golden/stripe.mjs). */
#include "proto/stripe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "support_golden.h"

enum { TEXT_MAX = 16384, PAIRS_MAX = 64 };

#define DONE      "https://m.example/ok?s={CHECKOUT_SESSION_ID}"
#define CANCELLED "https://m.example/no"
#define INST      "inst1"

static struct psp_call read_one(const char *id)
{
    struct psp_call call = { .method = "" };

    CHECK(stripe_read(id, &call));
    return call;
}

static struct psp_call pages(const char *name)
{
    const struct stripe_page page = { INST, "cus_1", DONE, CANCELLED, 7, 2500 };
    struct stripe_page card = page;

    card.id = 3;
    return strcmp(name, "pay_page") == 0 ? stripe_pay_page(&page) : stripe_card_page(&card);
}

static struct psp_call lists(const char *name)
{
    static const struct {
        const char *name;
        struct stripe_list list;
    } rows[] = {
        { "list_money", { STRIPE_LIST_MONEY, NULL, NULL, NULL, 1700000000 } },
        { "list_events",
          { STRIPE_LIST_EVENTS, "charge.dispute.created", NULL, "evt_9", 1700000000 } },
        { "list_transfers", { STRIPE_LIST_TRANSFERS, "payrun_2026-11-20", "acct_1", NULL, 0 } },
        { "list_intents", { STRIPE_LIST_INTENTS, NULL, "cus_1", NULL, 1700000000 } },
        { "list_refunds", { STRIPE_LIST_REFUNDS, NULL, "pi_1", NULL, 0 } },
        { "list_payouts", { STRIPE_LIST_PAYOUTS, NULL, NULL, NULL, 1700000000 } },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return stripe_list(&rows[i].list);
    }
    print_error("%s: no call has that name\n", name);
    CHECK(false);
    return (struct psp_call){ .method = "" };
}

static struct psp_call money_out(const char *name)
{
    if (strcmp(name, "account") == 0)
        return stripe_account(&(struct stripe_host){ INST, "US", "h@x.io", 9 });
    if (strcmp(name, "account_link") == 0)
        return stripe_account_link("acct_1", "https://m.example/again", "https://m.example/done");
    if (strcmp(name, "transfer") == 0)
        return stripe_transfer(
            &(struct stripe_transfer){ INST, "acct_1", "payrun_2026-11-20", 1, 7500 });
    if (strcmp(name, "reversal") == 0)
        return stripe_reversal("tr_1", 7500);
    if (strcmp(name, "payout") == 0)
        return stripe_payout(7500);
    struct stripe_evidence evidence = {
        .dispute = "dp_1",
        .activity = "",
        .billing = "",
        .email = "",
        .name = "",
        .address = "",
        .product = "",
        .served = "",
        .text = "It ran: 3 h & 4 min.",
    };

    if (strcmp(name, "evidence_submit") == 0)
        evidence = (struct stripe_evidence){ "dp_1",
                                             "2026-11-20 09:00 UTC, 192.0.2.7: login\nand so on",
                                             "1 Way, Umeå",
                                             "a+b@x.io",
                                             "A B",
                                             "192.0.2.7",
                                             "GPU time; $25.00",
                                             "2026-11-20",
                                             "Receipt REC-2026-000001\n100% used",
                                             true };
    return stripe_evidence(&evidence);
}

static struct psp_call make(const char *name)
{
    static const char *const reads[][2] = {
        { "read_intent", "pi_1" },   { "read_page", "cs_1" },    { "read_refund", "re_1" },
        { "read_transfer", "tr_1" }, { "read_dispute", "dp_1" }, { "read_account", "acct_1" },
    };

    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        if (strcmp(reads[i][0], name) == 0)
            return read_one(reads[i][1]);
    }
    if (strcmp(name, "customer") == 0)
        return stripe_customer(&(struct stripe_customer){ INST, "a+b@x.io", "A B", 42 });
    if (strcmp(name, "pay_page") == 0 || strcmp(name, "card_page") == 0)
        return pages(name);
    if (strcmp(name, "setup") == 0)
        return stripe_setup("cus_1");
    if (strcmp(name, "charge") == 0)
        return stripe_charge(
            &(struct stripe_charge){ INST, "cus_1", "pm_1", "Berth's (credit) *!", 8, 2500 });
    if (strcmp(name, "refund") == 0)
        return stripe_refund(&(struct stripe_refund){ INST, "pi_1", 1, 1000 });
    if (strcmp(name, "list_cards") == 0)
        return stripe_list_cards("cus_1");
    return strncmp(name, "list_", 5) == 0 ? lists(name) : money_out(name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As the golden file has them: sorted, one a line. */
static void write_pairs(struct buf *out, const char *kind, char *text)
{
    char *pairs[PAIRS_MAX], *rest = NULL;
    size_t count = 0;

    for (char *pair = strtok_r(text, "&", &rest); pair != NULL; pair = strtok_r(NULL, "&", &rest)) {
        CHECK(count < PAIRS_MAX);
        pairs[count++] = pair;
    }
    if (count > 0)
        qsort(pairs, count, sizeof pairs[0], compare);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s %s\n", kind, pairs[i]);
}

static void check_call(const char *name, const char *want)
{
    auto_psp_call struct psp_call call = make(name);
    auto_buf struct buf got = buf_of(TEXT_MAX);
    char *query = strchr(call.path.bytes, '?');

    check_row("%s", name);
    CHECK(!call.path.has_overflowed && !call.body.has_overflowed);
    if (query != NULL)
        *query++ = '\0';
    buf_printf(&got, "line %s %s\n", call.method, call.path.bytes);
    if (query != NULL)
        write_pairs(&got, "query", query);
    if (call.body.length > 0)
        write_pairs(&got, "pair", call.body.bytes);
    CHECK_TEXT(got.bytes, want);
}

static void test_the_bytes_are_those_of_the_official_library(void **state)
{
    FILE *file = golden_open("stripe.txt");
    auto_buf struct buf want = buf_of(TEXT_MAX);
    char line[GOLDEN_LINE_MAX], name[64] = "";
    int calls = 0;

    (void)state;
    while (golden_line(file, line)) {
        if (strncmp(line, "call ", 5) == 0) {
            if (name[0] != '\0')
                check_call(name, want.bytes);
            buf_release(&want);
            CHECK(strlen(line + 5) < sizeof name);
            (void)snprintf(name, sizeof name, "%.63s", line + 5);
            calls++;
        } else if (strncmp(line, "header ", 7) != 0) {
            buf_printf(&want, "%s\n", line);
        }
    }
    check_call(name, want.bytes);
    (void)fclose(file);
    CHECK_INT(calls, 26);
}

static void test_only_ids_of_kinds_that_are_known_are_read(void **state)
{
    static const char *const bad[] = { "", "x_1", "pi", "pi_1/../x", "pi_1?a", "evt_1", "pi_ 1" };
    struct psp_call call;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_row("%s", bad[i]);
        CHECK(!stripe_read(bad[i], &call));
    }
}

static void test_ids_have_a_length(void **state)
{
    char id[STRIPE_ID_MAX + 2];

    (void)state;
    memset(id, 'a', sizeof id);
    id[STRIPE_ID_MAX + 1] = '\0';
    CHECK(!stripe_is_id(id));
    id[STRIPE_ID_MAX] = '\0';
    CHECK(stripe_is_id(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_are_those_of_the_official_library),
        cmocka_unit_test(test_only_ids_of_kinds_that_are_known_are_read),
        cmocka_unit_test(test_ids_have_a_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_journals.h"

#include <stdio.h>
#include <string.h>

#include "store/driver.h"
#include "store/support.h"

enum { JOURNALS = 6, EXPENSE = 3, FUNDS = 5 };

static const char accounts_sql[] =
    "INSERT INTO account (id, code, owner_id, flags, created_us) VALUES (3, 5020, 0, 8, 1), "
    "(5, 2020, 7, 1, 1);";

/* Each grants its own number, and every second one is the last of a batch. */
static struct check_block whole;

struct heard {
    size_t count;
    char rules[16][8];
};

static void hear(void *context, const char *rule, const char *text)
{
    struct heard *heard = context;

    CHECK(text[0] != '\0' && heard->count < 16);
    (void)snprintf(heard->rules[heard->count++], sizeof heard->rules[0], "%s", rule);
}

static void hash_of(const struct journal *journal, char hex[static HEX_SIZE(HASH_SIZE)])
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);

    journal_body(&body, journal);
    struct hash hash = crypto_sha256(body.bytes, body.length);
    (void)hex_format(hash.bytes, sizeof hash.bytes, hex);
}

static void add_journal(int64_t id, struct seal *previous, struct seal_batch *batch)
{
    struct audit_row *row = &whole.journals[whole.journal_count++];
    struct journal journal = { .leg_count = 1 };

    *row = (struct audit_row){ .at = { id, JOURNAL_PROMO, 100, 200, JOURNAL_REF_USER, 7, 0 } };
    (void)snprintf(row->key, sizeof row->key, "adj:%lld", (long long)id);
    whole.legs[whole.leg_count++] = (struct check_leg){ id, LEG_GRANTED, id, EXPENSE, FUNDS };
    audit_journal(row, &journal);
    journal.legs[0] = (struct leg){ { .code = LEDGER_PROMO_GRANTED },
                                    { .code = LEDGER_RENTER_PROMO, .owner_id = 7 },
                                    { id },
                                    LEG_GRANTED };
    hash_of(&journal, row->hash);
    seal_batch_add(batch, &(struct seal_entry){ id, { 200 }, row->hash, &journal });
    if (id % 2 == 1)
        return;
    *previous = seal_close(previous, batch);
    *batch = (struct seal_batch){ .last_journal = id };
    struct audit_row *seal = &whole.seals[whole.seal_count++];
    *seal = (struct audit_row){ .at = { previous->number, id, previous->journal_count } };
    (void)snprintf(seal->hash, sizeof seal->hash, "%s", previous->hash);
}

static void make_whole(void)
{
    struct seal previous = { .number = 0 };
    struct seal_batch batch = { .journal_count = 0 };

    whole.journal_count = whole.leg_count = whole.seal_count = 0;
    for (int64_t id = 1; id <= JOURNALS; id++)
        add_journal(id, &previous, &batch);
}

/* The first `journals`, `legs` and `seals` in one block, the rest in another. */
static void split(struct check_block *first, struct check_block *rest, const size_t at[3])
{
    *first = *rest = whole;
    first->journal_count = at[0];
    first->leg_count = at[1];
    first->seal_count = at[2];
    rest->journal_count -= at[0];
    rest->leg_count -= at[1];
    rest->seal_count -= at[2];
    memmove(rest->journals, rest->journals + at[0], rest->journal_count * sizeof rest->journals[0]);
    memmove(rest->legs, rest->legs + at[1], rest->leg_count * sizeof rest->legs[0]);
    memmove(rest->seals, rest->seals + at[2], rest->seal_count * sizeof rest->seals[0]);
}

static struct check_counts check_split(struct support *support, const size_t at[3],
                                       struct heard *heard)
{
    static struct check_block first, rest;
    struct check_run run = { .found = hear, .context = heard };
    struct check_journals journals = { .run = &run };
    struct error err;

    *heard = (struct heard){ .count = 0 };
    run.db = support_connect(support);
    CHECK_OK(db_begin(run.db, TRANSACTION_READ, &err), &err);
    CHECK_OK(check_accounts_load(&run, &journals.accounts, &err), &err);
    split(&first, &rest, at);
    check_journals_work(&journals, &first);
    check_journals_work(&journals, &rest);
    check_journals_end(&journals);
    check_accounts_release(&journals.accounts);
    db_rollback(run.db);
    db_close(&run.db);
    return run.counts;
}

/* Wherever the blocks are cut. */
static void test_what_is_whole_is_clean_however_it_comes(void **state)
{
    static const size_t cuts[][3] = { { 0, 0, 0 }, { 0, 1, 0 }, { 2, 2, 0 }, { 2, 3, 0 },
                                      { 2, 2, 1 }, { 3, 3, 1 }, { 3, 4, 1 }, { 6, 6, 2 } };
    struct heard heard;

    support_script(*state, accounts_sql);
    make_whole();
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        check_row("cut %zu", i);
        struct check_counts counts = check_split(*state, cuts[i], &heard);
        CHECK_INT((int64_t)heard.count, 0);
        CHECK_INT((int64_t)counts.journals, JOURNALS);
        CHECK_INT((int64_t)counts.transfers, JOURNALS);
        CHECK_INT((int64_t)counts.seals, JOURNALS / 2);
        CHECK_INT(counts.sealed, JOURNALS);
        CHECK_INT((int64_t)counts.unsealed, 0);
        CHECK_TEXT(counts.head, whole.seals[JOURNALS / 2 - 1].hash);
    }
}

/* A journal that is gone: its leg is nobody's, and its batch is not what was sealed. */
static void test_legs_of_no_journal_are_found(void **state)
{
    static const size_t at[3] = { 0, 0, 0 };
    struct heard heard;

    support_script(*state, accounts_sql);
    for (size_t gone = 0; gone < JOURNALS; gone++) {
        make_whole();
        whole.journal_count--;
        memmove(&whole.journals[gone], &whole.journals[gone + 1],
                (whole.journal_count - gone) * sizeof whole.journals[0]);
        check_row("without journal %zu", gone + 1);
        (void)check_split(*state, at, &heard);
        CHECK_INT((int64_t)heard.count, 2);
        bool is_leg_first = strcmp(heard.rules[0], "I-2") == 0;
        CHECK_TEXT(heard.rules[is_leg_first ? 1 : 0], "I-19");
        CHECK_TEXT(heard.rules[is_leg_first ? 0 : 1], "I-2");
    }
}

static size_t count_rule(const struct heard *heard, const char *rule)
{
    size_t count = 0;

    for (size_t i = 0; i < heard->count; i++)
        count += strcmp(heard->rules[i], rule) == 0;
    return count;
}

/* They are not taken for those of the next one, which has lost its own. */
static void test_legs_of_no_journal_are_not_the_next_ones(void **state)
{
    static const size_t at[3] = { 0, 0, 0 };
    struct heard heard;

    support_script(*state, accounts_sql);
    for (size_t gone = 0; gone + 1 < JOURNALS; gone++) {
        make_whole();
        whole.journal_count--;
        memmove(&whole.journals[gone], &whole.journals[gone + 1],
                (whole.journal_count - gone) * sizeof whole.journals[0]);
        whole.leg_count--;
        memmove(&whole.legs[gone + 1], &whole.legs[gone + 2],
                (whole.leg_count - gone - 1) * sizeof whole.legs[0]);
        check_row("without journal %zu, and the next one's leg", gone + 1);
        (void)check_split(*state, at, &heard);
        CHECK_INT((int64_t)count_rule(&heard, "I-2"), 1);
        CHECK_INT((int64_t)count_rule(&heard, "I-3"), 1);
    }
}

/* As many legs as there may be belong to it; one more is said, and not kept. */
static void test_more_legs_than_there_may_be_are_counted(void **state)
{
    static const size_t at[3] = { 0, 0, 0 };
    struct heard heard;

    support_script(*state, accounts_sql);
    for (size_t legs = JOURNAL_LEGS_MAX; legs <= JOURNAL_LEGS_MAX + 1; legs++) {
        make_whole();
        whole.journal_count = 1;
        whole.seal_count = 0;
        whole.leg_count = legs;
        for (size_t i = 0; i < legs; i++)
            whole.legs[i] = whole.legs[0];
        (void)check_split(*state, at, &heard);
        CHECK_INT((int64_t)heard.count, 1);
        CHECK_TEXT(heard.rules[0], legs > JOURNAL_LEGS_MAX ? "I-3" : "I-19");
    }
}

/* Seals of what is still to come: the journals are of no batch any more. */
static void test_a_seal_that_comes_too_soon_is_found(void **state)
{
    static const size_t cut[] = { 2, 2, 3 };
    struct heard heard;

    support_script(*state, accounts_sql);
    make_whole();
    (void)check_split(*state, cut, &heard);
    CHECK(heard.count > 0);
    for (size_t i = 0; i < heard.count; i++)
        CHECK_TEXT(heard.rules[i], "I-19");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seal_that_comes_too_soon_is_found),
        cmocka_unit_test(test_what_is_whole_is_clean_however_it_comes),
        cmocka_unit_test(test_legs_of_no_journal_are_found),
        cmocka_unit_test(test_legs_of_no_journal_are_not_the_next_ones),
        cmocka_unit_test(test_more_legs_than_there_may_be_are_counted),
    };
    return SUPPORT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/seal.h"

#include <string.h>

#include "check.h"

static const struct journal sample = {
    .key = "use:41:7",
    .kind = JOURNAL_USAGE,
    .ref_kind = JOURNAL_REF_CONTRACT,
    .ref_id = 41,
    .corrects = 3,
    .occurred = { 1000 },
    .leg_count = 2,
    .legs = { { { 2010, 7, 0 }, { 3010, 0, 0 }, { 100 }, 11 },
              { { 3010, 0, 0 }, { 2130, 9, 5 }, { 75 }, 12 } },
};

static void check_entry(const struct seal_entry *entry, const char *want)
{
    auto_buf struct buf text = buf_of(SEAL_ENTRY_MAX);

    seal_entry_write(&text, entry);
    CHECK_TEXT(text.bytes, want);
}

static void test_an_entry_is_written_like_this(void **state)
{
    struct seal_entry entry = { 12, { 2000 }, "abcd", &sample };

    (void)state;
    check_entry(&entry, "journal 12 use:41:7 abcd\n1 1 41 3 1000 2000 2\n"
                        "11 100 2010.7.0 3010.0.0\n12 75 3010.0.0 2130.9.5\n");
}

static void test_whatever_is_changed_shows(void **state)
{
    auto_buf struct buf before = buf_of(SEAL_ENTRY_MAX);
    struct seal_entry entry = { 12, { 2000 }, "abcd", &sample };

    (void)state;
    seal_entry_write(&before, &entry);
    for (int i = 0; i < 18; i++) {
        auto_buf struct buf after = buf_of(SEAL_ENTRY_MAX);
        struct journal journal = sample;
        struct seal_entry changed = entry;
        int64_t *numbers[] = {
            &changed.id,
            &changed.posted.microseconds,
            &journal.ref_id,
            &journal.corrects,
            &journal.occurred.microseconds,
            &journal.legs[0].amount.nanodollars,
            &journal.legs[0].debit.owner_id,
            &journal.legs[0].debit.sub_id,
            &journal.legs[1].credit.owner_id,
            &journal.legs[1].credit.sub_id,
        };

        changed.journal = &journal;
        if (i < 10)
            ++*numbers[i];
        else if (i == 10)
            journal.key[0]++;
        else if (i == 11)
            changed.body_hash = "abce";
        else if (i == 12)
            journal.kind++;
        else if (i == 13)
            journal.ref_kind++;
        else if (i == 14)
            journal.legs[0].debit.code++;
        else if (i == 15)
            journal.legs[1].credit.code++;
        else if (i == 16)
            journal.legs[1].code++;
        else
            journal.leg_count--;
        check_row("change %d", i);
        seal_entry_write(&after, &changed);
        CHECK(strcmp(before.bytes, after.bytes) != 0);
    }
}

static void test_the_longest_fits(void **state)
{
    auto_buf struct buf text = buf_of(SEAL_ENTRY_MAX);
    struct journal journal = sample;
    struct seal_entry entry = { INT64_MIN, { INT64_MIN }, NULL, &journal };
    char hash[100];

    (void)state;
    memset(hash, 'f', sizeof hash);
    hash[sizeof hash - 1] = '\0';
    entry.body_hash = hash;
    memset(journal.key, 'k', sizeof journal.key - 1);
    journal.leg_count = JOURNAL_LEGS_MAX;
    for (size_t i = 0; i < JOURNAL_LEGS_MAX; i++)
        journal.legs[i] = (struct leg){ { (enum ledger_code)INT32_MAX, INT64_MIN, INT64_MIN },
                                        { (enum ledger_code)INT32_MAX, INT64_MIN, INT64_MIN },
                                        { INT64_MIN },
                                        INT32_MIN };
    seal_entry_write(&text, &entry);
    CHECK(!text.has_overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_is_written_like_this),
        cmocka_unit_test(test_whatever_is_changed_shows),
        cmocka_unit_test(test_the_longest_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_many.h"

#include <assert.h>
#include <stdlib.h>

#include "store/driver.h"
#include "store/ledger_rows.h"

enum { SUMS_MAX = LEDGER_MANY_MAX * 4 };

/* What all the journals add to one account. */
struct sum {
    int64_t id;
    struct money debits, credits;
};

struct many {
    int64_t ids[LEDGER_MANY_MAX];
    struct ledger_entries entries[LEDGER_MANY_MAX];
    struct sum sums[SUMS_MAX];
    size_t sum_count;
};

static bool insert_journals(struct db *db, const struct journal *journals, size_t count,
                            struct instant now, int64_t *ret_ids, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct journal *journal = &journals[i];
        char hash[HEX_SIZE(HASH_SIZE)];

        assert(journal_is_balanced(journal));
        ledger_body_hash(journal, hash);
        ret_ids[i] = 0;
        if (!db_insert_later(
                db,
                "INSERT INTO journal (idem_key, body_hash, kind, occurred_us, posted_us, "
                "ref_kind, ref_id, corrects) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                "ON CONFLICT (idem_key) DO NOTHING RETURNING id",
                DB_ARGS(db_text(journal->key), db_text(hash), db_int(journal->kind),
                        db_instant(journal->occurred), db_instant(now), db_int(journal->ref_kind),
                        db_int(journal->ref_id),
                        journal->corrects != 0 ? db_int(journal->corrects) : db_null()),
                &ret_ids[i], err))
            return false;
    }
    if (!db_settle(db, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (ret_ids[i] == 0)
            return error_set(err, ERROR_CORRUPT, "%s has been posted before", journals[i].key);
    return true;
}

static bool add_entries(struct db *db, const struct journal *journals, size_t count,
                        struct ledger_entries *entries, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        entries[i].count = entries[i].leg_count = 0;
        for (size_t k = 0; k < journals[i].leg_count; k++)
            if (!ledger_entries_add(&entries[i], &journals[i].legs[k]))
                return db_fail(db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err,
                               "too much for one journal");
    }
    return true;
}

/* Where they do not fit, those that are there are written first: in the order of their ids within
 * themselves, which is all that one statement after another could promise. */
static bool write_sums(struct db *db, struct many *many, struct error *err)
{
    struct sum *sums = many->sums;

    for (size_t i = 1; i < many->sum_count; i++) {
        struct sum sum = sums[i];
        size_t at = i;

        for (; at > 0 && sums[at - 1].id > sum.id; at--)
            sums[at] = sums[at - 1];
        sums[at] = sum;
    }
    for (size_t i = 0; i < many->sum_count; i++)
        if (!ledger_account_post(db, sums[i].id, sums[i].debits, sums[i].credits, err))
            return false;
    many->sum_count = 0;
    return true;
}

static bool add_sum(struct db *db, struct many *many, const struct ledger_entry *entry,
                    struct error *err)
{
    struct sum *sum = many->sums;

    if ((ledger_account(entry->key.code)->flags & LEDGER_S) != 0)
        return true;
    while (sum < many->sums + many->sum_count && sum->id != entry->id)
        sum++;
    if (sum == many->sums + SUMS_MAX) {
        if (!write_sums(db, many, err))
            return false;
        sum = many->sums;
    }
    if (sum == many->sums + many->sum_count) {
        *sum = (struct sum){ .id = entry->id };
        many->sum_count++;
    }
    return (money_add(sum->debits, entry->debits, &sum->debits) &&
            money_add(sum->credits, entry->credits, &sum->credits)) ||
           db_fail(db, DB_FAILURE_FINAL, ERROR_OUT_OF_RANGE, err, "too much for one account");
}

static bool post(struct db *db, struct many *many, const struct journal *journals, size_t count,
                 struct instant now, struct error *err)
{
    many->sum_count = 0;
    if (!add_entries(db, journals, count, many->entries, err) ||
        !insert_journals(db, journals, count, now, many->ids, err) ||
        !ledger_entries_find_all(db, many->entries, count, now, err))
        return false;
    if (!ledger_insert_all_legs(db, many->ids, journals, many->entries, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < many->entries[i].count; k++)
            if (!add_sum(db, many, &many->entries[i].items[k], err))
                return false;
    }
    return write_sums(db, many, err);
}

bool ledger_post_many(struct db *db, const struct journal *journals, size_t count,
                      struct instant now, struct error *err)
{
    struct many *many = malloc(sizeof *many);
    bool is_posted = true;

    if (many == NULL)
        abort();
    for (size_t from = 0, some; from < count && is_posted; from += some) {
        some = count - from < LEDGER_MANY_MAX ? count - from : LEDGER_MANY_MAX;
        is_posted = post(db, many, &journals[from], some, now, err);
    }
    free(many);
    return is_posted || error_context(err, "post %zu journals", count);
}

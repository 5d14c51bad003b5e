/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_rows.h"

#include <assert.h>

#define LEG(a, b, c, d, e) "($1, $" #a ", $" #b ", $" #c ", $" #d ", $" #e ")"
#define INSERT_LEGS        "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) VALUES "
#define LEGS_1             LEG(2, 3, 4, 5, 6)
#define LEGS_3             LEGS_1 ", " LEG(7, 8, 9, 10, 11) ", " LEG(12, 13, 14, 15, 16)

/* Three in a statement where there are three: a component charged, shared out, and its fee. */
bool ledger_insert_legs(struct db *db, int64_t journal_id, const struct journal *journal,
                        const struct ledger_entries *entries, struct error *err)
{
    for (size_t from = 0, count; from < journal->leg_count; from += count) {
        struct db_value values[1 + 3 * 5] = { db_int(journal_id) };

        count = journal->leg_count - from >= 3 ? 3 : 1;
        for (size_t i = 0; i < count; i++) {
            const struct leg *leg = &journal->legs[from + i];
            struct db_value *value = &values[1 + 5 * i];

            value[0] = db_int((int64_t)(from + i) + 1);
            value[1] = db_int(entries->items[entries->debits[from + i]].id);
            value[2] = db_int(entries->items[entries->credits[from + i]].id);
            value[3] = db_money(leg->amount);
            value[4] = db_int(leg->code);
        }
        if (!db_exec(db, count == 3 ? INSERT_LEGS LEGS_3 : INSERT_LEGS LEGS_1,
                     (struct db_args){ values, 1 + 5 * count }, err))
            return false;
    }
    return true;
}

void ledger_body_hash(const struct journal *journal, char hex[static HEX_SIZE(HASH_SIZE)])
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);

    journal_body(&body, journal);
    assert(!body.has_overflowed);
    struct hash hash = crypto_sha256(body.bytes, body.length);
    (void)hex_format(hash.bytes, sizeof hash.bytes, hex);
}

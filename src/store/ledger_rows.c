/* SPDX-License-Identifier: Apache-2.0 */
#include "store/ledger_rows.h"

#include <assert.h>
#include <inttypes.h>

#include "store/array.h"

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

enum { LEG_COLUMNS = 6, LEG_COLUMN_TEXT_MAX = LEDGER_LEGS_MAX * 21 + 2 };

struct leg_row {
    int64_t columns[LEG_COLUMNS];
};

static void write_leg(const void *items, size_t item, int column, struct buf *out)
{
    buf_printf(out, "%" PRId64, ((const struct leg_row *)items)[item].columns[column]);
}

static const char insert_rows[] =
    "INSERT INTO transfer (journal_id, leg, dr, cr, amount, code) "
    "SELECT * FROM unnest(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[]), CAST($3 AS BIGINT[]), "
    "CAST($4 AS BIGINT[]), CAST($5 AS BIGINT[]), CAST($6 AS BIGINT[]))";

static bool insert_leg_rows(struct db *db, const struct leg_row *rows, size_t count,
                            struct error *err)
{
    auto_buf struct buf buf = buf_of(LEG_COLUMNS * LEG_COLUMN_TEXT_MAX);
    struct db_value values[LEG_COLUMNS];

    array_values(&buf, write_leg, rows, count, values, LEG_COLUMNS);
    return db_exec(db, insert_rows, (struct db_args){ values, LEG_COLUMNS }, err);
}

bool ledger_insert_all_legs(struct db *db, const int64_t *journal_ids,
                            const struct journal *journals, const struct ledger_entries *entries,
                            size_t count, struct error *err)
{
    struct leg_row rows[LEDGER_LEGS_MAX];
    size_t row_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (!db->is_postgres) {
            if (!ledger_insert_legs(db, journal_ids[i], &journals[i], &entries[i], err))
                return false;
            continue;
        }
        for (size_t k = 0; k < journals[i].leg_count; k++) {
            const struct leg *leg = &journals[i].legs[k];

            if (row_count == LEDGER_LEGS_MAX) {
                if (!insert_leg_rows(db, rows, row_count, err))
                    return false;
                row_count = 0;
            }
            rows[row_count++] = (struct leg_row){
                { journal_ids[i], (int64_t)k + 1, entries[i].items[entries[i].debits[k]].id,
                  entries[i].items[entries[i].credits[k]].id, leg->amount.nanodollars, leg->code }
            };
        }
    }
    return row_count == 0 || insert_leg_rows(db, rows, row_count, err);
}

void ledger_body_hash(const struct journal *journal, char hex[static HEX_SIZE(HASH_SIZE)])
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);

    journal_body(&body, journal);
    assert(!body.has_overflowed);
    struct hash hash = crypto_sha256(body.bytes, body.length);
    (void)hex_format(hash.bytes, sizeof hash.bytes, hex);
}

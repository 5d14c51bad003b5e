/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/driver.h"

/* Numbers of a series of bills, by year, which begins at one letter of them, and the count in it at
 * another. */
#define SERIES_SELECT(series, table, year_at, count_at)                                            \
    "SELECT s.year, s.last, "                                                                      \
    "(SELECT count(*) FROM " table " i WHERE substr(i.number, " year_at ", 4) = "                  \
    "CAST(s.year AS TEXT)), "                                                                      \
    "(SELECT count(*) FROM " table " i WHERE substr(i.number, " year_at ", 4) = "                  \
    "CAST(s.year AS TEXT) AND CAST(substr(i.number, " count_at ") AS BIGINT) > s.last) "           \
    "FROM bill_series s WHERE s.series = " series " AND s.year > $1 ORDER BY s.year LIMIT $2"

/* A row comparison is one range of the key's index, on both databases. */
static const struct table {
    const char *sql;
    size_t key_count, column_count;
    bool has_texts; /* key and hash, behind the columns */
} tables[] = {
    [AUDIT_ACCOUNTS] = { "SELECT id, code, owner_id, flags, dr_posted, cr_posted, dr_pending, "
                         "cr_pending, sub_id FROM account WHERE id > $1 ORDER BY id LIMIT $2",
                         1, 9, false },
    [AUDIT_TRANSFERS] = { "SELECT journal_id, leg, code, amount, dr, cr FROM transfer "
                          "WHERE (journal_id, leg) > ($1, $2) ORDER BY journal_id, leg LIMIT $3",
                          2, 6, false },
    [AUDIT_HOLD_DEBITS] = { "SELECT dr, sum(amount) FROM hold WHERE state = 0 AND dr > $1 "
                            "GROUP BY dr ORDER BY dr LIMIT $2",
                            1, 2, false },
    [AUDIT_HOLD_CREDITS] = { "SELECT cr, sum(amount) FROM hold WHERE state = 0 AND cr > $1 "
                             "GROUP BY cr ORDER BY cr LIMIT $2",
                             1, 2, false },
    [AUDIT_CAPTURED] = { "SELECT h.id, h.amount, COALESCE((SELECT sum(t.amount) FROM transfer t "
                         "WHERE t.journal_id = h.resolved_journal AND t.dr = h.dr), 0) "
                         "FROM hold h WHERE h.state = 1 AND h.id > $1 ORDER BY h.id LIMIT $2",
                         1, 3, false },
    [AUDIT_DEBTORS] = { "SELECT debt.owner_id FROM account debt WHERE debt.code = 1210 "
                        "AND debt.owner_id > $1 AND debt.dr_posted > debt.cr_posted "
                        "AND EXISTS (SELECT 1 FROM account fund WHERE fund.code IN (2010, 2020) "
                        "AND fund.owner_id = debt.owner_id AND fund.cr_posted > fund.dr_posted + "
                        "fund.dr_pending) "
                        "ORDER BY debt.owner_id LIMIT $2",
                        1, 1, false },
    [AUDIT_JOURNALS] = { "SELECT id, kind, occurred_us, posted_us, ref_kind, ref_id, corrects, "
                         "idem_key, body_hash FROM journal WHERE id > $1 ORDER BY id LIMIT $2",
                         1, 7, true },
    [AUDIT_LEGS] = { "SELECT t.journal_id, t.leg, t.code, t.amount, d.code, d.owner_id, d.sub_id, "
                     "c.code, c.owner_id, c.sub_id FROM transfer t "
                     "LEFT JOIN account d ON d.id = t.dr LEFT JOIN account c ON c.id = t.cr "
                     "WHERE (t.journal_id, t.leg) > ($1, $2) ORDER BY t.journal_id, t.leg LIMIT $3",
                     2, 10, false },
    [AUDIT_METERS] = { "SELECT instance_id, comp, denom, fee_bps, rate, qty, total, posted_total, "
                       "rem, split_rem, gross_posted, host_posted, closed_us FROM meter "
                       "WHERE (instance_id, comp) > ($1, $2) ORDER BY instance_id, comp LIMIT $3",
                       2, 13, false },
    [AUDIT_EPOCHS] = { "SELECT instance_id, comp, epoch, rate, qty, from_total, to_total "
                       "FROM rate_epoch WHERE (instance_id, comp, epoch) > ($1, $2, $3) "
                       "ORDER BY instance_id, comp, epoch LIMIT $4",
                       3, 7, false },
    [AUDIT_CONTRACTS] = { "SELECT c.id, c.state, c.reason, c.num_gpus, c.created_us, "
                          "c.destroyed_us, c.kind, c.started_us, c.gpu_hour, c.list_hour, "
                          "b.ticks, b.floor_ticks, c.is_charged FROM contract c "
                          "LEFT JOIN bid b ON b.contract_id = c.id "
                          "WHERE c.id > $1 ORDER BY c.id LIMIT $2",
                          1, 13, false },
    [AUDIT_INTERVALS] = { "SELECT contract_id, start_us, id, metered_us, end_us FROM run_interval "
                          "WHERE (contract_id, start_us, id) > ($1, $2, $3) "
                          "ORDER BY contract_id, start_us, id LIMIT $4",
                          3, 5, false },
    [AUDIT_CLAIMS] = { "SELECT contract_id, id, gpu_id, claimed_us, released_us FROM gpu_claim "
                       "WHERE (contract_id, id) > ($1, $2) ORDER BY contract_id, id LIMIT $3",
                       2, 5, false },
    [AUDIT_GPUS] = { "SELECT gpu_id, id, contract_id, claimed_us, released_us FROM gpu_claim "
                     "WHERE (gpu_id, id) > ($1, $2) ORDER BY gpu_id, id LIMIT $3",
                     2, 5, false },
    [AUDIT_SEALS] = { "SELECT number, last_journal, journal_count, '', hash FROM journal_seal "
                      "WHERE number > $1 ORDER BY number LIMIT $2",
                      1, 3, true },
    [AUDIT_PROVIDER] = { "SELECT p.id, p.journal_id, p.code, p.amount, "
                         "COALESCE((SELECT sum(t.amount) FROM transfer t JOIN account a "
                         "ON a.id = t.dr WHERE t.journal_id = p.journal_id AND a.code = p.code), "
                         "0) "
                         "- COALESCE((SELECT sum(t.amount) FROM transfer t JOIN account a "
                         "ON a.id = t.cr WHERE t.journal_id = p.journal_id AND a.code = p.code), "
                         "0) "
                         "FROM provider_txn p WHERE p.id > $1 ORDER BY p.id LIMIT $2",
                         1, 5, false },
    /* The newest journal says how late it is. */
    [AUDIT_SUSPENSE] = { "SELECT a.id, a.owner_id, "
                         "COALESCE((SELECT sum(t.amount) FROM transfer t JOIN journal j "
                         "ON j.id = t.journal_id WHERE t.cr = a.id AND j.posted_us < "
                         "(SELECT n.posted_us FROM journal n ORDER BY n.id DESC LIMIT 1) "
                         "- 86400000000), 0), "
                         "COALESCE((SELECT sum(t.amount) FROM transfer t WHERE t.dr = a.id), 0) "
                         "FROM account a WHERE a.code = 2310 AND a.id > $1 ORDER BY a.id LIMIT $2",
                         1, 4, false },
    [AUDIT_DEPOSITS] = { "SELECT d.id, d.state, d.amount, (SELECT count(*) FROM journal j "
                         "WHERE j.ref_kind = 3 AND j.ref_id = d.id AND j.kind = 2), "
                         "COALESCE((SELECT sum(t.amount) FROM journal j JOIN transfer t "
                         "ON t.journal_id = j.id WHERE j.ref_kind = 3 AND j.ref_id = d.id "
                         "AND j.kind = 2 AND t.code = 52), 0), "
                         "(SELECT count(*) FROM journal j WHERE j.idem_key = 'dep:' || d.id), "
                         "COALESCE((SELECT sum(h.amount) FROM hold h "
                         "WHERE h.idem_key = 'dep:' || d.id AND h.state = 0), 0) "
                         "FROM deposit d WHERE d.id > $1 ORDER BY d.id LIMIT $2",
                         1, 7, false },
    [AUDIT_DEPOSITED] = { "SELECT j.id FROM journal j WHERE j.kind = 2 AND j.id > $1 AND NOT "
                          "EXISTS "
                          "(SELECT 1 FROM deposit d WHERE d.id = j.ref_id AND j.ref_kind = 3) "
                          "ORDER BY j.id LIMIT $2",
                          1, 1, false },
    [AUDIT_PAYOUTS] = { "SELECT p.id, p.host_id, p.state, p.amount, "
                        "COALESCE((SELECT a.cr_posted - a.dr_posted FROM account a "
                        "WHERE a.code = 2130 AND a.owner_id = p.host_id AND a.sub_id = p.id), 0) "
                        "FROM payout p WHERE p.id > $1 ORDER BY p.id LIMIT $2",
                        1, 5, false },
    [AUDIT_TRANSIT] = { "SELECT a.id, a.owner_id, a.sub_id, a.cr_posted - a.dr_posted "
                        "FROM account a WHERE a.code = 2130 AND a.id > $1 AND NOT EXISTS "
                        "(SELECT 1 FROM payout p WHERE p.id = a.sub_id AND p.host_id = a.owner_id) "
                        "ORDER BY a.id LIMIT $2",
                        1, 4, false },
    [AUDIT_PAID] = { "SELECT p.host_id, sum(p.amount), COALESCE((SELECT a.cr_posted FROM account a "
                     "WHERE a.code = 2110 AND a.owner_id = p.host_id AND a.sub_id = 0), 0) "
                     "FROM payout p WHERE p.state = 4 AND p.host_id > $1 GROUP BY p.host_id "
                     "ORDER BY p.host_id LIMIT $2",
                     1, 3, false },
    [AUDIT_INVOICES] = { "SELECT i.id, i.gross, i.total, i.drawn, "
                         "COALESCE((SELECT sum(l.gross) FROM host_invoice_line l "
                         "WHERE l.invoice_id = i.id), 0), "
                         "COALESCE((SELECT sum(l.host) FROM host_invoice_line l "
                         "WHERE l.invoice_id = i.id), 0), "
                         "COALESCE((SELECT sum(t.amount) FROM journal j JOIN transfer t "
                         "ON t.journal_id = j.id WHERE j.ref_kind = 4 AND j.ref_id = i.id "
                         "AND j.kind = 5), 0) "
                         "FROM host_invoice i WHERE i.id > $1 ORDER BY i.id LIMIT $2",
                         1, 7, false },
    [AUDIT_SERIES] = { SERIES_SELECT("'HINV'", "host_invoice", "6", "11"), 1, 4, false },
    [AUDIT_RENTER_INVOICES] = { "SELECT id, owner_id, month, gross, total FROM renter_invoice "
                                "WHERE id > $1 ORDER BY id LIMIT $2",
                                1, 5, false },
    [AUDIT_RECEIPT_SERIES] = { SERIES_SELECT("'REC'",
                                             "(SELECT receipt AS number FROM deposit "
                                             "WHERE receipt IS NOT NULL)",
                                             "5", "10"),
                               1, 4, false },
    [AUDIT_RENTER_SERIES] = { SERIES_SELECT("'INV'", "renter_invoice", "5", "10"), 1, 4, false },
    [AUDIT_LINES] = { "SELECT contract_id, day, comp, kind, rate, gross, host FROM usage_line "
                      "WHERE (contract_id, day, comp, kind, rate) > ($1, $2, $3, $4, $5) "
                      "ORDER BY contract_id, day, comp, kind, rate LIMIT $6",
                      5, 7, false },
    [AUDIT_REFUNDS] = { "SELECT contract_id, comp, id, rate, qty, used, gross, host "
                        "FROM usage_refund WHERE (contract_id, comp, id) > ($1, $2, $3) "
                        "ORDER BY contract_id, comp, id LIMIT $4",
                        3, 8, false },
    [AUDIT_RESERVATIONS] = { "SELECT c.id, c.kind, c.destroyed_us, "
                             "(SELECT count(*) FROM reservation r WHERE r.contract_id = c.id "
                             "AND r.closed_us = 0), "
                             "COALESCE((SELECT sum(r.paid) FROM reservation r "
                             "WHERE r.contract_id = c.id), 0), "
                             "COALESCE((SELECT sum(r.kept) FROM reservation r "
                             "WHERE r.contract_id = c.id), 0), "
                             "COALESCE((SELECT sum(r.given_back) FROM reservation r "
                             "WHERE r.contract_id = c.id), 0), "
                             "COALESCE((SELECT a.cr_posted FROM account a WHERE a.code = 2050 "
                             "AND a.owner_id = c.owner_id AND a.sub_id = c.id), 0), "
                             "COALESCE((SELECT a.dr_posted FROM account a WHERE a.code = 2050 "
                             "AND a.owner_id = c.owner_id AND a.sub_id = c.id), 0), "
                             "COALESCE((SELECT sum(t.amount) FROM account a JOIN transfer t "
                             "ON t.dr = a.id JOIN journal j ON j.id = t.journal_id "
                             "WHERE a.code = 2050 AND a.owner_id = c.owner_id "
                             "AND a.sub_id = c.id AND j.kind = 1), 0), "
                             "COALESCE((SELECT sum(l.gross) FROM usage_line l "
                             "WHERE l.contract_id = c.id AND l.kind = 4), 0) "
                             "FROM contract c WHERE c.id > $1 AND (c.kind = 3 OR EXISTS (SELECT 1 "
                             "FROM reservation r WHERE r.contract_id = c.id)) "
                             "ORDER BY c.id LIMIT $2",
                             1, 11, false },
    [AUDIT_RESERVED] = { "SELECT a.id, a.owner_id, a.sub_id FROM account a "
                         "WHERE a.code = 2050 AND a.id > $1 AND NOT EXISTS (SELECT 1 "
                         "FROM reservation r WHERE r.contract_id = a.sub_id "
                         "AND r.owner_id = a.owner_id) ORDER BY a.id LIMIT $2",
                         1, 3, false },
    [AUDIT_RUNNERS] = { "SELECT owner_id, min(start_us) FROM run_interval "
                        "WHERE end_us IS NULL AND owner_id > $1 AND NOT EXISTS (SELECT 1 "
                        "FROM contract c WHERE c.id = contract_id AND c.kind = 3) GROUP BY "
                        "owner_id "
                        "ORDER BY owner_id LIMIT $2",
                        1, 2, false },
    [AUDIT_ACCRUED] = { "SELECT u.id FROM users u WHERE u.id > $1 AND (EXISTS (SELECT 1 "
                        "FROM accrued_sum s WHERE s.owner_id = u.id) OR EXISTS (SELECT 1 "
                        "FROM contract c WHERE c.owner_id = u.id AND c.destroyed_us = 0)) "
                        "ORDER BY u.id LIMIT $2",
                        1, 1, false },
};

struct audit_stream audit_open(struct db *db, enum audit_table table)
{
    struct audit_stream stream = { .db = db, .table = table };

    /* Not cleared: of most tables there are a few rows, and what is not touched costs nothing. */
    stream.rows = malloc(AUDIT_PAGE * sizeof *stream.rows);
    if (stream.rows == NULL)
        abort();
    for (size_t i = 0; i < AUDIT_KEY_MAX; i++)
        stream.last_key[i] = INT64_MIN;
    return stream;
}

struct audit_stream audit_open_after(struct db *db, enum audit_table table, int64_t key)
{
    struct audit_stream stream = audit_open(db, table);

    stream.last_key[0] = key;
    for (size_t i = 1; i < AUDIT_KEY_MAX; i++)
        stream.last_key[i] = INT64_MAX;
    return stream;
}

void audit_close(struct audit_stream *stream)
{
    free(stream->rows);
    stream->rows = NULL;
}

/* What is longer than any that we make is cut. */
static void read_text(struct db_rows *rows, int column, char ret[static AUDIT_TEXT_SIZE])
{
    const char *text = db_column_text(rows, column);
    size_t length = strnlen(text, AUDIT_TEXT_SIZE - 1);

    memcpy(ret, text, length);
    ret[length] = '\0';
}

static void read_row(struct db_rows *rows, const struct table *table, struct audit_row *row)
{
    db_column_ints(rows, (int)table->column_count, AUDIT_NULL, row->at);
    if (table->has_texts) {
        read_text(rows, (int)table->column_count, row->key);
        read_text(rows, (int)table->column_count + 1, row->hash);
    }
}

static bool load_page(struct audit_stream *stream, struct error *err)
{
    const struct table *table = &tables[stream->table];
    struct db_value values[AUDIT_KEY_MAX + 1];

    for (size_t i = 0; i < table->key_count; i++)
        values[i] = db_int(stream->last_key[i]);
    values[table->key_count] = db_int(AUDIT_PAGE);
    stream->next = stream->row_count = 0;
    auto_db_rows struct db_rows rows =
        db_query(stream->db, table->sql, (struct db_args){ values, table->key_count + 1 });
    while (db_next(&rows, err)) {
        assert(stream->row_count < AUDIT_PAGE);
        read_row(&rows, table, &stream->rows[stream->row_count++]);
    }
    stream->is_last_page = stream->row_count < AUDIT_PAGE;
    return !rows.has_failed;
}

bool audit_see(struct audit_stream *stream, const struct audit_row **ret_row, struct error *err)
{
    if (stream->next == stream->row_count && !stream->is_last_page && !load_page(stream, err))
        return false;
    *ret_row = stream->next < stream->row_count ? &stream->rows[stream->next] : NULL;
    return true;
}

void audit_take(struct audit_stream *stream)
{
    assert(stream->next < stream->row_count);
    for (size_t i = 0; i < tables[stream->table].key_count; i++)
        stream->last_key[i] = stream->rows[stream->next].at[i];
    stream->next++;
    stream->taken++;
}

void audit_journal(const struct audit_row *row, struct journal *journal)
{
    size_t length = strnlen(row->key, JOURNAL_KEY_SIZE - 1);

    journal->kind = (enum journal_kind)row->at[1];
    journal->occurred = (struct instant){ row->at[2] };
    journal->ref_kind = (enum journal_ref)row->at[4];
    journal->ref_id = row->at[5];
    journal->corrects = row->at[6] == AUDIT_NULL ? 0 : row->at[6];
    /* A key that is longer than any that we make is cut, and so is not what was sealed. */
    memcpy(journal->key, row->key, length);
    journal->key[length] = '\0';
}

bool audit_take_legs(struct audit_stream *legs, int64_t journal_id, struct journal *journal,
                     size_t *ret_count, struct error *err)
{
    const struct audit_row *row;

    for (*ret_count = 0; audit_see(legs, &row, err); ++*ret_count) {
        if (row == NULL || row->at[0] != journal_id)
            return true;
        if (journal->leg_count < JOURNAL_LEGS_MAX)
            journal->legs[journal->leg_count++] = (struct leg){
                .code = (int)row->at[2],
                .amount = { row->at[3] },
                .debit = { (enum ledger_code)row->at[4], row->at[5], row->at[6] },
                .credit = { (enum ledger_code)row->at[7], row->at[8], row->at[9] },
            };
        audit_take(legs);
    }
    return false;
}

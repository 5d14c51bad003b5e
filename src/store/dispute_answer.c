/* SPDX-License-Identifier: Apache-2.0 */
#include "store/dispute_answer.h"

#include "store/rows.h"

bool dispute_answer_put(struct db *db, const struct dispute_answer_row *row, struct error *err)
{
    const struct dispute_facts *facts = &row->facts;

    return db_exec(
        db,
        "INSERT INTO dispute_answer (dispute_id, state, note, email, name, billing, address, "
        "served, product, activity, record, made_us, sent_us, by_user, tries, reason, reminded) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) "
        "ON CONFLICT (dispute_id) DO UPDATE SET state = $2, note = $3, email = $4, name = $5, "
        "billing = $6, address = $7, served = $8, product = $9, activity = $10, record = $11, "
        "made_us = $12, sent_us = $13, by_user = $14, tries = $15, reason = $16, reminded = $17",
        DB_ARGS(db_int(row->dispute_id), db_int(row->state), db_text(row->note),
                db_text(facts->email), db_text(facts->name), db_text(facts->billing),
                db_text(facts->address), db_text(facts->served), db_text(facts->product),
                db_text(facts->activity), db_text(facts->record), db_instant(row->made),
                db_instant(row->sent), db_int(row->by_user), db_int(row->tries),
                db_text(row->reason), db_int(row->reminded)),
        err);
}

static bool answer_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct dispute_answer_row *answer = item;
    int64_t state;

    *answer = (struct dispute_answer_row){ .dispute_id = db_column_int(row, 0),
                                           .made = db_column_instant(row, 11),
                                           .sent = db_column_instant(row, 12),
                                           .by_user = db_column_int(row, 13),
                                           .tries = db_column_int(row, 14),
                                           .reminded = db_column_int(row, 16) };
    if (!rows_number(row, 1, DISPUTE_ANSWER_DRAFT, DISPUTE_ANSWER_REFUSED, &state, err))
        return false;
    answer->state = (enum dispute_answer_state)state;
    return rows_text(row, 2, arena, &answer->note, err) &&
           rows_text(row, 3, arena, &answer->facts.email, err) &&
           rows_text(row, 4, arena, &answer->facts.name, err) &&
           rows_text(row, 5, arena, &answer->facts.billing, err) &&
           rows_text(row, 6, arena, &answer->facts.address, err) &&
           rows_text(row, 7, arena, &answer->facts.served, err) &&
           rows_text(row, 8, arena, &answer->facts.product, err) &&
           rows_text(row, 9, arena, &answer->facts.activity, err) &&
           rows_text(row, 10, arena, &answer->facts.record, err) &&
           rows_text(row, 15, arena, &answer->reason, err);
}

bool dispute_answer_load(struct db *db, int64_t dispute_id, struct arena *arena,
                         struct dispute_answer_row *ret, bool *ret_has, struct error *err)
{
    static const struct rows_reader reader = { "answer to a dispute",
                                               sizeof(struct dispute_answer_row), answer_read };

    return rows_load_one(db, &reader,
                         "SELECT dispute_id, state, note, email, name, billing, address, served, "
                         "product, activity, record, made_us, sent_us, by_user, tries, reason, "
                         "reminded FROM dispute_answer WHERE dispute_id = $1",
                         DB_ARGS(db_int(dispute_id)), arena, ret, ret_has, err);
}

const char *dispute_answer_state_name(enum dispute_answer_state state)
{
    static const char *const names[] = { "draft", "sent", "taken", "refused" };

    return names[state];
}

bool dispute_answer_due(struct db *db, const struct dispute_due *due, int64_t *ret_ids, size_t max,
                        size_t *ret_count, struct error *err)
{
    return rows_load_ids(
        db,
        "SELECT d.id FROM dispute d JOIN dispute_answer a ON a.dispute_id = d.id "
        "WHERE d.state IN (0, 1) AND d.asks = 1 AND d.due_us > $1 AND d.due_us <= $2 "
        "AND a.state IN (0, 3) AND a.reminded < $3 ORDER BY d.id LIMIT $4",
        DB_ARGS(db_instant(due->now), db_instant(due->until), db_int(due->reminders),
                db_int((int64_t)max)),
        ret_ids, max, ret_count, err);
}

static bool rental_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    (void)arena;
    (void)err;
    *(struct dispute_rental *)item = (struct dispute_rental){ .contract_id = db_column_int(row, 0),
                                                              .machine_id = db_column_int(row, 1),
                                                              .from = db_column_instant(row, 2),
                                                              .until = db_column_instant(row, 3),
                                                              .gpu_us = db_column_int(row, 4),
                                                              .up_bytes = db_column_int(row, 5),
                                                              .down_bytes = db_column_int(row, 6),
                                                              .gross = db_column_money(row, 7) };
    return true;
}

bool dispute_rentals(struct db *db, int64_t owner_id, int64_t since_day, size_t max,
                     struct arena *arena, struct dispute_rental **ret, size_t *ret_count,
                     struct error *err)
{
    static const struct rows_reader reader = { "rental", sizeof(struct dispute_rental),
                                               rental_read };

    return rows_load(db, &reader,
                     "SELECT contract_id, machine_id, MIN(from_us), MAX(until_us), "
                     "CAST(SUM(CASE WHEN comp = 1 AND kind = 1 THEN used ELSE 0 END) AS BIGINT), "
                     "CAST(SUM(CASE WHEN comp = 3 AND kind = 1 THEN used ELSE 0 END) AS BIGINT), "
                     "CAST(SUM(CASE WHEN comp = 4 AND kind = 1 THEN used ELSE 0 END) AS BIGINT), "
                     "CAST(SUM(gross) AS BIGINT) FROM usage_line WHERE owner_id = $1 AND day >= $2 "
                     "GROUP BY contract_id, machine_id ORDER BY contract_id LIMIT $3",
                     DB_ARGS(db_int(owner_id), db_int(since_day), db_int((int64_t)max)), arena, ret,
                     ret_count, err);
}

static bool mail_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct dispute_mail *mail = item;

    mail->sent = db_column_instant(row, 0);
    return rows_text(row, 1, arena, &mail->body, err);
}

bool dispute_mails(struct db *db, const char *email, size_t max, struct arena *arena,
                   struct dispute_mail **ret, size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "mail", sizeof(struct dispute_mail), mail_read };

    return rows_load(db, &reader,
                     "SELECT first_sent_us, body FROM outbox WHERE provider = 'mail' AND path = $1 "
                     "AND state = 1 ORDER BY id DESC LIMIT $2",
                     DB_ARGS(db_text(email), db_int((int64_t)max)), arena, ret, ret_count, err);
}

static bool operator_read(struct db_rows *row, struct arena *arena, void *item, struct error *err)
{
    struct operator_row *operator= item;

    operator->id = db_column_int(row, 0);
    return rows_text(row, 1, arena, &operator->email, err);
}

bool operator_list(struct db *db, size_t max, struct arena *arena, struct operator_row **ret,
                   size_t *ret_count, struct error *err)
{
    static const struct rows_reader reader = { "operator", sizeof(struct operator_row),
                                               operator_read };

    return rows_load(db, &reader,
                     "SELECT id, email FROM users WHERE is_admin = 1 AND email_verified_us > 0 "
                     "ORDER BY id LIMIT $1",
                     DB_ARGS(db_int((int64_t)max)), arena, ret, ret_count, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_books.h"

#include <inttypes.h>

#include "flow/check_journals.h"

static bool check_debtors(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream debtors = audit_open(run->db, AUDIT_DEBTORS);
    const struct audit_row *row;

    while (audit_see(&debtors, &row, err)) {
        if (row == NULL)
            return true;
        check_run_find(run, "I-5", "renter %" PRId64 " owes and has credit at once", row->at[0]);
        audit_take(&debtors);
    }
    return false;
}

/* A hold that was captured was taken from where it was held, and no more than it held. */
static bool check_captured(struct check_run *run, struct error *err)
{
    auto_audit struct audit_stream holds = audit_open(run->db, AUDIT_CAPTURED);
    const struct audit_row *row;

    for (; audit_see(&holds, &row, err); audit_take(&holds)) {
        if (row == NULL)
            return true;
        if (row->at[2] <= 0 || row->at[2] > row->at[1])
            check_run_find(run, "I-2",
                           "hold %" PRId64 " is of %" PRId64 ", and its journal took %" PRId64,
                           row->at[0], row->at[1], row->at[2]);
    }
    return false;
}

/* Journals, their legs and the seals behind them, each in pages, merged into blocks. */
struct reader {
    struct audit_stream journals, transfers, seals;
    struct check_feed *feed;
};

/* The transfers up to those of journal `id`. */
static bool read_legs(struct reader *reader, int64_t id, struct error *err)
{
    struct check_block *block = check_feed_block(reader->feed);
    const struct audit_row *row;

    for (; audit_see(&reader->transfers, &row, err); audit_take(&reader->transfers)) {
        if (row == NULL || row->at[0] > id)
            return true;
        if (block->leg_count == CHECK_BLOCK_LEGS) {
            check_feed_send(reader->feed);
            block = check_feed_block(reader->feed);
        }
        block->legs[block->leg_count++] =
            (struct check_leg){ row->at[0], row->at[2], row->at[3], row->at[4], row->at[5] };
    }
    return false;
}

/* The seals of what is before journal `id`. */
static bool read_seals(struct reader *reader, int64_t id, struct error *err)
{
    struct check_block *block = check_feed_block(reader->feed);
    const struct audit_row *row;

    for (; audit_see(&reader->seals, &row, err); audit_take(&reader->seals)) {
        if (row == NULL || row->at[1] >= id)
            return true;
        if (block->seal_count == CHECK_BLOCK_SEALS) {
            check_feed_send(reader->feed);
            block = check_feed_block(reader->feed);
        }
        block->seals[block->seal_count++] = *row;
    }
    return false;
}

static bool read_journals(struct reader *reader, struct error *err)
{
    const struct audit_row *row;

    for (; audit_see(&reader->journals, &row, err); audit_take(&reader->journals)) {
        int64_t id = row != NULL ? row->at[0] : INT64_MAX;

        if (!read_seals(reader, id, err) || !read_legs(reader, id, err))
            return false;
        if (row == NULL || check_feed_block(reader->feed)->journal_count == CHECK_BLOCK_JOURNALS)
            check_feed_send(reader->feed);
        if (row == NULL)
            return true;
        struct check_block *block = check_feed_block(reader->feed);
        block->journals[block->journal_count++] = *row;
    }
    return false;
}

static bool check_journals(struct check_run *run, struct check_accounts *accounts,
                           struct error *err)
{
    struct check_journals journals = { .run = run, .accounts = accounts };
    struct check_feed *feed;

    if (!check_feed_start(check_journals_work, &journals, &feed, err))
        return false;
    struct reader reader = { .journals = audit_open(run->db, AUDIT_JOURNALS),
                             .transfers = audit_open(run->db, AUDIT_TRANSFERS),
                             .seals = audit_open(run->db, AUDIT_SEALS),
                             .feed = feed };
    bool is_read = read_journals(&reader, err);

    check_feed_finish(&feed);
    check_journals_end(&journals);
    audit_close(&reader.journals);
    audit_close(&reader.transfers);
    audit_close(&reader.seals);
    return is_read;
}

bool check_books(struct check_run *run, struct error *err)
{
    struct check_accounts *accounts;

    if (!check_accounts_load(run, &accounts, err))
        return false;
    bool is_read = check_journals(run, accounts, err) && check_accounts_compare(accounts, err) &&
                   check_captured(run, err) && check_debtors(run, err);
    check_accounts_release(&accounts);
    return is_read;
}

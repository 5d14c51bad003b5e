/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_journals.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sys/crypto.h"

enum { BODY_USUAL = 500 }; /* bytes: what most of them need, at once */

/* What the renter is charged for a component is what host and house get. */
static void check_split(struct check_run *run, int64_t id, const struct journal *journal)
{
    numerator left[COMPONENT_COUNT + 1] = { 0 };

    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];
        int component = leg->code / 10, part = leg->code % 10;

        if (component < COMPONENT_GPU || component > COMPONENT_DOWN)
            continue;
        if (part == LEG_CHARGE)
            left[component] += leg->amount.nanodollars;
        if (part == LEG_HOST_SHARE || part == LEG_FEE)
            left[component] -= leg->amount.nanodollars;
    }
    for (int component = COMPONENT_GPU; component <= COMPONENT_DOWN; component++)
        if (left[component] != 0)
            check_run_find(run, "I-8",
                           "journal %" PRId64 " charges %" PRId64 " more for %s than it shares out",
                           id, (int64_t)left[component], component_name((enum component)component));
}

static void check_hash(struct check_run *run, const struct audit_row *row,
                       const struct journal *journal)
{
    auto_buf struct buf body = buf_of(JOURNAL_BODY_MAX);
    char text[HEX_SIZE(HASH_SIZE)];

    (void)buf_make_room(&body, BODY_USUAL);
    journal_body(&body, journal);
    assert(!body.has_overflowed); /* no number and no key is longer than one that we post */
    struct hash hash = crypto_sha256(body.bytes, body.length);
    if (strcmp(hex_format(hash.bytes, sizeof hash.bytes, text), row->hash) != 0)
        check_run_find(run, "I-19", "journal %" PRId64 " (%s) is not what was posted", row->at[0],
                       row->key);
}

static void check_kind(struct check_run *run, const struct audit_row *row,
                       const struct journal *journal)
{
    int64_t id = row->at[0];

    if (!journal_is_balanced(journal))
        check_run_find(run, "I-3", "journal %" PRId64 " (%s) is not balanced: %zu legs", id,
                       row->key, journal->leg_count);
    if (journal->kind == JOURNAL_USAGE)
        check_split(run, id, journal);
    check_usage_add(&run->usage, id, journal);
    if (journal->corrects >= id)
        check_run_find(run, "I-15", "journal %" PRId64 " corrects %" PRId64 ", a later one", id,
                       journal->corrects);
    check_hash(run, row, journal);
}

/* The batch ends here: whether it is what was sealed. */
static void close_batch(struct check_journals *journals, const struct audit_row *row)
{
    struct check_run *run = journals->run;
    struct seal seal = { .hash = "" };

    if (journals->batch.journal_count > 0)
        seal = seal_close(&journals->previous, &journals->batch);
    if (seal.number != row->at[0] || seal.last_journal != row->at[1] ||
        seal.journal_count != row->at[2] || strcmp(seal.hash, row->hash) != 0)
        check_run_find(run, "I-19",
                       "seal %" PRId64 ", of %" PRId64 " journals up to %" PRId64
                       ", does not match them",
                       row->at[0], row->at[2], row->at[1]);
    /* From here on as it is stored, so that one break is one finding. */
    journals->previous = (struct seal){ .number = row->at[0], .last_journal = row->at[1] };
    (void)snprintf(journals->previous.hash, sizeof journals->previous.hash, "%.*s",
                   (int)sizeof journals->previous.hash - 1, row->hash);
    journals->batch = (struct seal_batch){ .last_journal = row->at[1] };
    run->counts.sealed = journals->previous.last_journal;
    run->counts.seals++;
}

/* The legs that have come together are of no journal that there is. */
static void drop_legs(struct check_journals *journals)
{
    for (; journals->legs_seen > 0; journals->legs_seen--)
        check_run_find(journals->run, "I-2", "legs belong to %" PRId64 ", which does not exist",
                       journals->legs_of);
    journals->journal.leg_count = 0;
}

static void add_leg(struct check_journals *journals, const struct check_leg *row)
{
    struct leg leg = check_accounts_add(journals->accounts, row);

    if (row->journal != journals->legs_of)
        drop_legs(journals);
    journals->legs_of = row->journal;
    journals->run->counts.transfers++;
    if (journals->legs_seen++ < JOURNAL_LEGS_MAX)
        journals->journal.legs[journals->journal.leg_count++] = leg;
}

static void check_journal(struct check_journals *journals, const struct audit_row *row)
{
    struct journal *journal = &journals->journal;
    int64_t id = row->at[0];

    if (journals->legs_of != id)
        drop_legs(journals);
    audit_journal(row, journal);
    if (journals->legs_seen > JOURNAL_LEGS_MAX)
        check_run_find(journals->run, "I-3", "journal %" PRId64 " has %zu legs", id,
                       journals->legs_seen);
    else
        check_kind(journals->run, row, journal);
    struct seal_entry entry = { id, { row->at[3] }, row->hash, journal };
    if (id > journals->batch.last_journal)
        seal_batch_add(&journals->batch, &entry);
    journals->run->counts.journals++;
    journals->legs_seen = journal->leg_count = 0;
}

void check_journals_work(void *context, const struct check_block *block)
{
    struct check_journals *journals = context;
    size_t leg = 0, seal = 0;

    for (size_t i = 0; i < block->journal_count; i++) {
        int64_t id = block->journals[i].at[0];

        while (seal < block->seal_count && block->seals[seal].at[1] < id)
            close_batch(journals, &block->seals[seal++]);
        while (leg < block->leg_count && block->legs[leg].journal <= id)
            add_leg(journals, &block->legs[leg++]);
        check_journal(journals, &block->journals[i]);
    }
    while (seal < block->seal_count)
        close_batch(journals, &block->seals[seal++]);
    while (leg < block->leg_count)
        add_leg(journals, &block->legs[leg++]);
}

void check_journals_end(struct check_journals *journals)
{
    drop_legs(journals);
    (void)snprintf(journals->run->counts.head, sizeof journals->run->counts.head, "%s",
                   journals->previous.hash);
    journals->run->counts.unsealed = (uint64_t)journals->batch.journal_count;
}

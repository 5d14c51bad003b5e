/* SPDX-License-Identifier: Apache-2.0 */
#include "market/seal.h"

#include <string.h>

static void write_int(struct buf *out, int64_t number, char after)
{
    buf_int(out, number);
    buf_append(out, &after, 1);
}

static void write_text(struct buf *out, const char *text, char after)
{
    buf_append(out, text, strlen(text));
    buf_append(out, &after, 1);
}

static void write_key(struct buf *out, struct ledger_key key, char after)
{
    write_int(out, key.code, '.');
    write_int(out, key.owner_id, '.');
    write_int(out, key.sub_id, after);
}

void seal_entry_write(struct buf *out, const struct seal_entry *entry)
{
    const struct journal *journal = entry->journal;

    write_text(out, "journal", ' ');
    write_int(out, entry->id, ' ');
    write_text(out, journal->key, ' ');
    write_text(out, entry->body_hash, '\n');
    write_int(out, journal->kind, ' ');
    write_int(out, journal->ref_kind, ' ');
    write_int(out, journal->ref_id, ' ');
    write_int(out, journal->corrects, ' ');
    write_int(out, journal->occurred.microseconds, ' ');
    write_int(out, entry->posted.microseconds, ' ');
    write_int(out, (int64_t)journal->leg_count, '\n');
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];

        write_int(out, leg->code, ' ');
        write_int(out, leg->amount.nanodollars, ' ');
        write_key(out, leg->debit, ' ');
        write_key(out, leg->credit, '\n');
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/seal.h"

#include <string.h>

#include "base/buf_ints.h"

static void write_text(struct buf *out, const char *text, char after)
{
    buf_append(out, text, strlen(text));
    buf_append(out, &after, 1);
}

void seal_entry_write(struct buf *out, const struct seal_entry *entry)
{
    const struct journal *journal = entry->journal;

    write_text(out, "journal", ' ');
    buf_int(out, entry->id);
    buf_append(out, " ", 1);
    write_text(out, journal->key, ' ');
    write_text(out, entry->body_hash, '\n');
    buf_ints(out,
             (const int64_t[]){ journal->kind, journal->ref_kind, journal->ref_id,
                                journal->corrects, journal->occurred.microseconds,
                                entry->posted.microseconds, (int64_t)journal->leg_count },
             "      \n");
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];

        buf_ints(out,
                 (const int64_t[]){ leg->code, leg->amount.nanodollars, leg->debit.code,
                                    leg->debit.owner_id, leg->debit.sub_id, leg->credit.code,
                                    leg->credit.owner_id, leg->credit.sub_id },
                 "  .. ..\n");
    }
}

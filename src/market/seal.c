/* SPDX-License-Identifier: Apache-2.0 */
#include "market/seal.h"

#include <inttypes.h>

static void write_key(struct buf *out, struct ledger_key key)
{
    buf_printf(out, " %d.%" PRId64 ".%" PRId64, (int)key.code, key.owner_id, key.sub_id);
}

void seal_entry_write(struct buf *out, const struct seal_entry *entry)
{
    const struct journal *journal = entry->journal;

    buf_printf(out, "journal %" PRId64 " %s %s\n", entry->id, journal->key, entry->body_hash);
    buf_printf(out, "%d %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %zu\n",
               (int)journal->kind, (int)journal->ref_kind, journal->ref_id, journal->corrects,
               journal->occurred.microseconds, entry->posted.microseconds, journal->leg_count);
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];

        buf_printf(out, "%d %" PRId64, leg->code, leg->amount.nanodollars);
        write_key(out, leg->debit);
        write_key(out, leg->credit);
        buf_printf(out, "\n");
    }
}

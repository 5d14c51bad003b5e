/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/driver.h"

enum { ENTRY_USUAL = 1000 }; /* bytes: what most of them need, at once */

void seal_batch_add(struct seal_batch *batch, const struct seal_entry *entry)
{
    auto_buf struct buf text = buf_of(2 * SEAL_ENTRY_MAX);
    char before[HEX_SIZE(HASH_SIZE)];

    assert(entry->id > batch->last_journal);
    (void)hex_format(batch->hash.bytes, sizeof batch->hash.bytes, before);
    before[2 * HASH_SIZE] = '\n'; /* in place of its end */
    (void)buf_make_room(&text, ENTRY_USUAL);
    buf_append(&text, before, sizeof before);
    seal_entry_write(&text, entry);
    assert(!text.has_overflowed);
    batch->hash = crypto_sha256(text.bytes, text.length);
    batch->last_journal = entry->id;
    batch->journal_count++;
}

struct seal seal_close(const struct seal *previous, const struct seal_batch *batch)
{
    struct seal seal = { .number = previous->number + 1,
                         .last_journal = batch->last_journal,
                         .journal_count = batch->journal_count };
    char hash[HEX_SIZE(HASH_SIZE)], text[512];

    assert(batch->journal_count > 0);
    int length =
        snprintf(text, sizeof text, "berth seal 1\n%s\n%" PRId64 " %" PRId64 " %" PRId64 "\n%s\n",
                 previous->hash, seal.number, seal.last_journal, seal.journal_count,
                 hex_format(batch->hash.bytes, sizeof batch->hash.bytes, hash));
    assert(length > 0 && (size_t)length < sizeof text);
    struct hash whole = crypto_sha256(text, (size_t)length);
    (void)hex_format(whole.bytes, sizeof whole.bytes, seal.hash);
    return seal;
}

static bool read_seal(struct db_rows *row, void *context, struct error *err)
{
    struct seal *seal = context;

    (void)err;
    seal->number = db_column_int(row, 0);
    seal->last_journal = db_column_int(row, 1);
    seal->journal_count = db_column_int(row, 2);
    (void)snprintf(seal->hash, sizeof seal->hash, "%s", db_column_text(row, 3));
    return true;
}

bool seal_load_newest(struct db *db, struct seal *ret_seal, struct error *err)
{
    struct seal seal = { .number = 0 };
    bool has;

    if (!db_query_one(db,
                      "SELECT number, last_journal, journal_count, hash FROM journal_seal "
                      "ORDER BY number DESC LIMIT 1",
                      DB_NO_ARGS, read_seal, &seal, &has, err))
        return error_context(err, "find the newest seal");
    *ret_seal = seal;
    return true;
}

bool seal_insert(struct db *db, const struct seal *seal, struct instant now, struct error *err)
{
    return db_exec(
        db,
        "INSERT INTO journal_seal (number, last_journal, journal_count, hash, sealed_us) "
        "VALUES ($1, $2, $3, $4, $5)",
        DB_ARGS(db_int(seal->number), db_int(seal->last_journal), db_int(seal->journal_count),
                db_text(seal->hash), db_instant(now)),
        err);
}

static bool read_last(struct db_rows *row, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = db_column_int(row, 0);
    return true;
}

/* Those that have an id hold the table until they commit: once we have had it, every lower id is
 * there, or never will be. They wait for us too, so neither side waits long. */
static bool wait_for_posters(struct db *db, struct error *err)
{
    return !db->is_postgres || (db_exec(db, "SET LOCAL lock_timeout = '200ms'", DB_NO_ARGS, err) &&
                                db_exec(db, "LOCK TABLE journal IN SHARE MODE", DB_NO_ARGS, err));
}

bool seal_find_settled(struct db *db, int64_t after, struct instant until, int64_t *ret_last,
                       struct error *err)
{
    int64_t last = after;
    bool has;

    if (!wait_for_posters(db, err) ||
        !db_query_one(db,
                      "SELECT COALESCE("
                      "(SELECT min(id) - 1 FROM journal WHERE id > $1 AND posted_us > $2), "
                      "(SELECT max(id) FROM journal WHERE id > $1), $1)",
                      DB_ARGS(db_int(after), db_instant(until)), read_last, &last, &has, err))
        return error_context(err, "find what can be sealed");
    *ret_last = last;
    return true;
}

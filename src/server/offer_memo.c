/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_memo.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

void offer_memo_clear(struct offer_memo *memo)
{
    for (size_t i = 0; i < OFFER_MEMO_ASKS; i++) {
        struct offer_memo_text *text = atomic_load(&memo->texts[i]);

        if (text != NULL)
            free(atomic_load(&text->row));
        free(text);
        atomic_store(&memo->texts[i], NULL);
    }
}

static bool asks_alike(const struct offer_ask *a, const struct offer_ask *b)
{
    return a->type == b->type && a->disk_milligb == b->disk_milligb &&
           a->duration_us == b->duration_us && a->profile == b->profile;
}

struct offer_memo_text *offer_memo_find(const struct offer_memo *memo, const struct offer_ask *ask)
{
    for (size_t i = 0; i < OFFER_MEMO_ASKS; i++) {
        struct offer_memo_text *text = atomic_load_explicit(&memo->texts[i], memory_order_acquire);

        if (text == NULL || asks_alike(&text->ask, ask))
            return text;
    }
    return NULL;
}

void offer_memo_keep(struct offer_memo *memo, const struct offer_ask *ask, const char *text,
                     size_t length)
{
    struct offer_memo_text *kept = must(malloc(sizeof *kept + length));

    kept->ask = *ask;
    atomic_init(&kept->row, NULL);
    kept->length = length;
    memcpy(kept->text, text, length);
    for (size_t i = 0; i < OFFER_MEMO_ASKS; i++) {
        struct offer_memo_text *there = NULL;

        if (atomic_compare_exchange_strong(&memo->texts[i], &there, kept))
            return;
        if (asks_alike(&there->ask, ask))
            break; /* Another was faster. */
    }
    free(kept);
}

static bool is_key(const struct offer_row_key *a, const struct offer_row_key *b)
{
    return a->last_edition == b->last_edition && a->last_id == b->last_id &&
           a->distance == b->distance && a->flags == b->flags && a->last_flags == b->last_flags;
}

bool offer_memo_row(struct offer_memo_text *text, const struct offer_row_key *key, char *bytes,
                    struct gzip_known *ret)
{
    struct offer_row *row = atomic_load_explicit(&text->row, memory_order_acquire);

    if (row == NULL || atomic_flag_test_and_set_explicit(&row->is_busy, memory_order_acquire))
        return false;
    bool is_known = row->has_sums && row->key.flags == key->flags;
    if (is_known) {
        size_t length = is_key(&row->key, key) ? row->length : 0;

        memcpy(bytes, row->bytes, length);
        *ret = (struct gzip_known){ bytes, length, row->text_length, row->crc, row->shift };
    }
    atomic_flag_clear_explicit(&row->is_busy, memory_order_release);
    return is_known;
}

/* The text's place for a row. */
static struct offer_row *place_of(struct offer_memo_text *text)
{
    struct offer_row *there = atomic_load_explicit(&text->row, memory_order_acquire), *row;

    if (there != NULL)
        return there;
    row = must(malloc(sizeof *row));
    atomic_flag_clear(&row->is_busy);
    row->has_sums = false;
    if (atomic_compare_exchange_strong(&text->row, &there, row))
        return row;
    free(row); /* Another was faster. */
    return there;
}

void offer_memo_keep_row(struct offer_memo_text *text, const struct offer_row_key *key,
                         const struct gzip_known *known)
{
    if (known->length > OFFER_ROW_MAX)
        return;
    struct offer_row *row = place_of(text);
    if (atomic_flag_test_and_set_explicit(&row->is_busy, memory_order_acquire))
        return;
    row->key = *key;
    row->text_length = known->text_length;
    row->crc = known->crc;
    row->shift = known->shift;
    row->has_sums = true;
    row->length = known->length;
    memcpy(row->bytes, known->bytes, known->length);
    atomic_flag_clear_explicit(&row->is_busy, memory_order_release);
}

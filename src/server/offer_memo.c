/* SPDX-License-Identifier: Apache-2.0 */
#include "server/offer_memo.h"

#include <stdlib.h>
#include <string.h>

void offer_memo_clear(struct offer_memo *memo)
{
    for (size_t i = 0; i < OFFER_MEMO_ASKS; i++) {
        free(atomic_load(&memo->texts[i]));
        atomic_store(&memo->texts[i], NULL);
    }
}

static bool asks_alike(const struct offer_ask *a, const struct offer_ask *b)
{
    return a->type == b->type && a->disk_milligb == b->disk_milligb &&
           a->duration_us == b->duration_us;
}

const struct offer_memo_text *offer_memo_find(const struct offer_memo *memo,
                                              const struct offer_ask *ask)
{
    for (size_t i = 0; i < OFFER_MEMO_ASKS; i++) {
        const struct offer_memo_text *text =
            atomic_load_explicit(&memo->texts[i], memory_order_acquire);

        if (text == NULL || asks_alike(&text->ask, ask))
            return text;
    }
    return NULL;
}

void offer_memo_keep(struct offer_memo *memo, const struct offer_ask *ask, const char *text,
                     size_t length)
{
    struct offer_memo_text *kept = malloc(sizeof *kept + length);

    if (kept == NULL)
        abort(); /* As base/buf.h says. */
    kept->ask = *ask;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_notes.h"

#include <stdlib.h>

#include "market/catalog_blocks.h"

enum { CAPACITY_MIN = 256 };

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

struct catalog_notes *catalog_notes_new(void)
{
    return must(calloc(1, sizeof(struct catalog_notes)));
}

void catalog_notes_clear(struct catalog_notes *notes)
{
    notes->row_count = notes->number_count = 0;
}

void catalog_notes_release(struct catalog_notes **notes)
{
    if (*notes == NULL)
        return;
    free((*notes)->rows);
    free((*notes)->numbers);
    free(*notes);
    *notes = NULL;
}

void catalog_notes_add_number(struct catalog_notes *notes, int column, int64_t number)
{
    if (notes->number_count == notes->number_capacity) {
        notes->number_capacity = notes->number_count > 0 ? 2 * notes->number_count : CAPACITY_MIN;
        notes->numbers =
            must(realloc(notes->numbers, notes->number_capacity * sizeof notes->numbers[0]));
    }
    notes->numbers[notes->number_count++] = (struct catalog_number){ number, (uint32_t)column };
}

void catalog_notes_add(struct catalog_notes *notes, const struct catalog_note *note)
{
    if (notes->row_count == notes->row_capacity) {
        notes->row_capacity = notes->row_count > 0 ? 2 * notes->row_count : CAPACITY_MIN;
        notes->rows = must(realloc(notes->rows, notes->row_capacity * sizeof notes->rows[0]));
    }
    notes->rows[notes->row_count++] = *note;
}

void catalog_put_noted(struct catalog *twin, const struct catalog_notes *notes)
{
    const struct catalog_number *numbers = notes->numbers;

    for (size_t i = 0; i < notes->row_count; i++) {
        const struct catalog_note *note = &notes->rows[i];

        if (note->stock != NULL)
            catalog_put(twin, note->stock);
        else
            catalog_row_apply(twin, note, numbers);
        numbers += note->number_count;
    }
}

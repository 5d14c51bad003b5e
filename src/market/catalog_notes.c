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

static struct catalog_note *add_note(struct catalog_notes *notes)
{
    if (notes->row_count == notes->row_capacity) {
        notes->row_capacity = notes->row_count > 0 ? 2 * notes->row_count : CAPACITY_MIN;
        notes->rows = must(realloc(notes->rows, notes->row_capacity * sizeof notes->rows[0]));
    }
    struct catalog_note *note = &notes->rows[notes->row_count++];

    *note = (struct catalog_note){ .stock = NULL };
    return note;
}

static void add_numbers(struct catalog_notes *notes, const struct catalog_number *numbers,
                        size_t count)
{
    if (notes->number_count + count > notes->number_capacity) {
        notes->number_capacity = 2 * (notes->number_count + count) + CAPACITY_MIN;
        notes->numbers =
            must(realloc(notes->numbers, notes->number_capacity * sizeof notes->numbers[0]));
    }
    for (size_t i = 0; i < count; i++)
        notes->numbers[notes->number_count++] = numbers[i];
}

static const struct catalog_line *line_of(const struct catalog *catalog, uint32_t row)
{
    return &catalog_block_of(catalog, row)->lines[row % COLUMN_ROWS];
}

static uint32_t next_of(const struct catalog *catalog, uint32_t row)
{
    return catalog_block_of(catalog, row)->next_rows[row % COLUMN_ROWS];
}

static void ask_for_row(const struct catalog *catalog, uint32_t row)
{
    if (row == CATALOG_NO_ROW)
        return;
    __builtin_prefetch(line_of(catalog, row));
    __builtin_prefetch(&catalog_block_of(catalog, row)->next_rows[row % COLUMN_ROWS]);
}

/* Of what lies behind each other, the first is asked for the furthest ahead. */
static void ask_ahead(const struct catalog *catalog, const struct catalog_stock *stocks,
                      size_t count)
{
    enum { TO_ID = 12, TO_PLACE = 10, ROWS = 4, ROW_STEP = 2 };

    if (TO_ID < count)
        idmap_ask(&catalog->machines, stocks[TO_ID].machine_id);
    if (TO_PLACE < count) {
        uint32_t number = idmap_find(&catalog->machines, stocks[TO_PLACE].machine_id);

        if (number != IDMAP_NONE)
            __builtin_prefetch(&catalog->places[number]);
    }
    for (size_t rows = 0; rows < ROWS; rows++) {
        size_t to_row = (ROWS - rows) * ROW_STEP;
        uint32_t number =
            to_row < count ? idmap_find(&catalog->machines, stocks[to_row].machine_id) : IDMAP_NONE;
        uint32_t row = number != IDMAP_NONE ? catalog->places[number].first_row : CATALOG_NO_ROW;

        for (size_t i = 0; i < rows && row != CATALOG_NO_ROW; i++)
            row = next_of(catalog, row);
        ask_for_row(catalog, row);
    }
}

/* The rows of a machine that offers what it did, and whose texts are what they were. False: more
 * than numbers has changed. */
static bool note_rows(const struct catalog *catalog, const struct catalog_place *place,
                      const struct catalog_stock *stock, struct catalog_notes *notes)
{
    const struct machine *machine = stock->offers[0].machine;
    struct catalog_change change;
    size_t kept_count = 0;

    if (place->host_id != machine->host_id || place->first_row == CATALOG_NO_ROW ||
        !catalog_compare(line_of(catalog, place->first_row)->offer->machine, machine, &change))
        return false;
    size_t own_count = change.count;
    for (uint32_t row = place->first_row; row != CATALOG_NO_ROW; row = next_of(catalog, row)) {
        const struct catalog_line *line = line_of(catalog, row);
        const struct offer *offer = catalog_stock_offer(stock, line->id);

        if (offer == NULL)
            return false;
        struct catalog_note *note = add_note(notes);

        note->row = row;
        change.count = own_count;
        catalog_row_note(line->offer, offer, note, &change);
        add_numbers(notes, change.numbers, change.count);
        kept_count++;
    }
    return kept_count == stock->count;
}

static void note_stock(const struct catalog *catalog, const struct catalog_stock *stock,
                       struct catalog_notes *notes)
{
    uint32_t number = idmap_find(&catalog->machines, stock->machine_id);
    size_t row_count = notes->row_count, number_count = notes->number_count;

    if (number != IDMAP_NONE && stock->count > 0 &&
        note_rows(catalog, &catalog->places[number], stock, notes))
        return;
    notes->row_count = row_count;
    notes->number_count = number_count;
    add_note(notes)->stock = stock;
}

void catalog_note(const struct catalog *catalog, const struct catalog_stock *stocks, size_t count,
                  struct catalog_notes *notes)
{
    for (size_t i = 0; i < count; i++) {
        ask_ahead(catalog, stocks + i, count - i);
        note_stock(catalog, &stocks[i], notes);
    }
}

/* What is about to be written of a row. */
static void ask_for_note(const struct catalog *catalog, const struct catalog_note *note,
                         const struct catalog_number *numbers)
{
    if (note->stock != NULL)
        return;
    const struct catalog_block *block = catalog_block_of(catalog, note->row);
    size_t at = note->row % COLUMN_ROWS;

    __builtin_prefetch(&block->lines[at], 1);
    __builtin_prefetch(&block->flags[at]);
    for (size_t i = 0; i < note->number_count; i++)
        column_ask(&block->columns[numbers[i].column], at);
}

void catalog_put_noted(struct catalog *catalog, const struct catalog_notes *notes)
{
    enum { AHEAD = 8 };
    const struct catalog_number *numbers = notes->numbers, *later = notes->numbers;

    for (size_t i = 0; i < notes->row_count + AHEAD; i++) {
        if (i < notes->row_count) {
            ask_for_note(catalog, &notes->rows[i], later);
            later += notes->rows[i].number_count;
        }
        if (i < AHEAD)
            continue;
        const struct catalog_note *note = &notes->rows[i - AHEAD];

        if (note->stock != NULL)
            catalog_put(catalog, note->stock);
        else
            catalog_row_apply(catalog, note, numbers);
        numbers += note->number_count;
    }
}

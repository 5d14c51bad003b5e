/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "market/catalog_blocks.h"
#include "market/gpu.h"

/* A block is left this far from full at first, so that what comes later finds room among its like.
 */
enum { ROWS_AT_FIRST = COLUMN_ROWS - COLUMN_ROWS / 32 };

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

static void make_room_for_blocks(struct catalog *catalog)
{
    size_t capacity = catalog->block_capacity > 0 ? 2 * catalog->block_capacity : 16;

    catalog->blocks = must(realloc(catalog->blocks, capacity * sizeof catalog->blocks[0]));
    for (int i = 0; i < COLUMN_COUNT; i++)
        catalog->zones[i] = must(realloc(catalog->zones[i], capacity * sizeof *catalog->zones[i]));
    catalog->flags_any = must(realloc(catalog->flags_any, capacity * sizeof(uint16_t)));
    catalog->flags_all = must(realloc(catalog->flags_all, capacity * sizeof(uint16_t)));
    catalog->block_capacity = capacity;
}

/* An empty block; its number. */
static size_t add_block(struct catalog *catalog)
{
    size_t index = catalog->block_count;

    if (index == catalog->block_capacity)
        make_room_for_blocks(catalog);
    struct catalog_block *block = must(aligned_alloc(64, (sizeof *block + 63) / 64 * 64));

    memset(block, 0, sizeof *block);
    for (uint32_t at = 0; at < COLUMN_ROWS; at++)
        block->next_rows[at] =
            at + 1 < COLUMN_ROWS ? (uint32_t)index * COLUMN_ROWS + at + 1 : CATALOG_NO_ROW;
    block->free_first = (uint32_t)index * COLUMN_ROWS;
    catalog->blocks[index] = block;
    for (int i = 0; i < COLUMN_COUNT; i++)
        catalog->zones[i][index] = (struct catalog_zone){ INT64_MAX, INT64_MIN };
    catalog->flags_any[index] = 0;
    catalog->flags_all[index] = 0;
    catalog->block_count++;
    return index;
}

/* A block with a free row: best one where the model is at home, then any, then a new one. */
static size_t block_for(struct catalog *catalog, const struct machine *machine)
{
    char folded[NAME_SIZE];
    int64_t model =
        words_find(&catalog->words, gpu_name_fold(machine->gpu_name, folded, sizeof folded));
    size_t any = catalog->block_count;

    for (size_t i = 0; i < catalog->block_count; i++) {
        const struct catalog_zone *zone = &catalog->zones[COLUMN_MODEL][i];

        if (catalog->blocks[i]->free_first == CATALOG_NO_ROW)
            continue;
        if (model >= zone->min && model <= zone->max)
            return i;
        any = i;
    }
    return any < catalog->block_count ? any : add_block(catalog);
}

static uint32_t take_row(struct catalog *catalog, size_t index)
{
    struct catalog_block *block = catalog->blocks[index];
    uint32_t row = block->free_first;

    assert(row != CATALOG_NO_ROW);
    block->free_first = block->next_rows[row % COLUMN_ROWS];
    block->count++;
    return row;
}

static void link_row(struct catalog *catalog, struct catalog_place *place, uint32_t row,
                     int64_t offer_id)
{
    catalog_block_of(catalog, row)->next_rows[row % COLUMN_ROWS] = place->first_row;
    place->first_row = row;
    idmap_put(&catalog->offers, offer_id, row);
    catalog->offer_count++;
}

static void free_row(struct catalog *catalog, uint32_t row)
{
    struct catalog_block *block = catalog_block_of(catalog, row);

    idmap_remove(&catalog->offers, block->lines[row % COLUMN_ROWS].id);
    catalog_row_clear(catalog, row);
    block->next_rows[row % COLUMN_ROWS] = block->free_first;
    block->free_first = row;
    catalog->offer_count--;
    if (--block->count == 0)
        catalog_block_redraw(catalog, row / COLUMN_ROWS);
}

/* Machines of a host are a list whose first is in the map of hosts. */
static void join_host(struct catalog *catalog, uint32_t number)
{
    struct catalog_place *place = &catalog->places[number];
    uint32_t first = idmap_find(&catalog->hosts, place->host_id);

    place->next = first;
    place->previous = IDMAP_NONE;
    if (first != IDMAP_NONE)
        catalog->places[first].previous = number;
    idmap_put(&catalog->hosts, place->host_id, number);
}

static void leave_host(struct catalog *catalog, uint32_t number)
{
    struct catalog_place *place = &catalog->places[number];

    if (place->next != IDMAP_NONE)
        catalog->places[place->next].previous = place->previous;
    if (place->previous != IDMAP_NONE)
        catalog->places[place->previous].next = place->next;
    else if (place->next != IDMAP_NONE)
        idmap_put(&catalog->hosts, place->host_id, place->next);
    else
        idmap_remove(&catalog->hosts, place->host_id);
}

static uint32_t add_place(struct catalog *catalog, const struct machine *machine)
{
    uint32_t number = catalog->place_free;

    if (number != IDMAP_NONE) {
        catalog->place_free = catalog->places[number].next;
    } else {
        if (catalog->place_count == catalog->place_capacity) {
            catalog->place_capacity = catalog->place_count > 0 ? 2 * catalog->place_count : 64;
            catalog->places =
                must(realloc(catalog->places, catalog->place_capacity * sizeof catalog->places[0]));
        }
        number = catalog->place_count++;
    }
    catalog->places[number] = (struct catalog_place){ .machine_id = machine->id,
                                                      .host_id = machine->host_id,
                                                      .first_row = CATALOG_NO_ROW };
    join_host(catalog, number);
    idmap_put(&catalog->machines, machine->id, number);
    return number;
}

static void remove_place(struct catalog *catalog, uint32_t number)
{
    leave_host(catalog, number);
    idmap_remove(&catalog->machines, catalog->places[number].machine_id);
    catalog->places[number].next = catalog->place_free;
    catalog->place_free = number;
}

const struct offer *catalog_stock_offer(const struct catalog_stock *stock, int64_t id)
{
    for (size_t i = 0; i < stock->count; i++) {
        if (stock->offers[i].id == id)
            return &stock->offers[i];
    }
    return NULL;
}

/* A row's offer is this now. Of one that was there and kept its texts little changes, and columns
 * lie far apart: only what has changed is looked for. */
static void renew_row(struct catalog *catalog, uint32_t row, const struct offer *offer)
{
    const struct offer *last = catalog_block_of(catalog, row)->lines[row % COLUMN_ROWS].offer;
    struct catalog_note note = { .row = row };
    struct catalog_change change;

    if (catalog_compare(last->machine, offer->machine, &change)) {
        catalog_row_note(last, offer, &note, &change);
        catalog_row_apply(catalog, &note, change.numbers);
    } else {
        catalog_row_set(catalog, row, offer);
    }
}

/* Rows whose offers are still there take what these are now; the others go. How many stay. */
static size_t renew_rows(struct catalog *catalog, struct catalog_place *place,
                         const struct catalog_stock *stock)
{
    uint32_t row = place->first_row, *link = &place->first_row;
    size_t kept_count = 0;

    while (row != CATALOG_NO_ROW) {
        struct catalog_block *block = catalog_block_of(catalog, row);
        uint32_t *next = &block->next_rows[row % COLUMN_ROWS], following = *next;
        const struct offer *offer = catalog_stock_offer(stock, block->lines[row % COLUMN_ROWS].id);

        if (offer != NULL) {
            renew_row(catalog, row, offer);
            kept_count++;
            link = next;
        } else {
            *link = following;
            free_row(catalog, row);
        }
        row = following;
    }
    return kept_count;
}

static void add_new_rows(struct catalog *catalog, struct catalog_place *place,
                         const struct catalog_stock *stock)
{
    for (size_t i = 0; i < stock->count; i++) {
        const struct offer *offer = &stock->offers[i];

        if (idmap_find(&catalog->offers, offer->id) != IDMAP_NONE)
            continue;
        uint32_t row = take_row(catalog, block_for(catalog, offer->machine));

        catalog_row_set(catalog, row, offer);
        link_row(catalog, place, row, offer->id);
    }
}

void catalog_put(struct catalog *catalog, const struct catalog_stock *stock)
{
    uint32_t number = idmap_find(&catalog->machines, stock->machine_id);
    size_t kept_count =
        number != IDMAP_NONE ? renew_rows(catalog, &catalog->places[number], stock) : 0;

    if (stock->count == 0) {
        if (number != IDMAP_NONE)
            remove_place(catalog, number);
        return;
    }
    if (number == IDMAP_NONE) {
        number = add_place(catalog, stock->offers[0].machine);
    } else if (catalog->places[number].host_id != stock->offers[0].machine->host_id) {
        leave_host(catalog, number);
        catalog->places[number].host_id = stock->offers[0].machine->host_id;
        join_host(catalog, number);
    }
    if (kept_count < stock->count)
        add_new_rows(catalog, &catalog->places[number], stock);
}

/* By GPU model, then by price: a block then has few models and near prices. */
static int compare_offers(const void *a, const void *b)
{
    const struct offer *first = *(const struct offer *const *)a;
    const struct offer *second = *(const struct offer *const *)b;
    int difference = strcmp(first->machine->gpu_name, second->machine->gpu_name);

    if (difference == 0)
        difference = money_compare(first->terms.gpu_hour, second->terms.gpu_hour);
    return difference != 0 ? difference : (first->id > second->id) - (first->id < second->id);
}

static void fill_blocks(struct catalog *catalog, const struct offer **offers, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t part = count - done < ROWS_AT_FIRST ? count - done : ROWS_AT_FIRST;
        size_t index = add_block(catalog);

        for (size_t i = 0; i < part; i++) {
            const struct machine *machine = offers[done + i]->machine;
            uint32_t number = idmap_find(&catalog->machines, machine->id);

            if (number == IDMAP_NONE)
                number = add_place(catalog, machine);
            /* A new block gives its rows in order. */
            link_row(catalog, &catalog->places[number], take_row(catalog, index),
                     offers[done + i]->id);
        }
        catalog_rows_fill(catalog, index, offers + done, part);
        done += part;
    }
}

struct catalog *catalog_of(const struct catalog_stock *stocks, size_t count)
{
    struct catalog *catalog = must(calloc(1, sizeof *catalog));
    size_t offer_count = 0, next = 0;

    catalog->scan = column_scan_best();
    catalog->words = WORDS_EMPTY;
    catalog->countries = WORDS_EMPTY;
    catalog->place_free = IDMAP_NONE;
    for (size_t i = 0; i < count; i++)
        offer_count += stocks[i].count;
    auto_free const struct offer **offers = must(calloc(offer_count + 1, sizeof *offers));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < stocks[i].count; j++)
            offers[next++] = &stocks[i].offers[j];
    }
    qsort(offers, offer_count, sizeof *offers, compare_offers);
    fill_blocks(catalog, offers, offer_count);
    return catalog;
}

void catalog_release(struct catalog **catalog_owner)
{
    struct catalog *catalog = *catalog_owner;

    if (catalog == NULL)
        return;
    for (size_t i = 0; i < catalog->block_count; i++) {
        for (int column = 0; column < COLUMN_COUNT; column++)
            column_release(&catalog->blocks[i]->columns[column]);
        free(catalog->blocks[i]);
    }
    for (int column = 0; column < COLUMN_COUNT; column++)
        free(catalog->zones[column]);
    free(catalog->blocks);
    free(catalog->flags_any);
    free(catalog->flags_all);
    free(catalog->places);
    words_release(&catalog->words);
    words_release(&catalog->countries);
    idmap_release(&catalog->offers);
    idmap_release(&catalog->machines);
    idmap_release(&catalog->hosts);
    free(catalog);
    *catalog_owner = NULL;
}

size_t catalog_offer_count(const struct catalog *catalog)
{
    return catalog->offer_count;
}

size_t catalog_machine_count(const struct catalog *catalog)
{
    return catalog->machines.count;
}

const struct offer *catalog_offer(const struct catalog *catalog, int64_t id)
{
    uint32_t row = idmap_find(&catalog->offers, id);

    return row == IDMAP_NONE ? NULL
                             : catalog_block_of(catalog, row)->lines[row % COLUMN_ROWS].offer;
}

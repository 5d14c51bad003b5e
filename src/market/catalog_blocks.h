/* SPDX-License-Identifier: Apache-2.0 */
/* How a catalog lies in memory: for market/catalog*.c alone.
 *
 * Offers lie in blocks of COLUMN_ROWS. A block has a column for each number that is searched for, a
 * word of flags and, for what is worked out only for offers that passed all else, a line of what an
 * exact price needs. Beside the blocks, by column, lie their zones: bounds of all numbers in the
 * block, so that most blocks of a search are never looked at. */

#ifndef BERTH_MARKET_CATALOG_BLOCKS_H
#define BERTH_MARKET_CATALOG_BLOCKS_H

#include "base/idmap.h"
#include "market/catalog.h"
#include "market/column.h"
#include "market/words.h"

enum catalog_column {
#define CATALOG_COLUMN(kind, name, value) COLUMN_##name,
#include "market/catalog_columns.def"
#undef CATALOG_COLUMN
    COLUMN_COUNT,
};

enum catalog_flag {
    FLAG_HERE = 1 << 0,  /* there is an offer in this row */
    FLAG_OPEN = 1 << 1,  /* nobody has rented it */
    FLAG_READY = 1 << 2, /* rentable, as long as there is time */
    FLAG_VERIFIED = 1 << 3,
    FLAG_DATACENTER = 1 << 4,
    FLAG_EXTERNAL = 1 << 5,
    FLAG_STATIC_IP = 1 << 6,
    FLAG_AVX = 1 << 7,
    FLAG_DISPLAY = 1 << 8,
    FLAG_SIMULATED = 1 << 9,
    FLAG_BID = 1 << 10,
    FLAG_ENCRYPTS = 1 << 11, /* workspaces */
};

#define CATALOG_NO_ROW UINT32_MAX

/* Zones only widen as rows are set; after so many they are drawn anew, at the cost of hundreds. */
enum { CATALOG_SETS_MAX = 4 * COLUMN_ROWS };

/* A cache line of an offer: its exact price and score are made of these. */
struct catalog_line {
    int64_t id;
    const struct offer *offer; /* borrowed */
    int64_t base[2];           /* nanodollars: on demand, for a bid */
    int64_t disk_month;
    double traffic; /* offer_traffic() */
    double worth;   /* merit times the usual reliability */
    double dlperf;
};

/* No number of the block's rows lies outside. */
struct catalog_zone {
    int64_t min, max;
};

struct catalog_block {
    struct column columns[COLUMN_COUNT];
    uint16_t flags[COLUMN_ROWS];
    _Alignas(64) struct catalog_line lines[COLUMN_ROWS]; /* one cache line each, and not two */
    uint32_t
        next_rows[COLUMN_ROWS]; /* of the same machine, or the next free; CATALOG_NO_ROW ends */
    uint32_t free_first;
    uint32_t count;     /* offers */
    uint32_t set_count; /* rows set since its zones were last drawn anew: CATALOG_SETS_MAX */
    uint64_t touched;   /* the columns whose zones may be too wide since then, as bits */
};

/* A machine with offers. */
struct catalog_place {
    int64_t machine_id, host_id;
    uint32_t first_row;
    uint32_t next, previous; /* of the same host; `next` also links places that are free */
};

struct catalog {
    const struct column_scan *scan;
    struct words words, countries; /* few of the latter: their numbers are narrow */
    struct catalog_block **blocks; /* owned */
    size_t block_count, block_capacity;
    struct catalog_zone *zones[COLUMN_COUNT]; /* by block */
    uint16_t *flags_any, *flags_all;          /* by block */
    struct catalog_place *places;
    uint32_t place_count, place_capacity, place_free;
    struct idmap offers, machines, hosts; /* to row, place, and first place */
    size_t offer_count;
};

static inline struct catalog_block *catalog_block_of(const struct catalog *catalog, uint32_t row)
{
    return catalog->blocks[row / COLUMN_ROWS];
}

/* NULL: not among them. */
const struct offer *catalog_stock_offer(const struct catalog_stock *stock, int64_t id);

/* A number that is larger for a larger value, and never too small for it: where `value` is below
 * zero or not a number, the largest. catalog_bound_below() is never too large. */
int64_t catalog_bound(double value);
int64_t catalog_bound_below(double value);

/* One number that a row has now. */
struct catalog_number {
    int64_t number;
    uint32_t column;
};

/* Numbers that are others now. */
struct catalog_change {
    size_t count;
    struct catalog_number numbers[COLUMN_COUNT];
};

/* What a row has now that was there and kept its texts: the next `number_count` numbers, the line
 * and the flags. Or, where there is a stock, all of that. */
struct catalog_note {
    const struct catalog_stock *stock;
    const struct offer *last; /* that was in the row */
    uint32_t row;
    uint16_t flags, number_count;
    struct catalog_line line;
};

struct catalog_notes {
    struct catalog_note *rows; /* owned */
    size_t row_count, row_capacity;
    struct catalog_number *numbers; /* owned */
    size_t number_count, number_capacity;
};

/* Puts an offer into a row, or what it is now in place of what it was. */
void catalog_row_set(struct catalog *catalog, uint32_t row, const struct offer *offer);

/* Where a machine has kept its texts: its numbers that are others now than they were. */
bool catalog_compare(const struct machine *last, const struct machine *machine,
                     struct catalog_change *ret);

/* The same of an offer in a row: adds its numbers to those of its machine, and notes all else. */
void catalog_row_note(const struct offer *last, const struct offer *offer, struct catalog_note *ret,
                      struct catalog_change *change);

/* Does what was noted of a row. */
void catalog_row_apply(struct catalog *catalog, const struct catalog_note *note,
                       const struct catalog_number *numbers);

/* Puts offers into the first rows of an empty block. */
void catalog_rows_fill(struct catalog *catalog, size_t block, const struct offer *const *offers,
                       size_t count);

/* What a removed offer held. */
void catalog_row_clear(struct catalog *catalog, uint32_t row);

/* Bounds of all numbers in the block as they are now, and columns as narrow as they can be. */
void catalog_block_redraw(struct catalog *catalog, size_t block);

#endif

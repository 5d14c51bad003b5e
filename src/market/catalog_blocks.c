/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_blocks.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/gpu.h"

/* The numbers of an offer's texts. */
struct row_words {
    uint32_t model, country, cpu_name, cpu_arch, disk_name, os_version;
};

/* The upper half of a float and some: good to one part in 8,000, and two bytes wide in a block. */
enum { BOUND_BITS_LOST = 10 };

static int64_t bound_of_float(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (int64_t)bits;
}

int64_t catalog_bound(double value)
{
    float near = (float)value;

    if (!(value >= 0) || isinf(near))
        return INT32_MAX;
    if ((double)near < value)
        near = nextafterf(near, INFINITY);
    /* The bits of floats from 0 up are in the order of the floats. */
    return (bound_of_float(near) >> BOUND_BITS_LOST) + 1;
}

int64_t catalog_bound_below(double value)
{
    float near = (float)value;

    if (!(value > 0))
        return 0;
    if (isinf(near))
        return INT32_MAX;
    if ((double)near > value)
        near = nextafterf(near, 0);
    return bound_of_float(near) >> BOUND_BITS_LOST;
}

/* Rounded down: what depends on the rest looks at the offer itself. */
static int64_t whole_seconds(struct instant instant)
{
    int64_t us = instant.microseconds;

    return us / US_PER_SECOND - (us % US_PER_SECOND < 0 ? 1 : 0);
}

static double merit_of(const struct offer *offer)
{
    return offer->merit > 0 ? offer->merit : offer_merit(offer);
}

/* The score if it never failed. */
static double sure_score(const struct offer *offer, const struct quote *quote)
{
    return offer_score(merit_of(offer), 1, quote->total, offer_traffic(offer));
}

/* What is free until a disk is added to it has no bound. */
static double value_bound(const struct quote *quote)
{
    return quote->total.nanodollars > 0 || quote->dlperf <= 0 ? quote->dlperf_per_dollar : INFINITY;
}

static uint32_t take_model(struct words *words, const char *name)
{
    char folded[NAME_SIZE];

    return words_take(words, gpu_name_fold(name, folded, sizeof folded));
}

static struct row_words take_words(struct catalog *catalog, const struct machine *machine)
{
    struct words *words = &catalog->words;
    char code[3];

    return (struct row_words){
        .model = take_model(words, machine->gpu_name),
        .country = words_take(&catalog->countries, machine_country(machine->geolocation, code)),
        .cpu_name = words_take(words, machine->cpu_name),
        .cpu_arch = words_take(words, machine->cpu_arch),
        .disk_name = words_take(words, machine->disk_name),
        .os_version = words_take(words, machine->os_version),
    };
}

static void drop_words(struct catalog *catalog, uint32_t row)
{
    static const enum catalog_column columns[] = { COLUMN_MODEL, COLUMN_CPU_NAME, COLUMN_CPU_ARCH,
                                                   COLUMN_DISK_NAME, COLUMN_OS_VERSION };
    const struct catalog_block *block = catalog_block_of(catalog, row);

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        words_drop(&catalog->words,
                   (uint32_t)column_get(&block->columns[columns[i]], row % COLUMN_ROWS));
    words_drop(&catalog->countries,
               (uint32_t)column_get(&block->columns[COLUMN_COUNTRY], row % COLUMN_ROWS));
}

static uint16_t flags_of(const struct offer *offer)
{
    const struct machine *machine = offer->machine;
    const struct {
        bool is_set;
        enum catalog_flag flag;
    } rows[] = {
        { offer->renter_id == 0, FLAG_OPEN },
        /* Long before any end: whether there is time is another question. */
        { offer_is_rentable(offer, (struct instant){ 0 }), FLAG_READY },
        { machine->verification == VERIFICATION_VERIFIED, FLAG_VERIFIED },
        { machine->is_datacenter, FLAG_DATACENTER },
        { machine->is_external, FLAG_EXTERNAL },
        { machine->has_static_ip, FLAG_STATIC_IP },
        { machine->has_avx, FLAG_AVX },
        { machine->has_display, FLAG_DISPLAY },
        { machine->is_simulated, FLAG_SIMULATED },
        { offer->is_bid, FLAG_BID },
    };
    unsigned flags = FLAG_HERE;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        flags |= rows[i].is_set ? (unsigned)rows[i].flag : 0;
    return (uint16_t)flags;
}

/* All numbers of an offer, and its line. Holds its texts. */
static void work_out(struct catalog *catalog, const struct offer *offer,
                     int64_t numbers[static COLUMN_COUNT], struct catalog_line *ret_line)
{
    const struct quote on_demand = offer_quote(offer, &(struct offer_ask){ OFFER_ON_DEMAND, 0, 0 });
    const struct quote bid = offer_quote(offer, &(struct offer_ask){ OFFER_BID, 0, 0 });
    const struct row_words words = take_words(catalog, offer->machine);
    const struct offer *O = offer;
    const struct machine *M = offer->machine;
    const struct offer_terms *T = &offer->terms;
    const struct quote *Q = &on_demand, *B = &bid;
    const struct row_words *W = &words;

#define CATALOG_COLUMN(name, value) numbers[COLUMN_##name] = (value);
#include "market/catalog_columns.def"
#undef CATALOG_COLUMN
    *ret_line = (struct catalog_line){
        .id = O->id,
        .offer = O,
        .base = { Q->base.nanodollars, B->base.nanodollars },
        .disk_month = T->disk_month.nanodollars,
        .traffic = offer_traffic(O),
        .worth =
            merit_of(O) * (O->merit > 0 ? O->lasting : offer_reliability(M->reliability_ppm, 0)),
        .dlperf = Q->dlperf,
    };
}

static void widen(struct catalog_zone *zone, int64_t number)
{
    zone->min = number < zone->min ? number : zone->min;
    zone->max = number > zone->max ? number : zone->max;
}

void catalog_row_set(struct catalog *catalog, uint32_t row, const struct offer *offer)
{
    struct catalog_block *block = catalog_block_of(catalog, row);
    size_t index = row / COLUMN_ROWS, at = row % COLUMN_ROWS;
    int64_t numbers[COLUMN_COUNT];
    struct catalog_line line;
    uint16_t flags = flags_of(offer);

    work_out(catalog, offer, numbers, &line);
    if ((block->flags[at] & FLAG_HERE) != 0)
        drop_words(catalog, row);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        column_set(&block->columns[i], at, numbers[i]);
        widen(&catalog->zones[i][index], numbers[i]);
    }
    block->lines[at] = line;
    block->flags[at] = flags;
    catalog->flags_any[index] |= flags;
    catalog->flags_all[index] &= flags;
    if (++block->set_count >= COLUMN_ROWS)
        catalog_block_redraw(catalog, index);
}

void catalog_row_clear(struct catalog *catalog, uint32_t row)
{
    struct catalog_block *block = catalog_block_of(catalog, row);

    drop_words(catalog, row);
    block->flags[row % COLUMN_ROWS] = 0;
    block->lines[row % COLUMN_ROWS].offer = NULL;
    catalog->flags_all[row / COLUMN_ROWS] = 0;
}

void catalog_rows_fill(struct catalog *catalog, size_t index, const struct offer *const *offers,
                       size_t count)
{
    struct catalog_block *block = catalog->blocks[index];

    assert(count <= COLUMN_ROWS);
    int64_t(*numbers)[COLUMN_COUNT] = malloc(COLUMN_ROWS * sizeof *numbers);
    if (numbers == NULL)
        abort(); /* As base/buf.h says. */
    for (size_t at = 0; at < count; at++) {
        work_out(catalog, offers[at], numbers[at], &block->lines[at]);
        block->flags[at] = flags_of(offers[at]);
    }
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int64_t column[COLUMN_ROWS] = { 0 };

        for (size_t at = 0; at < count; at++)
            column[at] = numbers[at][i];
        column_fill(&block->columns[i], column);
    }
    free(numbers);
    catalog_block_redraw(catalog, index);
}

/* Rows without an offer have the number of one that is there: they widen nothing. */
static void redraw_column(struct catalog *catalog, size_t index, int column)
{
    struct catalog_block *block = catalog->blocks[index];
    struct catalog_zone zone = { INT64_MAX, INT64_MIN };
    int64_t numbers[COLUMN_ROWS], any = 0;

    column_read(&block->columns[column], numbers);
    for (size_t at = 0; at < COLUMN_ROWS; at++) {
        if ((block->flags[at] & FLAG_HERE) != 0) {
            widen(&zone, numbers[at]);
            any = numbers[at];
        }
    }
    for (size_t at = 0; at < COLUMN_ROWS; at++)
        numbers[at] = (block->flags[at] & FLAG_HERE) != 0 ? numbers[at] : any;
    column_fill(&block->columns[column], numbers);
    catalog->zones[column][index] = zone;
}

void catalog_block_redraw(struct catalog *catalog, size_t index)
{
    struct catalog_block *block = catalog->blocks[index];
    unsigned any = 0, all = UINT16_MAX;

    for (int i = 0; i < COLUMN_COUNT; i++)
        redraw_column(catalog, index, i);
    for (size_t at = 0; at < COLUMN_ROWS; at++) {
        any |= block->flags[at];
        all &= block->flags[at];
    }
    catalog->flags_any[index] = (uint16_t)any;
    catalog->flags_all[index] = (uint16_t)all;
    block->set_count = 0;
}

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

/* The same, one by one. */
enum {
    WORD_MODEL,
    WORD_COUNTRY,
    WORD_CPU_NAME,
    WORD_CPU_ARCH,
    WORD_DISK_NAME,
    WORD_OS,
    WORD_COUNT
};
static const enum catalog_column word_columns[WORD_COUNT] = {
    [WORD_MODEL] = COLUMN_MODEL,         [WORD_COUNTRY] = COLUMN_COUNTRY,
    [WORD_CPU_NAME] = COLUMN_CPU_NAME,   [WORD_CPU_ARCH] = COLUMN_CPU_ARCH,
    [WORD_DISK_NAME] = COLUMN_DISK_NAME, [WORD_OS] = COLUMN_OS_VERSION,
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

static const char *text_of(const struct machine *machine, int word)
{
    const char *const texts[WORD_COUNT] = {
        [WORD_MODEL] = machine->gpu_name,      [WORD_COUNTRY] = machine->geolocation,
        [WORD_CPU_NAME] = machine->cpu_name,   [WORD_CPU_ARCH] = machine->cpu_arch,
        [WORD_DISK_NAME] = machine->disk_name, [WORD_OS] = machine->os_version,
    };

    return texts[word];
}

static struct words *words_of(struct catalog *catalog, int word)
{
    return word == WORD_COUNTRY ? &catalog->countries : &catalog->words;
}

static uint32_t take_word(struct catalog *catalog, int word, const struct machine *machine)
{
    const char *text = text_of(machine, word);
    char folded[NAME_SIZE], code[3];

    if (word == WORD_MODEL)
        text = gpu_name_fold(text, folded, sizeof folded);
    if (word == WORD_COUNTRY)
        text = machine_country(text, code);
    return words_take(words_of(catalog, word), text);
}

static struct row_words take_words(struct catalog *catalog, const struct machine *machine)
{
    return (struct row_words){
        .model = take_word(catalog, WORD_MODEL, machine),
        .country = take_word(catalog, WORD_COUNTRY, machine),
        .cpu_name = take_word(catalog, WORD_CPU_NAME, machine),
        .cpu_arch = take_word(catalog, WORD_CPU_ARCH, machine),
        .disk_name = take_word(catalog, WORD_DISK_NAME, machine),
        .os_version = take_word(catalog, WORD_OS, machine),
    };
}

static void drop_word(struct catalog *catalog, int word, uint32_t row)
{
    const struct column *column = &catalog_block_of(catalog, row)->columns[word_columns[word]];

    words_drop(words_of(catalog, word), (uint32_t)column_get(column, row % COLUMN_ROWS));
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

/* All numbers of an offer, and its line. */
static void work_out(const struct offer *offer, const struct row_words *W,
                     int64_t numbers[static COLUMN_COUNT], struct catalog_line *ret_line)
{
    const struct quote on_demand = offer_quote(offer, &(struct offer_ask){ OFFER_ON_DEMAND, 0, 0 });
    const struct quote bid = offer_quote(offer, &(struct offer_ask){ OFFER_BID, 0, 0 });
    const struct offer *O = offer;
    const struct machine *M = offer->machine;
    const struct offer_terms *T = &offer->terms;
    const struct quote *Q = &on_demand, *B = &bid;

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

static void set_number(struct catalog *catalog, uint32_t row, int column, int64_t number)
{
    struct catalog_block *block = catalog_block_of(catalog, row);

    column_set(&block->columns[column], row % COLUMN_ROWS, number);
    widen(&catalog->zones[column][row / COLUMN_ROWS], number);
}

/* Texts that are what they were keep their numbers: true where all do. */
static bool set_words(struct catalog *catalog, uint32_t row, const struct offer *last,
                      const struct offer *offer)
{
    bool is_same = true;

    for (int word = 0; word < WORD_COUNT; word++) {
        if (last != NULL &&
            strcmp(text_of(last->machine, word), text_of(offer->machine, word)) == 0)
            continue;
        uint32_t number = take_word(catalog, word, offer->machine);

        if (last != NULL)
            drop_word(catalog, word, row);
        set_number(catalog, row, (int)word_columns[word], (int64_t)number);
        is_same = false;
    }
    return is_same;
}

/* Columns lie far apart, and little of an offer changes at a time: the numbers are compared with
 * those of what it was, and only those that changed are looked for. */
static size_t set_numbers(struct catalog *catalog, uint32_t row, const struct offer *offer,
                          struct catalog_notes *notes)
{
    static const struct row_words no_words;
    const struct catalog_block *block = catalog_block_of(catalog, row);
    struct catalog_line *line = &catalog_block_of(catalog, row)->lines[row % COLUMN_ROWS];
    bool is_here = (block->flags[row % COLUMN_ROWS] & FLAG_HERE) != 0;
    const struct offer *last = is_here ? line->offer : NULL;
    size_t count = 0;
    int64_t numbers[COLUMN_COUNT], before[COLUMN_COUNT];

    if (last != NULL)
        work_out(last, &no_words, before, line);
    work_out(offer, &no_words, numbers, line);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        bool is_word = false;

        for (int word = 0; word < WORD_COUNT && last == NULL; word++)
            is_word = is_word || word_columns[word] == (enum catalog_column)i;
        if (is_word || (last != NULL && numbers[i] == before[i]))
            continue;
        set_number(catalog, row, i, numbers[i]);
        count++;
        if (notes != NULL)
            catalog_notes_add_number(notes, i, numbers[i]);
    }
    return count;
}

static void set_flags(struct catalog *catalog, uint32_t row, uint16_t flags)
{
    struct catalog_block *block = catalog_block_of(catalog, row);
    size_t index = row / COLUMN_ROWS;

    block->flags[row % COLUMN_ROWS] = flags;
    catalog->flags_any[index] |= flags;
    catalog->flags_all[index] &= flags;
    if (++block->set_count >= CATALOG_SETS_MAX)
        catalog_block_redraw(catalog, index);
}

bool catalog_row_set(struct catalog *catalog, uint32_t row, const struct offer *offer,
                     struct catalog_notes *notes)
{
    struct catalog_block *block = catalog_block_of(catalog, row);
    size_t at = row % COLUMN_ROWS;
    const struct offer *last = (block->flags[at] & FLAG_HERE) != 0 ? block->lines[at].offer : NULL;
    struct catalog_note note = { .row = row, .flags = flags_of(offer) };
    bool is_same = set_words(catalog, row, last, offer);

    note.number_count = (uint16_t)set_numbers(catalog, row, offer, notes);
    note.line = block->lines[at];
    if (notes != NULL)
        catalog_notes_add(notes, &note);
    set_flags(catalog, row, note.flags);
    return is_same;
}

void catalog_row_apply(struct catalog *catalog, const struct catalog_note *note,
                       const struct catalog_number *numbers)
{
    struct catalog_line *line =
        &catalog_block_of(catalog, note->row)->lines[note->row % COLUMN_ROWS];

    assert(line->id == note->line.id);
    for (size_t i = 0; i < note->number_count; i++)
        set_number(catalog, note->row, (int)numbers[i].column, numbers[i].number);
    *line = note->line;
    set_flags(catalog, note->row, note->flags);
}

void catalog_row_clear(struct catalog *catalog, uint32_t row)
{
    struct catalog_block *block = catalog_block_of(catalog, row);

    for (int word = 0; word < WORD_COUNT; word++)
        drop_word(catalog, word, row);
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
        const struct row_words words = take_words(catalog, offers[at]->machine);

        work_out(offers[at], &words, numbers[at], &block->lines[at]);
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

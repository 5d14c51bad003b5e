/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_blocks.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/gpu.h"

/* The texts of an offer that have columns. */
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
    /* The bits of floats from 0 up are in the order of the floats: the next one is one more. */
    return ((bound_of_float(near) + ((double)near < value ? 1 : 0)) >> BOUND_BITS_LOST) + 1;
}

int64_t catalog_bound_below(double value)
{
    float near = (float)value;

    if (!(value > 0))
        return 0;
    if (isinf(near))
        return INT32_MAX;
    return (bound_of_float(near) - ((double)near > value ? 1 : 0)) >> BOUND_BITS_LOST;
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
        { machine->encrypts_workspaces, FLAG_ENCRYPTS },
        { machine->has_display, FLAG_DISPLAY },
        { machine->is_simulated, FLAG_SIMULATED },
        { offer->is_bid, FLAG_BID },
    };
    unsigned flags = FLAG_HERE;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        flags |= rows[i].is_set ? (unsigned)rows[i].flag : 0;
    return (uint16_t)flags;
}

/* Of a definition's columns, those of one kind: the others come to nothing. */
#define NOTHING(name, value)

static void work_out_machine(const struct machine *machine, int64_t numbers[static COLUMN_COUNT])
{
    const struct machine *M = machine;

#define CATALOG_COLUMN(kind, name, value) kind(name, value)
#define OF_MACHINE(name, value)           numbers[COLUMN_##name] = (value);
#define OF_OFFER                          NOTHING
#define OF_TEXT                           NOTHING
#include "market/catalog_columns.def"
#undef OF_MACHINE
#undef OF_OFFER
#undef OF_TEXT
#undef CATALOG_COLUMN
}

/* Of the offer itself, and its line. */
static void work_out_offer(const struct offer *offer, int64_t numbers[static COLUMN_COUNT],
                           struct catalog_line *ret_line)
{
    const struct quote on_demand =
        offer_quote(offer, &(struct offer_ask){ .type = OFFER_ON_DEMAND });
    const struct quote bid = offer_quote(offer, &(struct offer_ask){ .type = OFFER_BID });
    const struct offer *O = offer;
    const struct machine *M = offer->machine;
    const struct offer_terms *T = &offer->terms;
    const struct quote *Q = &on_demand, *B = &bid;

#define CATALOG_COLUMN(kind, name, value) kind(name, value)
#define OF_MACHINE                        NOTHING
#define OF_OFFER(name, value)             numbers[COLUMN_##name] = (value);
#define OF_TEXT                           NOTHING
#include "market/catalog_columns.def"
#undef OF_MACHINE
#undef OF_OFFER
#undef OF_TEXT
#undef CATALOG_COLUMN
    *ret_line = (struct catalog_line){
        .id = O->id,
        .offer = O,
        .base = { Q->base.nanodollars, B->base.nanodollars },
        .disk_month = T->disk_month.nanodollars,
        .traffic = offer_traffic(O),
        .worth = merit_of(O) * (O->merit > 0 ? O->lasting : offer_lasts(M, 0)),
        .dlperf = Q->dlperf,
    };
}

static void take_words(struct catalog *catalog, const struct machine *machine,
                       int64_t numbers[static COLUMN_COUNT])
{
    for (int word = 0; word < WORD_COUNT; word++)
        numbers[word_columns[word]] = (int64_t)take_word(catalog, word, machine);
}

/* The columns of each kind. */
#define CATALOG_COLUMN(kind, name, value) kind(name, value)
#define OF_TEXT                           NOTHING
#define OF_MACHINE(name, value)           COLUMN_##name,
#define OF_OFFER                          NOTHING
static const enum catalog_column machine_columns[] = {
#include "market/catalog_columns.def"
};
#undef OF_MACHINE
#undef OF_OFFER
#define OF_MACHINE            NOTHING
#define OF_OFFER(name, value) COLUMN_##name,
static const enum catalog_column offer_columns[] = {
#include "market/catalog_columns.def"
};
#undef OF_TEXT
#undef OF_MACHINE
#undef OF_OFFER
#undef CATALOG_COLUMN
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void widen(struct catalog_zone *zone, int64_t number)
{
    zone->min = number < zone->min ? number : zone->min;
    zone->max = number > zone->max ? number : zone->max;
}

static void set_number(struct catalog *catalog, uint32_t row, int column, int64_t number)
{
    struct catalog_block *block = catalog_block_of(catalog, row);

    column_set(&block->columns[column], row % COLUMN_ROWS, number);
    block->touched |= UINT64_C(1) << column;
    widen(&catalog->zones[column][row / COLUMN_ROWS], number);
}

static void set_flags(struct catalog *catalog, uint32_t row, uint16_t flags)
{
    struct catalog_block *block = catalog_block_of(catalog, row);
    size_t index = row / COLUMN_ROWS;

    /* Every search reads them: what has not changed is not written. */
    if (block->flags[row % COLUMN_ROWS] != flags) {
        block->flags[row % COLUMN_ROWS] = flags;
        catalog->flags_any[index] |= flags;
        catalog->flags_all[index] &= flags;
    }
    if (++block->set_count >= CATALOG_SETS_MAX)
        catalog_block_redraw(catalog, index);
}

void catalog_row_set(struct catalog *catalog, uint32_t row, const struct offer *offer)
{
    struct catalog_block *block = catalog_block_of(catalog, row);
    size_t at = row % COLUMN_ROWS;
    int64_t numbers[COLUMN_COUNT];

    work_out_machine(offer->machine, numbers);
    work_out_offer(offer, numbers, &block->lines[at]);
    take_words(catalog, offer->machine, numbers);
    for (int word = 0; (block->flags[at] & FLAG_HERE) != 0 && word < WORD_COUNT; word++)
        drop_word(catalog, word, row);
    for (int i = 0; i < COLUMN_COUNT; i++)
        set_number(catalog, row, i, numbers[i]);
    set_flags(catalog, row, flags_of(offer));
}

bool catalog_compare(const struct machine *last, const struct machine *machine,
                     struct catalog_change *ret)
{
    int64_t before[COLUMN_COUNT], numbers[COLUMN_COUNT];

    for (int word = 0; word < WORD_COUNT; word++) {
        if (strcmp(text_of(last, word), text_of(machine, word)) != 0)
            return false;
    }
    work_out_machine(last, before);
    work_out_machine(machine, numbers);
    ret->count = 0;
    for (size_t i = 0; i < LENGTH(machine_columns); i++) {
        uint32_t column = machine_columns[i];

        if (numbers[column] != before[column])
            ret->numbers[ret->count++] = (struct catalog_number){ numbers[column], column };
    }
    return true;
}

void catalog_row_note(const struct offer *last, const struct offer *offer, struct catalog_note *ret,
                      struct catalog_change *change)
{
    int64_t before[COLUMN_COUNT], numbers[COLUMN_COUNT];

    work_out_offer(last, before, &ret->line);
    work_out_offer(offer, numbers, &ret->line);
    for (size_t i = 0; i < LENGTH(offer_columns); i++) {
        uint32_t column = offer_columns[i];

        if (numbers[column] != before[column])
            change->numbers[change->count++] = (struct catalog_number){ numbers[column], column };
    }
    ret->last = last;
    ret->flags = flags_of(offer);
    ret->number_count = (uint16_t)change->count;
}

void catalog_row_apply(struct catalog *catalog, const struct catalog_note *note,
                       const struct catalog_number *numbers)
{
    struct catalog_line *line =
        &catalog_block_of(catalog, note->row)->lines[note->row % COLUMN_ROWS];

    /* Nothing else was put there since it was noted. */
    assert(line->id == note->line.id && line->offer == note->last);
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
    block->touched = UINT64_MAX;
    catalog->flags_all[row / COLUMN_ROWS] = 0;
}

void catalog_rows_fill(struct catalog *catalog, size_t index, const struct offer *const *offers,
                       size_t count)
{
    struct catalog_block *block = catalog->blocks[index];

    assert(count <= COLUMN_ROWS);
    _Static_assert(COLUMN_COUNT <= 64, "`touched` has a bit for each column");
    int64_t(*numbers)[COLUMN_COUNT] = malloc(COLUMN_ROWS * sizeof *numbers);
    if (numbers == NULL)
        abort(); /* As base/buf.h says. */
    for (size_t at = 0; at < count; at++) {
        work_out_machine(offers[at]->machine, numbers[at]);
        work_out_offer(offers[at], numbers[at], &block->lines[at]);
        take_words(catalog, offers[at]->machine, numbers[at]);
        block->flags[at] = flags_of(offers[at]);
    }
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int64_t column[COLUMN_ROWS] = { 0 };

        for (size_t at = 0; at < count; at++)
            column[at] = numbers[at][i];
        column_fill(&block->columns[i], column);
    }
    free(numbers);
    block->touched = UINT64_MAX;
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

    for (int i = 0; i < COLUMN_COUNT; i++) {
        if ((block->touched >> i & 1) != 0)
            redraw_column(catalog, index, i);
    }
    block->touched = 0;
    for (size_t at = 0; at < COLUMN_ROWS; at++) {
        any |= block->flags[at];
        all &= block->flags[at];
    }
    catalog->flags_any[index] = (uint16_t)any;
    catalog->flags_all[index] = (uint16_t)all;
    block->set_count = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a command prints: tables and cards for eyes, JSON for programs.
 *
 * A cell never holds a control character, whatever a host or a renter has named their things:
 * nobody else's text steers this terminal. Where a terminal is too narrow for a table, the
 * columns of the highest rank are left out first, and a last line says which. */

#ifndef BERTH_CLI_PRINT_H
#define BERTH_CLI_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"

enum { TABLE_COLUMNS_MAX = 24 };

struct table_column {
    const char *title;
    bool is_number; /* aligned to the right */
    int rank;       /* 0: always shown */
    int width_max;  /* at a terminal, cells are cut to this; 0: any */
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct arena texts;
    const char **cells; /* row after row */
    bool *is_dim;       /* of a row's first cell: the row */
    size_t cell_count, cell_capacity;
};

#define auto_table __attribute__((cleanup(table_release)))

struct table table_of(const struct table_column *columns, size_t column_count);
void table_release(struct table *table);

/* The next cell, from left to right and from top to bottom. */
void table_cell(struct table *table, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same from a member of a JSON object; "-" where it is absent or null. Numbers are multiplied
 * by `scale` first. */
void table_text(struct table *table, const json_t *row, const char *name);
void table_number(struct table *table, const json_t *row, const char *name, double scale,
                  int decimals);

/* Show the row that was added last as greyed out. */
void table_dim(struct table *table);

/* How the output is looked at. */
struct print_style {
    int width;     /* of the terminal in columns; 0: any */
    bool is_plain; /* no bold titles, nothing greyed out */
};

void table_write(const struct table *table, struct print_style style, struct buf *out);

/* One line of a card: a name, padded, and text, cleaned. */
void print_line(struct buf *out, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* Text of others, with controls made visible as spaces. */
void print_clean(struct buf *out, const char *text);

/* JSON, two blanks a level, numbers as short as they go. */
void print_json(struct buf *out, const json_t *value);

/* "3 d 4 h", "12 min", "40 s". */
enum { AGE_TEXT_SIZE = 32 };
char *print_age(int64_t seconds, char text[static AGE_TEXT_SIZE]);

/* Members for eyes: 0, or "", where there is none. */
double print_real_of(const json_t *row, const char *name);
int64_t print_int_of(const json_t *row, const char *name);
const char *print_text_of(const json_t *row, const char *name);

/* The same, and "-" where there is none. */
const char *print_text_or_dash(const json_t *row, const char *name);

#endif

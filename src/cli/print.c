/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json.h"

enum { TEXTS_MAX = 256 << 20, CELL_LENGTH_MAX = 512, GAP = 2, NAME_WIDTH = 14, INDENT = 2 };

struct table table_of(const struct table_column *columns, size_t column_count)
{
    assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
    return (struct table){ .columns = columns,
                           .column_count = column_count,
                           .texts = arena_of(TEXTS_MAX) };
}

void table_release(struct table *table)
{
    arena_release(&table->texts);
    free(table->cells);
    free(table->is_dim);
    *table = table_of(table->columns, table->column_count);
}

void print_clean(struct buf *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        /* In UTF-8 the controls of the second kind are U+0080 to U+009F. */
        bool is_second = at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;

        if (*at < ' ' || *at == 0x7f || is_second)
            buf_append(out, " ", 1);
        else
            buf_append(out, (const char *)at, 1);
        at += is_second ? 1 : 0;
    }
}

static void add_cell(struct table *table, const char *text)
{
    auto_buf struct buf clean = buf_of(CELL_LENGTH_MAX);

    if (table->cell_count == table->cell_capacity) {
        size_t capacity = table->cell_capacity > 0 ? 2 * table->cell_capacity : 256;
        const char **cells = realloc(table->cells, capacity * sizeof *cells);
        bool *is_dim = realloc(table->is_dim, capacity * sizeof *is_dim);

        if (cells == NULL || is_dim == NULL)
            abort();
        table->cells = cells;
        table->is_dim = is_dim;
        table->cell_capacity = capacity;
    }
    print_clean(&clean, text);
    table->is_dim[table->cell_count] = false;
    const char *copy = clean.length > 0 ? arena_text(&table->texts, clean.bytes) : "";
    table->cells[table->cell_count++] = copy != NULL ? copy : "...";
}

void table_cell(struct table *table, const char *format, ...)
{
    char text[CELL_LENGTH_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add_cell(table, text);
}

void table_text(struct table *table, const json_t *row, const char *name)
{
    table_cell(table, "%s", print_text_or_dash(row, name));
}

void table_number(struct table *table, const json_t *row, const char *name, double scale,
                  int decimals)
{
    if (json_is_number(json_member(row, name)))
        table_cell(table, "%.*f", decimals, print_real_of(row, name) * scale);
    else
        add_cell(table, "-");
}

void table_dim(struct table *table)
{
    assert(table->cell_count > 0 && table->cell_count % table->column_count == 0);
    table->is_dim[table->cell_count - table->column_count] = true;
}

/* Columns that text takes: one for each character, the common case. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

struct layout {
    size_t widths[TABLE_COLUMNS_MAX];
    bool is_shown[TABLE_COLUMNS_MAX];
    bool cuts; /* cells longer than their column allows */
};

static size_t total_width(const struct table *table, const struct layout *layout)
{
    size_t total = 0;

    for (size_t i = 0; i < table->column_count; i++)
        total += layout->is_shown[i] ? layout->widths[i] + GAP : 0;
    return total > GAP ? total - GAP : 0;
}

/* The column to leave out next: of the highest rank, and the last of these. -1: none may be. */
static int least_wanted(const struct table *table, const struct layout *layout)
{
    int found = -1;

    for (size_t i = 0; i < table->column_count; i++) {
        if (layout->is_shown[i] && table->columns[i].rank > 0 &&
            (found < 0 || table->columns[i].rank >= table->columns[found].rank))
            found = (int)i;
    }
    return found;
}

static struct layout lay_out(const struct table *table, struct print_style style)
{
    struct layout layout = { .cuts = !style.is_plain };

    for (size_t i = 0; i < table->column_count; i++) {
        layout.widths[i] = width_of(table->columns[i].title);
        layout.is_shown[i] = true;
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t cell_width = width_of(table->cells[i]);
        size_t *column_width = &layout.widths[i % table->column_count];
        size_t width_max = (size_t)table->columns[i % table->column_count].width_max;

        if (layout.cuts && width_max > 0 && cell_width > width_max)
            cell_width = width_max;
        *column_width = cell_width > *column_width ? cell_width : *column_width;
    }
    while (style.width > 0 && total_width(table, &layout) > (size_t)style.width) {
        int out = least_wanted(table, &layout);

        if (out < 0)
            break;
        layout.is_shown[out] = false;
    }
    return layout;
}

/* The cell, or so much of it that it ends in an ellipsis at `width`. */
static void write_cell(const char *cell, size_t width, struct buf *out)
{
    size_t length = 0, shown = 0;

    if (width_of(cell) <= width) {
        buf_append(out, cell, strlen(cell));
        return;
    }
    for (; shown < width - 1 || (cell[length] & 0xc0) == 0x80; length++)
        shown += (cell[length] & 0xc0) != 0x80;
    buf_printf(out, "%.*s\u2026", (int)length, cell);
}

static void write_row(const struct table *table, const struct layout *layout,
                      const char *const *cells, struct buf *out)
{
    size_t pending = 0; /* blanks, written only in front of something */

    for (size_t i = 0; i < table->column_count; i++) {
        if (!layout->is_shown[i])
            continue;
        const char *cell = cells != NULL ? cells[i] : table->columns[i].title;
        bool is_cut = width_of(cell) > layout->widths[i];
        size_t blanks = is_cut ? 0 : layout->widths[i] - width_of(cell);

        if (table->columns[i].is_number)
            pending += blanks;
        if (*cell != '\0') {
            buf_printf(out, "%*s", (int)pending, "");
            write_cell(cell, layout->widths[i], out);
            pending = 0;
        }
        pending += GAP + (table->columns[i].is_number ? 0 : blanks);
    }
}

static void write_left_out(const struct table *table, const struct layout *layout, struct buf *out)
{
    const char *separator = "(left out here: ";

    for (size_t i = 0; i < table->column_count; i++) {
        if (layout->is_shown[i])
            continue;
        buf_printf(out, "%s%s", separator, table->columns[i].title);
        separator = ", ";
    }
    if (*separator == ',')
        buf_printf(out, ")\n");
}

void table_write(const struct table *table, struct print_style style, struct buf *out)
{
    struct layout layout = lay_out(table, style);

    assert(table->cell_count % table->column_count == 0);
    if (!style.is_plain)
        buf_printf(out, "\x1b[1m");
    write_row(table, &layout, NULL, out);
    buf_printf(out, style.is_plain ? "\n" : "\x1b[0m\n");
    for (size_t at = 0; at < table->cell_count; at += table->column_count) {
        bool is_dim = table->is_dim[at] && !style.is_plain;

        buf_append(out, "\x1b[2m", is_dim ? 4 : 0);
        write_row(table, &layout, table->cells + at, out);
        buf_printf(out, is_dim ? "\x1b[0m\n" : "\n");
    }
    write_left_out(table, &layout, out);
}

void print_line(struct buf *out, const char *name, const char *format, ...)
{
    char text[8 * CELL_LENGTH_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_printf(out, "  %-*s ", NAME_WIDTH, name);
    print_clean(out, text);
    buf_append(out, "\n", 1);
}

static void print_scalar(struct buf *out, const json_t *value)
{
    struct encoder json = encoder_of(out);

    if (json_is_string(value))
        encode_bytes(&json, json_string_value(value), json_string_length(value));
    else if (json_is_integer(value))
        encode_int(&json, json_integer_value(value));
    else if (json_is_real(value))
        encode_real(&json, json_real_value(value));
    else if (json_is_boolean(value))
        encode_bool(&json, json_is_true(value));
    else
        encode_null(&json);
}

static void print_value(struct buf *out, const json_t *value, int level)
{
    bool is_object = json_is_object(value);
    size_t count = is_object ? json_object_size(value) : json_array_size(value);
    void *iterator = json_object_iter((json_t *)(uintptr_t)value);

    if (!is_object && !json_is_array(value)) {
        print_scalar(out, value);
        return;
    }
    buf_append(out, is_object ? "{" : "[", 1);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s\n%*s", i > 0 ? "," : "", (level + 1) * INDENT, "");
        if (is_object) {
            struct encoder json = encoder_of(out);

            encode_text(&json, json_object_iter_key(iterator));
            buf_printf(out, ": ");
            print_value(out, json_object_iter_value(iterator), level + 1);
            iterator = json_object_iter_next((json_t *)(uintptr_t)value, iterator);
        } else {
            print_value(out, json_array_get(value, i), level + 1);
        }
    }
    if (count > 0)
        buf_printf(out, "\n%*s", level * INDENT, "");
    buf_append(out, is_object ? "}" : "]", 1);
}

void print_json(struct buf *out, const json_t *value)
{
    print_value(out, value, 0);
    buf_append(out, "\n", 1);
}

char *print_age(int64_t seconds, char text[static AGE_TEXT_SIZE])
{
    int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

    if (seconds < 0)
        (void)snprintf(text, AGE_TEXT_SIZE, "-");
    else if (minutes == 0)
        (void)snprintf(text, AGE_TEXT_SIZE, "%" PRId64 " s", seconds);
    else if (hours == 0)
        (void)snprintf(text, AGE_TEXT_SIZE, "%" PRId64 " min", minutes);
    else if (days == 0)
        (void)snprintf(text, AGE_TEXT_SIZE, "%" PRId64 " h %" PRId64 " min", hours, minutes % 60);
    else
        (void)snprintf(text, AGE_TEXT_SIZE, "%" PRId64 " d %" PRId64 " h", days, hours % 24);
    return text;
}

double print_real_of(const json_t *row, const char *name)
{
    return json_number_value(json_member(row, name));
}

int64_t print_int_of(const json_t *row, const char *name)
{
    double value = print_real_of(row, name);

    return value > -1e18 && value < 1e18 ? (int64_t)value : 0;
}

const char *print_text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_member(row, name));

    return text != NULL ? text : "";
}

const char *print_text_or_dash(const json_t *row, const char *name)
{
    const char *text = print_text_of(row, name);

    return *text != '\0' ? text : "-";
}

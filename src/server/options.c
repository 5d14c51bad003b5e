/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include <assert.h>
#include <string.h>

/* The row that `name`, of `length` bytes, stands for; OPTIONS_MAX where none does. */
static size_t find_row(const struct option_row *rows, const char *name, size_t length)
{
    for (size_t i = 0; rows[i].name != NULL; i++) {
        assert(i < OPTIONS_MAX);
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
            return i;
    }
    return OPTIONS_MAX;
}

/* One "--name", "--name=value" or "--name value"; `*index` moves past what was used. */
static bool parse_option(struct options *options, int argc, char *const *argv, int *index,
                         struct error *err)
{
    const char *name = argv[*index] + 2;
    size_t length = strcspn(name, "=");
    bool has_value = name[length] == '=';
    size_t row = find_row(options->rows, name, length);

    if (row == OPTIONS_MAX)
        return error_set(err, ERROR_INVALID, "unknown option '%.64s'", argv[*index]);
    if (options->values[row] != NULL)
        return error_set(err, ERROR_INVALID, "--%s is given twice", options->rows[row].name);
    if (options->rows[row].value_name == NULL) {
        if (has_value)
            return error_set(err, ERROR_INVALID, "--%s takes no value", options->rows[row].name);
        options->values[row] = "";
        return true;
    }
    if (!has_value && *index + 1 >= argc)
        return error_set(err, ERROR_INVALID, "--%s needs %s", options->rows[row].name,
                         options->rows[row].value_name);
    options->values[row] = has_value ? name + length + 1 : argv[++*index];
    return true;
}

bool options_parse(const struct option_row *rows, int argc, char *const *argv, struct options *ret,
                   struct error *err)
{
    struct options options = { .rows = rows };

    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            options.wants_help = true;
        } else if (strncmp(word, "--", 2) == 0 && word[2] != '\0') {
            if (!parse_option(&options, argc, argv, &i, err))
                return false;
        } else if (word[0] == '-') {
            return error_set(err, ERROR_INVALID, "unknown option '%.64s'", word);
        } else if (options.word_count == OPTIONS_WORDS_MAX) {
            return error_set(err, ERROR_INVALID, "'%.64s' is one word too many", word);
        } else {
            options.words[options.word_count++] = word;
        }
    }
    *ret = options;
    return true;
}

static const char blanks[] = " \t\r";

/* A comment begins with the line, or behind a blank: there may be a '#' in an address. */
static void cut_comment(char *text)
{
    for (char *at = text; (at = strchr(at, '#')) != NULL; at++) {
        if (at == text || strchr(blanks, at[-1]) != NULL) {
            *at = '\0';
            return;
        }
    }
}

/* What a file sets beside the command line, which wins. */
struct filling {
    struct options *options;
    struct arena *arena;
    bool is_set[OPTIONS_MAX]; /* by the file */
};

/* One line of a file, without its comment and the blanks around it. */
static bool add_line(struct filling *filling, const char *line, size_t length, struct error *err)
{
    struct options *options = filling->options;
    char *text = arena_copy(filling->arena, line, length);

    if (text == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the file is too long");
    cut_comment(text);
    text += strspn(text, blanks);
    for (size_t end = strlen(text); end > 0 && strchr(blanks, text[end - 1]) != NULL; end--)
        text[end - 1] = '\0';
    if (text[0] == '\0')
        return true;

    size_t name_length = strcspn(text, blanks);
    const char *value = text + name_length + strspn(text + name_length, blanks);
    size_t row = find_row(options->rows, text, name_length);
    if (row == OPTIONS_MAX)
        return error_set(err, ERROR_INVALID, "unknown setting '%.*s'", (int)name_length, text);
    bool is_switch = options->rows[row].value_name == NULL;
    if (is_switch != (value[0] == '\0'))
        return error_set(err, ERROR_INVALID, "%s %s", options->rows[row].name,
                         is_switch ? "takes no value" : "needs a value");
    if (filling->is_set[row])
        return error_set(err, ERROR_INVALID, "%s is set twice", options->rows[row].name);
    filling->is_set[row] = true;
    if (options->values[row] == NULL)
        options->values[row] = value;
    return true;
}

bool options_add_file(struct options *options, const char *text, struct arena *arena,
                      struct error *err)
{
    struct options filled = *options;
    struct filling filling = { .options = &filled, .arena = arena };
    int number = 1;

    for (const char *line = text; *line != '\0'; number++) {
        size_t length = strcspn(line, "\n");
        if (!add_line(&filling, line, length, err))
            return error_context(err, "line %d", number);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    *options = filled;
    return true;
}

const char *options_get(const struct options *options, const char *name)
{
    size_t row = find_row(options->rows, name, strlen(name));

    assert(row != OPTIONS_MAX);
    return options->values[row];
}

void options_describe(const struct option_row *rows, struct buf *out)
{
    for (const struct option_row *row = rows; row->name != NULL; row++) {
        bool has_value = row->value_name != NULL;
        int width = 22 - (int)strlen(row->name);
        buf_printf(out, "  --%s%s%-*s  %s\n", row->name, has_value ? " " : "",
                   width > 0 ? width - (has_value ? 1 : 0) : 0, has_value ? row->value_name : "",
                   row->help);
    }
}

void options_sample(const struct option_row *rows, struct buf *out)
{
    for (const struct option_row *row = rows; row->name != NULL; row++)
        buf_printf(out, "%s# %s\n#%s%s%s\n", row == rows ? "" : "\n", row->help, row->name,
                   row->value_name != NULL ? " " : "",
                   row->value_name != NULL ? row->value_name : "");
}

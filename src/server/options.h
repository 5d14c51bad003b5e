/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of berthd: one table a command, from which parsing, --help and the
 * configuration file are made.
 *
 *     berthd serve --data DIR --auto-verify        an option takes the next word, or "=VALUE"
 *
 * A configuration file holds the same names, one a line and each once, "name value" or "name"; '#'
 * starts a comment, at the line's beginning or behind a blank. What the command line says wins.
 * Parsing allocates only what a file needs, which the arena owns. */

#ifndef BERTH_SERVER_OPTIONS_H
#define BERTH_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { OPTIONS_MAX = 64, OPTIONS_WORDS_MAX = 4 };

struct option_row {
    const char *name;       /* without the dashes; NULL ends a table */
    const char *value_name; /* NULL: a switch */
    const char *help;       /* one line */
};

/* What was given: `values` by row; a switch that was given has "". */
struct options {
    const struct option_row *rows;
    const char *values[OPTIONS_MAX];
    const char *words[OPTIONS_WORDS_MAX]; /* what is not an option, in order */
    size_t word_count;
    bool wants_help; /* --help or -h was among them */
};

/* ERROR_INVALID names the word that is wrong. Texts stay owned by `argv`. */
NODISCARD bool options_parse(const struct option_row *rows, int argc, char *const *argv,
                             struct options *ret, struct error *err);

/* Fill what the command line left out from the file's text. */
NODISCARD bool options_add_file(struct options *options, const char *text, struct arena *arena,
                                struct error *err);

/* The value of the option, or NULL where it was not given. Asserts that the table has it. */
const char *options_get(const struct options *options, const char *name);

static inline bool options_has(const struct options *options, const char *name)
{
    return options_get(options, name) != NULL;
}

/* The table as lines for --help. */
void options_describe(const struct option_row *rows, struct buf *out);

/* The table as a configuration file in which every option is a comment. */
void options_sample(const struct option_row *rows, struct buf *out);

#endif

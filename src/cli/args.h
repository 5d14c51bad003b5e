/* SPDX-License-Identifier: Apache-2.0 */
/* Words and options of one command.
 *
 *     --limit 5  --limit=5  -o dph  -odph  --raw        options, anywhere among the words
 *     -bc CODE                                           one dash does for names of two letters
 *     --                                                 only words from here on
 *     --args sleep 60                                    an option that takes all the rest
 *
 * Names may be written with '_' for '-', as habits from elsewhere have it. Everything that is
 * parsed stays owned by argv. */

#ifndef BERTH_CLI_ARGS_H
#define BERTH_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"

enum { ARGS_WORDS_MAX = 256, ARGS_OPTIONS_MAX = 48 };

struct args_option {
    const char *name;       /* without the dashes; NULL ends a list */
    char letter;            /* or 0 */
    const char *value_name; /* NULL: a switch; ending in "...": takes the rest of the line */
    const char *help;       /* a few words, for people */
};

/* Options that every command has. */
extern const struct args_option args_global_options[];

struct args {
    const struct args_option *options; /* of the command */
    const char *values[ARGS_OPTIONS_MAX];
    const char *global_values[ARGS_OPTIONS_MAX]; /* "" for a switch; NULL: not given */
    const char *words[ARGS_WORDS_MAX + 1];       /* NULL-terminated */
    size_t word_count;
    const char *const *rest; /* what an option took with the rest of the line, NULL-terminated */
};

/* Parse until argv ends. What is wrong is ERROR_INVALID, and says which word. */
NODISCARD bool args_parse(const struct args_option *options, const char *const *argv,
                          struct args *ret, struct error *err);

/* How many of the first words of argv are global options and their values. */
size_t args_count_leading_globals(const char *const *argv);

/* The option's value, "" for a switch, or NULL where it was not given. Asserts that the command
 * or the global list has it. */
const char *args_get(const struct args *args, const char *name);

static inline bool args_has(const struct args *args, const char *name)
{
    return args_get(args, name) != NULL;
}

bool args_takes_rest(const struct args_option *option);

#endif

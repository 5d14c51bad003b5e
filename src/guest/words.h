/* SPDX-License-Identifier: Apache-2.0 */
/* A simple command line, split as a shell would, for images that have none. */

#ifndef BERTH_GUEST_WORDS_H
#define BERTH_GUEST_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORDS_MAX = 1024 };

/* Blanks separate; quotes and backslashes protect. Writes the words into `buffer`, of `size`
 * bytes, and points `ret_words` at them, with a NULL behind. False where a shell would do more
 * than split (variables, patterns, pipes, redirections, several commands), where a quote stays
 * open, where there is no word, or where it is too much. */
bool words_split(const char *line, char *buffer, size_t size, char *ret_words[static WORDS_MAX]);

#endif

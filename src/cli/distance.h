/* SPDX-License-Identifier: Apache-2.0 */
/* How far words are from each other, to name what somebody may have meant (Levenshtein's
 * distance). */

#ifndef BERTH_CLI_DISTANCE_H
#define BERTH_CLI_DISTANCE_H

#include <stddef.h>

enum { DISTANCE_LENGTH_MAX = 64 };

/* How many letters must be added, dropped or changed to make one of the other; of more than `most`,
 * any number above it. `b` has DISTANCE_LENGTH_MAX letters at most. */
size_t distance_between(const char *a, size_t a_length, const char *b, size_t most);

/* The most that a word of that length may be away from what was meant: two letters of a long one.
 */
static inline size_t distance_most(size_t length)
{
    return length < 6 ? 1 : 2;
}

#endif

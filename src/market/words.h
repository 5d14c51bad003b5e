/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as small numbers: the same text has the same number, for as long as anybody holds it.
 *
 * What comes in few kinds, such as models of GPUs and CPUs, is held by many offers: each holds
 * its number once. The number of a text that nobody holds goes to the next new one, so that hosts
 * who change their minds use nothing up. */

#ifndef BERTH_MARKET_WORDS_H
#define BERTH_MARKET_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_NONE UINT32_MAX

struct word {
    char *text; /* owned; NULL: the number is free */
    uint64_t hash;
    uint32_t holders;
    uint32_t next; /* with the same place in the table, or the next free one; or WORDS_NONE */
};

/* WORDS_EMPTY to begin with. */
struct words {
    struct word *words; /* owned, by number */
    uint32_t *table;    /* owned: the first of each place */
    uint32_t count, capacity, free_first;
};

#define WORDS_EMPTY ((struct words){ .free_first = WORDS_NONE })

void words_release(struct words *words);

/* The number of a text, which is held once more. */
uint32_t words_take(struct words *words, const char *text);

/* It is held once less. */
void words_drop(struct words *words, uint32_t word);

/* WORDS_NONE: nobody holds it. */
uint32_t words_find(const struct words *words, const char *text);

#endif

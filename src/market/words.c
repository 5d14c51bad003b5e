/* SPDX-License-Identifier: Apache-2.0 */
#include "market/words.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

void words_release(struct words *words)
{
    for (uint32_t i = 0; i < words->count; i++)
        free(words->words[i].text);
    free(words->words);
    free(words->table);
    *words = WORDS_EMPTY;
}

/* FNV-1a: texts are short, and come from hosts that gain nothing by slowing their own down. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 29);
}

static uint32_t *place_of(const struct words *words, uint64_t hash)
{
    return &words->table[hash & (words->capacity - 1)];
}

static uint32_t find(const struct words *words, const char *text, uint64_t hash)
{
    if (words->capacity == 0)
        return WORDS_NONE;
    uint32_t word = *place_of(words, hash);

    while (word != WORDS_NONE &&
           (words->words[word].hash != hash || strcmp(words->words[word].text, text) != 0))
        word = words->words[word].next;
    return word;
}

uint32_t words_find(const struct words *words, const char *text)
{
    return find(words, text, hash_of(text));
}

/* Twice as many words, each in the place that is now its own. */
static void grow(struct words *words)
{
    uint32_t capacity = words->capacity > 0 ? 2 * words->capacity : 64;

    assert(words->count == words->capacity && capacity > words->capacity);
    words->words = must(realloc(words->words, capacity * sizeof words->words[0]));
    free(words->table);
    words->table = must(malloc(capacity * sizeof words->table[0]));
    memset(words->table, 0xff, capacity * sizeof words->table[0]); /* WORDS_NONE */
    words->capacity = capacity;
    for (uint32_t i = 0; i < words->count; i++) {
        uint32_t *place = place_of(words, words->words[i].hash);

        words->words[i].next = *place;
        *place = i;
    }
}

uint32_t words_take(struct words *words, const char *text)
{
    uint64_t hash = hash_of(text);
    uint32_t word = find(words, text, hash);

    if (word != WORDS_NONE) {
        words->words[word].holders++;
        return word;
    }
    word = words->free_first;
    if (word != WORDS_NONE) {
        words->free_first = words->words[word].next;
    } else {
        if (words->count == words->capacity)
            grow(words);
        word = words->count++;
    }
    uint32_t *place = place_of(words, hash);

    words->words[word] =
        (struct word){ .text = must(strdup(text)), .hash = hash, .holders = 1, .next = *place };
    *place = word;
    return word;
}

void words_drop(struct words *words, uint32_t word)
{
    struct word *dropped = &words->words[word];

    assert(word < words->count && dropped->holders > 0);
    if (--dropped->holders > 0)
        return;
    uint32_t *link = place_of(words, dropped->hash);

    while (*link != word)
        link = &words->words[*link].next;
    *link = dropped->next;
    free(dropped->text);
    dropped->text = NULL;
    dropped->next = words->free_first;
    words->free_first = word;
}

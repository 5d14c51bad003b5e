/* SPDX-License-Identifier: Apache-2.0 */
#include "store/prepared.h"

#include <assert.h>
#include <string.h>

#include "store/driver.h"

/* Twice as many places as statements, so that a search soon meets a free one. */
static size_t place_count(const struct prepared *prepared)
{
    return 2 * prepared->count_max;
}

struct prepared prepared_of(size_t count_max)
{
    struct prepared prepared = { .count_max = count_max };

    assert(count_max > 0);
    prepared.entries = calloc(place_count(&prepared), sizeof *prepared.entries);
    if (prepared.entries == NULL)
        abort();
    return prepared;
}

void prepared_release(struct prepared *prepared)
{
    free(prepared->entries);
    *prepared = (struct prepared){ 0 };
}

static size_t hash_of(const char *sql, const uint64_t types[2])
{
    uint64_t hash = (uint64_t)(uintptr_t)sql ^ types[0] ^ (types[1] << 1);

    hash *= 0x9e3779b97f4a7c15;
    return (size_t)(hash >> 20);
}

/* Of every byte, eight at a time. */
static uint64_t digest_of(const char *sql)
{
    size_t length = strlen(sql);
    uint64_t digest = length, word;

    for (; length >= sizeof word; sql += sizeof word, length -= sizeof word) {
        memcpy(&word, sql, sizeof word);
        digest = (digest ^ word) * 0x9e3779b97f4a7c15;
        digest ^= digest >> 32;
    }
    word = 0;
    memcpy(&word, sql, length);
    return (digest ^ word) * 0x9e3779b97f4a7c15;
}

struct prepared_entry *prepared_find(struct prepared *prepared, const char *sql,
                                     struct db_args args)
{
    uint64_t types[2] = { 0, 0 };

    static_assert(DB_ARGS_MAX <= 64, "two bits a parameter, in 128");
    for (size_t i = 0; i < args.count; i++)
        types[i / 32] |= (uint64_t)args.values[i].type << (2 * (i % 32));

    for (size_t at = hash_of(sql, types);; at++) {
        struct prepared_entry *entry = &prepared->entries[at % place_count(prepared)];

        if (entry->sql == NULL) {
            if (prepared->count == prepared->count_max)
                return NULL;
            *entry = (struct prepared_entry){ .sql = sql, .digest = digest_of(sql) };
            memcpy(entry->types, types, sizeof types);
            prepared->count++;
            return entry;
        }
        if (entry->sql == sql && memcmp(entry->types, types, sizeof types) == 0) {
            assert(entry->digest == digest_of(sql)); /* else it is no literal */
            return entry;
        }
    }
}

void prepared_each(struct prepared *prepared, void (*each)(void *statement))
{
    for (size_t i = 0; i < place_count(prepared); i++)
        if (prepared->entries[i].statement != NULL)
            each(prepared->entries[i].statement);
}

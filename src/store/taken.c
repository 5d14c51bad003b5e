/* SPDX-License-Identifier: Apache-2.0 */
#include "store/taken.h"

enum { PROBES_MAX = 8 };

static uint64_t hash_of(const char *table, int64_t id)
{
    uint64_t hash = (uint64_t)id * 0x9e3779b97f4a7c15;

    hash = (hash ^ (uint64_t)(uintptr_t)table) * 0xbf58476d1ce4e5b9;
    return hash >> 32;
}

void taken_begin(struct taken *taken)
{
    taken->transaction++;
}

bool taken_add(struct taken *taken, const char *table, int64_t id)
{
    uint64_t hash = hash_of(table, id);

    for (uint64_t i = 0; i < PROBES_MAX; i++) {
        struct taken_row *row = &taken->places[(hash + i) % TAKEN_MAX];

        if (row->transaction != taken->transaction) {
            *row = (struct taken_row){ table, id, taken->transaction };
            return true;
        }
        if (row->table == table && row->id == id)
            return false;
    }
    return true;
}

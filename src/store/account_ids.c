/* SPDX-License-Identifier: Apache-2.0 */
#include "store/account_ids.h"

#include <assert.h>

static size_t place_of(struct ledger_key key)
{
    uint64_t hash = (uint64_t)key.code * 0x9e3779b97f4a7c15;

    hash = (hash ^ (uint64_t)key.owner_id) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (uint64_t)key.sub_id) * 0x94d049bb133111eb;
    return (size_t)(hash >> 32) % ACCOUNT_IDS_MAX;
}

int64_t account_ids_find(const struct account_ids *ids, struct ledger_key key)
{
    const struct account_id *place = &ids->places[place_of(key)];
    return ledger_key_equals(place->key, key) ? place->id : 0;
}

void account_ids_learn(struct account_ids *ids, struct ledger_key key, int64_t id)
{
    size_t place = place_of(key);

    assert(id > 0);
    if (ids->fresh_count == ACCOUNT_IDS_FRESH_MAX)
        return;
    ids->fresh[ids->fresh_count++] = place;
    ids->places[place] = (struct account_id){ key, id };
}

void account_ids_keep(struct account_ids *ids)
{
    ids->fresh_count = 0;
}

void account_ids_forget(struct account_ids *ids)
{
    for (size_t i = 0; i < ids->fresh_count; i++)
        ids->places[ids->fresh[i]].id = 0;
    ids->fresh_count = 0;
}

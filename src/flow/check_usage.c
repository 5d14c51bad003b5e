/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/check_usage.h"

#include <stdlib.h>

void check_usage_release(struct check_usage *usage)
{
    free(usage->items);
    idmap_release(&usage->places);
    *usage = (struct check_usage){ .items = NULL };
}

static struct check_usage_of *item_of(struct check_usage *usage, int64_t contract_id)
{
    uint32_t place = idmap_find(&usage->places, contract_id);

    if (place != IDMAP_NONE)
        return &usage->items[place];
    if (usage->count == usage->capacity) {
        usage->capacity = 2 * usage->capacity + 256;
        usage->items = realloc(usage->items, usage->capacity * sizeof *usage->items);
        if (usage->items == NULL || usage->capacity >= IDMAP_NONE)
            abort();
    }
    idmap_put(&usage->places, contract_id, (uint32_t)usage->count);
    usage->items[usage->count] = (struct check_usage_of){ .contract_id = contract_id };
    return &usage->items[usage->count++];
}

void check_usage_add(struct check_usage *usage, int64_t journal_id, const struct journal *journal)
{
    if (journal->kind != JOURNAL_USAGE || journal->ref_kind != JOURNAL_REF_CONTRACT)
        return;
    struct check_usage_of *item = item_of(usage, journal->ref_id);
    for (size_t i = 0; i < journal->leg_count; i++) {
        const struct leg *leg = &journal->legs[i];
        int component = leg->code / 10;

        if (component < COMPONENT_GPU || component > COMPONENT_DOWN)
            continue;
        if (leg->code % 10 == LEG_CHARGE)
            item->charged[component] += leg->amount.nanodollars;
        if (leg->code % 10 == LEG_HOST_SHARE)
            item->host_share[component] += leg->amount.nanodollars;
    }
    if (instant_compare(journal->occurred, item->latest) > 0) {
        item->latest = journal->occurred;
        item->latest_id = journal_id;
    }
}

struct check_usage_of check_usage_take(struct check_usage *usage, int64_t contract_id)
{
    uint32_t place = idmap_find(&usage->places, contract_id);

    if (place == IDMAP_NONE)
        return (struct check_usage_of){ .contract_id = contract_id };
    usage->items[place].is_taken = true;
    return usage->items[place];
}

const struct check_usage_of *check_usage_left(const struct check_usage *usage, size_t *at)
{
    while (*at < usage->count)
        if (!usage->items[(*at)++].is_taken)
            return &usage->items[*at - 1];
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_lookup.h"

#include <math.h>
#include <stdlib.h>

/* Beyond this, doubles skip whole numbers. */
static const double id_max = 4e15;

struct found {
    struct catalog_rows *all;
    bool has_overflowed;
};

static void add_row(struct found *found, uint32_t row)
{
    if (found->all->count == CATALOG_ROWS_MAX)
        found->has_overflowed = true;
    else
        found->all->rows[found->all->count++] = row;
}

static void add_machine(const struct catalog *catalog, struct found *found, uint32_t place)
{
    uint32_t row = place != IDMAP_NONE ? catalog->places[place].first_row : CATALOG_NO_ROW;

    for (; row != CATALOG_NO_ROW && !found->has_overflowed;
         row = catalog_block_of(catalog, row)->next_rows[row % COLUMN_ROWS])
        add_row(found, row);
}

static void add_id(const struct catalog *catalog, struct found *found, enum query_field field,
                   int64_t id)
{
    if (field == QUERY_MACHINE_ID) {
        add_machine(catalog, found, idmap_find(&catalog->machines, id));
    } else if (field == QUERY_HOST_ID) {
        for (uint32_t place = idmap_find(&catalog->hosts, id);
             place != IDMAP_NONE && !found->has_overflowed; place = catalog->places[place].next)
            add_machine(catalog, found, place);
    } else {
        uint32_t row = idmap_find(&catalog->offers, id);

        if (row != IDMAP_NONE)
            add_row(found, row);
    }
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

    return (first > second) - (first < second);
}

static void leave_each_once(struct catalog_rows *rows)
{
    size_t count = 0;

    qsort(rows->rows, rows->count, sizeof rows->rows[0], compare_rows);
    for (size_t i = 0; i < rows->count; i++) {
        if (count == 0 || rows->rows[i] != rows->rows[count - 1])
            rows->rows[count++] = rows->rows[i];
    }
    rows->count = count;
}

bool catalog_lookup(const struct catalog *catalog, const struct query *query, size_t number,
                    struct catalog_rows *rows)
{
    const struct query_condition *condition = &query->conditions[number];
    struct found found = { .all = rows };

    rows->count = 0;
    for (size_t i = 0; i < condition->count; i++) {
        const struct query_value *value = &condition->values[i];

        if (value->kind != QUERY_VALUE_NUMBER)
            continue; /* Every offer has a number there. */
        if (!(fabs(value->number) < id_max))
            return false;
        if (value->number == (double)(int64_t)value->number)
            add_id(catalog, &found, condition->field, (int64_t)value->number);
    }
    for (size_t i = 0; i < query->extra_count; i++)
        add_id(catalog, &found, QUERY_ID, query->extra_ids[i]);
    if (found.has_overflowed)
        return false;
    leave_each_once(rows);
    return true;
}

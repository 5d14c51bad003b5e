/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/offers.h"

#include "flow/hardware.h"
#include "market/offer.h"
#include "store/machine.h"
#include "store/offer.h"

struct offers_work {
    int64_t machine_id, after;
    struct arena *arena;
    struct offer *offers;
    int64_t *ids;
    size_t max, count;
};

static bool offers_work(struct db *db, void *context, struct error *err)
{
    struct offers_work *work = context;
    struct machine_row *row = arena_alloc(work->arena, 1, sizeof *row);
    struct hardware *hardware;
    struct offer_row *rows;
    size_t count;
    bool has;

    work->count = 0;
    if (row == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!machine_load(db, work->machine_id, work->arena, row, &has, err))
        return false;
    if (!has || !row->is_listed || !row->is_online || row->is_quarantined)
        return true;
    if (!hardware_load(db, row, work->arena, &hardware, err) ||
        !offer_list(db, work->machine_id, work->arena, &rows, &count, err))
        return false;
    work->offers = arena_alloc(work->arena, count, sizeof *work->offers);
    if (work->offers == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the offers");
    for (size_t i = 0; i < count; i++)
        work->offers[i] = (struct offer){ .id = rows[i].id,
                                          .bundle_id = rows[i].id,
                                          .machine = &hardware->machine,
                                          .terms = rows[i].terms,
                                          .discount_max_ppm = rows[i].discount_max_ppm };
    work->count = count;
    return true;
}

bool flow_offers_of_machine(const struct flow *flow, int64_t machine_id, struct arena *arena,
                            struct offer **ret, size_t *ret_count, struct error *err)
{
    struct offers_work work = { .machine_id = machine_id, .arena = arena };

    if (!store_read(flow->store, offers_work, &work, err))
        return error_context(err, "load the offers of machine %lld", (long long)machine_id);
    *ret = work.offers;
    *ret_count = work.count;
    return true;
}

static bool machines_work(struct db *db, void *context, struct error *err)
{
    struct offers_work *work = context;

    return offer_machines(db, work->after, work->ids, work->max, &work->count, err);
}

bool flow_offers_machines(const struct flow *flow, int64_t after, int64_t *ret_ids, size_t max,
                          size_t *ret_count, struct error *err)
{
    struct offers_work work = { .after = after, .ids = ret_ids, .max = max };

    if (!store_read(flow->store, machines_work, &work, err))
        return error_context(err, "look for machines with offers");
    *ret_count = work.count;
    return true;
}

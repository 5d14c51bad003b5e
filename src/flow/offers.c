/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/offers.h"

#include "flow/hardware.h"
#include "market/offer.h"
#include "market/reserved.h"
#include "market/volume.h"
#include "store/contract.h"
#include "store/machine.h"
#include "store/offer.h"
#include "store/volume.h"

struct offers_work {
    int64_t machine_id, after;
    struct instant now;
    struct arena *arena;
    struct offer *offers;
    int64_t *ids;
    size_t max, count;
    bool skips_disk_offline;
};

/* GPUs that a contract holds; 0: that nobody does, in the order in which rent_place() takes them.
 * NULL where those are too few. */
static const int64_t *gpus_of(const struct hardware *hardware, int64_t contract_id,
                              int64_t num_gpus, struct arena *arena)
{
    int64_t *ids = arena_alloc(arena, (size_t)num_gpus, sizeof *ids), found = 0;

    for (size_t i = 0; ids != NULL && i < hardware->gpu_count && found < num_gpus; i++) {
        if (hardware->gpus[i].claimed_by == contract_id)
            ids[found++] = hardware->gpus[i].id;
    }
    return found == num_gpus ? ids : NULL;
}

/* What a contract has, at the terms that it has it at. */
static struct offer rented_offer(const struct contract_row *contract,
                                 const struct hardware *hardware, struct arena *arena)
{
    return (struct offer){ .id = contract->offer_id,
                           .bundle_id = contract->offer_id,
                           .machine = &hardware->machine,
                           .terms = contract->terms,
                           .skips_disk_offline = contract->disk_offline_us == 0,
                           .renter_id = contract->owner_id,
                           .gpu_ids =
                               gpus_of(hardware, contract->id, contract->terms.num_gpus, arena) };
}

static bool has_offer(const struct offer *offers, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (offers[i].id == id)
            return true;
    return false;
}

/* Those that hold GPUs now, or the machine; stopped rentals keep nobody from renting. */
static bool add_rented(struct db *db, struct offers_work *work, const struct hardware *hardware,
                       struct error *err)
{
    for (size_t i = 0; i < hardware->gpu_count; i++) {
        struct contract_row contract;
        bool has;

        /* Bids and idle jobs keep nobody from renting. */
        if (hardware->gpus[i].claimed_kind != KIND_ON_DEMAND &&
            hardware->gpus[i].claimed_kind != KIND_RESERVED)
            continue;
        if (!contract_load(db, hardware->gpus[i].claimed_by, work->arena, &contract, &has, err))
            return false;
        if (has && !has_offer(work->offers, work->count, contract.offer_id))
            work->offers[work->count++] = rented_offer(&contract, hardware, work->arena);
    }
    return true;
}

/* What its host offers besides: space for volumes. */
static bool add_volumes(struct db *db, struct machine *machine, struct error *err)
{
    struct volume_facts facts = { .free_gb = machine->disk_free_gb };
    struct offer_row offer;
    bool has;

    if (!volume_offer_on(db, machine->id, &offer, &has, err) ||
        (has && !volume_offer_sold(db, offer.id, &facts.sold_gb, err)))
        return false;
    if (!has)
        return true;
    facts.terms = offer.terms;
    machine->volume_offer_id = offer.id;
    machine->volume_left_gb = volume_left_gb(&facts);
    machine->volume_month = offer.terms.disk_month;
    return true;
}

static bool offers_work(struct db *db, void *context, struct error *err)
{
    struct offers_work *work = context;
    struct machine_row *row = arena_alloc(work->arena, 1, sizeof *row);
    struct hardware *hardware;
    struct offer_row *rows;
    int64_t unclaimed = 0;
    size_t count;
    bool has;

    work->count = 0;
    if (row == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!machine_load(db, work->machine_id, work->arena, row, &has, err))
        return false;
    if (!has || !row->is_online || row->is_quarantined)
        return true;
    if (!hardware_load(db, row, work->now, work->arena, &hardware, err) ||
        !add_volumes(db, &hardware->machine, err) ||
        !offer_list(db, work->machine_id, work->arena, &rows, &count, err))
        return false;
    count = row->is_listed ? count : 0;
    work->offers = arena_alloc(work->arena, count + hardware->gpu_count, sizeof *work->offers);
    if (work->offers == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the offers");
    for (size_t i = 0; i < hardware->gpu_count; i++)
        unclaimed += hardware->gpus[i].claimed_by == 0;
    for (size_t i = 0; i < count; i++)
        work->offers[i] = (struct offer){
            .id = rows[i].id,
            .bundle_id = rows[i].id,
            .machine = &hardware->machine,
            .terms = rows[i].terms,
            .discount_max_ppm = reserved_most_ppm(rows[i].discount_max_ppm),
            .skips_disk_offline = work->skips_disk_offline,
            .run_bid_hour = rows[i].run_bid_hour,
            .gpu_ids = gpus_of(hardware, 0, rows[i].terms.num_gpus, work->arena),
            .is_bid = unclaimed < (rows[i].terms.num_gpus == 0 ? 1 : rows[i].terms.num_gpus),
        };
    work->count = count;
    return add_rented(db, work, hardware, err);
}

bool flow_offers_of_machine(const struct flow *flow, int64_t machine_id, struct arena *arena,
                            struct offer **ret, size_t *ret_count, struct error *err)
{
    struct offers_work work = { .machine_id = machine_id,
                                .now = clock_now(flow->clock),
                                .arena = arena };

    work.skips_disk_offline = flow->skips_disk_offline;
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/volume_offer.h"

#include <inttypes.h>

#include "flow/hardware.h"
#include "flow/limits.h"
#include "market/lifetime.h"
#include "store/volume.h"

enum { MACHINES_MAX = 5000 };

struct offer_work {
    const struct caller *caller;
    const struct volume_offer_request *request;
    int64_t offer_id;
    struct instant now;
    struct volume_offer_reply reply;
    enum volume_offer_outcome outcome; /* of taking back */
    struct arena *arena;
    struct offer *offers;
    size_t max, count;
};

/* Volumes that cost no more last as long as the new offer. */
static bool extend(struct change *change, const struct volume_offer_request *request,
                   int64_t *ret_extended, struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    *ret_extended = 0;
    if (!contract_list_on(change->db, change->machine.id, change->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct contract_row *volume = &contracts[i];

        if (volume->kind != KIND_VOLUME || volume->destroyed.microseconds != 0 ||
            instant_compare(request->end, volume->terms.end) <= 0 ||
            money_compare(request->disk_month, volume->terms.disk_month) > 0)
            continue;
        volume->terms.end = request->end;
        volume->warn = lifetime_next_warning(request->end, change->now);
        if (!contract_update(change->db, volume, volume->gen, err))
            return false;
        ++*ret_extended;
    }
    return true;
}

static enum volume_offer_outcome judge(const struct volume_offer_request *request,
                                       const struct change *change, int64_t free_gb)
{
    if (change->machine.is_quarantined)
        return VOLUME_OFFER_QUARANTINED;
    if (!meter_rate_is_valid(request->disk_month))
        return VOLUME_OFFER_BAD_PRICE;
    if (request->size_gb < 1 || request->size_gb > free_gb)
        return VOLUME_OFFER_BAD_SIZE;
    return instant_compare(request->end, change->now) <= 0 ? VOLUME_OFFER_BAD_END
                                                           : VOLUME_OFFER_DONE;
}

/* In the place of what the machine offers now. */
static bool replace_offer(struct change *change, const struct volume_offer_request *request,
                          struct volume_offer_reply *reply, struct error *err)
{
    const struct machine_row *machine = &change->machine;
    struct offer_row offer = { .machine_id = machine->id,
                               .host_id = machine->owner_id,
                               .terms = { .disk_month = request->disk_month,
                                          .disk_gb = request->size_gb,
                                          .start = change->now,
                                          .end = request->end } };

    change->cuts_offers = true; /* the catalog has to hear of it */
    return volume_offer_remove(change->db, machine->id, change->now, err) &&
           volume_offer_insert(change->db, &offer, &reply->offer_id, err) &&
           extend(change, request, &reply->extended, err);
}

static bool offer_work(struct db *db, void *context, struct error *err)
{
    struct offer_work *work = context;
    const struct volume_offer_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct hardware *hardware;
    struct machine_row owned;
    struct change change;
    bool has;

    work->reply = (struct volume_offer_reply){ .outcome = VOLUME_OFFER_NO_MACHINE };
    if (!machine_load_owned(db, work->caller->user_id, request->machine_id, &arena, &owned, &has,
                            err) ||
        (has && !change_begin(&change, db, owned.id, work->now, &arena, &has, err)))
        return false;
    if (!has)
        return true;
    if (!hardware_load(db, &change.machine, change.now, &arena, &hardware, err))
        return false;
    work->reply.free_gb = hardware->machine.disk_free_gb;
    work->reply.outcome = judge(request, &change, work->reply.free_gb);
    return work->reply.outcome != VOLUME_OFFER_DONE ||
           (replace_offer(&change, request, &work->reply, err) && change_end(&change, err));
}

/* The offer that stands goes on for as long as the listing. */
static bool move_end(struct change *change, const struct offer_row *offer, struct instant end,
                     struct error *err)
{
    const struct volume_offer_request as_it_is = { .disk_month = offer->terms.disk_month,
                                                   .end = end };
    int64_t extended;

    return instant_compare(end, offer->terms.end) <= 0 ||
           (offer_set_end(change->db, offer->id, end, err) &&
            extend(change, &as_it_is, &extended, err));
}

bool volume_offer_follow(struct change *change, const struct listing *listing,
                         const struct volume_wish *wish, enum volume_offer_outcome *ret,
                         struct error *err)
{
    struct volume_offer_request request = { .disk_month = listing->disk_month,
                                            .end = listing->end };
    struct volume_offer_reply reply;
    struct hardware *hardware;
    struct offer_row offer;
    bool has;

    *ret = VOLUME_OFFER_DONE;
    if (!volume_offer_on(change->db, change->machine.id, &offer, &has, err))
        return false;
    if (wish == NULL || (has && !wish->has_size && !wish->has_month))
        return !has || move_end(change, &offer, listing->end, err);
    if (!hardware_load(change->db, &change->machine, change->now, change->arena, &hardware, err))
        return false;
    request.size_gb = wish->has_size ? wish->size_gb
                      : has          ? offer.terms.disk_gb
                                     : hardware->machine.disk_free_gb / 2;
    if (has)
        request.disk_month = offer.terms.disk_month;
    if (wish->has_month)
        request.disk_month = wish->month;
    if (request.size_gb == 0)
        return volume_offer_remove(change->db, change->machine.id, change->now, err);
    *ret = judge(&request, change, hardware->machine.disk_free_gb);
    return *ret != VOLUME_OFFER_DONE || replace_offer(change, &request, &reply, err);
}

bool flow_volume_offer(const struct flow *flow, const struct caller *caller,
                       const struct volume_offer_request *request, struct volume_offer_reply *ret,
                       struct error *err)
{
    struct offer_work work = { .caller = caller,
                               .request = request,
                               .now = clock_now(flow->clock) };

    if (!store_write(flow->store, offer_work, &work, err))
        return error_context(err, "offer volumes on machine %" PRId64, request->machine_id);
    *ret = work.reply;
    return true;
}

static bool unlist_work(struct db *db, void *context, struct error *err)
{
    struct offer_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct offer_row offer;
    struct change change;
    bool has;

    work->outcome = VOLUME_OFFER_NONE;
    if (!volume_offer_load(db, work->offer_id, &offer, &has, err))
        return false;
    if (!has || offer.host_id != work->caller->user_id)
        return true;
    if (!change_begin(&change, db, offer.machine_id, work->now, &arena, &has, err) ||
        !volume_offer_load(db, work->offer_id, &offer, &has, err))
        return false;
    if (!has)
        return true;
    work->outcome = VOLUME_OFFER_DONE;
    change.cuts_offers = true;
    return volume_offer_remove(db, offer.machine_id, change.now, err) && change_end(&change, err);
}

bool flow_volume_unlist(const struct flow *flow, const struct caller *caller, int64_t offer_id,
                        enum volume_offer_outcome *ret, struct error *err)
{
    struct offer_work work = { .caller = caller,
                               .offer_id = offer_id,
                               .now = clock_now(flow->clock) };

    if (!store_write(flow->store, unlist_work, &work, err))
        return error_context(err, "take offer %" PRId64 " of volumes back", offer_id);
    *ret = work.outcome;
    return true;
}

/* The offer of one machine, if there is something left of it. */
static bool add_offer(struct db *db, struct offer_work *work, int64_t machine_id, struct error *err)
{
    struct volume_facts facts = { 0 };
    struct hardware *hardware;
    struct machine_row *row = arena_alloc(work->arena, 1, sizeof *row);
    struct offer_row offer;
    bool has;

    if (row == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a machine");
    if (!machine_load(db, machine_id, work->arena, row, &has, err) ||
        !hardware_load(db, row, work->now, work->arena, &hardware, err) ||
        !volume_offer_on(db, machine_id, &offer, &has, err) ||
        (has && !volume_offer_sold(db, offer.id, &facts.sold_gb, err)))
        return false;
    facts.terms = offer.terms;
    facts.free_gb = hardware->machine.disk_free_gb;
    if (!has || !hardware->machine.is_connected || volume_left_gb(&facts) == 0 ||
        hardware->machine.verification == VERIFICATION_DEVERIFIED)
        return true;
    hardware->machine.gpus_free = 1; /* it takes no GPUs: that of others says nothing */
    offer.terms.disk_gb = volume_left_gb(&facts);
    work->offers[work->count++] = (struct offer){
        .id = offer.id, .bundle_id = offer.id, .machine = &hardware->machine, .terms = offer.terms
    };
    return true;
}

static bool offers_work(struct db *db, void *context, struct error *err)
{
    struct offer_work *work = context;
    int64_t *ids = arena_alloc(work->arena, work->max, sizeof *ids);
    size_t count;

    work->count = 0;
    work->offers = arena_alloc(work->arena, work->max, sizeof *work->offers);
    if (ids == NULL || work->offers == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for the offers");
    if (!volume_offer_machines(db, work->now, 0, ids, work->max, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add_offer(db, work, ids[i], err))
            return false;
    return true;
}

bool flow_volume_offers(const struct flow *flow, size_t max, struct arena *arena,
                        struct offer **ret, size_t *ret_count, struct error *err)
{
    struct offer_work work = { .now = clock_now(flow->clock),
                               .arena = arena,
                               .max = max < MACHINES_MAX ? max : MACHINES_MAX };

    if (!store_read(flow->store, offers_work, &work, err))
        return error_context(err, "look for offers of volumes");
    *ret = work.offers;
    *ret_count = work.count;
    return true;
}

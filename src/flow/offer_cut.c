/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/offer_cut.h"

#include "flow/hardware.h"
#include "market/offer.h"
#include "store/offer.h"
#include "store/volume.h"

static bool has_size(const int64_t *sizes, size_t count, int64_t num_gpus)
{
    for (size_t i = 0; i < count; i++)
        if (sizes[i] == num_gpus)
            return true;
    return false;
}

static bool can_stay(const struct machine_row *row, const struct machine *machine,
                     const struct offer_row *offer)
{
    struct offer_terms wanted = offer_cut(&row->listing, machine, offer->terms.num_gpus);

    return offer->discount_max_ppm == row->listing.discount_max_ppm &&
           offer_terms_keep(&offer->terms, &wanted);
}

bool offer_cut_all(struct db *db, const struct machine_row *row, struct instant now,
                   struct arena *arena, size_t *ret_count, struct error *err)
{
    int64_t sizes[OFFER_SIZES_MAX], open_sizes[OFFER_SIZES_MAX];
    size_t size_count = 0, open_count = 0, offer_count;
    struct hardware *hardware;
    struct offer_row *offers;

    if (!hardware_load(db, row, now, arena, &hardware, err) ||
        !offer_list(db, row->id, arena, &offers, &offer_count, err))
        return false;
    if (row->is_listed && instant_compare(now, row->listing.end) < 0)
        size_count = offer_sizes(hardware->machine.gpu_count, row->listing.min_chunk,
                                 hardware->machine.gpus_free, sizes);

    for (size_t i = 0; i < offer_count; i++) {
        int64_t num_gpus = offers[i].terms.num_gpus;

        if (has_size(open_sizes, open_count, num_gpus) || !has_size(sizes, size_count, num_gpus) ||
            !can_stay(row, &hardware->machine, &offers[i])) {
            if (!offer_remove(db, offers[i].id, now, err))
                return false;
            continue;
        }
        open_sizes[open_count++] = num_gpus;
        if (instant_compare(offers[i].terms.end, row->listing.end) < 0 &&
            !offer_set_end(db, offers[i].id, row->listing.end, err))
            return false;
    }
    for (size_t i = 0; i < size_count; i++) {
        struct offer_row offer = { .machine_id = row->id,
                                   .host_id = row->owner_id,
                                   .discount_max_ppm = row->listing.discount_max_ppm };

        if (has_size(open_sizes, open_count, sizes[i]))
            continue;
        offer.terms = offer_cut(&row->listing, &hardware->machine, sizes[i]);
        if (!offer_insert(db, &offer, &offer.id, err))
            return false;
    }
    *ret_count = size_count;
    return true;
}

bool offer_remove_all(struct db *db, int64_t machine_id, struct instant now, struct arena *arena,
                      struct error *err)
{
    struct offer_row *offers;
    size_t count;

    if (!offer_list(db, machine_id, arena, &offers, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!offer_remove(db, offers[i].id, now, err))
            return false;
    return true;
}

bool offer_take_off(struct db *db, int64_t machine_id, struct instant now, struct arena *arena,
                    struct error *err)
{
    return machine_set_unlisted(db, machine_id, err) &&
           offer_remove_all(db, machine_id, now, arena, err) &&
           volume_offer_remove(db, machine_id, now, err);
}

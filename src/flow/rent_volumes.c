/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rent_volumes.h"

#include "flow/volume_clone.h"
#include "store/volume.h"

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "no room for the volumes");
}

/* One that the renter has, on this machine, and for longer than a moment. */
static bool find_volume(struct change *change, struct rent_volumes *volumes,
                        struct spec_volume *mount, bool *ret_has, struct error *err)
{
    struct contract_row row;
    bool is_filling;

    if (!volume_load_owned(change->db, volumes->making.caller->user_id, mount->id, change->arena,
                           &row, ret_has, err))
        return false;
    if (!*ret_has)
        return true;
    mount->size_gb = row.share.disk_gb;
    *ret_has = row.machine_id == change->machine.id &&
               instant_until(change->now, row.terms.end) >= RENT_LIFETIME_MIN_US;
    if (!volume_is_filling(change->db, mount->id, change->now, &is_filling, err))
        return false;
    if (*ret_has && is_filling && volumes->bad_id == 0)
        volumes->is_filling = true;
    *ret_has = *ret_has && !is_filling;
    return true;
}

static bool find_all(struct change *change, const struct rental_request *request,
                     struct rent_volumes *volumes, struct error *err)
{
    for (int64_t i = 0; i < request->spec.volume_count; i++) {
        struct spec_volume *mount = &volumes->mounts[volumes->count++];
        bool has;

        *mount = request->spec.volumes[i];
        if (!find_volume(change, volumes, mount, &has, err))
            return false;
        if (!has && volumes->bad_id == 0)
            volumes->bad_id = mount->id;
    }
    return true;
}

bool rent_volumes_plan(struct change *change, const struct rental_request *request,
                       struct machine *machine, struct rent_facts *facts,
                       struct rent_volumes *volumes, struct error *err)
{
    const struct rental_volume *fresh = &request->volume;
    struct volume_making *making = &volumes->making;

    volumes->outcome = RENT_OK;
    volumes->bad_id = volumes->count = 0;
    volumes->is_filling = false;
    volumes->mounts = arena_alloc(change->arena, SPEC_VOLUMES_MAX + 1, sizeof *volumes->mounts);
    if (volumes->mounts == NULL)
        return no_room(err);
    if (!find_all(change, request, volumes, err))
        return false;
    if (fresh->offer_id == 0)
        return true;

    making->wanted = (struct volume_request){ fresh->offer_id, fresh->size_gb, fresh->name };
    making->facts = (struct volume_facts){ .credit = facts->credit,
                                           .spend_cap = facts->spend_cap,
                                           .starting = facts->starting,
                                           .waiting = facts->waiting };
    if (!volume_plan(change, making, machine, &volumes->outcome, err))
        return false;
    if (volumes->outcome != RENT_OK)
        return true;
    volumes->mounts[volumes->count++] = (struct spec_volume){ 0, fresh->size_gb, fresh->path };
    machine->disk_free_gb -= fresh->size_gb;
    credit_add(&facts->credit, &making->plan.meters[COMPONENT_DISK - 1], &facts->credit.as_of);
    return true;
}

bool rent_volumes_make(struct change *change, const struct rental_request *request,
                       struct rent_volumes *volumes, struct error *err)
{
    return request->volume.offer_id == 0 ||
           volume_make(change, &volumes->making, &volumes->mounts[volumes->count - 1].id, err);
}

bool rent_volumes_mount(struct change *change, const struct rent_volumes *volumes,
                        int64_t contract_id, struct error *err)
{
    for (int64_t i = 0; i < volumes->count; i++)
        if (!volume_mount(change->db, contract_id, volumes->mounts[i].id, err))
            return false;
    return true;
}

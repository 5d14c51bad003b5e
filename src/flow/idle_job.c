/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/idle_job.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "flow/change.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "market/auction.h"
#include "market/idle_job.h"
#include "market/image.h"
#include "market/meter.h"
#include "proto/hello.h"
#include "store/event.h"
#include "store/gpu.h"
#include "store/offer.h"

struct idle_work {
    const struct caller *caller;
    const struct idle_job_request *request; /* NULL: take it back */
    int64_t machine_id;
    struct instant now;
    struct arena *arena;
    struct idle_job_reply reply;
    struct idle_job_row row; /* of show */
    bool has;
};

/* The places of the job that was there before. */
static bool destroy_places(struct change *change, struct error *err)
{
    struct contract_row *contracts;
    size_t count;

    if (!contract_list_on(change->db, change->machine.id, change->arena, &contracts, &count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool has_changed;

        if (contracts[i].kind == KIND_IDLE && contracts[i].destroyed.microseconds == 0 &&
            !change_contract(change, &contracts[i], RENTAL_DESTROY_ASKED, "", &has_changed, err))
            return false;
    }
    return true;
}

/* A slice of one GPU, or of a machine without, as a contract names it; on offer to nobody. */
static bool make_slice(struct change *change, const struct machine *machine, int64_t *ret_offer_id,
                       struct offer_terms *ret_terms, struct error *err)
{
    struct offer_row offer = {
        .machine_id = change->machine.id,
        .host_id = change->machine.owner_id,
        .terms = { .num_gpus = machine->gpu_count > 0 ? 1 : 0,
                   .disk_gb = IDLE_JOB_DISK_GB,
                   .start = change->now,
                   .end = INSTANT_NEVER },
    };

    *ret_terms = offer.terms;
    return offer_insert(change->db, &offer, ret_offer_id, err) &&
           offer_remove(change->db, *ret_offer_id, change->now, err);
}

/* As its host will get it. */
static bool write_spec(const struct idle_job_request *request, const struct machine_share *share,
                       struct buf *out, struct error *err)
{
    struct instance_spec spec = *request->spec;

    spec.runtype = "args";
    spec.disk_gb = share->disk_gb;
    spec.cpu_millis = share->cpu_millis;
    spec.ram_mb = share->ram_mb;
    instance_spec_encode(out, &spec);
    return !out->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the spec is too long");
}

static bool insert_place(struct change *change, struct contract_row *contract, struct error *err)
{
    struct event_row event = {
        .at = change->now, .state = contract->state, .reason = contract->reason, .detail = ""
    };

    return contract_insert(change->db, contract, &event.contract_id, err) &&
           event_insert(change->db, &event, err);
}

/* One place a GPU, for as many as it may have. */
static bool insert_places(struct change *change, const struct idle_job_request *request,
                          const struct hardware *hardware, struct error *err)
{
    auto_buf struct buf spec = buf_of(PROTO_BODY_MAX);
    bool is_part = request->gpus > 0 && (size_t)request->gpus < hardware->gpu_count;
    size_t count = is_part ? (size_t)request->gpus : hardware->gpu_count;

    struct contract_row place = {
        .owner_id = change->machine.owner_id,
        .host_id = change->machine.owner_id,
        .machine_id = change->machine.id,
        .kind = KIND_IDLE,
        .share = machine_share(&hardware->machine, hardware->machine.gpu_count > 0 ? 1 : 0),
        .image = request->spec->image,
        .runtype = "args",
        .state = RENTAL_SCHEDULING,
        .reason = REASON_IDLE_YIELDS,
        .started = change->now, /* there may be something of it on the host */
        .warn = INSTANT_NEVER,
    };
    place.share.disk_gb = IDLE_JOB_DISK_GB;
    if (!make_slice(change, &hardware->machine, &place.offer_id, &place.terms, err) ||
        !write_spec(request, &place.share, &spec, err))
        return false;
    place.spec = spec.bytes;
    for (size_t i = 0; i < count; i++)
        if (!insert_place(change, &place, err))
            return error_context(err, "a place of the idle job");
    return true;
}

static bool is_good_price(const struct idle_job_request *request, const struct machine_row *machine)
{
    return meter_rate_is_valid(request->up_tb) && meter_rate_is_valid(request->down_tb) &&
           request->gpu_hour.nanodollars >= AUCTION_TICK &&
           money_compare(request->gpu_hour, machine->listing.gpu_hour) < 0;
}

static bool set_job(struct change *change, struct idle_work *work, const struct hardware *hardware,
                    struct error *err)
{
    const struct idle_job_request *request = work->request;
    const struct instance_spec *spec = request->spec;
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    struct idle_job_row job = { .machine_id = change->machine.id,
                                .ticks = auction_ticks_up(request->gpu_hour, 1),
                                .up_tb = request->up_tb,
                                .down_tb = request->down_tb,
                                .gpus = request->gpus,
                                .image = spec->image,
                                .created = change->now };

    instance_spec_encode(&text, spec);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the spec is too long");
    job.spec = text.bytes;
    work->reply.is_dummy =
        idle_job_is_dummy(spec->image, (const char *const *)spec->args, spec->arg_count);
    work->reply.outcome = IDLE_JOB_SET;
    return idle_job_set(change->db, &job, err) &&
           (work->reply.is_dummy || insert_places(change, request, hardware, err));
}

/* Whether what is asked for can be set: else the outcome says why not. Taking back always can. */
static bool may_change(const struct change *change, struct idle_work *work,
                       const struct hardware *hardware)
{
    const struct idle_job_request *request = work->request;

    if (request == NULL)
        return true;
    work->reply.gpu_count = hardware->machine.gpu_count;
    if (change->machine.listing.start.microseconds == 0)
        work->reply.outcome = IDLE_JOB_NOT_LISTED;
    else if (!is_good_price(request, &change->machine))
        work->reply.outcome = IDLE_JOB_BAD_PRICE;
    else if (request->gpus < 0 || request->gpus > hardware->machine.gpu_count)
        work->reply.outcome = IDLE_JOB_BAD_GPUS;
    else
        return true;
    return false;
}

static bool change_work(struct db *db, void *context, struct error *err)
{
    struct idle_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct hardware *hardware;
    struct machine_row owned;
    struct change change;
    int64_t count;
    bool has;

    work->reply.outcome = IDLE_JOB_NO_MACHINE;
    if (!machine_load_owned(db, work->caller->user_id, work->machine_id, &arena, &owned, &has, err))
        return false;
    if (!has)
        return true;
    if (!change_begin(&change, db, owned.id, work->now, &arena, &has, err) ||
        !hardware_load(db, &change.machine, work->now, &arena, &hardware, err))
        return false;
    if (!may_change(&change, work, hardware))
        return true;
    if (!destroy_places(&change, err))
        return false;
    if (work->request == NULL) {
        work->reply.outcome = IDLE_JOB_REMOVED;
        if (!idle_job_remove(db, owned.id, &count, err))
            return false;
    } else if (!set_job(&change, work, hardware, err)) {
        return false;
    }
    change.cuts_offers = true; /* and so who runs is decided anew */
    return change_end(&change, err);
}

/* The same limits as for what renters ask, checked by reading what is to be sent. */
static bool check_spec(const struct instance_spec *spec, struct error *ret_why)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    auto_json json_t *root = NULL;
    struct instance_spec again;
    struct image image;

    if (spec->image == NULL)
        return error_set(ret_why, ERROR_INVALID, "an image is needed");
    if (!image_parse(spec->image, &image, ret_why))
        return error_context(ret_why, "image");
    instance_spec_encode(&text, spec);
    if (text.has_overflowed)
        return error_set(ret_why, ERROR_OUT_OF_RANGE, "the request is too long");
    return json_parse(text.bytes, text.length, &root, ret_why) &&
           instance_spec_decode(root, &arena, &again, ret_why);
}

bool flow_idle_job_set(const struct flow *flow, const struct caller *caller,
                       const struct idle_job_request *request, struct idle_job_reply *ret,
                       struct error *err)
{
    struct idle_work work = { .caller = caller,
                              .request = request,
                              .machine_id = request->machine_id,
                              .now = clock_now(flow->clock) };
    struct error why;

    *ret = (struct idle_job_reply){ .outcome = IDLE_JOB_BAD_SPEC };
    if (!check_spec(request->spec, &why)) {
        (void)snprintf(ret->why, sizeof ret->why, "%s", why.text);
        return true;
    }
    if (!store_write(flow->store, change_work, &work, err))
        return error_context(err, "set the idle job of machine %lld",
                             (long long)request->machine_id);
    *ret = work.reply;
    return true;
}

bool flow_idle_job_remove(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                          struct idle_job_reply *ret, struct error *err)
{
    struct idle_work work = { .caller = caller,
                              .machine_id = machine_id,
                              .now = clock_now(flow->clock) };

    if (!store_write(flow->store, change_work, &work, err))
        return error_context(err, "remove the idle job of machine %lld", (long long)machine_id);
    *ret = work.reply;
    return true;
}

static bool show_work(struct db *db, void *context, struct error *err)
{
    struct idle_work *work = context;
    struct machine_row owned;
    bool has_job;

    work->row = (struct idle_job_row){ .machine_id = work->machine_id };
    return machine_load_owned(db, work->caller->user_id, work->machine_id, work->arena, &owned,
                              &work->has, err) &&
           (!work->has ||
            idle_job_load(db, work->machine_id, work->arena, &work->row, &has_job, err));
}

bool flow_idle_job_show(const struct flow *flow, const struct caller *caller, int64_t machine_id,
                        struct arena *arena, struct idle_job_row *ret, bool *ret_has,
                        struct error *err)
{
    struct idle_work work = { .caller = caller, .machine_id = machine_id, .arena = arena };

    if (!store_read(flow->store, show_work, &work, err))
        return error_context(err, "show the idle job of machine %lld", (long long)machine_id);
    if (work.has)
        *ret = work.row;
    *ret_has = work.has;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rent.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/hex.h"
#include "flow/bid.h"
#include "flow/change.h"
#include "flow/decide.h"
#include "flow/funds.h"
#include "flow/hardware.h"
#include "flow/limits.h"
#include "flow/relay.h"
#include "flow/rent_volumes.h"
#include "flow/secrets.h"
#include "flow/spec.h"
#include "flow/usage.h"
#include "market/image.h"
#include "market/lifetime.h"
#include "proto/hello.h"
#include "store/api_key.h"
#include "store/claim.h"
#include "store/event.h"
#include "store/meters.h"
#include "store/offer.h"
#include "store/ssh_key.h"
#include "store/standing_order.h"
#include "store/template.h"
#include "store/user.h"

struct rent_work {
    const struct flow *flow;
    const struct caller *caller;
    const struct rental_request *request;
    struct instant now;
    struct money spend_cap; /* of a new account */
    struct hash key_hash;
    char jupyter_token[TOKEN_TEXT_SIZE];        /* of the instance, where it has Jupyter */
    char workspace_key[WORKSPACE_KEY_TEXT + 1]; /* where it has an encrypted workspace */
    struct rental_reply reply;

    /* Filled anew by every run of the transaction. */
    struct change change;
    struct hall hall;
    struct user_row user;
    struct offer_row offer;
    struct hardware *hardware;
    struct rent_plan plan;
    struct rent_volumes volumes;
};

static bool refuse(struct rent_work *work, enum rent_outcome refusal)
{
    work->reply.outcome = RENTAL_REFUSED;
    work->reply.refusal = refusal;
    return true;
}

/* The machine's GPUs, none of them by preference. The one row that stands for a machine without
 * is not among them. */
static struct rent_gpu *rent_gpus(const struct hardware *hardware, struct arena *arena,
                                  size_t *ret_count)
{
    struct rent_gpu *gpus = arena_alloc(arena, hardware->gpu_count, sizeof *gpus);

    *ret_count = 0;
    for (size_t i = 0; gpus != NULL && i < hardware->gpu_count; i++)
        if (!hardware->gpus[i].is_whole_machine)
            gpus[(*ret_count)++] =
                (struct rent_gpu){ hardware->gpus[i].id, hardware->gpus[i].claimed_by };
    return gpus;
}

/* Load what the decision is about, under the machine's lock and the renter's. */
static bool load_facts(struct db *db, struct rent_work *work, struct arena *arena,
                       struct rent_facts *facts, struct error *err)
{
    struct contract_hours hours;
    bool has;

    if (!change_begin(&work->change, db, work->offer.machine_id, work->now, arena, &has, err) ||
        !user_lock_open(db, work->caller->user_id, err) ||
        !offer_load(db, work->request->offer_id, &work->offer, &facts->has_offer, err))
        return false;
    work->now = work->change.now;
    if (!has || !facts->has_offer)
        return true; /* taken while we waited for the lock */
    if (!hardware_load(db, &work->change.machine, work->now, arena, &work->hardware, err) ||
        !user_load(db, work->caller->user_id, arena, &work->user, &has, err) ||
        !contract_count_owned(db, work->caller->user_id, &facts->contract_count, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a key without its user");
    if (!funds_credit(db, &work->user, work->now, arena, &facts->credit, err) ||
        !funds_spend_cap(db, &work->user, work->spend_cap, work->now, &facts->spend_cap, err) ||
        !contract_coming_hours(db, work->caller->user_id, &hours, err))
        return false;

    struct machine *machine = &work->hardware->machine;
    facts->now = work->now;
    facts->starting = hours.starting;
    facts->waiting = hours.waiting;
    facts->offer = (struct offer){ .id = work->offer.id,
                                   .bundle_id = work->offer.id,
                                   .machine = machine,
                                   .terms = work->offer.terms,
                                   .discount_max_ppm = work->offer.discount_max_ppm };
    facts->is_own = machine->host_id == work->caller->user_id;
    facts->is_listed = work->change.machine.is_listed;
    facts->is_barred = work->caller->instance_id != 0;
    facts->is_machine_held = machine->gpu_count == 0 && work->hardware->gpus[0].claimed_by != 0;
    if (work->request->is_bid) {
        if (!hall_load(db, &work->change.machine, work->now, arena, &work->hall, err))
            return false;
        facts->lowest_bid = work->reply.lowest_bid = auction_lowest(&work->hall.floor);
        work->reply.num_gpus = work->offer.terms.num_gpus;
    }
    facts->fee_bps = FEE_BPS_DEFAULT;
    facts->gpus = rent_gpus(work->hardware, arena, &facts->gpu_count);
    return facts->gpus != NULL || error_set(err, ERROR_OUT_OF_RANGE, "no room for the GPUs");
}

static bool claim_all(struct db *db, const struct rent_work *work, int64_t contract_id,
                      struct error *err)
{
    const struct rent_plan *plan = &work->plan;

    for (size_t i = 0; i < plan->gpu_count; i++)
        if (!claim_insert(db, plan->gpu_ids[i], contract_id, work->now, err))
            return error_context(err, "claim a GPU");
    return !plan->claims_machine ||
           claim_insert(db, work->hardware->gpus[0].id, contract_id, work->now, err);
}

static bool insert_key(struct db *db, const struct rent_work *work, int64_t contract_id,
                       struct error *err)
{
    char name[32];
    struct api_key_row key = { .user_id = work->caller->user_id,
                               .name = name,
                               .rights = "",
                               .scopes = SCOPE_INSTANCE_READ | SCOPE_INSTANCE_WRITE,
                               .contract_id = contract_id,
                               .hash = work->key_hash,
                               .created = work->now };

    (void)snprintf(name, sizeof name, "C.%" PRId64, contract_id);
    return api_key_insert(db, &key, &key.id, err);
}

/* The spec as the host will get it, with its share of the machine and no keys, as JSON. */
static bool write_spec(const struct rent_work *work, struct buf *out, struct error *err)
{
    struct instance_spec spec = work->request->spec;

    spec.disk_gb = work->plan.share.disk_gb;
    spec.cpu_millis = work->plan.share.cpu_millis;
    spec.ram_mb = work->plan.share.ram_mb;
    spec.ssh_key_count = 0;
    spec.volume_count = work->volumes.count;
    spec.volumes = work->volumes.mounts;
    if (spec.jupyter_app != NULL)
        spec.jupyter_token = work->jupyter_token;
    if (spec.workspace_gb > 0)
        spec.workspace_key = work->workspace_key;
    instance_spec_encode(out, &spec);
    return !out->has_overflowed || error_set(err, ERROR_OUT_OF_RANGE, "the spec is too long");
}

static bool insert_bid(struct db *db, const struct rent_work *work, int64_t contract_id,
                       struct error *err)
{
    const struct rental_request *request = work->request;
    int64_t num_gpus = work->plan.terms.num_gpus;
    int64_t most = bid_ticks_below(work->plan.list_hour, num_gpus);
    int64_t grace_max_s = work->change.machine.listing.grace_max_s;
    struct bid_row bid = { .contract_id = contract_id,
                           .ticks = work->plan.ticks,
                           .max_ticks = auction_ticks_down(request->max_price, num_gpus),
                           .floor_ticks = work->reply.lowest_bid,
                           .grace_s =
                               request->grace_s < grace_max_s ? request->grace_s : grace_max_s,
                           .resumes = !request->stays_stopped,
                           .placed = work->now,
                           .keep_ticks = -1 };

    bid.max_ticks = bid.max_ticks < most ? bid.max_ticks : most;
    return bid_insert(db, &bid, err);
}

static struct relay_contract relay_contract_of(const struct rent_work *work, int64_t id)
{
    return (struct relay_contract){
        .id = id, .spec = &work->request->spec, .facts = &work->hardware->facts, .now = work->now
    };
}

/* An instance that nobody could reach is not rented out. */
static bool try_relay(struct db *db, struct rent_work *work, enum rent_outcome *outcome,
                      struct error *err)
{
    struct relay_contract wanted;
    bool has = true;

    if (*outcome != RENT_OK)
        return true;
    wanted = relay_contract_of(work, 0);
    if (!relay_has_room(db, &wanted, work->change.arena, &has, err))
        return false;
    if (!has)
        *outcome = RENT_UNREACHABLE;
    return true;
}

static bool insert_contract(struct db *db, struct rent_work *work, const struct hash *request_hash,
                            struct error *err)
{
    const struct rent_plan *plan = &work->plan;
    const struct rental_request *request = work->request;
    auto_buf struct buf spec = buf_of(PROTO_BODY_MAX);
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct contract_row contract = {
        .owner_id = work->caller->user_id,
        .host_id = work->offer.host_id,
        .machine_id = work->offer.machine_id,
        .offer_id = work->offer.id,
        .kind = plan->kind,
        .list_hour = plan->list_hour,
        .started = plan->kind == KIND_BID ? (struct instant){ 0 } : work->now,
        .terms = plan->terms,
        .share = plan->share,
        .fee_bps = plan->meters[0].fee_bps,
        .disk_offline_us = work->flow->skips_disk_offline ? 0 : USAGE_DISK_OFFLINE_US,
        .discount_max_ppm = work->offer.discount_max_ppm,
        .image = request->spec.image,
        .runtype = request->spec.runtype == NULL ? "" : request->spec.runtype,
        .request_hash = *request_hash,
        .label = request->label,
        .state = plan->state,
        .reason = plan->reason,
    };
    int64_t id;

    contract.terms.start = work->now;
    contract.terms.end = plan->end;
    contract.warn = lifetime_next_warning(plan->end, work->now);
    if (!rent_volumes_make(&work->change, request, &work->volumes, err) ||
        !write_spec(work, &spec, err))
        return false;
    if (!spec_seal(db, work->flow->vault, &contract, &spec, work->now, &arena, &contract.spec,
                   err) ||
        !contract_insert(db, &contract, &id, err))
        return false;

    struct event_row event = { .contract_id = id,
                               .at = work->now,
                               .state = plan->state,
                               .reason = plan->reason,
                               .detail = "" };
    work->reply.instance_id = id;
    if (request->volume.offer_id != 0)
        work->reply.volume_id = work->volumes.mounts[work->volumes.count - 1].id;
    if (plan->kind == KIND_BID
            ? !insert_bid(db, work, id, err)
            : !meters_open(db, id, plan->meters, work->now, err) || !claim_all(db, work, id, err))
        return false;
    struct relay_contract reached = relay_contract_of(work, id);
    return rent_volumes_mount(&work->change, &work->volumes, id, err) &&
           relay_give(db, &reached, &arena, err) &&
           ssh_key_attach_all(db, work->caller->user_id, id, err) &&
           secrets_give(db, work->flow->vault, work->caller->user_id, id, err) &&
           insert_key(db, work, id, err) && event_insert(db, &event, err) &&
           offer_remove(db, work->offer.id, work->now, err) &&
           db_notify(db, TOPIC_CONTRACT, id, err);
}

/* What was asked, for telling a repetition: the same text, the same rental. */
static bool hash_request(const struct rental_request *request, struct hash *ret, struct error *err)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);

    buf_printf(&text, "%" PRId64 " %d %s\n", request->offer_id, request->starts_stopped,
               request->label == NULL ? "" : request->label);
    if (request->is_bid)
        buf_printf(&text, "bid %" PRId64 " %" PRId64 " %" PRId64 " %d\n",
                   request->price.nanodollars, request->max_price.nanodollars, request->grace_s,
                   request->stays_stopped);
    if (request->volume.offer_id != 0)
        buf_printf(&text, "volume %" PRId64 " %" PRId64 " %s %s\n", request->volume.offer_id,
                   request->volume.size_gb, request->volume.path,
                   request->volume.name == NULL ? "" : request->volume.name);
    instance_spec_encode(&text, &request->spec);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "the request is too long");
    *ret = crypto_sha256(text.bytes, text.length);
    return true;
}

/* An offer is rented once, so asking again finds it gone: by ourselves, a moment ago? */
static bool find_repeated(struct db *db, struct rent_work *work, const struct hash *request_hash,
                          struct error *err)
{
    struct instant since = instant_add(work->now, -RENT_AGAIN_SECONDS * US_PER_SECOND);
    bool has;

    if (!contract_find_request(db, work->caller->user_id, request_hash, since,
                               &work->reply.instance_id, &has, err))
        return false;
    if (!has)
        return refuse(work, RENT_NO_SUCH_OFFER);
    work->reply.outcome = RENTAL_REPEATED;
    return true;
}

/* A bid that may not wait is tried before anything is written. */
static bool try_bid(struct rent_work *work, enum rent_outcome *outcome, struct error *err)
{
    const struct rental_request *request = work->request;
    struct decide_trial trial = {
        .num_gpus = work->plan.terms.num_gpus,
        .ticks = work->plan.ticks,
        .max_ticks = auction_ticks_down(request->max_price, work->plan.terms.num_gpus),
    };
    bool would_run = true;

    if (*outcome != RENT_OK || !request->is_bid)
        return true;
    if (request->rule_version != 0 && request->rule_version != AUCTION_RULE_VERSION)
        *outcome = RENT_OTHER_RULES;
    else if (request->must_run && !decide_try(&work->change, &trial, &would_run, err))
        return false;
    else if (!would_run)
        *outcome = RENT_BID_WOULD_WAIT;
    return true;
}

/* Whether the bid runs, or will as soon as those before it have stopped. */
static bool see_bid(struct db *db, struct rent_work *work, struct error *err)
{
    struct change *change = &work->change;
    struct contract_row contract;
    bool has;

    if (!work->request->is_bid || work->request->starts_stopped)
        return true;
    if (!contract_load(db, work->reply.instance_id, change->arena, &contract, &has, err) ||
        !hall_load(db, &change->machine, work->now, change->arena, &work->hall, err))
        return false;
    work->reply.waits =
        contract.state == RENTAL_SCHEDULING && contract.reason != REASON_GPUS_CLEARING;
    work->reply.run_ticks = hall_quote(&work->hall, contract.terms.num_gpus, contract.id);
    return true;
}

/* The rental and the end of its standing order come together or not at all. */
static bool end_order(struct db *db, struct rent_work *work, bool *ret_goes_on, struct error *err)
{
    int64_t order_id = work->request->order_id, count = 1;

    if (order_id != 0 && !order_fire(db, order_id, work->offer.id, work->now, &count, err))
        return false;
    *ret_goes_on = count == 1;
    if (count == 1)
        return order_id == 0 || db_notify(db, TOPIC_ORDER, order_id, err);
    work->reply.outcome = RENTAL_ORDER_OVER;
    return true;
}

/* Its volumes first: what they take is not there for the rest. `*ret_goes_on` is false where one
 * was refused. */
static bool plan_volumes(struct rent_work *work, struct rent_facts *facts, bool *ret_goes_on,
                         struct error *err)
{
    struct rent_volumes *volumes = &work->volumes;

    volumes->making.caller = work->caller;
    volumes->making.skips_disk_offline = work->flow->skips_disk_offline;
    if (!rent_volumes_plan(&work->change, work->request, &work->hardware->machine, facts, volumes,
                           err))
        return false;
    *ret_goes_on = volumes->bad_id == 0 && volumes->outcome == RENT_OK;
    if (*ret_goes_on)
        return true;
    work->reply.is_about_volume = true;
    work->reply.volume_id = volumes->bad_id;
    (void)refuse(work, volumes->outcome);
    if (volumes->bad_id != 0)
        work->reply.outcome = volumes->is_filling ? RENTAL_VOLUME_FILLING : RENTAL_BAD_VOLUME;
    return true;
}

static bool rent_work(struct db *db, void *context, struct error *err)
{
    struct rent_work *work = context;
    const struct rental_request *request = work->request;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct rent_request wanted = { .disk_gb = request->spec.disk_gb,
                                   .workspace_gb = request->spec.workspace_gb,
                                   .is_stopped = request->starts_stopped,
                                   .is_bid = request->is_bid,
                                   .price = request->price };
    struct rent_facts facts = { 0 };
    struct hash request_hash;
    bool has, has_offer;

    if (!hash_request(request, &request_hash, err) ||
        !offer_load(db, request->offer_id, &work->offer, &has_offer, err) ||
        (has_offer && !load_facts(db, work, &arena, &facts, err)))
        return false;
    if (!facts.has_offer)
        return find_repeated(db, work, &request_hash, err);
    if (!plan_volumes(work, &facts, &has, err))
        return false;
    if (!has)
        return true;

    enum rent_outcome outcome = rent_decide(&wanted, &facts, &work->plan);
    if (!try_relay(db, work, &outcome, err) || !try_bid(work, &outcome, err))
        return false;
    if (outcome != RENT_OK)
        return refuse(work, outcome);
    if (!end_order(db, work, &has, err))
        return false;
    if (!has)
        return true;
    work->change.cuts_offers = true;
    work->change.tells_host = work->plan.kind != KIND_BID;
    work->change.cause = request->is_bid ? "a bid was made" : "a rental was made";
    work->reply.outcome = RENTAL_MADE;
    return insert_contract(db, work, &request_hash, err) &&
           (request->template_id == 0 || template_use(db, request->template_id, work->now, err)) &&
           (request->order_id == 0 ||
            order_set_contract(db, request->order_id, work->reply.instance_id, err)) &&
           change_user(&work->change, work->caller->user_id, err) &&
           change_end(&work->change, err) && see_bid(db, work, err);
}

/* Whatever goes to the host has to be what it can read: the same limits, checked by reading. */
bool rental_request_check(const struct rental_request *request, struct error *ret_why)
{
    auto_buf struct buf text = buf_of(PROTO_BODY_MAX);
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    auto_json json_t *root = NULL;
    struct instance_spec again;
    struct image image;

    if (request->spec.image == NULL)
        return error_set(ret_why, ERROR_INVALID, "an image is needed");
    if (!image_parse(request->spec.image, &image, ret_why))
        return error_context(ret_why, "image");
    instance_spec_encode(&text, &request->spec);
    if (text.has_overflowed)
        return error_set(ret_why, ERROR_OUT_OF_RANGE, "the request is too long");
    return json_parse(text.bytes, text.length, &root, ret_why) &&
           instance_spec_decode(root, &arena, &again, ret_why);
}

bool flow_rent(const struct flow *flow, const struct caller *caller,
               const struct rental_request *request, struct rental_reply *ret, struct error *err)
{
    struct rent_work work = {
        .flow = flow, .caller = caller, .request = request, .spend_cap = flow->spend_cap
    };
    uint8_t key[WORKSPACE_KEY_SIZE];
    struct error why;

    *ret = (struct rental_reply){ .outcome = RENTAL_BAD_LABEL };
    if ((request->label != NULL && strlen(request->label) > LABEL_LENGTH_MAX) ||
        (request->volume.name != NULL && strlen(request->volume.name) > LABEL_LENGTH_MAX))
        return true;
    if (!rental_request_check(request, &why)) {
        ret->outcome = RENTAL_BAD_SPEC;
        (void)snprintf(ret->why, sizeof ret->why, "%s", why.text);
        return true;
    }
    (void)crypto_token(work.reply.api_key);
    (void)crypto_token(work.jupyter_token);
    crypto_random(key, sizeof key);
    (void)hex_format(key, sizeof key, work.workspace_key);
    crypto_wipe(key, sizeof key);
    work.key_hash = crypto_sha256(work.reply.api_key, strlen(work.reply.api_key));
    work.now = clock_now(flow->clock);
    if (!store_write(flow->store, rent_work, &work, err))
        return error_context(err, "rent offer %" PRId64, request->offer_id);
    if (work.reply.outcome != RENTAL_MADE)
        crypto_wipe(work.reply.api_key, sizeof work.reply.api_key);
    crypto_wipe(work.workspace_key, sizeof work.workspace_key);
    *ret = work.reply;
    return true;
}

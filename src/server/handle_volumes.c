/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: hosts offer space, renters find, take, see and delete it (api.md 2.14). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/parse.h"
#include "flow/volume_clone.h"
#include "market/query_parse.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/offer_json.h"
#include "server/reply.h"
#include "server/result_url.h"
#include "server/volume_read.h"

enum { VOLUMES_REPLY_MAX = 16 << 20, MACHINES_MAX = 256, OFFERS_MAX = 5000, NAME_SIZE_MAX = 32 };

#define VOLUME_MONTH_DEFAULT ((struct money){ INT64_C(100000000) })
#define END_SECONDS_MAX      1e11

static const struct json_bounds ids = { 1, INT64_MAX };

/* One search under way. */
struct search {
    struct query query;
    struct query_caller asker;
};

struct found {
    const struct offer *offer;
    struct quote quote;
};

static int compare_found(const void *a, const void *b, void *context)
{
    const struct search *search = context;
    const struct found *left = a, *right = b;

    return query_compare(&search->query, &(struct query_subject){ left->offer, &left->quote },
                         &(struct query_subject){ right->offer, &right->quote }, &search->asker);
}

static void reply_found(struct call *call, struct search *search, const struct offer *offers,
                        size_t count)
{
    auto_buf struct buf body = buf_of(VOLUMES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    auto_free struct found *found = calloc(count + 1, sizeof *found);
    size_t hits = 0;

    if (found == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct found one = { &offers[i], offer_quote(&offers[i], &search->query.ask) };

        if (query_matches(&search->query, &(struct query_subject){ one.offer, &one.quote },
                          &search->asker))
            found[hits++] = one;
    }
    qsort_r(found, hits, sizeof *found, compare_found, search);
    hits = hits < search->query.limit ? hits : search->query.limit;
    encode_object(&json);
    encode_key(&json, "offers");
    encode_array(&json);
    for (size_t i = 0; i < hits; i++)
        offer_encode(&json, found[i].offer, &search->query.ask, &search->asker);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_volumes_search(struct call *call)
{
    auto_arena struct arena arena = arena_of(HTTP_REPLY_MAX);
    struct search search;
    struct offer *offers;
    size_t count;
    struct error err;

    if (!query_parse(call->body, call->request->arena, &search.query, &err))
        return reply_refuse(call, 400, "invalid_request", "%s.", err.text);
    search.asker = (struct query_caller){ .now = clock_now(call->app->clock),
                                          .user_id = call->caller.user_id };
    if (!flow_volume_offers(&call->app->flow, OFFERS_MAX, &arena, &offers, &count, &err))
        return reply_error(call, &err);
    reply_found(call, &search, offers, count);
}

static void encode_volume(struct encoder *json, const struct volume_view *view, struct instant now)
{
    const struct contract_row *contract = view->contract;
    const struct machine machine = machine_of_row(view->machine, view->facts, now);

    encode_object(json);
    encode_field_int(json, "id", contract->id);
    encode_field_text(json, "label", contract->label);
    encode_field_text(json, "status",
                      !view->machine->is_online ? "offline"
                      : view->is_filling        ? "copying"
                                                : "active");
    encode_field_int(json, "machine_id", contract->machine_id);
    encode_field_int(json, "host_id", contract->host_id);
    field_null(json, "cluster_id");
    encode_field_int(json, "disk_space", contract->share.disk_gb);
    encode_field_money(json, "storage_cost", contract->terms.disk_month);
    encode_field_money(json, "storage_total_cost", view->hour);
    encode_key(json, "instances");
    encode_array(json);
    for (size_t i = 0; i < view->instance_count; i++)
        encode_int(json, view->instances[i]);
    encode_end(json);
    field_time(json, "start_date", contract->terms.start);
    field_time(json, "end_date", contract->terms.end);
    field_known_text(json, "public_ipaddr", view->facts->public_ip);
    fields_machine(json, &machine);
    encode_end(json);
}

void handle_volumes_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(HTTP_REPLY_MAX);
    auto_buf struct buf body = buf_of(VOLUMES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    const char *type = http_query(call->request, "type");
    bool is_network = type != NULL && strcmp(type, "network_volume") == 0;
    struct volume_view *views;
    size_t count;
    struct error err;

    if (!flow_volumes(&call->app->flow, &call->caller, &arena, &views, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "volumes");
    encode_array(&json);
    for (size_t i = 0; i < count && !is_network; i++)
        encode_volume(&json, &views[i], clock_now(call->app->clock));
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

bool volume_read_size(const json_t *body, const char *name, int64_t *ret_gb, struct error *err)
{
    const json_t *size = json_member(body, name);
    double gb = size == NULL           ? VOLUME_GB_DEFAULT
                : json_is_number(size) ? json_number_value(size)
                                       : 0;

    if (!(gb > 0 && gb <= VOLUME_GB_MAX))
        return error_set(err, ERROR_OUT_OF_RANGE, "%s must be 1 to %d GB", name, VOLUME_GB_MAX);
    *ret_gb = (int64_t)ceil(gb);
    return true;
}

void volume_refuse(struct call *call, int64_t offer_id, enum rent_outcome outcome)
{
    const char *sentence = volume_outcome_sentence(outcome);

    switch (outcome) {
    case RENT_ACCOUNT_BARRED:
        return reply_refuse(call, 403, "not_authorized", "%s", sentence);
    case RENT_NO_CREDIT:
    case RENT_SPEND_CAP:
        return reply_refuse(call, 400, "insufficient_balance", "%s", sentence);
    case RENT_TOO_MANY_CONTRACTS:
    case RENT_BAD_DISK:
    case RENT_DISK_TOO_LARGE:
        return reply_refuse(call, 400, "invalid_args", "%s", sentence);
    case RENT_NO_SUCH_OFFER:
    case RENT_OFFER_OVER:
    case RENT_MACHINE_OFFLINE:
    case RENT_MACHINE_DEVERIFIED:
        return reply_refuse(call, 404, "no_such_ask", "no_such_ask %lld: %s", (long long)offer_id,
                            sentence);
    case RENT_OK:
    case RENT_OFFER_TAKEN:
    case RENT_OWN_MACHINE:
    case RENT_BID_TOO_LOW:
    case RENT_BID_TOO_HIGH:
    case RENT_BID_WOULD_WAIT:
    case RENT_OTHER_RULES:
    case RENT_UNREACHABLE:
    case RENT_NO_ENCRYPTION:
    case RENT_BAD_WORKSPACE:
        break;
    }
    reply_refuse(call, 500, "internal_error", "Something went wrong.");
}

/* `url`: where the end of the copy will be told; or NULL. */
static void reply_made(struct call *call, int64_t id, const char *url, const char *msg)
{
    auto_buf struct buf body = buf_of(VOLUMES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    char name[NAME_SIZE_MAX];

    (void)snprintf(name, sizeof name, "V.%" PRId64, id);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "volume_id", id);
    encode_field_text(&json, "volume_name", name);
    if (url != NULL)
        encode_field_text(&json, "result_url", url);
    encode_field_text(&json, "msg", msg);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_volume_create(struct call *call)
{
    struct volume_request request = { 0 };
    struct volume_reply done;
    struct error err;

    if (!json_need_int(call->body, "id", ids, &request.offer_id, &err) ||
        !volume_read_size(call->body, "size", &request.size_gb, &err) ||
        !json_opt_text(call->body, "name", HTTP_BODY_MAX, &request.name, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_volume_create(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (done.is_bad_name)
        return reply_refuse(call, 400, "label_too_long", "A name has at most 1024 characters.");
    if (done.outcome != RENT_OK)
        return volume_refuse(call, request.offer_id, done.outcome);
    reply_made(call, done.id, NULL,
               "It is charged until it is deleted. Instances of its machine mount it from their "
               "making on.");
}

/* The id in the query, or in the body. */
static bool read_id(struct call *call, int64_t *ret, struct error *err)
{
    const char *text = http_query(call->request, "id");
    const json_t *member = json_member(call->body, "id");
    uint64_t id;

    if (text == NULL && json_is_string(member))
        text = json_string_value(member);
    if (text == NULL)
        return json_need_int(call->body, "id", ids, ret, err);
    if (!parse_u64(text, &id) || id == 0 || id > INT64_MAX)
        return error_set(err, ERROR_INVALID, "id is no number");
    *ret = (int64_t)id;
    return true;
}

static void refuse_unknown(struct call *call, int64_t id)
{
    reply_refuse(call, 404, "no_such_volume", "No volume %lld on this account.", (long long)id);
}

void handle_volume_delete(struct call *call)
{
    struct volume_delete_reply done;
    struct error err;
    int64_t id;

    if (!read_id(call, &id, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_volume_delete(&call->app->flow, &call->caller, id, &done, &err))
        return reply_error(call, &err);
    switch (done.outcome) {
    case VOLUME_DELETED:
        return reply_message(call, "Volume %lld is deleted, and its data with it.", (long long)id);
    case VOLUME_IN_USE:
        return reply_refuse(call, 409, "in_use",
                            "Instance %lld mounts volume %lld: destroy it first.",
                            (long long)done.instance_id, (long long)id);
    case VOLUME_IS_CLONED:
        return reply_refuse(call, 409, "in_use",
                            "Volume %lld is being copied to volume %lld: wait, or delete that one.",
                            (long long)id, (long long)done.volume_id);
    case VOLUME_NONE:
        break;
    }
    refuse_unknown(call, id);
}

static void refuse_clone(struct call *call, const struct volume_clone_request *request,
                         const struct volume_clone_reply *done)
{
    long long source = (long long)request->source_id;

    switch (done->outcome) {
    case VOLUME_CLONE_REFUSED:
        return volume_refuse(call, request->offer_id, done->made.outcome);
    case VOLUME_CLONE_ELSEWHERE:
        return reply_refuse(call, 400, "invalid_args",
                            "Offer %lld is on another machine than volume %lld: a volume is copied "
                            "on its own. `copy` moves files between instances of two machines.",
                            (long long)request->offer_id, source);
    case VOLUME_CLONE_TOO_SMALL:
        return reply_refuse(call, 400, "invalid_args",
                            "Volume %lld has %lld GB: what it is copied to needs as many.", source,
                            (long long)done->source_gb);
    case VOLUME_CLONE_FILLING:
        return reply_refuse(call, 409, "conflict",
                            "Volume %lld is being copied itself: it is not complete yet.", source);
    case VOLUME_CLONE_BUSY:
        return reply_refuse(call, 409, "conflict", "That host has too much to do: try again.");
    case VOLUME_CLONE_NO_SOURCE:
    case VOLUME_CLONE_BEGUN:
        break;
    }
    refuse_unknown(call, request->source_id);
}

void handle_volume_copy(struct call *call)
{
    struct volume_clone_request request = { 0 };
    struct volume_clone_reply done;
    struct error err;

    /* What its host copies never leaves the machine: there is nothing to compress. */
    if (!json_need_int(call->body, "src_id", ids, &request.source_id, &err) ||
        !json_need_int(call->body, "dst_id", ids, &request.offer_id, &err) ||
        (json_member(call->body, "size") != NULL &&
         !volume_read_size(call->body, "size", &request.size_gb, &err)))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_volume_clone(&call->app->flow, &call->caller, &request, &done, &err))
        return reply_error(call, &err);
    if (done.outcome != VOLUME_CLONE_BEGUN)
        return refuse_clone(call, &request, &done);
    reply_made(call, done.made.id, result_url(call, done.token),
               "Its host copies what is in the other one; it can be mounted once that is done.");
}

/* Refuse for every outcome but VOLUME_OFFER_DONE; true where it refused. */
static bool refuse_offer(struct call *call, const struct volume_offer_reply *done, int64_t machine)
{
    long long id = (long long)machine;

    switch (done->outcome) {
    case VOLUME_OFFER_DONE:
        return false;
    case VOLUME_OFFER_BAD_PRICE:
        reply_refuse(call, 400, "invalid_args", "price_disk must be 0 to 10,000 dollars.");
        return true;
    case VOLUME_OFFER_BAD_SIZE:
        reply_refuse(call, 400, "invalid_args", "Machine %lld has %lld GB free.", id,
                     (long long)done->free_gb);
        return true;
    case VOLUME_OFFER_BAD_END:
        reply_refuse(call, 400, "invalid_args", "end_date must be ahead.");
        return true;
    case VOLUME_OFFER_QUARANTINED:
        reply_refuse(call, 409, "conflict",
                     "The hardware of machine %lld is not what it was: the operator has to look.",
                     id);
        return true;
    case VOLUME_OFFER_NO_MACHINE:
    case VOLUME_OFFER_NONE:
        break;
    }
    reply_refuse(call, 404, "no_such_machine", "There is no machine %lld here.", id);
    return true;
}

static bool read_offer(const json_t *body, struct volume_offer_request *request, struct error *err)
{
    const json_t *end = json_member(body, "end_date");
    double seconds = json_is_number(end) ? json_number_value(end) : -1;

    request->disk_month = VOLUME_MONTH_DEFAULT;
    request->end = INSTANT_NEVER;
    if (!volume_read_size(body, "size", &request->size_gb, err) ||
        !json_opt_money(body, "price_disk", &request->disk_month, err))
        return false;
    if (end == NULL)
        return true;
    if (!(seconds >= 0 && seconds < END_SECONDS_MAX))
        return error_set(err, ERROR_INVALID, "end_date must be Unix seconds");
    request->end.microseconds = (int64_t)(seconds * 1e6);
    return true;
}

/* One number, or an array of them. */
static bool read_machines(const json_t *body, int64_t machines[static MACHINES_MAX],
                          size_t *ret_count, struct error *err)
{
    const json_t *member = json_member(body, "machine");

    *ret_count = 1;
    if (!json_is_array(member))
        return json_need_int(body, "machine", ids, &machines[0], err);
    *ret_count = json_array_size(member);
    if (*ret_count == 0 || *ret_count > MACHINES_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "machine has 1 to %d numbers", MACHINES_MAX);
    for (size_t i = 0; i < *ret_count; i++) {
        machines[i] = json_integer_value(json_array_get(member, i));
        if (machines[i] < 1)
            return error_set(err, ERROR_INVALID, "machine[%zu] is no machine", i);
    }
    return true;
}

void handle_volume_offer(struct call *call)
{
    auto_buf struct buf body = buf_of(VOLUMES_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct volume_offer_request request = { 0 };
    int64_t machines[MACHINES_MAX], extended = 0;
    size_t count;
    struct error err;

    if (!read_machines(call->body, machines, &count, &err) ||
        !read_offer(call->body, &request, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "volume_offers");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        struct volume_offer_reply done;

        request.machine_id = machines[i];
        if (!flow_volume_offer(&call->app->flow, &call->caller, &request, &done, &err))
            return reply_error(call, &err);
        if (refuse_offer(call, &done, machines[i]))
            return;
        encode_int(&json, done.offer_id);
        extended += done.extended;
    }
    encode_end(&json);
    encode_field_int(&json, "extended", extended);
    encode_field_text(&json, "msg", "The space is on offer.");
    encode_end(&json);
    reply_json(call, &body);
}

void handle_volume_unlist(struct call *call)
{
    enum volume_offer_outcome outcome;
    struct error err;
    int64_t id;

    if (!json_need_int(call->body, "id", ids, &id, &err))
        return reply_refuse(call, 400, "invalid_args", "%s.", err.text);
    if (!flow_volume_unlist(&call->app->flow, &call->caller, id, &outcome, &err))
        return reply_error(call, &err);
    if (outcome != VOLUME_OFFER_DONE)
        return reply_refuse(call, 404, "no_such_ask", "There is no offer %lld of volumes here.",
                            (long long)id);
    reply_message(call, "Offer %lld is taken back; volumes that were made of it stay.",
                  (long long)id);
}

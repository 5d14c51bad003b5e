/* SPDX-License-Identifier: Apache-2.0 */
/* What operators look at: machines that do not prove what they have, and how the server was told to
 * run. */
#include <string.h>

#include "base/parse.h"
#include "flow/hold.h"
#include "flow/review.h"
#include "server/app.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/options.h"
#include "server/reply.h"

enum {
    REVIEW_PAGE = 100,
    REVIEW_ARENA_MAX = 4 << 20,
    REVIEW_REPLY_MAX = 1 << 20,
    KIND_NAME_SIZE = 16
};

/* A number of the query, or `fallback`; false: it is none, and that was said. */
static bool read_id(struct call *call, const char *name, int64_t fallback, int64_t *ret)
{
    const char *text = http_query(call->request, name);
    uint64_t id = 0;

    *ret = fallback;
    if (text == NULL)
        return true;
    if (!parse_u64(text, &id) || id > INT64_MAX) {
        reply_refuse(call, 400, "invalid_args", "%s is an id.", name);
        return false;
    }
    *ret = (int64_t)id;
    return true;
}

static void encode_next(struct encoder *json, size_t count, int64_t last)
{
    encode_key(json, "next");
    if (count == REVIEW_PAGE)
        encode_int(json, last);
    else
        encode_null(json);
}

static void encode_proof(struct encoder *json, const struct machine_proof_row *proof)
{
    encode_object(json);
    encode_field_int(json, "id", proof->id);
    encode_field_int(json, "machine_id", proof->machine_id);
    encode_field_text(json, "gpu", proof->gpu_uuid);
    field_known_text(json, "model", proof->model);
    encode_field_text(json, "kind", audit_kind_name(proof->kind));
    encode_field_text(json, "state", audit_state_name(proof->state));
    field_time(json, "asked_at", proof->asked);
    field_time(json, "ended_at", proof->done);
    encode_field_int(json, "late", proof->late);
    encode_key(json, "odd");
    encode_array(json);
    for (int bit = 1; bit < AUDIT_SUSPICIONS; bit *= 2)
        if ((proof->seen & bit) != 0)
            encode_text(json, audit_suspicion_name((enum audit_suspicion)bit));
    encode_end(json);
    encode_end(json);
}

static void encode_hold(struct encoder *json, const struct hold_row *hold)
{
    encode_object(json);
    encode_field_int(json, "id", hold->id);
    encode_field_int(json, "user_id", hold->user_id);
    encode_field_text(json, "kind", hold_kind_name(hold->kind));
    encode_field_money(json, "amount", hold->amount);
    encode_field_text(json, "note", hold->note);
    field_time(json, "created_at", hold->created);
    field_time(json, "expires_at", hold->expires);
    encode_end(json);
}

static bool encode_holds(struct call *call, struct encoder *json, struct arena *arena,
                         struct error *err)
{
    struct hold_filter filter = { .state = HOLD_OPEN, .max = REVIEW_PAGE };
    struct hold_row *holds;
    size_t count;

    if (!flow_hold_list(&call->app->flow, &filter, arena, &holds, &count, err))
        return false;
    encode_key(json, "holds");
    encode_array(json);
    for (size_t i = 0; i < count; i++)
        encode_hold(json, &holds[i]);
    encode_end(json);
    return true;
}

void handle_operator_fraud(struct call *call)
{
    auto_arena struct arena arena = arena_of(REVIEW_ARENA_MAX);
    auto_buf struct buf body = buf_of(REVIEW_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct machine_proof_row *proofs;
    struct error err;
    int64_t before;
    size_t count;

    if (!read_id(call, "before", INT64_MAX, &before))
        return;
    if (!flow_proof_troubles(&call->app->flow, before, REVIEW_PAGE, &arena, &proofs, &count, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "proofs");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_proof(&json, &proofs[i]);
    encode_end(&json);
    encode_next(&json, count, count > 0 ? proofs[count - 1].id : 0);
    if (!encode_holds(call, &json, &arena, &err))
        return reply_error(call, &err);
    encode_end(&json);
    reply_json(call, &body);
}

/* Where the database is may hold its password: which kind it is says enough. */
static const char *shown_value(const char *name, const char *value, char kind[KIND_NAME_SIZE])
{
    size_t length = value != NULL ? strcspn(value, ":") : 0;

    if (value == NULL || strcmp(name, "store") != 0 || value[length] == '\0')
        return value;
    if (length >= KIND_NAME_SIZE)
        length = KIND_NAME_SIZE - 1;
    memcpy(kind, value, length);
    kind[length] = '\0';
    return kind;
}

static void encode_settings(struct encoder *json, const struct options *options)
{
    encode_key(json, "settings");
    encode_array(json);
    for (size_t i = 0; options->rows[i].name != NULL; i++) {
        const struct option_row *row = &options->rows[i];
        char kind[KIND_NAME_SIZE];
        const char *value = shown_value(row->name, options->values[i], kind);

        encode_object(json);
        encode_field_text(json, "name", row->name);
        encode_field_bool(json, "is_given", value != NULL);
        encode_field_text(json, "value", value != NULL && row->value_name == NULL ? "on" : value);
        encode_field_text(json, "help", row->help);
        encode_end(json);
    }
    encode_end(json);
}

void handle_operator_settings(struct call *call)
{
    auto_buf struct buf body = buf_of(REVIEW_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct instant backup;
    struct error err;

    if (!flow_backup_time(&call->app->flow, &backup, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_text(&json, "version", call->app->version);
    field_time(&json, "started_at", call->app->started);
    field_time(&json, "backup_at", backup);
    encode_settings(&json, call->app->options);
    encode_end(&json);
    reply_json(call, &body);
}

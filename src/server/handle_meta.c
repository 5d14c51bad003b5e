/* SPDX-License-Identifier: Apache-2.0 */
/* What the server is and how it fares: health, metrics, GPU models, events. */

#include "market/gpu.h"
#include "server/app.h"
#include "server/events.h"
#include "server/handlers.h"
#include "server/metrics_page.h"
#include "server/reply.h"

enum { META_REPLY_MAX = 4 << 20, MB_PER_GB = 1024 };

void handle_gpu_names(struct call *call)
{
    auto_buf struct buf body = buf_of(META_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    size_t count, bare_count;
    const struct gpu_model *models = gpu_models(&count);
    const char *const *bare = gpu_bare_names(&bare_count);

    encode_object(&json);
    encode_key(&json, "gpu_names");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        encode_text(&json, models[i].name);
    for (size_t i = 0; i < bare_count; i++)
        encode_text(&json, bare[i]);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_gpu_types(struct call *call)
{
    auto_buf struct buf body = buf_of(META_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    size_t count;
    const struct gpu_model *models = gpu_models(&count);

    encode_object(&json);
    encode_key(&json, "gpu_types");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        encode_object(&json);
        encode_field_text(&json, "canonical_name", models[i].name);
        encode_field_int(&json, "gpu_ram_mb", models[i].memory_gb * MB_PER_GB);
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* A snapshot could be had: that is all that is asked. */
static bool look_at_nothing(struct db *db, void *context, struct error *err)
{
    (void)db;
    (void)context;
    (void)err;
    return true;
}

void handle_health(struct call *call)
{
    auto_buf struct buf body = buf_of(META_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct error err;

    if (!store_read(call->app->store, look_at_nothing, NULL, &err)) {
        log_failure(&call->app->log, "unhealthy", &err);
        return reply_refuse(call, 503, "unavailable", "The database does not answer.");
    }
    encode_object(&json);
    encode_field_text(&json, "status", "ok");
    encode_field_text(&json, "version", call->app->version);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_metrics(struct call *call)
{
    auto_buf struct buf body = buf_of(META_REPLY_MAX);

    metrics_page_write(call->app, &body);
    reply_text(call, METRICS_TYPE, &body);
}

void handle_events(struct call *call)
{
    struct events *events = call->app->events;
    struct caller caller = call->caller;

    /* The call is gone once its stream begins. */
    events_listen(events, &caller, http_stream(call->exchange));
}

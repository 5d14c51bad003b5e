/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's instances: one, all, and pages of them (api.md 2.5.1). */
#include <string.h>

#include "flow/instance.h"
#include "server/app.h"
#include "server/columns.h"
#include "server/handlers.h"
#include "server/instance_json.h"
#include "server/instance_query.h"
#include "server/reply.h"

enum { INSTANCE_TEXT_MAX = 2 << 20 };

/* Views that the caller may see; false, and the call is answered, where they cannot be had. */
static bool load_views(struct call *call, struct arena *arena, struct instance_view **ret,
                       size_t *ret_count)
{
    struct error err;

    if (flow_instance_list(&call->app->flow, &call->caller, arena, ret, ret_count, &err))
        return true;
    reply_error(call, &err);
    return false;
}

void handle_instance_show(struct call *call)
{
    auto_buf struct buf body = buf_of(INSTANCE_TEXT_MAX);
    struct encoder json = encoder_of(&body);
    struct instance_view view;
    bool has;
    struct error err;

    if (!flow_instance_show(&call->app->flow, &call->caller, call->params[0].id,
                            call->request->arena, &view, &has, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_key(&json, "instances");
    if (has)
        instance_encode(&json, &view, clock_now(call->app->clock));
    else
        encode_null(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_instances_list(struct call *call)
{
    auto_arena struct arena arena = arena_of(HTTP_REPLY_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct instance_view *views;
    size_t count;

    if (!load_views(call, &arena, &views, &count))
        return;
    struct instant now = clock_now(call->app->clock);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "instances_found", (int64_t)count);
    encode_key(&json, "instances");
    encode_array(&json);
    for (size_t i = 0; i < count; i++)
        instance_encode(&json, &views[i], now);
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* The same text, or both missing. */
static bool is_same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *model_of(const struct instance_view *view)
{
    return view->facts->gpu_count > 0 ? view->facts->gpus[0].name : NULL;
}

static bool shows_alike(const struct instance_view *a, const struct instance_view *b)
{
    return is_same(instance_actual_status(a), instance_actual_status(b)) &&
           a->machine->verification == b->machine->verification &&
           is_same(model_of(a), model_of(b));
}

void handle_instances_filters(struct call *call)
{
    auto_arena struct arena arena = arena_of(HTTP_REPLY_MAX);
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    struct instance_view *views;
    size_t count;

    if (!load_views(call, &arena, &views, &count))
        return;
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "filters");
    encode_array(&json);
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (!shows_alike(&views[first], &views[i]))
            first++;
        if (first < i)
            continue;
        encode_object(&json);
        encode_field_text(&json, "actual_status", instance_actual_status(&views[i]));
        encode_field_text(&json, "verification", verification_name(views[i].machine->verification));
        encode_field_text(&json, "gpu_name", model_of(&views[i]));
        encode_end(&json);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

/* The view as the object that clients see: what filters and orders look at. */
static bool make_row(const struct instance_view *view, struct instant now, json_t **ret,
                     struct error *err)
{
    auto_buf struct buf text = buf_of(INSTANCE_TEXT_MAX);
    struct encoder json = encoder_of(&text);

    instance_encode(&json, view, now);
    if (text.has_overflowed)
        return error_set(err, ERROR_OUT_OF_RANGE, "an instance's description is too long");
    return json_parse(text.bytes, text.length, ret, err);
}

/* An instance of nothing on a machine of nothing: it has every column there is. */
static bool make_names(json_t **ret, struct error *err)
{
    static const struct machine_facts facts = {
        .cpu_arch = "amd64", .cpu_cores = 1, .ram_mb = 1, .disk_gb = 1, .port_last = -1
    };
    static const struct machine_row machine = { .geolocation = "" };
    static const struct contract_row contract = {
        .image = "", .runtype = "ssh", .ports = "", .reason_detail = "", .message = ""
    };
    static const struct instance_spec spec = { .image = "" };
    const struct instance_view view = {
        .contract = &contract, .machine = &machine, .facts = &facts, .spec = &spec, .status_msg = ""
    };

    return make_row(&view, (struct instant){ 0 }, ret, err);
}

/* One page under way: every row of the account, and those that match, in their order. */
struct page {
    struct instance_view *views;
    json_t **rows; /* owned, as many as views */
    size_t count;
    const json_t **matches;
    size_t match_count, start, end;
};

static void page_release(struct page *page)
{
    for (size_t i = 0; page->rows != NULL && i < page->count; i++)
        json_decref(page->rows[i]);
    free(page->rows);
    free(page->matches);
}
#define auto_page __attribute__((cleanup(page_release)))

static bool find_rows(struct page *page, const struct page_query *query, struct instant now,
                      struct error *err)
{
    page->rows = calloc(page->count + 1, sizeof(json_t *));
    page->matches = calloc(page->count + 1, sizeof(json_t *));
    if (page->rows == NULL || page->matches == NULL)
        abort();
    for (size_t i = 0; i < page->count; i++) {
        if (!make_row(&page->views[i], now, &page->rows[i], err))
            return false;
        if (page_query_matches(query, page->rows[i]))
            page->matches[page->match_count++] = page->rows[i];
    }
    page_query_sort(query, page->matches, page->match_count);
    page->start = page_query_start(query, page->matches, page->match_count);
    page->end = page->match_count - page->start > query->limit ? page->start + query->limit
                                                               : page->match_count;
    return true;
}

/* How many of the matching instances have which label; those without count under "". */
static void encode_label_counts(struct encoder *json, const struct page *page)
{
    json_t *counts = json_object();
    const char *label;
    json_t *number;

    for (size_t i = 0; i < page->match_count; i++) {
        const char *text = json_string_value(json_object_get(page->matches[i], "label"));
        text = text != NULL ? text : "";
        json_int_t so_far = json_integer_value(json_object_get(counts, text));
        (void)json_object_set_new(counts, text, json_integer(so_far + 1));
    }
    encode_key(json, "label_counts");
    encode_object(json);
    json_object_foreach(counts, label, number)
        encode_field_int(json, label, json_integer_value(number));
    encode_end(json);
    json_decref(counts);
}

static void encode_rows(struct encoder *json, const struct page *page,
                        const struct page_query *query, struct instant now)
{
    encode_key(json, "instances");
    encode_array(json);
    for (size_t i = page->start; i < page->end; i++) {
        if (query->columns != NULL) {
            columns_encode(json, page->matches[i], query->columns);
            continue;
        }
        size_t view = 0;
        while (page->rows[view] != page->matches[i])
            view++;
        instance_encode(json, &page->views[view], now);
    }
    encode_end(json);
}

static void reply_page(struct call *call, const struct page *page, const struct page_query *query,
                       struct instant now)
{
    auto_buf struct buf body = buf_of(HTTP_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    char token[PAGE_TOKEN_SIZE];
    bool has_more = page->end < page->match_count;

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "instances_found", (int64_t)(page->end - page->start));
    encode_field_int(&json, "total_instances", (int64_t)page->match_count);
    encode_label_counts(&json, page);
    encode_field_text(&json, "next_token",
                      has_more ? page_token(page->matches, page->end - 1, token) : NULL);
    encode_rows(&json, page, query, now);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_instances_page(struct call *call)
{
    auto_arena struct arena arena = arena_of(HTTP_REPLY_MAX);
    auto_json json_t *names = NULL;
    auto_page_query struct page_query query = { 0 };
    auto_page struct page page = { 0 };
    struct instant now = clock_now(call->app->clock);
    bool is_token;
    struct error err;

    if (!make_names(&names, &err))
        return reply_error(call, &err);
    if (!page_query_parse(call->request, names, &query, &is_token, &err))
        return reply_refuse(call, 400, is_token ? "invalid_token" : "invalid_request", "%s.",
                            err.text);
    if (!load_views(call, &arena, &page.views, &page.count))
        return;
    if (!find_rows(&page, &query, now, &err))
        return reply_error(call, &err);
    reply_page(call, &page, &query, now);
}

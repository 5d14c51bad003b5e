/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: search, make, change, take away (flow/template.h). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "flow/template.h"
#include "market/template.h"
#include "server/app.h"
#include "server/columns.h"
#include "server/fields.h"
#include "server/handlers.h"
#include "server/instance_query.h"
#include "server/reply.h"
#include "server/template_use.h"

enum { TEMPLATES_REPLY_MAX = 64 << 20, TEMPLATE_REPLY_MAX = 1 << 20 };

/* Its form and what the market knows of it, as one object. The caller owns it. */
static bool make_row(const struct template_row *row, json_t **ret, struct error *err)
{
    auto_json json_t *object = NULL;

    if (!json_parse(row->form, strlen(row->form), &object, err))
        return error_context(err, "template %lld", (long long)row->id);
    json_t *tag = json_object_get(object, "tag");
    json_t *volume = json_object_get(object, "volume_info");
    json_t *used = row->used.microseconds == 0
                       ? json_null()
                       : json_real((double)row->used.microseconds / (double)US_PER_SECOND);
    int failed =
        json_object_set_new(object, "id", json_integer(row->id)) |
        json_object_set_new(object, "hash_id", json_string(row->hash_id)) |
        json_object_set(object, "default_tag", tag) |
        (volume == NULL ? json_object_set_new(object, "volume_info", json_null()) : 0) |
        json_object_set_new(object, "creator_id", json_integer(row->owner_id)) |
        json_object_set_new(object, "recommended", json_boolean(row->is_recommended)) |
        json_object_set_new(object, "created_at",
                            json_real((double)row->created.microseconds / (double)US_PER_SECOND)) |
        json_object_set_new(object, "count_created", json_integer(row->used_count)) |
        json_object_set_new(object, "recent_create_date", used);
    if (failed != 0)
        return error_set(err, ERROR_OUT_OF_RANGE, "no room for a template");
    *ret = json_incref(object);
    return true;
}

static void encode_whole(struct encoder *json, const json_t *row)
{
    auto_free char *text = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);

    if (text == NULL)
        abort();
    encode_raw(json, text, strlen(text));
}

/* Others read what they are meant to. */
static void hide(const struct call *call, const struct template_row *row, json_t *object)
{
    if (row->owner_id != call->caller.user_id &&
        json_is_false(json_object_get(object, "readme_visible")))
        (void)json_object_set_new(object, "readme", json_string(""));
}

struct found {
    json_t **rows; /* owned */
    const json_t **matches;
    size_t count, match_count;
};

static void found_release(struct found *found)
{
    for (size_t i = 0; found->rows != NULL && i < found->count; i++)
        json_decref(found->rows[i]);
    free(found->rows);
    free(found->matches);
}
#define auto_found __attribute__((cleanup(found_release)))

static bool find_matches(const struct call *call, const struct template_row *templates,
                         const struct page_query *query, struct found *found, struct error *err)
{
    found->rows = calloc(found->count + 1, sizeof(json_t *));
    found->matches = calloc(found->count + 1, sizeof(json_t *));
    if (found->rows == NULL || found->matches == NULL)
        abort();
    for (size_t i = 0; i < found->count; i++) {
        if (!make_row(&templates[i], &found->rows[i], err))
            return false;
        hide(call, &templates[i], found->rows[i]);
        if (page_query_matches(query, found->rows[i]))
            found->matches[found->match_count++] = found->rows[i];
    }
    page_query_sort(query, found->matches, found->match_count);
    return true;
}

/* A template of nothing: it has every column there is. */
static bool make_names(json_t **ret, struct error *err)
{
    auto_json json_t *body = json_pack("{ssss}", "name", "n", "image", "i");
    auto_json json_t *form = NULL;

    if (body == NULL || !template_read(body, NULL, &form, err))
        return error_context(err, "the columns of a template");
    auto_free char *text = template_text(form);
    struct template_row row = { .hash_id = "", .form = text };

    return make_row(&row, ret, err);
}

static void reply_found(struct call *call, const struct found *found,
                        const struct page_query *query)
{
    auto_buf struct buf body = buf_of(TEMPLATES_REPLY_MAX);
    struct encoder json = encoder_of(&body);

    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_field_int(&json, "templates_found", (int64_t)found->match_count);
    encode_key(&json, "templates");
    encode_array(&json);
    for (size_t i = 0; i < found->match_count; i++) {
        if (query->columns != NULL)
            columns_encode(&json, found->matches[i], query->columns);
        else
            encode_whole(&json, found->matches[i]);
    }
    encode_end(&json);
    encode_end(&json);
    reply_json(call, &body);
}

void handle_templates_search(struct call *call)
{
    auto_arena struct arena arena = arena_of(TEMPLATES_REPLY_MAX);
    auto_page_query struct page_query query = { 0 };
    auto_found struct found found = { 0 };
    auto_json json_t *names = NULL;
    struct template_row *templates;
    size_t count;
    bool is_token;
    struct error err;

    if (!make_names(&names, &err))
        return reply_error(call, &err);
    if (!page_query_parse(call->request, names, &query, &is_token, &err))
        return reply_refuse(call, 400, is_token ? "invalid_token" : "invalid_request", "%s.",
                            err.text);
    if (!flow_template_list(&call->app->flow, &call->caller, &arena, &templates, &count, &err))
        return reply_error(call, &err);
    found.count = count;
    if (!find_matches(call, templates, &query, &found, &err))
        return reply_error(call, &err);
    reply_found(call, &found, &query);
}

static void reply_template(struct call *call, const struct template_reply *done, const char *msg)
{
    auto_buf struct buf body = buf_of(TEMPLATE_REPLY_MAX);
    struct encoder json = encoder_of(&body);
    auto_json json_t *row = NULL;
    struct error err;

    if (!make_row(&done->row, &row, &err))
        return reply_error(call, &err);
    encode_object(&json);
    encode_field_bool(&json, "success", true);
    encode_key(&json, "template");
    encode_whole(&json, row);
    encode_field_text(&json, "msg", msg);
    encode_end(&json);
    reply_json(call, &body);
}

/* False where there is nothing to refuse. */
static bool refuse(struct call *call, enum template_outcome outcome, const char *why)
{
    switch (outcome) {
    case TEMPLATE_DONE:
        return false;
    case TEMPLATE_NONE:
        reply_refuse(call, 404, "no_such_template",
                     "There is no such template, or it is not yours. An edit changes its hash.");
        return true;
    case TEMPLATE_BAD:
        reply_refuse(call, 400, "invalid_args", "%s.", why);
        return true;
    case TEMPLATE_TOO_MANY:
        reply_refuse(call, 400, "too_many_templates", "An account has at most %d templates.",
                     TEMPLATES_PER_USER_MAX);
        return true;
    case TEMPLATE_TAKEN:
        break;
    }
    reply_refuse(call, 400, "existing_template", "Another of your templates has that content.");
    return true;
}

void handle_template_create(struct call *call)
{
    struct template_reply done;
    struct error err;

    if (!flow_template_create(&call->app->flow, &call->caller, call->body, call->request->arena,
                              &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome, done.why))
        reply_template(call, &done, "The template is kept.");
}

/* Which one, by a hash or by a number. False, and the call is answered: neither. */
static bool read_key(struct call *call, const char *id_name, struct template_key *ret)
{
    struct error err;

    *ret = (struct template_key){ 0 };
    if (!json_opt_text(call->body, "hash_id", HTTP_BODY_MAX, &ret->hash_id, &err) ||
        !json_opt_int(call->body, id_name, (struct json_bounds){ 1, INT64_MAX }, &ret->id, &err)) {
        reply_refuse(call, 400, "invalid_args", "%s.", err.text);
        return false;
    }
    if (ret->hash_id != NULL || ret->id != 0)
        return true;
    reply_refuse(call, 400, "invalid_args", "hash_id or %s says which template.", id_name);
    return false;
}

void handle_template_update(struct call *call)
{
    struct template_key key;
    struct template_reply done;
    struct error err;

    if (!read_key(call, "id", &key))
        return;
    if (!flow_template_update(&call->app->flow, &call->caller, key, call->body,
                              call->request->arena, &done, &err))
        return reply_error(call, &err);
    if (!refuse(call, done.outcome, done.why))
        reply_template(call, &done, "The template has changed, and so has its hash.");
}

void handle_template_delete(struct call *call)
{
    enum template_outcome outcome;
    struct template_key key;
    struct error err;

    if (!read_key(call, "template_id", &key))
        return;
    if (!flow_template_delete(&call->app->flow, &call->caller, key, &outcome, &err))
        return reply_error(call, &err);
    if (!refuse(call, outcome, ""))
        reply_message(call, "The template is deleted. Instances made with it go on.");
}

bool template_complete(struct call *call, json_t **ret_body, int64_t *ret_id)
{
    struct template_key key = { 0 };
    struct template_reply done;
    auto_json json_t *form = NULL;
    const char *login = NULL;
    struct error err;

    *ret_body = NULL;
    *ret_id = 0;
    if (!json_opt_text(call->body, "template_hash_id", HTTP_BODY_MAX, &key.hash_id, &err) ||
        !json_opt_int(call->body, "template_id", (struct json_bounds){ 1, INT64_MAX }, &key.id,
                      &err)) {
        reply_refuse(call, 400, "invalid_args", "%s.", err.text);
        return false;
    }
    if (key.hash_id == NULL && key.id == 0)
        return true;
    if (!flow_template_find(&call->app->flow, &call->caller, key, call->request->arena, &done,
                            &form, &login, &err)) {
        reply_error(call, &err);
        return false;
    }
    if (refuse(call, done.outcome, ""))
        return false;
    if (!template_fill(call->body, form, login, ret_body, &err)) {
        reply_refuse(call, 400, "invalid_args", "%s.", err.text);
        return false;
    }
    *ret_id = done.row.id;
    return true;
}

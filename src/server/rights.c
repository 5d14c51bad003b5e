/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 64, NUMBER_LENGTH_MAX = 32, CONSTRAINTS_MAX = 16 };

static const struct route *find_route(const struct route *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

/* The bound that stands there, or what key_params have for it; NULL: they have nothing. */
static json_t *resolve(json_t *bound, const json_t *params)
{
    const char *text = json_string_value(bound);

    if (text == NULL || text[0] != '$')
        return bound;
    return json_object_get(params, text + 1);
}

/* {"lte": 7999}: the operators that there are, on what they can compare. */
static bool read_bounds(const char *param, json_t *bounds, const json_t *params, struct error *err)
{
    const char *operator;
    json_t *bound;

    if (!json_is_object(bounds) || json_object_size(bounds) == 0)
        return error_set(err, ERROR_INVALID, "the constraint on %.64s has no operator", param);
    json_object_foreach(bounds, operator, bound)
    {
        bool is_eq = strcmp(operator, "eq") == 0;
        json_t *value = resolve(bound, params);

        if (!is_eq && strcmp(operator, "lte") != 0 && strcmp(operator, "gte") != 0)
            return error_set(err, ERROR_INVALID,
                             "'%.16s' on %.64s is none of eq, lte, gte", operator, param);
        if (value == NULL)
            return error_set(err, ERROR_INVALID, "key_params lack %.64s",
                             json_string_value(bound) + 1);
        bool is_good =
            json_is_number(value) || (is_eq && (json_is_string(value) || json_is_boolean(value)));
        if (!is_good)
            return error_set(err, ERROR_INVALID, "%.64s cannot be compared with that", param);
        if (value != bound)
            (void)json_object_set(bounds, operator, value);
    }
    return true;
}

static bool read_route(const char *name, json_t *entry, const json_t *params, struct error *err)
{
    json_t *constraints = json_object_get(entry, "constraints"), *bounds;
    const char *param;

    if (!json_is_object(entry) || json_object_size(entry) > (constraints != NULL ? 1 : 0))
        return error_set(err, ERROR_INVALID, "%.64s takes {} or {\"constraints\": {...}}", name);
    if (constraints == NULL)
        return true;
    if (!json_is_object(constraints) || json_object_size(constraints) > CONSTRAINTS_MAX)
        return error_set(err, ERROR_INVALID, "the constraints of %.64s make no sense", name);
    json_object_foreach(constraints, param, bounds)
    {
        if (strlen(param) > NAME_MAX_LENGTH)
            return error_set(err, ERROR_INVALID, "%.64s: a parameter's name is too long", name);
        if (!read_bounds(param, bounds, params, err))
            return error_context(err, "%.64s", name);
    }
    return true;
}

static enum scope scope_of(const char *category)
{
    for (int64_t scope = 1; scope < SCOPE_ALL; scope <<= 1) {
        if (strcmp(scope_name((enum scope)scope), category) == 0)
            return (enum scope)scope;
    }
    return SCOPE_NONE;
}

bool rights_read(const json_t *permissions, const json_t *params, const struct route *table,
                 size_t count, json_t **ret_rights, struct error *err)
{
    auto_json json_t *rights = json_deep_copy(permissions);
    json_t *api = json_object_get(rights, "api"), *routes, *entry;
    const char *category, *name;

    if (!json_is_object(api) || json_object_size(rights) != 1)
        return error_set(err, ERROR_INVALID, "permissions are {\"api\": {CATEGORY: {}}}");
    json_object_foreach(api, category, routes)
    {
        enum scope scope = scope_of(category);

        if (scope == SCOPE_NONE || !json_is_object(routes))
            return error_set(err, ERROR_INVALID, "'%.64s' is no category with its routes",
                             category);
        json_object_foreach(routes, name, entry)
        {
            const struct route *route = find_route(table, count, name);

            if (route == NULL || route->scope != scope)
                return error_set(err, ERROR_INVALID, "%s has no route '%.64s'", category, name);
            if (!read_route(name, entry, params, err))
                return false;
        }
    }
    *ret_rights = rights;
    rights = NULL;
    return true;
}

/* All of a text that is a number as JSON writes it, near enough. */
static bool read_number(const char *text, double *ret)
{
    char *end;

    if (text[0] == '\0' || strlen(text) > NUMBER_LENGTH_MAX ||
        strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    *ret = strtod(text, &end);
    return *end == '\0' && isfinite(*ret);
}

static bool is_within_number(const json_t *value, const char *operator, double bound)
{
    double number;

    if (json_is_number(value))
        number = json_number_value(value);
    else if (!json_is_string(value) || !read_number(json_string_value(value), &number))
        return false;
    if (strcmp(operator, "lte") == 0)
        return number <= bound;
    return strcmp(operator, "gte") == 0 ? number >= bound : number == bound;
}

static bool is_within(const json_t *value, const char *operator, const json_t * bound)
{
    char text[NUMBER_LENGTH_MAX];

    if (json_is_number(bound))
        return is_within_number(value, operator, json_number_value(bound));
    if (!json_is_string(bound) || !json_is_integer(value))
        return json_equal(value, bound);
    (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return strcmp(text, json_string_value(bound)) == 0;
}

/* One value, or each of a list: one that is empty may stand for all, and is not within. */
static bool is_within_bounds(const json_t *value, json_t *bounds)
{
    const char *operator;
    json_t *bound;

    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            const json_t *one = json_array_get(value, i);

            if (json_is_array(one) || !is_within_bounds(one, bounds))
                return false;
        }
        return json_array_size(value) > 0;
    }
    json_object_foreach(bounds, operator, bound)
    {
        if (!is_within(value, operator, bound))
            return false;
    }
    return true;
}

/* A parameter of the path, by the name that the pattern has for it. */
static bool path_value(const struct call *call, const char *name, json_t **ret)
{
    const char *at = call->route->pattern;
    size_t length = strlen(name);

    for (size_t i = 0; i < call->route->param_count; i++) {
        at = strchr(at, '{') + 1;
        if (strncmp(at, name, length) != 0 || at[length] != '}')
            continue;
        bool is_me = call->route->params[i] == PARAM_USER && call->params[i].id == 0;
        *ret = is_me ? json_integer(call->caller.user_id) : json_string(call->params[i].text);
        return true;
    }
    return false;
}

/* How often the parameter is given; `*ret_is_within` only where it is within each time. */
static size_t check_param(const struct call *call, const char *name, json_t *bounds,
                          bool *ret_is_within)
{
    const json_t *member = json_member(call->body, name);
    size_t count = 0;
    auto_json json_t *in_path = NULL;

    *ret_is_within = true;
    if (path_value(call, name, &in_path)) {
        *ret_is_within &= is_within_bounds(in_path, bounds);
        count++;
    }
    for (size_t i = 0; i < call->request->query_count; i++) {
        if (strcmp(call->request->query[i].name, name) != 0)
            continue;
        auto_json json_t *text = json_string(call->request->query[i].value);
        *ret_is_within &= is_within_bounds(text, bounds);
        count++;
    }
    if (member != NULL) {
        *ret_is_within &= is_within_bounds(member, bounds);
        count++;
    }
    return count;
}

bool rights_allow(const json_t *rights, const struct call *call, struct error *err)
{
    const char *category = scope_name(call->route->scope), *name;
    const json_t *routes = json_object_get(json_object_get(rights, "api"), category);
    const json_t *entry = json_object_get(routes, call->route->name);
    json_t *bounds;

    if (json_is_object(routes) && json_object_size(routes) == 0)
        return true;
    if (!json_is_object(entry))
        return error_set(err, ERROR_FORBIDDEN, "of %s this key has not %s", category,
                         call->route->name);
    json_object_foreach(json_object_get(entry, "constraints"), name, bounds)
    {
        bool is_within;

        if (check_param(call, name, bounds, &is_within) == 0)
            return error_set(err, ERROR_FORBIDDEN, "this key must give %.64s, which it bounds",
                             name);
        if (!is_within)
            return error_set(err, ERROR_FORBIDDEN, "this key may not do this with that %.64s",
                             name);
    }
    return true;
}

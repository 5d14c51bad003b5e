/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query_parse.h"

#include <math.h>
#include <string.h>

#include "market/machine.h"
#include "market/query_operand.h"
#include "market/region.h"

static const struct {
    const char *alias;
    enum query_field field;
    double scale;
} aliases[] = {
    { "reliability2", QUERY_RELIABILITY, 1 },
    { "dph", QUERY_DPH_TOTAL, 1 },
    { "dphtotal", QUERY_DPH_TOTAL, 1 },
    { "dlperf_usd", QUERY_DLPERF_PER_DPHTOTAL, 1 },
    { "flops_usd", QUERY_FLOPS_PER_DPHTOTAL, 1 },
    { "gpu_totalram", QUERY_GPU_TOTAL_RAM, 1 },
    { "gpu_ram_GB", QUERY_GPU_RAM, 1000 },
    { "cpu_ram_GB", QUERY_CPU_RAM, 1000 },
    { "gpu_totalram_GB", QUERY_GPU_TOTAL_RAM, 1000 },
    { "cuda_vers", QUERY_CUDA_MAX_GOOD, 1 },
    { "display_active", QUERY_GPU_DISPLAY_ACTIVE, 1 },
    { "ubuntu_version", QUERY_OS_VERSION, 1 },
    { "compute_capability", QUERY_COMPUTE_CAP, 1 },
};

static const struct {
    const char *name;
    enum query_relation relation;
} relations[] = {
    { "eq", QUERY_EQ },        { "==", QUERY_EQ },       { "=", QUERY_EQ },
    { "neq", QUERY_NEQ },      { "!=", QUERY_NEQ },      { "noteq", QUERY_NEQ },
    { "not eq", QUERY_NEQ },   { "gt", QUERY_GT },       { ">", QUERY_GT },
    { "gte", QUERY_GTE },      { ">=", QUERY_GTE },      { "lt", QUERY_LT },
    { "<", QUERY_LT },         { "lte", QUERY_LTE },     { "<=", QUERY_LTE },
    { "in", QUERY_IN },        { "notin", QUERY_NOTIN }, { "nin", QUERY_NOTIN },
    { "not in", QUERY_NOTIN },
};

/* Ten years: longer makes no difference to anybody. */
#define DURATION_MAX_S (10.0 * 365 * 86400)

/* Members of a query object that are no fields: those that are read by themselves, and what
 * consoles and older clients send for their own use. */
static const char *const other_members[] = {
    "type",
    "order",
    "limit",
    "allocated_storage",
    "target_reliability",
    "extra_ids",
    "gpu_option",
    "include_unavailable",
    "disable_bundling",
    "show_incompatible",
    "sort_option",
    "template_id",
    "chunked",
    "dlperf_profile",
    "image",
    "precision",
};

/* What every step of parsing one field needs. */
struct reading {
    struct arena *arena;
    struct error *err;
    const char *name; /* as the client wrote it */
    enum query_field field;
    double scale;
};

static bool bad_operand(const struct reading *reading, const char *wanted)
{
    return error_set(reading->err, ERROR_INVALID, "'%.48s' must be compared with %s", reading->name,
                     wanted);
}

bool query_field_find(const char *name, enum query_field *ret_field, double *ret_scale)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (strcmp(aliases[i].alias, name) == 0) {
            *ret_field = aliases[i].field;
            *ret_scale = aliases[i].scale;
            return true;
        }
    }
    for (int i = 0; i < QUERY_FIELD_COUNT; i++) {
        if (strcmp(query_field_name((enum query_field)i), name) == 0) {
            *ret_field = (enum query_field)i;
            *ret_scale = 1;
            return true;
        }
    }
    return false;
}

/* Clients send versions of systems both as texts and as numbers. */
static bool read_text(const struct reading *reading, const json_t *operand, const char **ret)
{
    if (json_string_length(operand) > QUERY_TEXT_MAX)
        return error_set(reading->err, ERROR_INVALID, "'%.48s': a text of more than %d bytes",
                         reading->name, QUERY_TEXT_MAX);
    if (json_is_string(operand))
        *ret = arena_text(reading->arena, json_string_value(operand));
    else if (json_is_number(operand))
        *ret = arena_printf(reading->arena, "%.15g", json_number_value(operand));
    else
        return bad_operand(reading, "a text");
    if (*ret == NULL)
        return error_set(reading->err, ERROR_OUT_OF_RANGE, "the query is too long");
    return true;
}

static bool read_operand(const struct reading *reading, const json_t *operand,
                         struct query_value *ret)
{
    *ret = (struct query_value){ .kind = QUERY_VALUE_NUMBER };
    if (json_is_null(operand)) {
        ret->kind = QUERY_VALUE_NULL;
        return true;
    }
    switch (query_field_type(reading->field)) {
    case QUERY_NUMBER:
        if (!query_operand_number(operand, &ret->number))
            return bad_operand(reading, "a number");
        ret->number *= reading->scale;
        return true;
    case QUERY_FLAG:
        return query_operand_flag(operand, &ret->number) || bad_operand(reading, "true or false");
    case QUERY_VERSION:
        return query_operand_version(operand, &ret->number) || bad_operand(reading, "a version");
    case QUERY_TEXT:
    case QUERY_MODEL:
    case QUERY_COUNTRY:
        break;
    }
    ret->kind = QUERY_VALUE_TEXT;
    return read_text(reading, operand, &ret->text);
}

static bool is_any(const json_t *operand)
{
    const char *text = json_string_value(operand);

    return text != NULL &&
           (strcmp(text, "any") == 0 || strcmp(text, "*") == 0 || strcmp(text, "?") == 0);
}

static bool find_relation(const struct reading *reading, const char *name, enum query_relation *ret)
{
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        if (strcmp(relations[i].name, name) == 0) {
            *ret = relations[i].relation;
            return true;
        }
    }
    return error_set(reading->err, ERROR_INVALID, "'%.48s': there is no operator '%.16s'",
                     reading->name, name);
}

/* Operands as they are read; a region becomes its countries. */
struct operands {
    struct query_value *values;
    size_t count;
};

static bool too_long(const struct reading *reading)
{
    return error_set(reading->err, ERROR_OUT_OF_RANGE, "'%.48s': the query is too long",
                     reading->name);
}

static bool add_value(const struct reading *reading, const struct query_value *value,
                      struct operands *operands)
{
    if (operands->count == QUERY_LIST_MAX)
        return error_set(reading->err, ERROR_OUT_OF_RANGE, "'%.48s': more than %d operands",
                         reading->name, QUERY_LIST_MAX);
    operands->values[operands->count++] = *value;
    return true;
}

static bool add_place(const struct reading *reading, const char *name, struct operands *operands)
{
    struct query_value value = { .kind = QUERY_VALUE_TEXT, .text = name };
    const char *countries = region_countries(name);
    char code[3];

    if (countries == NULL && *machine_country(name, code) == '\0')
        return error_set(reading->err, ERROR_INVALID,
                         "'%.48s': write a country with two letters, as SE, or a region, as EU",
                         reading->name);
    if (countries == NULL)
        return add_value(reading, &value, operands);
    for (; *countries != '\0'; countries += 2) {
        value.text = arena_copy(reading->arena, countries, 2);
        if (value.text == NULL)
            return too_long(reading);
        if (!add_value(reading, &value, operands))
            return false;
    }
    return true;
}

static bool add_operand(const struct reading *reading, const json_t *operand,
                        struct operands *operands)
{
    struct query_value value;

    if (!read_operand(reading, operand, &value))
        return false;
    if (value.kind == QUERY_VALUE_TEXT && query_field_type(reading->field) == QUERY_COUNTRY)
        return add_place(reading, value.text, operands);
    return add_value(reading, &value, operands);
}

static bool read_operands(const struct reading *reading, bool is_list, const json_t *operand,
                          struct operands *ret)
{
    bool has_places = query_field_type(reading->field) == QUERY_COUNTRY;
    size_t count = is_list ? json_array_size(operand) : 1;

    if (is_list && !json_is_array(operand))
        return bad_operand(reading, "a list");
    if (count > QUERY_LIST_MAX)
        return error_set(reading->err, ERROR_OUT_OF_RANGE, "'%.48s': more than %d operands",
                         reading->name, QUERY_LIST_MAX);
    *ret = (struct operands){ .values =
                                  arena_alloc(reading->arena, has_places ? QUERY_LIST_MAX : count,
                                              sizeof ret->values[0]) };
    if (ret->values == NULL)
        return too_long(reading);
    for (size_t i = 0; i < count; i++) {
        if (!add_operand(reading, is_list ? json_array_get(operand, i) : operand, ret))
            return false;
    }
    return true;
}

/* One country becomes a list where it was a region. */
static enum query_relation relation_of(enum query_relation relation, size_t count)
{
    if (count == 1)
        return relation;
    return relation == QUERY_EQ ? QUERY_IN : relation == QUERY_NEQ ? QUERY_NOTIN : relation;
}

/* What conditions on some fields say beside what they demand. */
static void take_hints(const struct query_condition *condition, struct query *query)
{
    bool is_least = condition->relation == QUERY_GT || condition->relation == QUERY_GTE;

    if (condition->field == QUERY_DURATION && is_least &&
        condition->values[0].kind == QUERY_VALUE_NUMBER) {
        double seconds = fmin(condition->values[0].number, DURATION_MAX_S);
        int64_t duration_us = seconds > 0 ? llround(seconds * US_PER_SECOND) : 0;

        if (duration_us > query->ask.duration_us)
            query->ask.duration_us = duration_us;
    }
}

static bool add_condition(const struct reading *reading, enum query_relation relation,
                          const json_t *operand, struct query *query)
{
    bool is_list = relation == QUERY_IN || relation == QUERY_NOTIN;
    struct operands operands;

    /* Whoever speaks of `rentable` at all knows that there are others. */
    if (reading->field == QUERY_RENTABLE)
        query->has_rented = true;
    if (relation == QUERY_EQ && is_any(operand))
        return true;
    if (query->condition_count == QUERY_CONDITIONS_MAX)
        return error_set(reading->err, ERROR_OUT_OF_RANGE, "more than %d conditions",
                         QUERY_CONDITIONS_MAX);
    if (!read_operands(reading, is_list, operand, &operands))
        return false;
    if (!is_list && operands.count > 1 && relation != QUERY_EQ && relation != QUERY_NEQ)
        return error_set(reading->err, ERROR_INVALID, "'%.48s': no country is above another",
                         reading->name);

    struct query_condition *condition = &query->conditions[query->condition_count++];
    *condition = (struct query_condition){
        .field = reading->field,
        .relation = relation_of(relation, operands.count),
        .count = operands.count,
        .values = operands.values,
    };
    take_hints(condition, query);
    return true;
}

/* {"gte": 2, "lt": 8}, or a bare value, which must be equal. */
static bool read_conditions(const struct reading *reading, const json_t *value, struct query *query)
{
    const char *name;
    json_t *operand;

    if (!json_is_object(value))
        return add_condition(reading, QUERY_EQ, value, query);
    json_object_foreach((json_t *)value, name, operand)
    {
        enum query_relation relation;

        if (!find_relation(reading, name, &relation) ||
            !add_condition(reading, relation, operand, query))
            return false;
    }
    return true;
}

static bool read_type(const json_t *root, struct query *query, struct error *err)
{
    static const struct {
        const char *name;
        enum offer_type type;
    } rows[] = {
        { "on-demand", OFFER_ON_DEMAND }, { "ondemand", OFFER_ON_DEMAND }, { "bid", OFFER_BID },
        { "interruptible", OFFER_BID },   { "reserved", OFFER_RESERVED },
    };
    const json_t *value = json_member(root, "type");

    if (json_is_object(value))
        value = json_member(value, "eq");
    if (value == NULL)
        return true;
    const char *name = json_string_value(value);
    for (size_t i = 0; name != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            query->ask.type = rows[i].type;
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "'type' must be on-demand, bid or reserved");
}

static bool read_limit(const json_t *root, struct query *query, struct error *err)
{
    const json_t *value = json_member(root, "limit");
    double limit;

    if (value == NULL)
        return true;
    if (!query_operand_number(value, &limit) || limit < 1)
        return error_set(err, ERROR_INVALID, "'limit' must be a number from 1");
    query->limit = limit < QUERY_LIMIT_MAX ? (size_t)limit : QUERY_LIMIT_MAX;
    return true;
}

/* A number, or, as some documents have it, {"gte": number}. */
static bool read_storage(const json_t *root, struct query *query, struct error *err)
{
    const json_t *value = json_member(root, "allocated_storage");
    double gb;

    if (json_is_object(value))
        value = json_object_iter_value(json_object_iter((json_t *)value));
    if (value == NULL)
        return true;
    if (!query_operand_number(value, &gb) || !(gb >= 0) || gb > (double)QUERY_STORAGE_MAX / 1000)
        return error_set(err, ERROR_INVALID, "'allocated_storage' must be a number of GB");
    query->ask.disk_milligb = llround(gb * 1000);
    return true;
}

static bool read_order(const json_t *root, struct query *query, struct error *err)
{
    const json_t *list = json_member(root, "order");

    if (list == NULL || (json_is_array(list) && json_array_size(list) == 0))
        return true;
    if (!json_is_array(list) || json_array_size(list) > QUERY_ORDER_MAX)
        return error_set(err, ERROR_INVALID, "'order' must be a list of at most %d pairs",
                         QUERY_ORDER_MAX);
    query->order_count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *direction = json_string_value(json_array_get(pair, 1));
        struct query_order *order = &query->order[query->order_count++];
        double scale;

        if (name == NULL || (direction == NULL && json_array_get(pair, 1) != NULL) ||
            (direction != NULL && strcmp(direction, "asc") != 0 && strcmp(direction, "desc") != 0))
            return error_set(err, ERROR_INVALID, "'order' must hold [field, \"asc\" or \"desc\"]");
        if (!query_field_find(name, &order->field, &scale))
            return error_set(err, ERROR_INVALID, "'order': there is no field '%.48s'", name);
        order->is_descending = direction != NULL && strcmp(direction, "desc") == 0;
    }
    return true;
}

static bool read_extra_ids(const json_t *root, struct arena *arena, struct query *query,
                           struct error *err)
{
    const json_t *list = json_member(root, "extra_ids");
    size_t count = json_array_size(list);

    if (list == NULL)
        return true;
    if (!json_is_array(list) || count > QUERY_LIST_MAX)
        return error_set(err, ERROR_INVALID, "'extra_ids' must be a list of at most %d numbers",
                         QUERY_LIST_MAX);
    int64_t *ids = arena_alloc(arena, count, sizeof ids[0]);
    if (ids == NULL)
        return error_set(err, ERROR_OUT_OF_RANGE, "the query is too long");
    for (size_t i = 0; i < count; i++) {
        if (!json_is_integer(json_array_get(list, i)))
            return error_set(err, ERROR_INVALID, "'extra_ids' must hold whole numbers");
        ids[i] = json_integer_value(json_array_get(list, i));
    }
    query->extra_ids = ids;
    query->extra_count = count;
    return true;
}

static bool read_target_reliability(const json_t *root, struct arena *arena, struct query *query,
                                    struct error *err)
{
    const json_t *value = json_member(root, "target_reliability");
    struct reading reading = { arena, err, "target_reliability", QUERY_EXPECTED_RELIABILITY, 1 };

    return value == NULL || add_condition(&reading, QUERY_GTE, value, query);
}

/* "include_unavailable": true. */
static bool read_has_rented(const json_t *root, struct query *query, struct error *err)
{
    return json_opt_bool(root, "include_unavailable", &query->has_rented, err);
}

/* "dlperf_profile": a name; or "image", for what that is used for; "precision": "fp16" or "fp32"
 * alone. */
static bool read_profile(const json_t *root, struct query *query, struct error *err)
{
    const char *name = NULL, *image = NULL, *precision = NULL;
    enum dlperf_profile *profile = &query->ask.profile;

    if (!json_opt_text(root, "dlperf_profile", QUERY_TEXT_MAX, &name, err) ||
        !json_opt_text(root, "image", QUERY_TEXT_MAX, &image, err) ||
        !json_opt_text(root, "precision", QUERY_TEXT_MAX, &precision, err))
        return false;
    if (image != NULL)
        *profile = dlperf_profile_of_image(image);
    if (name != NULL && !dlperf_profile_find(name, profile))
        return error_set(err, ERROR_INVALID, "'dlperf_profile': there is no '%.48s'", name);
    if (precision == NULL)
        return true;
    if (strcmp(precision, "fp16") != 0 && strcmp(precision, "fp32") != 0)
        return error_set(err, ERROR_INVALID, "'precision' must be \"fp16\" or \"fp32\"");
    *profile = dlperf_profile_of_precision(
        *profile, strcmp(precision, "fp16") == 0 ? DLPERF_ONLY_FP16 : DLPERF_ONLY_FP32);
    return true;
}

static bool is_other_member(const char *name)
{
    for (size_t i = 0; i < sizeof other_members / sizeof other_members[0]; i++) {
        if (strcmp(other_members[i], name) == 0)
            return true;
    }
    return false;
}

bool query_parse(const json_t *root, struct arena *arena, struct query *ret, struct error *err)
{
    struct query query = query_default();
    const char *name;
    json_t *value;

    if (root != NULL && !json_is_null(root) && !json_is_object(root))
        return error_set(err, ERROR_INVALID, "the query must be an object");
    if (!read_type(root, &query, err) || !read_limit(root, &query, err) ||
        !read_storage(root, &query, err) || !read_order(root, &query, err) ||
        !read_extra_ids(root, arena, &query, err) || !read_has_rented(root, &query, err) ||
        !read_target_reliability(root, arena, &query, err) || !read_profile(root, &query, err))
        return false;

    json_object_foreach((json_t *)root, name, value)
    {
        struct reading reading = { .arena = arena, .err = err, .name = name };

        if (is_other_member(name))
            continue;
        if (!query_field_find(name, &reading.field, &reading.scale))
            return error_set(err, ERROR_INVALID, "offers have no field '%.48s'", name);
        if (json_is_null(value))
            continue;
        if (!read_conditions(&reading, value, &query))
            return false;
    }
    *ret = query;
    return true;
}

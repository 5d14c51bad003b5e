/* SPDX-License-Identifier: Apache-2.0 */
#include "market/query_parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 18 };

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

/* Decimal text such as "24", ".98" or "-1.5". Up to 15 digits give the nearest double: both the
 * digits and the power of ten are exact, and one division rounds once. */
static bool read_decimal(const char *text, double *ret)
{
    bool is_negative = *text == '-';
    int64_t digits = 0;
    int count = 0, decimals = 0;
    bool is_behind_point = false;

    for (text += is_negative ? 1 : 0; *text != '\0'; text++) {
        if (*text == '.' && !is_behind_point) {
            is_behind_point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || count == DIGITS_MAX)
            return false;
        digits = digits * 10 + (*text - '0');
        decimals += is_behind_point ? 1 : 0;
        count++;
    }
    if (count == 0)
        return false;

    double value = (double)digits / pow(10, decimals);
    *ret = is_negative ? -value : value;
    return true;
}

static bool read_number(const json_t *operand, double *ret)
{
    if (json_is_number(operand)) {
        *ret = json_number_value(operand);
        return true;
    }
    if (json_is_boolean(operand)) {
        *ret = json_is_true(operand) ? 1 : 0;
        return true;
    }
    return json_is_string(operand) && read_decimal(json_string_value(operand), ret);
}

static bool read_flag(const json_t *operand, double *ret)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = { { "true", 1 },  { "True", 1 },  { "1", 1 },
                 { "false", 0 }, { "False", 0 }, { "0", 0 } };
    const char *text = json_string_value(operand);

    if (text == NULL)
        return read_number(operand, ret) && (*ret == 0 || *ret == 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].text, text) == 0) {
            *ret = rows[i].value;
            return true;
        }
    }
    return false;
}

/* "570.86.15", or a number that stands for such: 570 and 570086 are 570.0.0 and 570.86.0. */
static bool read_version(const json_t *operand, double *ret)
{
    const char *text = json_string_value(operand);

    if (text != NULL && strchr(text, '.') != NULL) {
        *ret = (double)machine_driver_number(text);
        return *ret != 0;
    }
    if (!read_number(operand, ret) || *ret <= 0)
        return false;
    while (*ret < 1e6)
        *ret *= 1e3;
    return true;
}

/* Clients send versions of systems both as texts and as numbers. */
static bool read_text(const struct reading *reading, const json_t *operand, const char **ret)
{
    if (json_is_string(operand) && json_string_length(operand) <= QUERY_TEXT_MAX)
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
        if (!read_number(operand, &ret->number))
            return bad_operand(reading, "a number");
        ret->number *= reading->scale;
        return true;
    case QUERY_FLAG:
        return read_flag(operand, &ret->number) || bad_operand(reading, "true or false");
    case QUERY_VERSION:
        return read_version(operand, &ret->number) || bad_operand(reading, "a version");
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

static bool add_condition(const struct reading *reading, enum query_relation relation,
                          const json_t *operand, struct query *query)
{
    bool is_list = relation == QUERY_IN || relation == QUERY_NOTIN;
    size_t count = is_list ? json_array_size(operand) : 1;

    if (relation == QUERY_EQ && is_any(operand))
        return true;
    if (is_list && !json_is_array(operand))
        return bad_operand(reading, "a list");
    if (count > QUERY_LIST_MAX || query->condition_count == QUERY_CONDITIONS_MAX)
        return error_set(reading->err, ERROR_OUT_OF_RANGE, "'%.48s': the query is too long",
                         reading->name);
    struct query_value *values = arena_alloc(reading->arena, count, sizeof values[0]);
    if (values == NULL)
        return error_set(reading->err, ERROR_OUT_OF_RANGE, "the query is too long");
    for (size_t i = 0; i < count; i++) {
        if (!read_operand(reading, is_list ? json_array_get(operand, i) : operand, &values[i]))
            return false;
    }
    query->conditions[query->condition_count++] = (struct query_condition){
        .field = reading->field,
        .relation = relation,
        .count = count,
        .values = values,
    };
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
    if (!read_number(value, &limit) || limit < 1)
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
    if (!read_number(value, &gb) || !(gb >= 0) || gb > (double)QUERY_STORAGE_MAX / 1000)
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

        if (name == NULL)
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

bool query_parse(const json_t *root, struct arena *arena, struct query *ret, struct error *err)
{
    struct query query = query_default();
    const char *name;
    json_t *value;

    if (root != NULL && !json_is_null(root) && !json_is_object(root))
        return error_set(err, ERROR_INVALID, "the query must be an object");
    if (!read_type(root, &query, err) || !read_limit(root, &query, err) ||
        !read_storage(root, &query, err) || !read_order(root, &query, err) ||
        !read_extra_ids(root, arena, &query, err) ||
        !read_target_reliability(root, arena, &query, err))
        return false;

    json_object_foreach((json_t *)root, name, value)
    {
        struct reading reading = { .arena = arena, .err = err, .name = name };

        if (json_is_null(value) || !query_field_find(name, &reading.field, &reading.scale))
            continue;
        if (!read_conditions(&reading, value, &query))
            return false;
    }
    *ret = query;
    return true;
}

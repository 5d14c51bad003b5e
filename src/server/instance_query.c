/* SPDX-License-Identifier: Apache-2.0 */
#include "server/instance_query.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "base/parse.h"
#include "market/gpu.h"
#include "server/columns.h"

enum { TOKEN_TEXT_MAX = 40, NUMBER_TEXT_MAX = 64 };

void page_query_release(struct page_query *query)
{
    json_decref(query->filters);
    json_decref(query->order);
    json_decref(query->columns);
    *query = (struct page_query){ 0 };
}

/* What can be compared, whichever way a client writes it. */
static bool read_number(const json_t *value, double *ret)
{
    if (json_is_number(value)) {
        *ret = json_number_value(value);
        return true;
    }
    if (json_is_boolean(value)) {
        *ret = json_is_true(value) ? 1 : 0;
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) > NUMBER_TEXT_MAX)
        return false;
    const char *text = json_string_value(value);
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0) {
        *ret = strcasecmp(text, "true") == 0 ? 1 : 0;
        return true;
    }
    auto_json json_t *parsed = NULL;
    struct error ignored;
    if (!json_parse(text, strlen(text), &parsed, &ignored) || !json_is_number(parsed))
        return false;
    *ret = json_number_value(parsed);
    return true;
}

/* Below, at or above zero; `*ret_is_alike` false where they cannot be compared. Null compares with
 * null alone. */
static int compare(const char *column, const json_t *cell, const json_t *operand,
                   bool *ret_is_alike)
{
    bool is_cell_null = cell == NULL || json_is_null(cell);
    bool is_operand_null = operand == NULL || json_is_null(operand);
    double a, b;

    *ret_is_alike = is_cell_null == is_operand_null;
    if (is_cell_null || is_operand_null)
        return 0;
    if (json_is_string(cell)) {
        *ret_is_alike = json_is_string(operand);
        if (!*ret_is_alike)
            return 0;
        const char *text = json_string_value(cell), *other = json_string_value(operand);
        if (strcmp(column, "gpu_name") == 0 && gpu_name_matches(text, other))
            return 0;
        return strcmp(text, other);
    }
    *ret_is_alike = read_number(cell, &a) && read_number(operand, &b);
    return *ret_is_alike ? (a > b) - (a < b) : 0;
}

static bool is_equal(const char *column, const json_t *cell, const json_t *operand)
{
    bool is_alike;

    return compare(column, cell, operand, &is_alike) == 0 && is_alike;
}

static bool is_among(const char *column, const json_t *cell, const json_t *operands)
{
    for (size_t i = 0; i < json_array_size(operands); i++) {
        if (is_equal(column, cell, json_array_get(operands, i)))
            return true;
    }
    return false;
}

static const char *const operators[] = { "eq", "neq", "gt", "gte", "lt", "lte", "in", "notin" };
enum operator_index { OP_EQ, OP_NEQ, OP_GT, OP_GTE, OP_LT, OP_LTE, OP_IN, OP_NOTIN, OP_NONE };

static enum operator_index find_operator(const char *name)
{
    for (int i = 0; i < OP_NONE; i++) {
        if (strcmp(operators[i], name) == 0)
            return (enum operator_index)i;
    }
    return OP_NONE;
}

static bool holds(const char *column, enum operator_index operator, const json_t * cell,
                  const json_t *operand)
{
    bool is_alike;

    if (operator== OP_IN || operator== OP_NOTIN)
        return is_among(column, cell, operand) == (operator== OP_IN);
    if (operator== OP_EQ || operator== OP_NEQ)
        return is_equal(column, cell, operand) == (operator== OP_EQ);
    int order = compare(column, cell, operand, &is_alike);
    if (!is_alike || json_is_null(cell))
        return false;
    switch (operator) {
    case OP_GT:
        return order > 0;
    case OP_GTE:
        return order >= 0;
    case OP_LT:
        return order < 0;
    case OP_LTE:
        return order <= 0;
    case OP_EQ:
    case OP_NEQ:
    case OP_IN:
    case OP_NOTIN:
    case OP_NONE:
        break;
    }
    return false;
}

bool page_query_matches(const struct page_query *query, const json_t *row)
{
    const char *column, *name;
    json_t *conditions, *operand;

    json_object_foreach(query->filters, column, conditions)
    {
        const json_t *cell = json_object_get(row, column);
        json_object_foreach(conditions, name, operand)
        {
            if (!holds(column, find_operator(name), cell, operand))
                return false;
        }
    }
    return true;
}

/* Nulls last, whichever way the others go; then by id. */
static int compare_rows(const void *left, const void *right, void *context)
{
    const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
    const struct page_query *query = context;
    bool is_alike;

    for (size_t i = 0; i < json_array_size(query->order); i++) {
        const json_t *item = json_array_get(query->order, i);
        const char *column = json_string_value(json_object_get(item, "col"));
        const char *direction = json_string_value(json_object_get(item, "dir"));
        const json_t *x = json_object_get(a, column), *y = json_object_get(b, column);
        if (json_is_null(x) != json_is_null(y))
            return json_is_null(x) ? 1 : -1;
        int order = compare("", x, y, &is_alike);
        if (order != 0)
            return direction != NULL && strcmp(direction, "desc") == 0 ? -order : order;
    }
    return compare("", json_object_get(a, "id"), json_object_get(b, "id"), &is_alike);
}

void page_query_sort(const struct page_query *query, const json_t **rows, size_t count)
{
    if (count > 1)
        qsort_r(rows, count, sizeof *rows, compare_rows, (void *)query);
}

static int64_t id_of(const json_t *row)
{
    return json_integer_value(json_object_get(row, "id"));
}

size_t page_query_start(const struct page_query *query, const json_t *const *rows, size_t count)
{
    if (query->after_id == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (id_of(rows[i]) == query->after_id)
            return i + 1;
    }
    /* It is gone since: what stood behind it has moved to its place. */
    return query->after_index < count ? query->after_index : count;
}

char *page_token(const json_t *const *rows, size_t last, char token[static PAGE_TOKEN_SIZE])
{
    char text[TOKEN_TEXT_MAX];
    int length = snprintf(text, sizeof text, "%zu.%lld", last, (long long)id_of(rows[last]));

    static_assert(BASE64_SIZE(TOKEN_TEXT_MAX) <= PAGE_TOKEN_SIZE, "room for the token");
    return base64_format((const uint8_t *)text, (size_t)length, token);
}

static bool parse_token(const char *token, struct page_query *query)
{
    char text[TOKEN_TEXT_MAX + 1];
    size_t length;
    uint64_t index, id;

    if (!base64_parse(token, (uint8_t *)text, TOKEN_TEXT_MAX, &length))
        return false;
    text[length] = '\0';
    char *point = strchr(text, '.');
    if (point == NULL || strlen(text) != length)
        return false;
    *point = '\0';
    if (!parse_u64(text, &index) || !parse_u64(point + 1, &id) || id == 0 || id > INT64_MAX)
        return false;
    query->after_index = (size_t)index;
    query->after_id = (int64_t)id;
    return true;
}

/* A JSON document in a query parameter; `*ret` stays NULL where there is none. */
static bool parse_parameter(const struct http_request *request, const char *name, json_t **ret,
                            struct error *err)
{
    const char *text = http_query(request, name);

    if (text == NULL || text[0] == '\0' || strcmp(text, "null") == 0)
        return true;
    if (!json_parse(text, strlen(text), ret, err))
        return error_context(err, "%s", name);
    return true;
}

static bool check_filters(const json_t *filters, const json_t *names, struct error *err)
{
    const char *column, *name;
    json_t *conditions, *operand;

    if (filters != NULL && !json_is_object(filters))
        return error_set(err, ERROR_INVALID, "select_filters must be an object");
    json_object_foreach((json_t *)filters, column, conditions)
    {
        if (json_object_get(names, column) == NULL)
            return error_set(err, ERROR_INVALID, "there is no column '%.64s' to filter by", column);
        if (!json_is_object(conditions))
            return error_set(err, ERROR_INVALID, "the filter of %.64s must be an object", column);
        json_object_foreach(conditions, name, operand)
        {
            enum operator_index operator= find_operator(name);
            if (operator== OP_NONE)
                return error_set(err, ERROR_INVALID, "there is no operator '%.64s'", name);
            if ((operator== OP_IN || operator== OP_NOTIN) && !json_is_array(operand))
                return error_set(err, ERROR_INVALID, "%.64s needs an array for %s", column, name);
        }
    }
    return true;
}

static bool check_order(const json_t *order, const json_t *names, struct error *err)
{
    if (order != NULL && (!json_is_array(order) || json_array_size(order) > PAGE_ORDER_MAX))
        return error_set(err, ERROR_INVALID, "order_by must be an array of at most %d",
                         PAGE_ORDER_MAX);
    for (size_t i = 0; i < json_array_size(order); i++) {
        const char *column = json_string_value(json_object_get(json_array_get(order, i), "col"));
        if (column == NULL || json_object_get(names, column) == NULL)
            return error_set(err, ERROR_INVALID, "there is no column '%.64s' to order by",
                             column != NULL ? column : "");
    }
    return true;
}

/* Asking for all is asking for none in particular. */
static bool check_columns(json_t **columns, struct error *err)
{
    bool is_all;

    if (!columns_check(*columns, &is_all, err))
        return false;
    if (is_all) {
        json_decref(*columns);
        *columns = NULL;
    }
    return true;
}

static bool parse_limit(const char *text, size_t *ret, struct error *err)
{
    uint64_t limit = PAGE_LIMIT_MAX;

    if (text == NULL || text[0] == '\0' || strcmp(text, "null") == 0) {
        *ret = PAGE_LIMIT_MAX;
        return true;
    }
    bool is_negative = text[0] == '-';
    if (!parse_u64(text + (is_negative ? 1 : 0), &limit))
        return error_set(err, ERROR_INVALID, "limit must be a number");
    if (is_negative || limit == 0)
        limit = PAGE_LIMIT_LEAST;
    *ret = limit < PAGE_LIMIT_MAX ? (size_t)limit : PAGE_LIMIT_MAX;
    return true;
}

bool page_query_parse(const struct http_request *request, const json_t *names,
                      struct page_query *ret, bool *ret_is_token, struct error *err)
{
    auto_page_query struct page_query query = { 0 };
    const char *token = http_query(request, "after_token");

    *ret_is_token = false;
    if (!parse_parameter(request, "select_filters", &query.filters, err) ||
        !parse_parameter(request, "order_by", &query.order, err) ||
        !parse_parameter(request, "select_cols", &query.columns, err) ||
        !check_filters(query.filters, names, err) || !check_order(query.order, names, err) ||
        !check_columns(&query.columns, err) ||
        !parse_limit(http_query(request, "limit"), &query.limit, err))
        return false;
    if (token != NULL && token[0] != '\0' && strcmp(token, "null") != 0 &&
        !parse_token(token, &query)) {
        *ret_is_token = true;
        return error_set(err, ERROR_INVALID, "after_token is not one that was given out");
    }
    *ret = query;
    query = (struct page_query){ 0 };
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <string.h>

#define MONEY_DOLLARS_MAX INT64_C(1000000000)

/* Below this, every whole double is an int64_t. */
#define REAL_INT_MAX 9223372036854775808.0

void json_release(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

/* How deep brackets nest, in texts that may not be JSON: counted before the parser, which
 * recurses, sees them. */
static bool is_too_deep(const char *bytes, size_t length)
{
    bool in_text = false;
    int depth = 0;

    for (size_t i = 0; i < length; i++) {
        if (in_text && bytes[i] == '\\')
            i++;
        else if (bytes[i] == '"')
            in_text = !in_text;
        else if (!in_text && (bytes[i] == '[' || bytes[i] == '{') && ++depth > JSON_DEPTH_MAX)
            return true;
        else if (!in_text && (bytes[i] == ']' || bytes[i] == '}'))
            depth--;
    }
    return false;
}

bool json_parse(const char *bytes, size_t length, json_t **ret_root, struct error *err)
{
    json_error_t reason;

    /* To the parser a NUL would be the end, whatever comes behind it. */
    if (length > 0 && memchr(bytes, '\0', length) != NULL)
        return error_set(err, ERROR_INVALID, "not JSON: it holds a NUL");
    if (is_too_deep(bytes, length))
        return error_set(err, ERROR_INVALID, "not JSON: nested more than %d deep", JSON_DEPTH_MAX);

    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (root == NULL) {
        /* The reason quotes the document: an error's text is one line, whatever that holds. */
        for (char *at = reason.text; *at != '\0'; at++)
            *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
        return error_set(err, ERROR_INVALID, "not JSON: %s (line %d, column %d)", reason.text,
                         reason.line, reason.column);
    }
    *ret_root = root;
    return true;
}

const json_t *json_member(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);

    return json_is_null(member) ? NULL : member;
}

static bool need_member(const json_t *object, const char *name, struct error *err)
{
    if (json_member(object, name) == NULL)
        return error_set(err, ERROR_INVALID, "'%s' is missing", name);
    return true;
}

bool json_opt_text(const json_t *object, const char *name, size_t length_max, const char **ret,
                   struct error *err)
{
    const json_t *member = json_member(object, name);

    if (member == NULL)
        return true;
    if (!json_is_string(member))
        return error_set(err, ERROR_INVALID, "'%s' must be a text", name);
    if (json_string_length(member) > length_max)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' is longer than %zu bytes", name,
                         length_max);

    *ret = json_string_value(member);
    return true;
}

bool json_need_text(const json_t *object, const char *name, size_t length_max, const char **ret,
                    struct error *err)
{
    return need_member(object, name, err) && json_opt_text(object, name, length_max, ret, err);
}

/* A whole number. False where it is none, or none that 64 bits hold. */
static bool whole_of(const json_t *member, int64_t *ret)
{
    double real = json_real_value(member); /* 0 where it is no real */

    if (json_is_integer(member))
        *ret = json_integer_value(member);
    else if (json_is_real(member) && real >= -REAL_INT_MAX && real < REAL_INT_MAX &&
             trunc(real) == real)
        *ret = (int64_t)real;
    else
        return false;
    return true;
}

bool json_opt_int(const json_t *object, const char *name, struct json_bounds bounds, int64_t *ret,
                  struct error *err)
{
    const json_t *member = json_member(object, name);
    int64_t value;

    if (member == NULL)
        return true;
    if (!whole_of(member, &value))
        return error_set(err, ERROR_INVALID, "'%s' must be a whole number", name);
    if (value < bounds.min || value > bounds.max)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' must be between %lld and %lld", name,
                         (long long)bounds.min, (long long)bounds.max);

    *ret = value;
    return true;
}

bool json_need_int(const json_t *object, const char *name, struct json_bounds bounds, int64_t *ret,
                   struct error *err)
{
    return need_member(object, name, err) && json_opt_int(object, name, bounds, ret, err);
}

bool json_opt_bool(const json_t *object, const char *name, bool *ret, struct error *err)
{
    const json_t *member = json_member(object, name);
    bool is_number = json_is_integer(member);
    json_int_t number = json_integer_value(member);

    if (member == NULL)
        return true;
    if (!json_is_boolean(member) && !(is_number && (number == 0 || number == 1)))
        return error_set(err, ERROR_INVALID, "'%s' must be true or false", name);

    *ret = is_number ? number == 1 : json_is_true(member);
    return true;
}

bool json_need_bool(const json_t *object, const char *name, bool *ret, struct error *err)
{
    return need_member(object, name, err) && json_opt_bool(object, name, ret, err);
}

/* Dollars, of any sign. A billion dollars in nanodollars fits in 64 bits, and so does the double
 * next to it; what is larger than that is stopped here. */
static bool money_of(const json_t *member, const char *name, struct money *ret, struct error *err)
{
    double dollars = json_number_value(member);

    if (json_is_string(member)) {
        if (!money_parse(json_string_value(member), ret, err))
            return error_context(err, "'%s'", name);
        return true;
    }
    if (!json_is_number(member))
        return error_set(err, ERROR_INVALID, "'%s' must be an amount in dollars", name);
    if (fabs(dollars) > (double)MONEY_DOLLARS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' is more than a billion dollars", name);

    if (json_is_integer(member))
        *ret = (struct money){ json_integer_value(member) * NANODOLLARS_PER_DOLLAR };
    else
        *ret = (struct money){ llround(dollars * (double)NANODOLLARS_PER_DOLLAR) };
    return true;
}

bool json_opt_money(const json_t *object, const char *name, struct money *ret, struct error *err)
{
    const json_t *member = json_member(object, name);
    struct money amount;

    if (member == NULL)
        return true;
    if (!money_of(member, name, &amount, err))
        return false;
    if (amount.nanodollars < 0 || amount.nanodollars > MONEY_DOLLARS_MAX * NANODOLLARS_PER_DOLLAR)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' must be between $0 and $%lld", name,
                         (long long)MONEY_DOLLARS_MAX);

    *ret = amount;
    return true;
}

bool json_need_money(const json_t *object, const char *name, struct money *ret, struct error *err)
{
    return need_member(object, name, err) && json_opt_money(object, name, ret, err);
}

bool json_opt_array(const json_t *object, const char *name, size_t count_max, const json_t **ret,
                    struct error *err)
{
    const json_t *member = json_member(object, name);

    if (member == NULL)
        return true;
    if (!json_is_array(member))
        return error_set(err, ERROR_INVALID, "'%s' must be a list", name);
    if (json_array_size(member) > count_max)
        return error_set(err, ERROR_OUT_OF_RANGE, "'%s' has more than %zu elements", name,
                         count_max);

    *ret = member;
    return true;
}

bool json_need_array(const json_t *object, const char *name, size_t count_max, const json_t **ret,
                     struct error *err)
{
    return need_member(object, name, err) && json_opt_array(object, name, count_max, ret, err);
}

bool json_need_object(const json_t *object, const char *name, const json_t **ret, struct error *err)
{
    const json_t *member = json_member(object, name);

    if (!need_member(object, name, err))
        return false;
    if (!json_is_object(member))
        return error_set(err, ERROR_INVALID, "'%s' must be an object", name);

    *ret = member;
    return true;
}

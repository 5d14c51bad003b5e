/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/query.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "cli/distance.h"

enum {
    NAME_LENGTH_MAX = DISTANCE_LENGTH_MAX,
    DIGITS_MAX = 12,
    DECIMALS_MAX = 6,
    VERSION_PARTS = 3
};

static const struct query_field fields[] = {
#define QUERY_FIELD(name, kind) { name, QUERY_##kind },
#define QUERY_ALIAS(name, field)
#include "cli/query_fields.def"
#undef QUERY_FIELD
#undef QUERY_ALIAS
};

static const struct {
    const char *name, *field;
} aliases[] = {
#define QUERY_FIELD(name, kind)
#define QUERY_ALIAS(name, field) { name, field },
#include "cli/query_fields.def"
#undef QUERY_FIELD
#undef QUERY_ALIAS
};

/* The longest of those that begin alike stands first. Those of letters end where the word does. */
static const struct {
    const char *text, *name;
    bool is_word, takes_list;
} operators[] = {
    { ">=", "gte", false, false },    { "<=", "lte", false, false },
    { "!=", "neq", false, false },    { "==", "eq", false, false },
    { ">", "gt", false, false },      { "<", "lt", false, false },
    { "=", "eq", false, false },      { "not in", "notin", true, true },
    { "notin", "notin", true, true }, { "nin", "notin", true, true },
    { "in", "in", true, true },       { "not eq", "neq", true, false },
    { "noteq", "neq", true, false },  { "neq", "neq", true, false },
    { "eq", "eq", true, false },      { "gte", "gte", true, false },
    { "gt", "gt", true, false },      { "lte", "lte", true, false },
    { "lt", "lt", true, false },
};

/* A part of the query's text. */
struct span {
    const char *at;
    size_t length;
    bool is_quoted;
};

struct condition {
    const struct query_field *field;
    size_t operator; /* a row of `operators` */
    struct span value;
    bool is_any; /* takes the field out again */
};

struct reader {
    const char *text, *at;
    struct condition conditions[QUERY_CONDITIONS_MAX];
    size_t count;
};

static bool is_equal(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

const struct query_field *query_field_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (is_equal(aliases[i].name, name, length))
            return query_field_find(aliases[i].field, strlen(aliases[i].field));
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (is_equal(fields[i].name, name, length))
            return &fields[i];
    }
    return NULL;
}

FUZZ_BLIND static bool unknown_field(const char *name, size_t length, struct error *err)
{
    const char *nearest = NULL;
    size_t best = distance_most(length);

    for (size_t i = 0; length <= NAME_LENGTH_MAX && i < sizeof fields / sizeof fields[0]; i++) {
        size_t apart = distance_between(name, length, fields[i].name, best);

        if (apart <= best && (nearest == NULL || apart < best)) {
            nearest = fields[i].name;
            best = apart;
        }
    }
    return error_set(err, ERROR_INVALID, "offers have no field '%.*s'%s%s%s",
                     length > NAME_LENGTH_MAX ? NAME_LENGTH_MAX : (int)length, name,
                     nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "?" : "");
}

static size_t name_length(const char *at)
{
    return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static bool read_operator(struct reader *reader, size_t *ret, struct error *err)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t length = strlen(operators[i].text);

        if (strncmp(reader->at, operators[i].text, length) != 0)
            continue;
        if (operators[i].is_word && name_length(reader->at + length) > 0)
            continue;
        reader->at += length;
        *ret = i;
        return true;
    }
    return error_set(err, ERROR_INVALID, "expected =, !=, <, <=, >, >=, in or notin");
}

/* One value: in quotes, or up to a blank or one of `ends`. */
static bool read_span(struct reader *reader, const char *ends, struct span *ret, struct error *err)
{
    if (*reader->at == '"' || *reader->at == '\'') {
        const char *end = strchr(reader->at + 1, *reader->at);

        if (end == NULL)
            return error_set(err, ERROR_INVALID, "this quote has no end");
        *ret = (struct span){ reader->at + 1, (size_t)(end - reader->at) - 1, true };
        reader->at = end + 1;
        return true;
    }
    *ret = (struct span){ reader->at, strcspn(reader->at, ends), false };
    if (ret->length == 0)
        return error_set(err, ERROR_INVALID, "expected a value");
    reader->at += ret->length;
    return true;
}

/* A list is kept as one span, brackets and all, and read when it is written. */
static bool read_value(struct reader *reader, bool takes_list, struct span *ret, struct error *err)
{
    if (!takes_list)
        return read_span(reader, " \t\n", ret, err);
    if (*reader->at != '[')
        return error_set(err, ERROR_INVALID, "expected a list, such as [RTX_3090, RTX_4090]");
    const char *end = strchr(reader->at, ']');
    if (end == NULL)
        return error_set(err, ERROR_INVALID, "this list has no end");
    *ret = (struct span){ reader->at, (size_t)(end - reader->at) + 1, false };
    reader->at = end + 1;
    return true;
}

static bool is_any(struct span value)
{
    return !value.is_quoted &&
           (is_equal("any", value.at, value.length) || is_equal("*", value.at, value.length) ||
            is_equal("?", value.at, value.length));
}

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\n");
}

static bool read_condition(struct reader *reader, struct error *err)
{
    struct condition condition = { .field = NULL };
    size_t length = name_length(reader->at);

    if (length == 0)
        return error_set(err, ERROR_INVALID, "expected the name of a field");
    condition.field = query_field_find(reader->at, length);
    if (condition.field == NULL)
        return unknown_field(reader->at, length, err);
    reader->at += length;
    skip_blanks(reader);
    const char *operator_at = reader->at;
    if (!read_operator(reader, &condition.operator, err))
        return false;
    skip_blanks(reader);
    if (!read_value(reader, operators[condition.operator].takes_list, &condition.value, err))
        return false;
    condition.is_any = is_any(condition.value);

    for (size_t i = 0; i < reader->count; i++) {
        const struct condition *other = &reader->conditions[i];

        if (other->field == condition.field &&
            strcmp(operators[other->operator].name, operators[condition.operator].name) == 0) {
            reader->at = operator_at;
            return error_set(err, ERROR_INVALID, "%s has this condition already",
                             condition.field->name);
        }
    }
    if (reader->count == QUERY_CONDITIONS_MAX)
        return error_set(err, ERROR_OUT_OF_RANGE, "more than %d conditions", QUERY_CONDITIONS_MAX);
    reader->conditions[reader->count++] = condition;
    return true;
}

/* A decimal number as it was written, `factor` times: exact, as everything here is. */
static bool write_number(struct span value, int64_t factor, struct encoder *json, struct error *err)
{
    int64_t magnitude = 0;
    int decimals = 0, digits = 0;
    bool has_point = false, is_negative = value.length > 0 && value.at[0] == '-';

    for (size_t i = is_negative ? 1 : 0; i < value.length; i++) {
        char letter = value.at[i];

        if (letter == '.' && !has_point && i + 1 < value.length) {
            has_point = true;
            continue;
        }
        if (letter < '0' || letter > '9')
            return error_set(err, ERROR_INVALID, "'%.*s' is not a number",
                             value.length > NAME_LENGTH_MAX ? NAME_LENGTH_MAX : (int)value.length,
                             value.at);
        digits++;
        decimals += has_point;
        if (digits > DIGITS_MAX || decimals > DECIMALS_MAX)
            return error_set(err, ERROR_OUT_OF_RANGE, "more than %d digits, or %d decimals",
                             DIGITS_MAX, DECIMALS_MAX);
        magnitude = 10 * magnitude + (letter - '0');
    }
    if (digits == 0)
        return error_set(err, ERROR_INVALID, "expected a number");
    /* Below 10^12 times 86400: far from the ends of 64 bits. */
    encode_fixed(json, (is_negative ? -magnitude : magnitude) * factor, decimals);
    return true;
}

/* "570.86.15" as 570086015, missing parts as zeros: numbers that compare as versions do. */
static bool write_version(struct span value, struct encoder *json, struct error *err)
{
    uint64_t whole = 0, part = 0;
    int part_count = 1, digits = 0;

    for (size_t i = 0; i < value.length; i++) {
        bool is_digit = value.at[i] >= '0' && value.at[i] <= '9';

        if (is_digit && ++digits <= 3) {
            part = 10 * part + (uint64_t)(value.at[i] - '0');
        } else if (value.at[i] == '.' && digits > 0 && digits <= 3 && part_count < VERSION_PARTS) {
            whole = 1000 * whole + part;
            part = 0;
            digits = 0;
            part_count++;
        } else {
            return error_set(err, ERROR_INVALID, "expected a version, such as 570.86.15");
        }
    }
    if (digits == 0)
        return error_set(err, ERROR_INVALID, "expected a version, such as 570.86.15");
    for (whole = 1000 * whole + part; part_count < VERSION_PARTS; part_count++)
        whole *= 1000;
    encode_uint(json, whole);
    return true;
}

static bool write_flag(struct span value, struct encoder *json, struct error *err)
{
    static const struct {
        const char *text;
        bool value;
    } rows[] = {
        { "true", true },   { "True", true },   { "1", true },  { "yes", true },
        { "false", false }, { "False", false }, { "0", false }, { "no", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_equal(rows[i].text, value.at, value.length)) {
            encode_bool(json, rows[i].value);
            return true;
        }
    }
    return error_set(err, ERROR_INVALID, "expected true, false or any");
}

static void write_text(struct span value, struct encoder *json)
{
    auto_buf struct buf text = buf_of(value.length);

    for (size_t i = 0; i < value.length; i++)
        buf_append(&text, !value.is_quoted && value.at[i] == '_' ? " " : value.at + i, 1);
    encode_bytes(json, text.length > 0 ? text.bytes : "", text.length);
}

static bool write_value(enum query_kind kind, struct span value, struct encoder *json,
                        struct error *err)
{
    if (!value.is_quoted &&
        (is_equal("None", value.at, value.length) || is_equal("null", value.at, value.length))) {
        encode_null(json);
        return true;
    }
    switch (kind) {
    case QUERY_NUMBER:
        return write_number(value, 1, json, err);
    case QUERY_GB:
        return write_number(value, 1000, json, err);
    case QUERY_DAYS:
        return write_number(value, 86400, json, err);
    case QUERY_FLAG:
        return write_flag(value, json, err);
    case QUERY_VERSION:
        return write_version(value, json, err);
    case QUERY_TEXT:
        write_text(value, json);
        return true;
    }
    assert(false && "a kind of field");
    return false;
}

static bool write_list(enum query_kind kind, struct reader *list, struct encoder *json,
                       struct error *err)
{
    encode_array(json);
    for (list->at++; *list->at != ']';) {
        struct span value;

        skip_blanks(list);
        const char *value_at = list->at;
        if (!read_span(list, " ,]\t\n", &value, err))
            return false;
        if (!write_value(kind, value, json, err)) {
            list->at = value_at;
            return false;
        }
        skip_blanks(list);
        if (*list->at != ',' && *list->at != ']')
            return error_set(err, ERROR_INVALID, "expected a comma or the end of the list");
        list->at += *list->at == ',';
    }
    encode_end(json);
    return true;
}

static bool write_operand(const struct condition *condition, struct reader *reader,
                          struct encoder *json, struct error *err)
{
    reader->at = condition->value.at;
    encode_key(json, operators[condition->operator].name);
    if (operators[condition->operator].takes_list)
        return write_list(condition->field->kind, reader, json, err);
    return write_value(condition->field->kind, condition->value, json, err);
}

/* All conditions of the field of condition `first`, where that is the field's first. */
static bool write_field(struct reader *reader, size_t first, struct encoder *json,
                        struct error *err)
{
    const struct query_field *field = reader->conditions[first].field;
    bool is_any = false;

    for (size_t i = 0; i < reader->count; i++) {
        if (reader->conditions[i].field == field && i < first)
            return true;
        is_any = is_any || (reader->conditions[i].field == field && reader->conditions[i].is_any);
    }
    /* Any of the others is as if nothing had been said; this one also shows what is rented. */
    if (is_any && strcmp(field->name, "rentable") != 0)
        return true;
    encode_key(json, field->name);
    encode_object(json);
    if (is_any) {
        encode_field_text(json, "eq", "any");
        encode_end(json);
        return true;
    }
    for (size_t i = first; i < reader->count; i++) {
        if (reader->conditions[i].field == field &&
            !write_operand(&reader->conditions[i], reader, json, err))
            return false;
    }
    encode_end(json);
    return true;
}

static void write_defaults(const struct reader *reader, enum query_defaults wanted,
                           struct encoder *json)
{
    static const struct {
        const char *name;
        bool value;
    } defaults[] = { { "verified", true }, { "external", false }, { "rentable", true } };

    size_t count = wanted == QUERY_DEFAULTS_NONE ? 0 : wanted == QUERY_DEFAULTS_ALL ? 3 : 2;

    for (size_t i = 0; i < count; i++) {
        bool is_given = false;

        for (size_t j = 0; j < reader->count; j++)
            is_given = is_given || strcmp(reader->conditions[j].field->name, defaults[i].name) == 0;
        if (is_given)
            continue;
        encode_key(json, defaults[i].name);
        encode_object(json);
        encode_field_bool(json, "eq", defaults[i].value);
        encode_end(json);
    }
}

static bool read_and_write(struct reader *reader, enum query_defaults wanted, struct encoder *json,
                           struct error *err)
{
    for (skip_blanks(reader); *reader->at != '\0'; skip_blanks(reader)) {
        if (!read_condition(reader, err))
            return false;
    }
    write_defaults(reader, wanted, json);
    for (size_t i = 0; i < reader->count; i++) {
        if (!write_field(reader, i, json, err))
            return false;
    }
    return true;
}

bool query_write(const char *text, enum query_defaults wanted, struct encoder *json, size_t *ret_at,
                 struct error *err)
{
    struct reader reader = { .text = text, .at = text };

    if (read_and_write(&reader, wanted, json, err))
        return true;
    *ret_at = (size_t)(reader.at - text);
    return false;
}

bool query_write_order(const char *text, struct encoder *json, size_t *ret_at, struct error *err)
{
    size_t count = 0;

    encode_array(json);
    for (const char *at = text;;) {
        size_t length = name_length(at);
        const struct query_field *field = query_field_find(at, length);

        *ret_at = (size_t)(at - text);
        if (count++ == QUERY_ORDER_MAX)
            return error_set(err, ERROR_OUT_OF_RANGE, "more than %d fields to sort by",
                             QUERY_ORDER_MAX);
        if (field == NULL)
            return unknown_field(at, length, err);
        at += length;
        bool is_descending = *at == '-';
        at += *at == '-' || *at == '+';
        encode_array(json);
        encode_text(json, field->name);
        encode_text(json, is_descending ? "desc" : "asc");
        encode_end(json);
        *ret_at = (size_t)(at - text);
        if (*at != '\0' && *at != ',')
            return error_set(err, ERROR_INVALID, "expected a comma; 'dph-' sorts from the top");
        if (*at == '\0')
            break;
        at++;
    }
    encode_end(json);
    return true;
}

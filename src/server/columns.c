/* SPDX-License-Identifier: Apache-2.0 */
#include "server/columns.h"

#include <string.h>

/* Below this many digits a double reads back as it was written, 0.35 included. */
enum { REAL_DIGITS = 15 };

bool columns_check(const json_t *columns, bool *ret_is_all, struct error *err)
{
    size_t count = json_array_size(columns);
    bool is_all = count == 0;

    if (columns != NULL && (!json_is_array(columns) || count > COLUMNS_MAX))
        return error_set(err, ERROR_INVALID, "select_cols must be an array of at most %d names",
                         COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(columns, i));
        if (name == NULL)
            return error_set(err, ERROR_INVALID, "select_cols must be an array of names");
        is_all = is_all || strcmp(name, "*") == 0;
    }
    *ret_is_all = is_all;
    return true;
}

void columns_encode(struct encoder *json, const json_t *row, const json_t *columns)
{
    encode_object(json);
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const char *name = json_string_value(json_array_get(columns, i));
        const json_t *value = json_object_get(row, name);
        auto_free char *text = NULL;

        if (value != NULL)
            text = json_dumps(value,
                              JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
        encode_key(json, name);
        if (text != NULL)
            encode_raw(json, text, strlen(text));
        else
            encode_null(json);
    }
    encode_end(json);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/form.h"

#include <string.h>

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

void form_value(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (is_plain(*value))
            buf_append(out, value, 1);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*value);
    }
}

static void begin(struct buf *out, const char *key)
{
    if (out->length > 0)
        buf_append(out, "&", 1);
    buf_append(out, key, strlen(key));
    buf_append(out, "=", 1);
}

void form_text(struct buf *out, const char *key, const char *value)
{
    begin(out, key);
    form_value(out, value);
}

void form_int(struct buf *out, const char *key, int64_t value)
{
    begin(out, key);
    buf_int(out, value);
}

void form_bool(struct buf *out, const char *key, bool value)
{
    form_text(out, key, value ? "true" : "false");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct error_row {
    const char *name;
    int http_status;
    const char *meaning;
} error_rows[] = {
    [ERROR_NONE] = { "NONE", 200, "nothing went wrong" },
#define ERROR_CODE(name, http_status, meaning) [ERROR_##name] = { #name, http_status, meaning },
#include "base/error_codes.def"
#undef ERROR_CODE
};

static const struct error_row *row_of(enum error_code code)
{
    size_t row_count = sizeof error_rows / sizeof error_rows[0];

    assert((size_t)code < row_count);
    return &error_rows[code];
}

/* Append to a text of ERROR_TEXT_SIZE bytes, cutting short what does not fit. */
static void append_list(char *text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
static void append(char *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void append_list(char *text, const char *format, va_list arguments)
{
    size_t used = strlen(text);

    assert(used < ERROR_TEXT_SIZE);
    (void)vsnprintf(text + used, ERROR_TEXT_SIZE - used, format, arguments);
}

static void append(char *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append_list(text, format, arguments);
    va_end(arguments);
}

void error_fill(struct error *err, enum error_code code, const char *format, ...)
{
    va_list arguments;

    assert(code != ERROR_NONE);
    *err = (struct error){ .code = code };
    va_start(arguments, format);
    append_list(err->text, format, arguments);
    va_end(arguments);
}

void error_fill_system(struct error *err, int errnum, const char *format, ...)
{
    va_list arguments;
    char reason[128];

    assert(errnum > 0);
    *err = (struct error){ .code = errnum == ENOENT ? ERROR_NOT_FOUND : ERROR_IO };
    va_start(arguments, format);
    append_list(err->text, format, arguments);
    va_end(arguments);
    append(err->text, ": %s", strerror_r(errnum, reason, sizeof reason));
}

void error_prefix(struct error *err, const char *format, ...)
{
    va_list arguments;
    struct error outer = { .code = err->code };

    assert(err->code != ERROR_NONE);
    va_start(arguments, format);
    append_list(outer.text, format, arguments);
    va_end(arguments);
    append(outer.text, ": %s", err->text);
    *err = outer;
}

const char *error_name(enum error_code code)
{
    return row_of(code)->name;
}

const char *error_meaning(enum error_code code)
{
    return row_of(code)->meaning;
}

int error_http_status(enum error_code code)
{
    return row_of(code)->http_status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Why an operation failed, in words for a person and a code for a program.
 *
 * A function that can fail returns bool and takes a `struct error *` last:
 *
 *     if (!netcount_read(dir, "eth0", &count, err))
 *         return error_context(err, "rental %s", id);
 *
 * On success it leaves `*err` alone. On failure it fills `*err` and leaves its
 * outputs alone. The error lives on the stack of whoever will report it, so
 * failing never allocates: it cannot leak, and it cannot itself fail.
 *
 * Errors are for what the world does to us. What the caller of a pure function
 * ought to expect is an outcome, and has an enum of its own (see market/meter.h).
 * What we did to ourselves is a bug, and has assert(). */

#ifndef BERTH_BASE_ERROR_H
#define BERTH_BASE_ERROR_H

#include <stdbool.h>

#include "base/compiler.h"

enum error_code {
    ERROR_NONE = 0,
#define ERROR_CODE(name, http_status, meaning) ERROR_##name,
#include "base/error_codes.def"
#undef ERROR_CODE
};

enum { ERROR_TEXT_SIZE = 256 };

struct error {
    enum error_code code;
    char text[ERROR_TEXT_SIZE]; /* no newline, no full stop; cut short if too long */
};

/* Fill `err`, and return false: `return error_set(err, ERROR_INVALID, ...);` */
#define error_set(err, ...) (error_fill((err), __VA_ARGS__), error_false())

/* The same after a failed system call: the text ends in what `errnum` means. */
#define error_system(err, ...) (error_fill_system((err), __VA_ARGS__), error_false())

/* Say what was being done, in front of what went wrong, and return false:
 * "no such interface" becomes "rental r-81: no such interface". */
#define error_context(err, ...) (error_prefix((err), __VA_ARGS__), error_false())

/* What the three above are made of. They are macros so that the compiler sees the false, and with
 * it that outputs are set wherever a caller goes on. */
void error_fill(struct error *err, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);
void error_fill_system(struct error *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);
void error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

static inline bool error_false(void)
{
    return false;
}

/* The code's name in the API, such as "NOT_FOUND". */
const char *error_name(enum error_code code);

/* What the code means, in a sentence's worth of words. */
const char *error_meaning(enum error_code code);

int error_http_status(enum error_code code);

#endif

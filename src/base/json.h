/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON in: jansson, and readers that say what was wrong and where.
 *
 * Documents are refused that have duplicate names, more than JSON_DEPTH_MAX levels,
 * trailing text, NUL in a string, or invalid UTF-8. The readers take one member of an
 * object and its bounds, and name the member in their error, so that a handler is a
 * list of reads. `null` counts as absent (api.md 1.3). */

#ifndef BERTH_BASE_JSON_H
#define BERTH_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/money.h"

enum { JSON_DEPTH_MAX = 64 };

#define auto_json __attribute__((cleanup(json_release)))
void json_release(json_t **json);

/* Parse all of `bytes` as one value. The caller owns `*ret_root`. */
NODISCARD bool json_parse(const char *bytes, size_t length, json_t **ret_root, struct error *err);

/* The member, or NULL where `object` is no object, lacks it or has null there. */
const json_t *json_member(const json_t *object, const char *name);

/* need: absent is ERROR_INVALID. opt: absent leaves `*ret` alone and is a success.
 * Of the wrong type is ERROR_INVALID, out of bounds ERROR_OUT_OF_RANGE. Texts stay
 * owned by the document and are at most `length_max` bytes, without NUL. */
NODISCARD bool json_need_text(const json_t *object, const char *name, size_t length_max,
                              const char **ret, struct error *err);
NODISCARD bool json_opt_text(const json_t *object, const char *name, size_t length_max,
                             const char **ret, struct error *err);

struct json_bounds {
    int64_t min, max;
};

/* Integers; a real without a fraction, such as 40.0, counts as one. */
NODISCARD bool json_need_int(const json_t *object, const char *name, struct json_bounds bounds,
                             int64_t *ret, struct error *err);
NODISCARD bool json_opt_int(const json_t *object, const char *name, struct json_bounds bounds,
                            int64_t *ret, struct error *err);

/* true, false, 0 or 1. */
NODISCARD bool json_need_bool(const json_t *object, const char *name, bool *ret, struct error *err);
NODISCARD bool json_opt_bool(const json_t *object, const char *name, bool *ret, struct error *err);

/* Dollars: a number, rounded to the nearest nanodollar, or a decimal text, exact. Between 0
 * and one billion. */
NODISCARD bool json_need_money(const json_t *object, const char *name, struct money *ret,
                               struct error *err);
NODISCARD bool json_opt_money(const json_t *object, const char *name, struct money *ret,
                              struct error *err);

NODISCARD bool json_need_array(const json_t *object, const char *name, size_t count_max,
                               const json_t **ret, struct error *err);
NODISCARD bool json_opt_array(const json_t *object, const char *name, size_t count_max,
                              const json_t **ret, struct error *err);
NODISCARD bool json_need_object(const json_t *object, const char *name, const json_t **ret,
                                struct error *err);

#endif

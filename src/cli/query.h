/* SPDX-License-Identifier: Apache-2.0 */
/* The query language of `berth search offers`: text in, the API's query object out.
 *
 *     num_gpus>=2 gpu_ram>=24 gpu_name in [RTX_4090, "H100 SXM"] verified=any
 *
 * Conditions stand side by side, and all must hold. Memory is in GB and durations are in days
 * here, while the API has MB and seconds; underscores in texts stand for blanks; `any` takes a
 * default back. Numbers are carried over digit for digit. What makes no sense is an error that
 * says at which character. */

#ifndef BERTH_CLI_QUERY_H
#define BERTH_CLI_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/encode.h"
#include "base/error.h"

enum {
    QUERY_CONDITIONS_MAX = 64,
    QUERY_ORDER_MAX = 8, /* as many as the API takes */
};

enum query_kind { QUERY_NUMBER, QUERY_GB, QUERY_DAYS, QUERY_FLAG, QUERY_TEXT, QUERY_VERSION };

struct query_field {
    const char *name;
    enum query_kind kind;
};

/* By its name or an alias of it; NULL where nothing is called so. */
const struct query_field *query_field_find(const char *name, size_t length);

/* What is taken as said where the text says nothing of it: verified, not external, and rentable. */
enum query_defaults { QUERY_DEFAULTS_NONE, QUERY_DEFAULTS_BUT_RENTABLE, QUERY_DEFAULTS_ALL };

/* Write the conditions as members of the object that is open in `json`, the defaults in front of
 * them. On failure `*ret_at` is the
 * offset of the character that is wrong, and what was written so far is of no use. */
NODISCARD bool query_write(const char *text, enum query_defaults wanted, struct encoder *json,
                           size_t *ret_at, struct error *err);

/* Write "dph-,num_gpus" as [["dph_total","desc"],["num_gpus","asc"]]. */
NODISCARD bool query_write_order(const char *text, struct encoder *json, size_t *ret_at,
                                 struct error *err);

#endif

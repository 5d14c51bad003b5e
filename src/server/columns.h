/* SPDX-License-Identifier: Apache-2.0 */
/* select_cols: the members of an object that a client asked for (api.md 1.9). */

#ifndef BERTH_SERVER_COLUMNS_H
#define BERTH_SERVER_COLUMNS_H

#include <stdbool.h>

#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"

enum { COLUMNS_MAX = 256 };

/* `columns` is an array of at most COLUMNS_MAX names, or NULL. `*ret_is_all`: it names "*", or
 * nothing. */
NODISCARD bool columns_check(const json_t *columns, bool *ret_is_all, struct error *err);

/* Those members of the object; one that it has not is null. */
void columns_encode(struct encoder *json, const json_t *row, const json_t *columns);

#endif

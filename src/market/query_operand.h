/* SPDX-License-Identifier: Apache-2.0 */
/* What a query compares with, read from JSON by the type of its field. Clients send numbers as
 * numbers and as decimal texts, flags as true, "true", 1 and "1", versions as "570.86.15" and
 * 570086015. False: it makes no sense for that type. */

#ifndef BERTH_MARKET_QUERY_OPERAND_H
#define BERTH_MARKET_QUERY_OPERAND_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/json.h"

NODISCARD bool query_operand_number(const json_t *operand, double *ret);
NODISCARD bool query_operand_flag(const json_t *operand, double *ret);
NODISCARD bool query_operand_version(const json_t *operand, double *ret);

#endif

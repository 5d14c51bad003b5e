/* SPDX-License-Identifier: Apache-2.0 */
/* Strict readers for numbers in text.
 *
 * strtol() and its kin skip blanks, accept signs, stop at junk and report
 * trouble in errno. These take all of the text or none of it. */

#ifndef BERTH_BASE_PARSE_H
#define BERTH_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* Read decimal digits and nothing else. Returns false, leaving `*ret_value`
 * alone, where `text` is empty, has any other character or passes UINT64_MAX. */
NODISCARD bool parse_u64(const char *text, uint64_t *ret_value);

#endif

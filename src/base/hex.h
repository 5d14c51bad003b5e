/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text and back: hexadecimal, and base64url without padding (RFC 4648). */

#ifndef BERTH_BASE_HEX_H
#define BERTH_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define HEX_SIZE(byte_count)    (2 * (byte_count) + 1)
#define BASE64_SIZE(byte_count) ((4 * (byte_count) + 2) / 3 + 1)

/* Lower case, with a NUL. `text` has HEX_SIZE(count) bytes. Returns `text`. */
char *hex_format(const uint8_t *bytes, size_t count, char *text);

/* Exactly `count` bytes from exactly twice as many digits of either case. */
NODISCARD bool hex_parse(const char *text, uint8_t *ret_bytes, size_t count);

/* `text` has BASE64_SIZE(count) bytes. Returns `text`. */
char *base64_format(const uint8_t *bytes, size_t count, char *text);

/* At most `size` bytes; sets `*ret_count`. Canonical text only: no padding, no blanks, no
 * stray bits. */
NODISCARD bool base64_parse(const char *text, uint8_t *ret_bytes, size_t size, size_t *ret_count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as texts. Root compares them and never takes them apart: that is left to libssh,
 * in a process that has nothing to lose. */

#ifndef BERTH_AGENT_ACCESS_KEYS_H
#define BERTH_AGENT_ACCESS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/access.h"
#include "base/compiler.h"

enum { ACCESS_FINGERPRINT_SIZE = 64 };

/* The middle of an authorized_keys line, "type base64 comment". False, leaving the outputs
 * alone, for lines with options, comments, and what is no base64 of a key of that type. */
NODISCARD bool access_key_parse(const char *line, const char **ret_base64, size_t *ret_length);

/* "SHA256:..." as ssh-keygen -l prints it. `base64` is what access_key_parse() accepted; else
 * the fingerprint is "?". Returns `text`. */
const char *access_key_fingerprint(const char *base64, char text[static ACCESS_FINGERPRINT_SIZE]);

/* The base64 of an Ed25519 key of 32 bytes, as ssh has it. Returns `text`; `size` of at least 80.
 */
const char *access_key_of(const uint8_t *public_key, char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of payment providers, from files that only their owner may read, and the addresses under
 * which providers are. */

#ifndef BERTH_SERVER_PSP_KEYS_H
#define BERTH_SERVER_PSP_KEYS_H

#include <stdbool.h>

#include "base/error.h"

enum { PSP_KEY_SIZE = 256, PSP_BASE_SIZE = 256 };

/* A line is "NAME VALUE"; the value is shorter than PSP_KEY_SIZE and could stand in a header. */
typedef bool psp_keys_take(void *context, const char *name, const char *value, struct error *err);
/* Each line that is neither empty nor begins with '#'. ERROR_INVALID: others may read the file, or
 * a line is something else. */
NODISCARD bool psp_keys_read(const char *path, psp_keys_take *take, void *context,
                             struct error *err);

/* "https://HOST", without a path. In the clear only to this machine itself: a test's. */
bool psp_base_is_good(const char *url);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a browser sends as its cookies, a session is sixty-four digits out of them, or none. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "server/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    const char *header = arena_copy(&arena, (const char *)bytes, length);

    if (header == NULL)
        return 0;
    const char *value = auth_cookie_value(header, AUTH_COOKIE, &arena);
    if (value != NULL) {
        assert(strlen(value) == 64 && strspn(value, "0123456789abcdef") == 64);
        assert(strstr(header, value) != NULL);
    }
    return 0;
}

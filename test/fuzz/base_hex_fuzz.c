/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes come back from their texts; any text that is taken is the only one for its bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

enum { SIZE_MAX_FUZZED = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_bytes(const uint8_t *bytes, size_t size)
{
    char text[HEX_SIZE(SIZE_MAX_FUZZED)];
    uint8_t back[SIZE_MAX_FUZZED];
    size_t count;

    bool is_ok = hex_parse(hex_format(bytes, size, text), back, size);
    assert(is_ok && memcmp(bytes, back, size) == 0);
    is_ok = base64_parse(base64_format(bytes, size, text), back, sizeof back, &count);
    assert(is_ok && count == size && memcmp(bytes, back, size) == 0);
}

static void check_text(const char *text)
{
    char again[HEX_SIZE(SIZE_MAX_FUZZED)];
    uint8_t bytes[SIZE_MAX_FUZZED];
    size_t count;

    if (hex_parse(text, bytes, strlen(text) / 2))
        assert(strcasecmp(hex_format(bytes, strlen(text) / 2, again), text) == 0);
    if (base64_parse(text, bytes, sizeof bytes, &count))
        assert(strcmp(base64_format(bytes, count, again), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > SIZE_MAX_FUZZED)
        return 0;
    auto_free char *text = strndup((const char *)bytes, size);
    check_bytes(bytes, size);
    check_text(text);
    return 0;
}

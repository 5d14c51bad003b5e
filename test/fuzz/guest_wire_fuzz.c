/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions may say to root, and containers to sessions: whatever is accepted is byte for
 * byte what our own side would have written. */
#include <assert.h>
#include <string.h>

#include "guest/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t again[WIRE_SIZE_MAX];
    struct wire_message message;

    if (!wire_decode(bytes, length, &message))
        return 0;
    size_t written = wire_encode(&message, again);
    assert(written == length && memcmp(again, bytes, length) == 0);
    return 0;
}

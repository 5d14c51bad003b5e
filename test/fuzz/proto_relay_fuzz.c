/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is read as a frame is written as the same bytes; what is left is a beginning or none. */
#include <assert.h>
#include <string.h>

#include "proto/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct relay_frame frame;
    uint8_t again[RELAY_FRAME_MAX];
    size_t used = 0;

    while (relay_frame_read(bytes, length, &frame, &used) == RELAY_READ_FRAME) {
        assert(used >= RELAY_HEAD && used <= length);
        assert(relay_frame_size(bytes) == used);
        assert(relay_frame_write(&frame, again) == used && memcmp(again, bytes, used) == 0);
        bytes += used;
        length -= used;
    }
    return 0;
}

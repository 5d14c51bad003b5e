/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is accepted can be sent on, and is the same when it arrives. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "proto/desired.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_json json_t *root = NULL;
    struct error err;

    if (!json_parse((const char *)bytes, length, &root, &err))
        return 0;

    auto_arena struct arena arena = arena_of(16 << 20), second = arena_of(64 << 20);
    auto_buf struct buf text = buf_of(64 << 20), again = buf_of(64 << 20);
    struct desired first, decoded;
    auto_json json_t *copy = NULL;
    if (!desired_decode(root, &arena, &first, &err))
        return 0;
    desired_encode(&text, &first);
    bool is_read = json_parse(text.bytes, text.length, &copy, &err) &&
                   desired_decode(copy, &second, &decoded, &err);
    assert(is_read);
    desired_encode(&again, &decoded);
    assert(again.length == text.length && memcmp(again.bytes, text.bytes, text.length) == 0);
    return 0;
}

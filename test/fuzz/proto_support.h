/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of messages share: whatever is accepted can be sent on, and is the same
 * when it arrives. Here as a whole, since each target is a program of its own file. */

#ifndef BERTH_TEST_FUZZ_PROTO_SUPPORT_H
#define BERTH_TEST_FUZZ_PROTO_SUPPORT_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Decode `root`, with texts in `arena`, and encode what was understood. False: it is no such
 * message. */
typedef bool proto_pass(const json_t *root, struct arena *arena, struct buf *out);

static inline void proto_there_and_back(const uint8_t *bytes, size_t length, proto_pass *pass)
{
    enum { FIRST_MAX = 16 << 20, SECOND_MAX = 64 << 20 };
    auto_arena struct arena first = arena_of(FIRST_MAX), second = arena_of(SECOND_MAX);
    auto_buf struct buf text = buf_of(SECOND_MAX), again = buf_of(SECOND_MAX);
    auto_json json_t *root = NULL, *copy = NULL;
    struct error err;

    if (!json_parse((const char *)bytes, length, &root, &err) || !pass(root, &first, &text))
        return;
    bool is_read = json_parse(text.bytes, text.length, &copy, &err) && pass(copy, &second, &again);
    assert(is_read);
    assert(again.length == text.length && memcmp(again.bytes, text.bytes, text.length) == 0);
}

#endif

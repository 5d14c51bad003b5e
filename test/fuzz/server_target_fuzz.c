/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever target is accepted, its parts mean what they say: written out again with every byte
 * escaped, they are read the same. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "server/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void escape(struct buf *out, const char *text, const char *kept)
{
    for (; *text != '\0'; text++) {
        if (strchr(kept, *text) != NULL)
            buf_append(out, text, 1);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_arena struct arena arena = arena_of(1 << 20);
    auto_buf struct buf again = buf_of(1 << 20);
    struct target target, copy;
    struct error err;
    char *text = arena_copy(&arena, (const char *)bytes, length);

    if (text == NULL || strlen(text) != length || !target_parse(text, &arena, &target, &err))
        return 0;
    assert(target.path[0] == '/' && target.origin[0] == '/');
    assert(strlen(target.path) == 1 || target.path[strlen(target.path) - 1] != '/');
    assert(target.query_count <= HTTP_QUERY_MAX);

    escape(&again, target.path, "/");
    for (size_t i = 0; i < target.query_count; i++) {
        buf_append(&again, i == 0 ? "?" : "&", 1);
        escape(&again, target.query[i].name, "");
        buf_append(&again, "=", 1);
        escape(&again, target.query[i].value, "");
    }
    bool is_read = target_parse(again.bytes, &arena, &copy, &err);
    assert(is_read);
    assert(strcmp(copy.path, target.path) == 0 && copy.query_count == target.query_count);
    for (size_t i = 0; i < target.query_count; i++) {
        assert(strcmp(copy.query[i].name, target.query[i].name) == 0);
        assert(strcmp(copy.query[i].value, target.query[i].value) == 0);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: a query that is JSON, or an error at a character of it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/query.h"

enum { OUTPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_json(const struct buf *out)
{
    auto_json json_t *root = NULL;
    struct error err;

    bool is_json = json_parse(out->bytes, out->length, &root, &err);
    assert(is_json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    auto_free char *text = strndup((const char *)bytes, size);
    auto_buf struct buf query = buf_of(OUTPUT_MAX), order = buf_of(OUTPUT_MAX);
    struct encoder json = encoder_of(&query), order_json = encoder_of(&order);
    struct error err;
    size_t at = 0;

    encode_object(&json);
    if (query_write(text, QUERY_DEFAULTS_ALL, &json, &at, &err)) {
        encode_end(&json);
        check_json(&query);
    } else {
        assert(at <= strlen(text));
    }
    if (query_write_order(text, &order_json, &at, &err))
        check_json(&order);
    else
        assert(at <= strlen(text));
    return 0;
}

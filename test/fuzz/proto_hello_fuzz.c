/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is accepted can be sent on, and is the same when it arrives. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "proto/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    auto_json json_t *root = NULL;
    struct error err;

    if (!json_parse((const char *)bytes, length, &root, &err))
        return 0;

    auto_buf struct buf text = buf_of(4 << 20), again = buf_of(4 << 20),
                        signed_bytes = buf_of(4096);
    static struct session_request session, decoded;
    static struct enroll_request enrolment;
    auto_json json_t *copy = NULL;
    if (enroll_request_decode(root, &enrolment, &err))
        enroll_request_encode(&text, &enrolment);
    buf_release(&text);
    if (!session_request_decode(root, &session, &err))
        return 0;
    session_request_encode(&text, &session);
    bool is_read = json_parse(text.bytes, text.length, &copy, &err) &&
                   session_request_decode(copy, &decoded, &err);
    assert(is_read);
    session_request_encode(&again, &decoded);
    assert(again.length == text.length && memcmp(again.bytes, text.bytes, text.length) == 0);
    hello_signed(&signed_bytes, &session);
    assert(!signed_bytes.has_overflowed);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hello.h"
#include "proto_support.h"

static bool pass_session(const json_t *root, struct arena *arena, struct buf *out)
{
    static struct session_request session; /* large */
    auto_buf struct buf signed_bytes = buf_of(4096);
    struct error err;

    (void)arena;
    if (!session_request_decode(root, &session, &err))
        return false;
    session_request_encode(out, &session);
    hello_signed(&signed_bytes, &session);
    assert(!signed_bytes.has_overflowed);
    return true;
}

/* Its token is left in the document. */
static bool pass_enrolment(const json_t *root, struct arena *arena, struct buf *out)
{
    static struct enroll_request enrolment; /* large */
    struct error err;

    (void)arena;
    if (!enroll_request_decode(root, &enrolment, &err))
        return false;
    enroll_request_encode(out, &enrolment);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    proto_there_and_back(bytes, length, pass_session);
    proto_there_and_back(bytes, length, pass_enrolment);
    return 0;
}

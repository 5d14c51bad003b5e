/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/desired.h"
#include "proto_support.h"

static bool pass(const json_t *root, struct arena *arena, struct buf *out)
{
    struct desired message;
    struct error err;

    if (!desired_decode(root, arena, &message, &err))
        return false;
    desired_encode(out, &message);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    proto_there_and_back(bytes, length, pass);
    return 0;
}

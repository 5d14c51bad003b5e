/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/bench.h"
#include "proto_support.h"

static bool pass(const json_t *root, struct arena *arena, struct buf *out)
{
    static struct bench_report report;
    struct error err;

    (void)arena;
    if (!bench_report_decode(root, &report, &err))
        return false;
    bench_report_encode(out, &report);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    proto_there_and_back(bytes, length, pass);
    return 0;
}

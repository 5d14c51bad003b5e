/* SPDX-License-Identifier: Apache-2.0 */
#include "support_gunzip.h"

#include <zlib.h>

#include "check.h"

void check_gunzip(const struct buf *packed, struct buf *ret)
{
    z_stream stream = { .next_in = (unsigned char *)packed->bytes,
                        .avail_in = (unsigned)packed->length };
    unsigned char part[4096];
    int state = Z_OK;

    CHECK(!packed->has_overflowed);
    CHECK_INT(inflateInit2(&stream, 15 + 16), Z_OK);
    while (state == Z_OK) {
        stream.next_out = part;
        stream.avail_out = sizeof part;
        state = inflate(&stream, Z_NO_FLUSH);
        buf_append(ret, (const char *)part, sizeof part - stream.avail_out);
    }
    /* Its end is where the sums were right; nothing stands behind it. */
    CHECK_INT(state, Z_STREAM_END);
    CHECK_INT(stream.avail_in, 0);
    CHECK_INT(inflateEnd(&stream), Z_OK);
}

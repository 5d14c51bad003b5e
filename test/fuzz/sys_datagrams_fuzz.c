/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes in a stream of datagrams: each that is read is one that could have been written,
 * and all of them together are the beginning of what came. */
#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/datagrams.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct datagrams datagrams;
    const uint8_t *got;
    uint32_t flow;
    size_t count;
    int other;

    if (length > DATAGRAMS_QUEUE / 4 || !datagrams_pair(&datagrams, &other))
        return 0;
    assert(send(other, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
    (void)close(other);
    while (datagrams_read(&datagrams, &flow, &got, &count) == DATAGRAMS_ONE) {
        const uint8_t head[DATAGRAMS_HEAD] = { (uint8_t)(flow >> 24), (uint8_t)(flow >> 16),
                                               (uint8_t)(flow >> 8),  (uint8_t)flow,
                                               (uint8_t)(count >> 8), (uint8_t)count };

        assert(count <= DATAGRAMS_SIZE_MAX && sizeof head + count <= length);
        assert(memcmp(head, bytes, sizeof head) == 0);
        assert(memcmp(got, bytes + sizeof head, count) == 0);
        bytes += sizeof head + count;
        length -= sizeof head + count;
    }
    datagrams_close(&datagrams);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sys/fd.h"

enum { FRAME_MAX = DATAGRAMS_HEAD + DATAGRAMS_SIZE_MAX, IN_SIZE = 2 * FRAME_MAX };

bool datagrams_pair(struct datagrams *ret, int *ret_other)
{
    const int queue = DATAGRAMS_QUEUE;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &queue, sizeof queue);
    *ret = (struct datagrams){ .fd = pair[0] };
    *ret_other = pair[1];
    return true;
}

void datagrams_close(struct datagrams *datagrams)
{
    fd_release(&datagrams->fd);
    free(datagrams->in);
    free(datagrams->out);
    *datagrams = DATAGRAMS_CLOSED;
}

static bool is_busy(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* What is left of the one that was written in part. */
static bool flush(struct datagrams *datagrams)
{
    while (datagrams->out_count > 0) {
        ssize_t put = send(datagrams->fd, datagrams->out + datagrams->out_at, datagrams->out_count,
                           MSG_NOSIGNAL | MSG_DONTWAIT);

        if (put < 0)
            return is_busy();
        datagrams->out_at += (size_t)put;
        datagrams->out_count -= (size_t)put;
    }
    return true;
}

/* All of a frame but its first `put` bytes. */
static void keep(struct datagrams *datagrams, const struct iovec parts[2], size_t put)
{
    if (datagrams->out == NULL)
        datagrams->out = malloc(FRAME_MAX);
    if (datagrams->out == NULL)
        abort();
    memcpy(datagrams->out, parts[0].iov_base, parts[0].iov_len);
    memcpy(datagrams->out + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
    datagrams->out_at = put;
    datagrams->out_count = parts[0].iov_len + parts[1].iov_len - put;
}

bool datagrams_write(struct datagrams *datagrams, uint32_t flow, const uint8_t *bytes, size_t count)
{
    uint8_t head[DATAGRAMS_HEAD] = { (uint8_t)(flow >> 24), (uint8_t)(flow >> 16),
                                     (uint8_t)(flow >> 8),  (uint8_t)flow,
                                     (uint8_t)(count >> 8), (uint8_t)count };
    struct iovec parts[2] = { { head, sizeof head }, { (void *)(uintptr_t)bytes, count } };
    const struct msghdr out = { .msg_iov = parts, .msg_iovlen = 2 };

    if (datagrams->fd < 0 || !flush(datagrams))
        return false;
    if (datagrams->out_count > 0 || count > DATAGRAMS_SIZE_MAX) {
        datagrams->lost++;
        return true;
    }
    ssize_t put = sendmsg(datagrams->fd, &out, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && !is_busy())
        return false;
    if (put < 0)
        datagrams->lost++;
    else if ((size_t)put < sizeof head + count)
        keep(datagrams, parts, (size_t)put);
    return true;
}

/* The one at the front, if it is whole. */
static enum datagrams_read take(struct datagrams *datagrams, uint32_t *ret_flow,
                                const uint8_t **ret_bytes, size_t *ret_count)
{
    const uint8_t *at = datagrams->in + datagrams->in_at;

    if (datagrams->in_count < DATAGRAMS_HEAD)
        return DATAGRAMS_NONE;
    size_t count = (size_t)at[4] << 8 | at[5];
    if (count > DATAGRAMS_SIZE_MAX)
        return DATAGRAMS_ENDED;
    if (datagrams->in_count < DATAGRAMS_HEAD + count)
        return DATAGRAMS_NONE;
    *ret_flow = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    *ret_bytes = at + DATAGRAMS_HEAD;
    *ret_count = count;
    datagrams->in_at += DATAGRAMS_HEAD + count;
    datagrams->in_count -= DATAGRAMS_HEAD + count;
    return DATAGRAMS_ONE;
}

enum datagrams_read datagrams_read(struct datagrams *datagrams, uint32_t *ret_flow,
                                   const uint8_t **ret_bytes, size_t *ret_count)
{
    if (datagrams->fd < 0)
        return DATAGRAMS_ENDED;
    if (datagrams->in == NULL)
        datagrams->in = malloc(IN_SIZE);
    if (datagrams->in == NULL)
        abort();
    for (;;) {
        enum datagrams_read read = take(datagrams, ret_flow, ret_bytes, ret_count);

        if (read != DATAGRAMS_NONE)
            return read;
        memmove(datagrams->in, datagrams->in + datagrams->in_at, datagrams->in_count);
        datagrams->in_at = 0;
        ssize_t got = recv(datagrams->fd, datagrams->in + datagrams->in_count,
                           IN_SIZE - datagrams->in_count, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && is_busy())
            return DATAGRAMS_NONE;
        if (got <= 0)
            return DATAGRAMS_ENDED;
        datagrams->in_count += (size_t)got;
    }
}

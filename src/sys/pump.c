/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/pump.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/tls.h"

enum {
    BULK_FROM = 16 * 1024, /* read at once: it flows */
    BULK_BELOW = 4 * 1024, /* and no longer */
    MOVES_MAX = 64,        /* of one run, however small */
};

void pump_bed_open(struct pump_bed *ret)
{
    *ret = (struct pump_bed){ .copy = malloc(PUMP_COPY) };
    if (ret->copy == NULL)
        abort();
}

static void close_pipe(int pipe[2])
{
    fd_release(&pipe[0]);
    fd_release(&pipe[1]);
}

void pump_bed_close(struct pump_bed *bed)
{
    while (bed->pipe_count > 0)
        close_pipe(bed->pipes[--bed->pipe_count]);
    free(bed->copy);
    *bed = (struct pump_bed){ 0 };
}

/* False: there are no descriptors left; then it is copied. */
static bool take_pipe(struct pump_bed *bed, struct pump_way *way)
{
    if (bed->pipe_count > 0) {
        bed->pipe_count--;
        memcpy(way->pipe, bed->pipes[bed->pipe_count], sizeof way->pipe);
        return true;
    }
    if (pipe2(way->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        way->pipe[0] = way->pipe[1] = -1;
        return false;
    }
    (void)fcntl(way->pipe[0], F_SETPIPE_SZ, PUMP_PIPE);
    return true;
}

/* Only an empty one is another's to use. */
static void give_pipe(struct pump_bed *bed, struct pump_way *way)
{
    if (way->pipe[0] < 0)
        return;
    if (way->in_pipe > 0 || bed->pipe_count == PUMP_PIPES_KEPT) {
        close_pipe(way->pipe);
        return;
    }
    memcpy(bed->pipes[bed->pipe_count++], way->pipe, sizeof way->pipe);
    way->pipe[0] = way->pipe[1] = -1;
}

void pump_open(struct pump *ret, struct pump_end a, struct pump_end b)
{
    *ret = (struct pump){ .ends = { a, b },
                          .ways = { { .pipe = { -1, -1 } }, { .pipe = { -1, -1 } } } };
    for (int i = 0; i < 2; i++)
        ret->ends[i].can_read = ret->ends[i].can_write = true;
}

static void reset(int socket)
{
    const struct linger at_once = { .l_onoff = 1 };

    (void)setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void pump_close(struct pump *pump, struct pump_bed *bed, bool is_failed)
{
    for (int i = 0; i < 2; i++) {
        struct pump_end *end = &pump->ends[i];

        give_pipe(bed, &pump->ways[i]);
        free(pump->ways[i].rest);
        tls_close(&end->tls);
        if (is_failed && end->fd >= 0)
            reset(end->fd);
        fd_release(&end->fd);
    }
    *pump = (struct pump){ .ends = { { .fd = -1 }, { .fd = -1 } },
                           .ways = { { .pipe = { -1, -1 } }, { .pipe = { -1, -1 } } } };
}

void pump_ready(struct pump *pump, int end, uint32_t events)
{
    struct pump_end *ready = &pump->ends[end];
    /* TLS may have to write in order to read, and the other way round. */
    bool is_both = ready->tls != NULL || (events & (EPOLLERR | EPOLLHUP)) != 0;

    ready->can_read |= is_both || (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    ready->is_ending |= (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0;
    ready->can_write |= is_both || (events & EPOLLOUT) != 0;
}

/* What one step came to. */
enum move { MOVE_DONE, MOVE_BLOCKED, MOVE_FAILED };

static bool is_busy(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == EINPROGRESS;
}

static ssize_t end_read(struct pump_end *end, void *bytes, size_t count)
{
    return end->tls != NULL ? tls_read(end->tls, bytes, count) : recv(end->fd, bytes, count, 0);
}

static ssize_t end_write(struct pump_end *end, const void *bytes, size_t count)
{
    return end->tls != NULL ? tls_write(end->tls, bytes, count)
                            : send(end->fd, bytes, count, MSG_NOSIGNAL);
}

/* As many of the bytes as go; `*ret_count` of them. */
static enum move put(struct pump_end *to, const uint8_t *bytes, size_t count, size_t *ret_count)
{
    *ret_count = 0;
    while (*ret_count < count) {
        ssize_t put = end_write(to, bytes + *ret_count, count - *ret_count);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && is_busy()) {
            to->can_write = false;
            return MOVE_BLOCKED;
        }
        if (put <= 0)
            return MOVE_FAILED;
        *ret_count += (size_t)put;
    }
    return MOVE_DONE;
}

static enum move put_rest(struct pump_way *way, struct pump_end *to)
{
    size_t count;
    enum move move = put(to, way->rest + way->rest_at, way->rest_end - way->rest_at, &count);

    way->rest_at += count;
    way->bytes += count;
    if (move == MOVE_DONE) {
        free(way->rest);
        way->rest = NULL;
    }
    return move;
}

static enum move put_pipe(struct pump_way *way, struct pump_end *to)
{
    while (way->in_pipe > 0) {
        ssize_t put = splice(way->pipe[0], NULL, to->fd, NULL, way->in_pipe,
                             SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && is_busy()) {
            to->can_write = false;
            return MOVE_BLOCKED;
        }
        if (put <= 0)
            return MOVE_FAILED;
        way->in_pipe -= (size_t)put;
        way->bytes += (uint64_t)put;
    }
    return MOVE_DONE;
}

/* What a read that brought nothing means. */
static enum move no_more(struct pump_way *way, struct pump_end *from, ssize_t got)
{
    if (got == 0) {
        way->has_ended = true;
        return MOVE_DONE;
    }
    if (errno == EINTR)
        return MOVE_DONE;
    if (!is_busy())
        return MOVE_FAILED;
    from->can_read = false;
    return MOVE_BLOCKED;
}

static enum move fill_pipe(struct pump_way *way, struct pump_end *from)
{
    ssize_t got =
        splice(from->fd, NULL, way->pipe[1], NULL, PUMP_PIPE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

    if (got <= 0)
        return no_more(way, from, got);
    way->in_pipe = (size_t)got;
    way->is_bulk = got >= BULK_BELOW;
    return MOVE_DONE;
}

static enum move copy(struct pump *pump, int i, struct pump_bed *bed)
{
    struct pump_way *way = &pump->ways[i];
    struct pump_end *from = &pump->ends[i], *to = &pump->ends[1 - i];
    size_t count;

    ssize_t got = end_read(from, bed->copy, PUMP_COPY);
    if (got <= 0)
        return no_more(way, from, got);
    way->is_bulk = got >= BULK_FROM && from->tls == NULL && to->tls == NULL;
    enum move move = put(to, bed->copy, (size_t)got, &count);
    way->bytes += count;
    if (move == MOVE_BLOCKED) {
        way->rest_at = 0;
        way->rest_end = (size_t)got - count;
        way->rest = malloc(way->rest_end);
        if (way->rest == NULL)
            abort();
        memcpy(way->rest, bed->copy + count, way->rest_end);
    }
    /* A socket that gave less than there was room for has no more, and will say when it has; but an
     * end that was told of already is not told of again. */
    if (from->tls == NULL && got < PUMP_COPY && !from->is_ending)
        from->can_read = false;
    return move;
}

static enum move pass_end(struct pump_way *way, struct pump_end *to)
{
    if (to->tls != NULL && !tls_end(to->tls)) {
        if (!is_busy())
            return MOVE_FAILED;
        to->can_write = false;
        return MOVE_BLOCKED;
    }
    if (to->tls == NULL && shutdown(to->fd, SHUT_WR) != 0 && errno != ENOTCONN)
        return MOVE_FAILED;
    way->is_done = true;
    return MOVE_BLOCKED;
}

/* One step of one way. */
static enum move step(struct pump *pump, int i, struct pump_bed *bed)
{
    struct pump_way *way = &pump->ways[i];
    struct pump_end *from = &pump->ends[i], *to = &pump->ends[1 - i];

    if (way->is_done ||
        ((way->rest != NULL || way->in_pipe > 0 || way->has_ended) && !to->can_write))
        return MOVE_BLOCKED;
    if (way->rest != NULL)
        return put_rest(way, to);
    if (way->in_pipe > 0)
        return put_pipe(way, to);
    if (way->has_ended)
        return pass_end(way, to);
    if (!from->can_read)
        return MOVE_BLOCKED;
    if (way->is_bulk && (way->pipe[0] >= 0 || take_pipe(bed, way)))
        return fill_pipe(way, from);
    return copy(pump, i, bed);
}

/* Whether it stopped for want of budget. */
static bool run_way(struct pump *pump, int i, struct pump_bed *bed, bool *ret_failed)
{
    struct pump_way *way = &pump->ways[i];
    uint64_t end = way->bytes + PUMP_BUDGET;
    enum move move = MOVE_DONE;

    for (int moves = 0; move == MOVE_DONE; moves++) {
        if (moves == MOVES_MAX || way->bytes >= end)
            return true;
        move = step(pump, i, bed);
    }
    if (way->in_pipe == 0)
        give_pipe(bed, way);
    *ret_failed |= move == MOVE_FAILED;
    return false;
}

enum pump_state pump_run(struct pump *pump, struct pump_bed *bed)
{
    bool is_failed = false;
    bool goes_on = run_way(pump, 0, bed, &is_failed);

    goes_on |= run_way(pump, 1, bed, &is_failed);
    if (is_failed)
        return PUMP_FAILED;
    if (pump->ways[0].is_done && pump->ways[1].is_done)
        return PUMP_ENDED;
    return goes_on ? PUMP_GOES_ON : PUMP_WAITS;
}

void pump_set_patience(int socket)
{
    const int yes = 1, idle_s = 60, interval_s = 15, probes = 8, unacknowledged_ms = 180000;

    (void)setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof unacknowledged_ms);
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

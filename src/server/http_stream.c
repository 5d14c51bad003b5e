/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http_stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/http_answer.h"
#include "server/http_exchange.h"
#include "server/http_reaper.h"

enum { BLOCK_SIZE = 4096 };

static const char keepalive[] = ": \n\n";

static void release(struct http_stream *stream)
{
    if (atomic_fetch_sub(&stream->holders, 1) > 1)
        return;
    (void)pthread_mutex_destroy(&stream->lock);
    buf_release(&stream->queue);
    free(stream);
}

/* Have the library ask again, under the stream's lock. */
static void wake(struct http_stream *stream)
{
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    MHD_resume_connection(stream->mhd);
}

static void drop_front(struct buf *queue, size_t length)
{
    memmove(queue->bytes, queue->bytes + length, queue->length - length);
    queue->length -= length;
    queue->bytes[queue->length] = '\0';
}

/* MHD_CONTENT_READER_END_WITH_ERROR would leave a connection that waits for no event open for ever
 * (0.9.75 to 1.0.1): it is closed in the turn after, which never comes. So the socket is shut, and
 * the library learns it from a byte that does not go out. */
static ssize_t break_off(const struct http_stream *stream, char *bytes)
{
    (void)shutdown(stream->connection->fd, SHUT_RDWR);
    bytes[0] = '\n';
    return 1;
}

/* The library wants up to `room` bytes more. With none to give, its connection sleeps. */
static ssize_t read_queue(void *context, uint64_t position, char *bytes, size_t room)
{
    struct http_stream *stream = context;
    ssize_t result = 0;

    (void)position;
    (void)pthread_mutex_lock(&stream->lock);
    if (stream->queue.length > 0) {
        size_t length = stream->queue.length < room ? stream->queue.length : room;

        memcpy(bytes, stream->queue.bytes, length);
        drop_front(&stream->queue, length);
        result = (ssize_t)length;
    } else if (stream->is_broken) {
        result = break_off(stream, bytes);
    } else if (stream->is_ended) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->is_suspended = true;
        MHD_suspend_connection(stream->mhd);
        if (!stream->is_watched)
            reaper_watch(stream->connection);
        stream->is_watched = true;
    }
    (void)pthread_mutex_unlock(&stream->lock);
    return result;
}

/* The library is done with it: the client is gone, or has all of it. */
static void end_reading(void *context)
{
    struct http_stream *stream = context;
    struct http *http = stream->http;

    (void)pthread_mutex_lock(&http->lock);
    if (stream->next != NULL)
        stream->next->previous = stream->previous;
    if (stream->previous != NULL)
        stream->previous->next = stream->next;
    else
        http->streams = stream->next;
    (void)pthread_mutex_lock(&stream->lock);
    stream->is_open = false;
    stream->is_suspended = false;
    buf_release(&stream->queue);
    (void)pthread_mutex_unlock(&stream->lock);
    (void)pthread_mutex_unlock(&http->lock);
    atomic_fetch_sub(&http->counters.streams_now, 1);
    release(stream);
}

static struct http_stream *stream_of(struct http_exchange *exchange)
{
    struct http *http = exchange->http;
    struct http_stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL)
        abort();
    stream->http = http;
    stream->connection = exchange->connection;
    stream->mhd = exchange->mhd;
    atomic_init(&stream->holders, 2);
    (void)pthread_mutex_init(&stream->lock, NULL);
    stream->is_open = true;
    stream->is_ended = atomic_load(&http->is_closing);
    stream->sent_us = http_now_us();
    stream->queue = buf_of(HTTP_STREAM_QUEUE_MAX);
    (void)pthread_mutex_lock(&http->lock);
    stream->next = http->streams;
    if (stream->next != NULL)
        stream->next->previous = stream;
    http->streams = stream;
    (void)pthread_mutex_unlock(&http->lock);
    atomic_fetch_add(&http->counters.streams_now, 1);
    return stream;
}

struct http_stream *http_stream(struct http_exchange *exchange)
{
    struct http_stream *stream = stream_of(exchange);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_queue, stream, end_reading);

    if (response == NULL)
        abort();
    (void)MHD_add_response_header(response, "Content-Type", "text/event-stream");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
    (void)exchange_answer(exchange, 200, response, SIZE_MAX);
    exchange_release(exchange);
    return stream;
}

bool http_stream_send(struct http_stream *stream, const char *bytes, size_t length)
{
    (void)pthread_mutex_lock(&stream->lock);
    bool is_reading = stream->is_open && !stream->is_ended;
    if (is_reading) {
        buf_append(&stream->queue, bytes, length);
        if (stream->queue.has_overflowed) {
            /* What was queued is lost, so the client must see its stream break. The library does
             * that when it asks again; where it waits for the client, the reaper does. */
            buf_release(&stream->queue);
            stream->is_ended = true;
            stream->is_broken = true;
            stream->connection->deadline_us = 0;
            is_reading = false;
        }
        stream->sent_us = http_now_us();
        wake(stream);
    }
    (void)pthread_mutex_unlock(&stream->lock);
    return is_reading;
}

void stream_end(struct http_stream *stream)
{
    (void)pthread_mutex_lock(&stream->lock);
    if (stream->is_open && !stream->is_ended) {
        stream->is_ended = true;
        wake(stream);
    }
    (void)pthread_mutex_unlock(&stream->lock);
}

void http_stream_close(struct http_stream **address)
{
    struct http_stream *stream = *address;

    if (stream == NULL)
        return;
    stream_end(stream);
    release(stream);
    *address = NULL;
}

void streams_keep_alive(struct http *http, int64_t now_us)
{
    int64_t silent_us = http->options.keepalive_ms * US_PER_MS;

    for (struct http_stream *at = http->streams; at != NULL; at = at->next) {
        (void)pthread_mutex_lock(&at->lock);
        bool is_due = at->is_suspended && now_us - at->sent_us >= silent_us;
        (void)pthread_mutex_unlock(&at->lock);
        /* One that takes no more is ended by the library, or by the reaper. */
        if (is_due && !http_stream_send(at, keepalive, sizeof keepalive - 1))
            continue;
    }
}

void streams_end_all(struct http *http)
{
    for (struct http_stream *at = http->streams; at != NULL; at = at->next)
        stream_end(at);
}

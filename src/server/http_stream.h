/* SPDX-License-Identifier: Apache-2.0 */
/* A reply that goes on: what is queued for it, and who still reads or writes.
 * http_inside.h says who locks what. */

#ifndef BERTH_SERVER_HTTP_STREAM_H
#define BERTH_SERVER_HTTP_STREAM_H

#include "server/http_inside.h"

struct http_stream {
    struct http *http;
    struct http_stream *next, *previous; /* among the server's streams */
    struct http_connection *connection;  /* of the library's holder: valid while `is_open` */
    struct MHD_Connection *mhd;          /* the same */
    atomic_int holders;

    pthread_mutex_t lock; /* guards all below */
    bool is_open;         /* the library still reads from here */
    bool is_ended;        /* nothing more will be written */
    bool is_broken;       /* and the client must not take that for the end */
    bool is_suspended;
    bool is_watched; /* for its client to hang up */
    int64_t sent_us; /* when something was last queued */
    struct buf queue;
};

/* Under the server's lock. */
void stream_end(struct http_stream *stream);
void streams_keep_alive(struct http *http, int64_t now_us);
void streams_end_all(struct http *http);

#endif

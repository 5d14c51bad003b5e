/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c, http_exchange.c and http_stream.c share: the files that know the HTTP library.
 *
 * Locks: `http->lock` guards the lists and the peers; each exchange and each stream has one for its
 * state. Who needs two takes the server's first. The library is called to suspend and to resume
 * under the exchange's or stream's lock, so that neither can overtake the other; it never calls
 * back from there.
 *
 * An exchange has two holders, the library and whoever owes the reply; a stream likewise. The
 * last one to let go frees it. */

#ifndef BERTH_SERVER_HTTP_INSIDE_H
#define BERTH_SERVER_HTTP_INSIDE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/instant.h"
#include "server/http.h"
#include "server/peers.h"
#include "server/workers.h"

#define NEVER INT64_MAX

/* What a connection is busy with. Who takes it from IDLE or ARRIVING is the only one to answer. */
enum http_phase {
    PHASE_IDLE,      /* between requests */
    PHASE_ARRIVING,  /* a request's first line has come, not all of it */
    PHASE_ANSWERING, /* the library is to send, or has begun to */
    PHASE_CUT,       /* too slow, or too much: it is being closed */
};

/* One socket. Lives from accept to close, on the server's list. */
struct http_connection {
    struct http *http;
    struct http_connection *next, *previous;
    int fd;
    struct in6_addr address;
    _Atomic int64_t deadline_us;   /* the reaper shuts it down then */
    _Atomic int64_t idle_since_us; /* when its last request was done with; 0: it had none */
    _Atomic enum http_phase phase;
    atomic_bool lingers; /* the client must be left time to read why it was refused */
};

struct http_counters {
    atomic_uint_fast64_t connections, requests, refused, cut_off;
    atomic_uint_fast64_t replies_2xx, replies_4xx, replies_5xx;
    atomic_uint_fast64_t open_now, in_flight_now, streams_now, lingering_now;
};

struct http_exchange;
struct http_stream;

struct http {
    struct http_options options;
    const struct log *log;
    struct MHD_Daemon *daemon;
    struct workers *workers;
    struct http_counters counters;
    atomic_bool is_closing;
    uint64_t first_id; /* request_id_make() counts from there */
    char address[64];

    struct reaper *reaper;
    pthread_mutex_t lock; /* guards all below */
    struct peers *peers;
    struct http_connection *connections;
    struct http_exchange *waiting; /* suspended until somebody replies */
    struct http_stream *streams;
};

int64_t http_now_us(void);

/* Whether the caller may answer what is arriving: false where it was cut off. */
bool connection_claim(struct http_connection *connection);

/* Whether the caller is the one to cut it off: false where an answer has begun, or it was cut off.
 */
bool connection_cut(struct http_connection *connection);

#endif

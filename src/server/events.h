/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: what changes on an account, to whoever listens, as it happens.
 *
 *   event: balance     data: {"credit":41.25,"balance":0,"burn_hour":0.7}
 *   event: instance    data: {"id":7001,"actual_status":"running",...}
 *   event: gone        data: {"id":7001}
 *
 * A listener first gets its balance and all of its instances, so that a page needs nothing else and
 * one that reconnects has missed nothing. The balance comes again every EVENTS_BALANCE_SECONDS
 * while something runs, since it falls by itself then, and now and then where nothing does. One
 * thread reads the store and writes to the streams; whoever reports a change only leaves an id
 * here. Of a change it is asked once whose it is, and only who listens for that account costs more:
 * so many others as may listen, what happens costs the same. */

#ifndef BERTH_SERVER_EVENTS_H
#define BERTH_SERVER_EVENTS_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "server/http.h"
#include "server/metrics.h"

enum {
    EVENTS_LISTENERS_MAX = 1024,       /* on this server; one more displaces the oldest */
    EVENTS_PER_USER_MAX = 16,          /* likewise, of one account */
    EVENTS_QUEUE_MAX = 4096,           /* changes that wait; beyond that, all is sent again */
    EVENTS_BALANCE_SECONDS = 4,        /* people watch it fall */
    EVENTS_BALANCE_STILL_SECONDS = 30, /* where nothing is being spent */
    EVENTS_LIFETIME_SECONDS = 3600,    /* then the client comes again, with a key that is checked */
};

struct events;

NODISCARD bool events_open(const struct flow *flow, struct metrics *metrics,
                           struct events **ret_events, struct error *err);
/* Its thread ends; what changes may still be told, and is heard by nobody. */
void events_stop(struct events *events);
void events_close(struct events **events);

/* Takes over the stream, which tells `caller` from now on. */
void events_listen(struct events *events, const struct caller *caller, struct http_stream *stream);

/* This contract or user has changed; STORE_ID_ANY: any may have. Never waits. */
void events_touch(struct events *events, enum db_topic topic, int64_t id);

/* How many listen now. */
int64_t events_count(struct events *events);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The line to the server: enrolment, session, heartbeats, the held poll for the desired state, and
 * results of operations (proto/hello.h). The agent dials out, so a host needs no open port for it.
 *
 * What fails is tried again, later and later, with jitter so that a thousand hosts do not come back
 * in one moment. Where the machine's key is refused and there is another on disk, that is tried in
 * turn with it (agent/key_turn.h); one that opens a session is the machine's. An epoch that was
 * taken over (409) means a new session. Nothing here stops or deletes anything: losing contact
 * changes nothing on the host. */

#ifndef BERTH_AGENT_LINK_H
#define BERTH_AGENT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/identity.h"
#include "agent/loop.h"
#include "agent/web.h"
#include "base/arena.h"
#include "proto/heartbeat.h"
#include "proto/hello.h"
#include "sys/log.h"

struct link;

/* What goes the way of results of operations, one after the other. */
enum link_post { LINK_POST_OP, LINK_POST_BENCH, LINK_POST_CHALLENGE, LINK_POST_KEY };

struct link_events {
    void *context;
    /* The session is open. */
    void (*on_connected)(void *context, int64_t machine_id);
    /* A desired state newer than the one that link_applied() names; `text` as it came. */
    void (*on_desired)(void *context, const char *text, size_t length);
    /* The server has answered. */
    void (*on_contact)(void *context);
    /* Fill all but epoch, seq, boot id and incarnation. Texts may live in the arena. */
    void (*fill_heartbeat)(void *context, struct arena *arena, struct heartbeat *heartbeat);
    /* The result of an operation has arrived at the server, or has not. */
    void (*on_op_sent)(void *context, bool has_arrived);
    /* There is no use in going on: the token is refused, say. */
    void (*on_hopeless)(void *context, const char *why);
    /* What link_post() sent was answered; `answer` is NULL where the session ended first. Or NULL.
     */
    void (*on_posted)(void *context, enum link_post post, const struct web_answer *answer);
    /* A heartbeat was accepted. Or NULL. */
    void (*on_accepted)(void *context);
};

struct link_options {
    const char *url;                   /* of the server; copied, as are the texts below */
    const char *ca_file;               /* or NULL */
    const char *token;                 /* for enrolment; NULL: enrolled already */
    struct identity *identity;         /* borrowed */
    const struct machine_facts *facts; /* borrowed; sent with every new session */
    uint8_t fingerprint[32];
    struct log log;
    struct link_events events;
};

struct link *link_open(struct loop *loop, struct web *web, const struct link_options *options);
void link_close(struct link **link);

bool link_is_connected(const struct link *link);

/* Of its session, while it is connected. */
int64_t link_epoch(const struct link *link);

/* The revision that was taken over: polls ask for newer ones. */
void link_applied(struct link *link, int64_t desired_rev);

/* End the session and open the next one at once: by another key. */
void link_renew(struct link *link);

/* Something changed: a heartbeat, very soon. */
void link_hurry(struct link *link);

/* False: not connected, or another one is on its way. */
bool link_send_op(struct link *link, const struct op_result *result);
bool link_post(struct link *link, enum link_post post, const struct buf *body);

#endif

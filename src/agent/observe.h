/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine has of ours: all containers with Berth's labels, kept current by its stream of
 * events, so that a change is seen in the moment it happens; and listed anew now and then, in case
 * an event was lost. */

#ifndef BERTH_AGENT_OBSERVE_H
#define BERTH_AGENT_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/loop.h"
#include "agent/seen.h"
#include "agent/web.h"
#include "sys/log.h"

struct observer;

typedef void observe_on_change(void *context);

struct observe_options {
    const char *socket;        /* of the engine; copied */
    char host[SEEN_HOST_SIZE]; /* ours, as in the label */
    struct log log;
    observe_on_change *on_change; /* something is different, or the engine came or went */
    void *context;
};

struct observer *observe_open(struct loop *loop, struct web *web,
                              const struct observe_options *options);
void observe_close(struct observer **observer);

/* Whether what is seen is what is. */
bool observe_is_ok(const struct observer *observer);

/* Why not; "". */
const char *observe_message(const struct observer *observer);

/* Counts how often the engine was found, so that one can tell what happened under one engine from
 * what happened when it went away. */
int64_t observe_session(const struct observer *observer);

size_t observe_count(const struct observer *observer);
const struct seen *observe_at(const struct observer *observer, size_t index);

/* The container of an instance of that machine; `is_next` for the one about to take its place.
 * NULL: none. */
const struct seen *observe_find(const struct observer *observer, int64_t machine_id,
                                int64_t instance_id, bool is_next);

/* What a worker saw of an instance when it was done is newer than what we knew: these are its
 * containers now, and there are no others. */
void observe_put(struct observer *observer, int64_t machine_id, int64_t instance_id,
                 const struct seen *seen, size_t count);

/* Look at everything again, at once. */
void observe_refresh(struct observer *observer);

/* Whether anything is still being looked at: what is known may be about to change. */
bool observe_is_looking(const struct observer *observer);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the server wanted last, and when we last spoke with it: on disk, so that a host which is
 * cut off, or which has just started, goes on with what it was told. */

#ifndef BERTH_AGENT_KEEP_H
#define BERTH_AGENT_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/identity.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "proto/desired.h"
#include "sys/clock.h"

struct keep {
    const struct identity *identity; /* borrowed */
    const struct clock *clock;       /* borrowed */
    bool has_desired;
    struct desired desired;  /* lives in the arena */
    struct arena arena;      /* owned */
    int64_t saved_rev;       /* the last one that is durable; 0: none */
    struct buf unsaved;      /* owned: the file that is to be written; empty: nothing */
    int64_t received_us;     /* CLOCK_BOOTTIME of this boot; negative: before it */
    int64_t last_contact_us; /* the same */
    int64_t contact_saved_us;
};

/* Read what is there; what is damaged is left aside, and the error says so. */
NODISCARD bool keep_open(const struct identity *identity, const struct clock *clock,
                         struct keep *ret, struct error *err);
void keep_close(struct keep *keep);

/* Take over a newer desired state. `text` is the document as it came. The keys of workspaces in it
 * are never written to disk. */
NODISCARD bool keep_take(struct keep *keep, const char *text, size_t length, struct error *err);

/* Make it durable: before the server is told of it, and before anything is deleted by it. What else
 * it asks for may have begun by then. A host that loses its power in between has not heard of it,
 * and is told again. */
NODISCARD bool keep_save(struct keep *keep, struct error *err);

/* An instance is to run whose key an agent before this one was told: the server has to be asked for
 * all of it again. */
bool keep_lacks_keys(const struct keep *keep);

/* The server has answered. Written to disk once a minute. */
void keep_contact(struct keep *keep);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* When this machine is measured, and how the server hears of it; and proves what it has
 * (agent/prover.h).
 *
 * A minute after it has joined, once a week, and whenever a GPU or its driver is there that was not
 * measured; only while nothing runs here, and no longer than that. What was measured is kept on
 * disk and told to the server in every session. */

#ifndef BERTH_AGENT_BENCHER_H
#define BERTH_AGENT_BENCHER_H

#include "agent/bench.h"
#include "agent/instance.h"
#include "agent/keep.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "sys/log.h"

struct bencher;

struct bencher_options {
    struct loop *loop;
    int dir;                          /* where it is kept; borrowed, as is all below */
    const char *disk;                 /* a folder on the one that is rented out */
    const char *server_url, *ca_file; /* ca_file may be NULL */
    const struct machine_facts *facts;
    const struct clock *clock;
    struct log log;
};

struct bencher *bencher_open(const struct bencher_options *options);
void bencher_close(struct bencher **bencher);

/* Every second. `link` may be NULL. */
void bencher_tend(struct bencher *bencher, struct link *link, const struct instances *instances,
                  const struct keep *keep);

/* Whether it measures, or proves. */
bool bencher_is_busy(const struct bencher *bencher);

/* A new session knows of nothing. */
void bencher_connected(struct bencher *bencher);
void bencher_posted(struct bencher *bencher, enum link_post post, const struct web_answer *answer);

#endif

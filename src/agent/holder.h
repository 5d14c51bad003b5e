/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of instances, and holders: containers that do nothing but hold one.
 *
 * Making a network and wiring a container to it is more than half of what starting one costs
 * (docs/decisions/0007). A holder is made ahead: a bridge bt<slot>, and a container that waits in
 * it, of an empty image, with no capabilities, no files to write and our own helper as its only
 * program. An instance then joins the holder's network and starts without making any. Each holder
 * serves one instance and goes with it: no two instances ever share a network.
 *
 * An instance that joins has the holder's /etc/hostname and /etc/hosts; agent/hostname.h makes
 * them its own.
 *
 * Whatever is made here is named and labelled by its slot, so that it can be made again, or found
 * and removed, by whoever comes after an agent that was killed. */

#ifndef BERTH_AGENT_HOLDER_H
#define BERTH_AGENT_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/container.h"
#include "agent/docker.h"
#include "base/error.h"

#define HOLDER_LABEL_SLOT "berth.slot" /* of holders and networks */
#define HOLDER_IMAGE      "berth-holder:1"

enum { HOLDER_NAME_SIZE = 64, HOLDER_SLOTS_MAX = 8192 };

/* "berth-holder-7". */
char *holder_name(int64_t slot, char name[static HOLDER_NAME_SIZE]);

/* The slot's bridge alone. Nothing may start in it before it has its walls. One that is there
 * already is fine. */
NODISCARD bool holder_bridge(struct docker *docker, const struct container_host *host, int64_t slot,
                             struct error *err);

/* The slot's network, within its walls. One that is there already is fine. */
NODISCARD bool holder_network(struct docker *docker, const struct container_host *host,
                              int64_t slot, struct error *err);

/* Network and holder, running. What is there of them already is fine. */
NODISCARD bool holder_make(struct docker *docker, const struct container_host *host, int64_t slot,
                           struct error *err);

/* Before an instance starts in it: it runs, and the files that it shares say `hostname`. One that
 * was lost is made anew; who had joined the old one then cannot start any more, and the engine
 * says ERROR_NOT_FOUND: it has to be made anew as well. */
NODISCARD bool holder_prepare(struct docker *docker, const struct container_host *host,
                              int64_t slot, const char *hostname, struct error *err);

/* Holder and network. What is not there is fine. */
NODISCARD bool holder_remove(struct docker *docker, const struct container_host *host, int64_t slot,
                             struct error *err);

/* A slot of ours that no container but its own holder uses. */
struct holder_slot {
    int64_t slot;
    bool is_held;   /* there is a running holder; else only a network */
    bool is_broken; /* a holder that does not run; one, or walls, without its network */
};

/* All of this host's that are free, at most HOLDER_SLOTS_MAX. */
NODISCARD bool holder_list(struct docker *docker, const struct container_host *host,
                           struct holder_slot *slots, size_t *ret_count, struct error *err);

/* The same, from what the engine answers and who has walls. */
struct holder_facts {
    const char *host;
    const json_t *networks, *containers;
    size_t walled_count;
    int64_t walled[HOLDER_SLOTS_MAX];
};
void holder_list_of(const struct holder_facts *facts, struct holder_slot *slots, size_t *ret_count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Running totals of each instance: how long it has run since it was started, and how many bytes it
 * has moved. Only ever growing within a start token and a counter epoch, whatever was restarted:
 * the agent, the engine, the instance, the host.
 *
 * Bytes come from two counters that begin at zero when their owner does: the instance's bridge and
 * the SSH gateway. What they had counted is carried over. After a boot of the host nothing is
 * carried: a new epoch begins, and what was reported last in the old one stands. */

#ifndef BERTH_AGENT_TOTALS_H
#define BERTH_AGENT_TOTALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/identity.h"
#include "base/error.h"
#include "sys/clock.h"

enum { TOTALS_MAX = 4096, TOTALS_TOKEN_SIZE = 128 };

/* A counter that may begin anew, and what it had counted before it did. */
struct totals_counter {
    int64_t carried, last;
};

struct totals_entry {
    int64_t id;
    int64_t counter_epoch;
    int64_t interface; /* its index; another one is another interface, whatever its name */
    struct totals_counter interface_up, interface_down, ssh_up, ssh_down;
    char start_token[TOTALS_TOKEN_SIZE];
    int64_t run_ms;
};

struct totals {
    const struct identity *identity; /* borrowed */
    const struct clock *clock;       /* borrowed */
    size_t count, capacity;
    struct totals_entry *entries; /* owned */
    bool is_changed;              /* since it was saved */
};

/* From DATA/totals.json. One that is missing or damaged begins anew, in new epochs. */
void totals_open(const struct identity *identity, const struct clock *clock, struct totals *ret);
void totals_close(struct totals *totals);

/* The entry of an instance, made if missing. Valid until the next call. */
struct totals_entry *totals_of(struct totals *totals, int64_t id);
void totals_remove(struct totals *totals, int64_t id);

/* The bridge's counters, as the instance sees them. */
void totals_interface(struct totals *totals, int64_t id, int64_t interface, uint64_t up,
                      uint64_t down);

/* The gateway's. */
void totals_ssh(struct totals *totals, int64_t id, uint64_t up, uint64_t down);

int64_t totals_up(const struct totals_entry *entry);
int64_t totals_down(const struct totals_entry *entry);

/* It runs, since `started_us` on CLOCK_BOOTTIME, under that token. */
void totals_run(struct totals *totals, int64_t id, const char *start_token, int64_t started_us);

/* Save what has changed, before it is reported: it must outlive us, not the host, so it is not
 * synced. */
NODISCARD bool totals_save(struct totals *totals, struct error *err);

/* When the process began, on CLOCK_BOOTTIME. False: there is none. */
bool totals_process_start(pid_t pid, int64_t *ret_us);

#endif

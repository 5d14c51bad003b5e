/* SPDX-License-Identifier: Apache-2.0 */
/* What the host must remember of an instance: which ports and network it was given, and what was
 * done to it already. One small file each, durable before the deed that it speaks of. */

#ifndef BERTH_AGENT_RECORD_H
#define BERTH_AGENT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/desired.h"
#include "proto/heartbeat.h"

enum { RECORD_BOOT_SIZE = 64 };

struct record {
    int64_t id;
    int64_t edition;            /* how often it was saved */
    int64_t slot;               /* of its network; see agent/slots.h */
    int64_t ssh_port;           /* 0: none could be given */
    int64_t restart_nonce;      /* the last one carried out, or given up in a crash */
    int64_t remake;             /* the last one that its ports were given for */
    int64_t start_gen;          /* the generation it was last started under; 0: never */
    bool is_stopped_by_us;      /* since then */
    int64_t notice_gen;         /* the last one under which it had notice; see agent/preempt.h */
    int64_t notice_deadline_us; /* what it was told then, by the wall clock */
    bool is_private;            /* its image was pulled with a login */
    bool has_holder;            /* it joins the holder of its slot; see agent/holder.h */
    char boot_id[RECORD_BOOT_SIZE]; /* the boot of the host it was last started in */
    char started_before[40];        /* its start time as it was before that */
    int64_t port_count;
    struct port_mapping ports[SPEC_PORTS_MAX];
};

/* Below directory `dir`: <id>.json, durable. A new edition; where it fails, the record is still the
 * one before. */
NODISCARD bool record_save(int dir, struct record *record, struct error *err);

/* That it was stopped by us, and what notice it had, beside the edition that was saved last
 * (<id>.note): a crash of ours keeps it, and a power cut may lose it. For what counts in this boot
 * alone, as why something does not run; nothing is waited for. */
NODISCARD bool record_note(int dir, const struct record *record, struct error *err);

/* The first of an instance, not durable yet: record_sync() makes it so, in a worker perhaps, before
 * there is anything of the instance but this. `path` is the directory's. */
NODISCARD bool record_begin(int dir, const struct record *record, struct error *err);
NODISCARD bool record_sync(const char *path, int64_t id, struct error *err);

NODISCARD bool record_load(int dir, int64_t id, struct record *ret, struct error *err);
NODISCARD bool record_remove(int dir, int64_t id, struct error *err);

/* Whose records there are: at most `max`, ascending. */
NODISCARD bool record_list(int dir, int64_t *ids, size_t max, size_t *ret_count, struct error *err);

#endif

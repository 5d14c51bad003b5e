/* SPDX-License-Identifier: Apache-2.0 */
/* The agent as a whole: what it holds, and how its parts hear of each other.
 *
 *   link  ── desired state ──> keep (disk)
 *                                |
 *   engine <── observe ──────────+──> plan ──> steps (workers) ──> engine
 *                                |                  |
 *   link  <── heartbeat ── report ┘ <── records, totals (disk)
 *
 * Whatever changes calls agent_wake(), and soon after, once, everything is looked at again. */

#ifndef BERTH_AGENT_AGENT_H
#define BERTH_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/access.h"
#include "agent/bencher.h"
#include "agent/container.h"
#include "agent/engine.h"
#include "agent/exporter.h"
#include "agent/gauges.h"
#include "agent/grow.h"
#include "agent/identity.h"
#include "agent/images.h"
#include "agent/inodes.h"
#include "agent/instance.h"
#include "agent/isolate.h"
#include "agent/job.h"
#include "agent/keep.h"
#include "agent/key_turn.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "agent/measured.h"
#include "agent/metadata.h"
#include "agent/observe.h"
#include "agent/ops.h"
#include "agent/pool.h"
#include "agent/probe.h"
#include "agent/scrub.h"
#include "agent/slots.h"
#include "agent/stock.h"
#include "agent/totals.h"
#include "agent/tunnel.h"
#include "agent/update.h"
#include "agent/volumes.h"
#include "agent/web.h"
#include "agent/workspaces.h"

struct agent_options {
    const char *server_url;
    const char *data_dir;
    const char *token;      /* or NULL */
    const char *engine_url; /* "unix:///..." or NULL */
    bool is_engine_private;
    const char *simulate_gpus; /* or NULL */
    int64_t port_first, port_last;
    int64_t disk_gb;                /* to rent out; 0: all there is */
    int64_t pool;                   /* networks to make ahead */
    bool is_open;                   /* guests have no walls */
    int64_t up_mbit, down_mbit;     /* of each guest; 0: all there is */
    int64_t alone_max_us;           /* how long instances run on without the server */
    const char *public_ip;          /* or NULL */
    const char *private_registries; /* see agent/registry.h; or NULL */
    const char *private_clouds;     /* see agent/cloud_ways.h; or NULL */
    const char *gpu_scrub;          /* "/path/of/program", "off", or NULL: ours */
    bool is_behind_nat;             /* said so; else found out */
    const char *guest_helper;       /* path of berth-guest on this host */
    const char *ca_file;            /* or NULL */
    const char *metrics_listen;     /* "ADDRESS:PORT", "off", or NULL: of the loopback */
    const char *version;
    const char *update_key; /* whose releases it takes; NULL: nobody's */
    int64_t update_every_s;
    int64_t turn_key_every_s; /* how old the machine's key gets */
    int launcher;             /* of agent/launch.h, which is taken over; or -1 */
};

/* Everything lives as long as agent_run(). */
struct agent {
    struct agent_options options;
    struct log log;
    const struct clock *clock;
    struct loop *loop;
    struct web *web;
    struct identity identity;
    struct key_turn key_turn;
    struct keep keep;
    struct totals totals;
    struct gauges gauges;
    struct engine *engine; /* NULL: somebody else's */
    char engine_socket[512];
    struct observer *observer;
    struct stock *stock;
    struct volumes volumes;
    struct inodes inodes;
    struct measured measured; /* its disk_mbs is -1 until it was */
    struct grow grow;
    struct workspaces workspaces;
    struct bencher *bencher; /* NULL until the machine is probed */
    struct instances instances;
    struct images images;
    struct slots slots;
    struct pool *pool;
    struct ops *ops;
    struct access *access;
    struct tunnel *tunnel;
    struct metadata *metadata;
    struct update *update;     /* NULL: it stays what it is */
    struct exporter *exporter; /* NULL: nobody asks for numbers, or the address is taken */
    int64_t started_us;
    struct link *link; /* NULL until the machine is measured */
    struct machine_facts facts;
    struct container_host host;
    struct isolate isolate;
    struct scrub scrub;
    char gpus_path[1100];
    int64_t walls_us; /* when it was last looked whether they stand */
    char tools_dir[1100], instances_path[1100], jail_path[1100];
    char workspaces_path[1100];
    struct probe_options probe_options;
    struct job *probe;
    struct web_call *info;
    int64_t info_since_us;
    struct loop_timer *wake_timer, *due_timer, *second_timer, *info_timer, *guests_timer;
    bool has_taken; /* a desired state that the server does not know of having arrived */
    bool has_said_ready, has_failed;
    bool wants_again; /* to be started anew, by its launcher */
    char why_failed[512];
};

/* Look at everything again, soon. */
void agent_wake(struct agent *agent);

/* Until SIGTERM or SIGINT, which is a success, or until it ought to be started anew, which sets
 * `*ret_again`. False: it cannot go on; `err` says why. */
NODISCARD bool agent_run(const struct agent_options *options, bool *ret_again, struct error *err);

#endif

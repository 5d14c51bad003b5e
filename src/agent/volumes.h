/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: folders that the engine keeps, and that containers mount.
 *
 * A volume is made, empty, with the first container that mounts it, or as the clone of another
 * (agent/clone_work.h), and survives them all: nothing
 * but the server's signed word removes it, and the engine refuses while a container has it. What is
 * gone is told in every heartbeat until the server asks for it no more. How much is in those that
 * are there is measured now and then, for the server's watch over disks (market/disk_watch.h):
 * where the engine's storage counts by project, it also holds them to their size. */

#ifndef BERTH_AGENT_VOLUMES_H
#define BERTH_AGENT_VOLUMES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/container.h"
#include "agent/identity.h"
#include "agent/job.h"
#include "agent/loop.h"
#include "base/arena.h"
#include "proto/heartbeat.h"
#include "sys/log.h"

enum {
    VOLUME_NAME_SIZE = 64,
    VOLUMES_MAX = DESIRED_GONE_MAX,
    VOLUMES_MEASURE_MS = 30000,
    VOLUMES_RETRY_MS = 3000,
};

/* The engine's name for a volume of this host: other enrolments may have the same numbers. */
char *volume_name(const struct container_host *host, int64_t id,
                  char name[static VOLUME_NAME_SIZE]);

/* What a container mounts, as the member Mounts: its volumes, and its encrypted workspace, which is
 * open. Nothing where that is nothing. */
void volumes_encode(struct encoder *json, const struct container_wish *wish);

/* The body of POST /volumes/create; `size_gb` 0: it is held to none. */
void volumes_encode_new(struct encoder *json, const struct container_host *host, int64_t id,
                        int64_t size_gb);

/* One that is there, and what is in it; -1: not measured. */
struct volume_size {
    int64_t id, used_mb;
};

struct volumes {
    struct loop *loop;
    const struct identity *identity; /* borrowed, as all that follows */
    const struct container_host *host;
    const char *engine_socket;
    const struct log *log;
    size_t wanted_count, gone_count, size_count;
    struct desired_gone wanted[VOLUMES_MAX]; /* to be removed: signed */
    struct desired_gone gone[VOLUMES_MAX];   /* of which these are */
    struct volume_size sizes[VOLUMES_MAX];
    int64_t retry_us, measured_us;
    int64_t desired_rev; /* that `wanted` is of; -1: none yet */
    bool has_news;       /* something has gone since this was last looked at */
    struct job *job;
};

/* The server's word, each time that it comes. What is not signed is left alone. */
void volumes_desire(struct volumes *volumes, const struct desired *desired);

/* Remove what is to go, and measure, when it is time: about every second, and only once the desired
 * state is on disk. */
void volumes_tend(struct volumes *volumes);
void volumes_close(struct volumes *volumes);

/* Add them to a heartbeat's instances, for which it has room for `room` more. */
void volumes_fill(const struct volumes *volumes, struct heartbeat *heartbeat, size_t room);

#endif

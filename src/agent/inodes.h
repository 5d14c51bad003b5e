/* SPDX-License-Identifier: Apache-2.0 */
/* Who uses up the inodes of the engine's disk.
 *
 * A quota of bytes does not hold whoever makes nothing but empty files, and a file system that was
 * made with a number of inodes has none left for anybody in the end. While there are plenty, nobody
 * is looked at. When they run short (agent/tree.h), a worker counts the files of each instance that
 * runs, and they weigh what they take of the disk's inodes: so the server's watch over disks
 * (market/disk_watch.h) warns and stops whoever has more than their part. */

#ifndef BERTH_AGENT_INODES_H
#define BERTH_AGENT_INODES_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

enum {
    INODES_INSTANCES_MAX = 1024,
    INODES_EVERY_MS = 10000,
    INODES_COUNT_MS = 300000, /* a worker's time; what it does not count by then is unknown */
    INODES_ROOT_MAX = 1024,
};

struct agent;
struct job;

struct inodes {
    char root[INODES_ROOT_MAX]; /* the engine's folder; "": not known */
    int64_t looked_us;
    struct job *job;
    size_t count;
    struct {
        int64_t id, weight_mb;
    } rows[INODES_INSTANCES_MAX]; /* as counted last; none while there are plenty */
};

/* What the engine says of itself. */
void inodes_engine(struct inodes *inodes, const json_t *info);

/* About every second. */
void inodes_tend(struct agent *agent);
void inodes_close(struct agent *agent);

/* What an instance's files weigh at least, in MB; 0 where that is not counted. */
int64_t inodes_weight_mb(const struct inodes *inodes, int64_t instance_id);

#endif

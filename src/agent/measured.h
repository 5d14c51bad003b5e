/* SPDX-License-Identifier: Apache-2.0 */
/* The disk that instances get, and what is kept of it between starts: how fast it writes takes long
 * to measure, and its free space would shrink with every rental.
 *
 * It is the one that the engine keeps images and containers on. */

#ifndef BERTH_AGENT_MEASURED_H
#define BERTH_AGENT_MEASURED_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys/log.h"

struct measured {
    char disk[PATH_MAX]; /* a folder on it; "": kept by an agent that looked at its own */
    int64_t disk_gb;     /* that can be rented out in all, of 2^30 bytes */
    int64_t disk_mbs;    /* writing, MB/s; 0: it could not be measured */
};

/* Where instances' files lie: the engine's own folder; where the engine does not say it, or it
 * cannot be looked at from here, the one before ("" for none), or `data_dir`. One of the three. */
const char *measured_disk(const char *engine_root, const char *before, const char *data_dir);

/* False: nothing was kept in that folder. */
bool measured_load(int dir, struct measured *ret);
void measured_save(int dir, const struct log *log, const struct measured *measured);

struct measured_places {
    const char *engine_root; /* "": the engine does not say it */
    const char *data_dir;
};

/* What is so at a start, by what was kept in `dir`. A `disk_mbs` of -1 has to be measured. Sets
 * `*ret_offer_gb`: `wanted_gb`, where that is not 0, as far as the disk goes; else all. */
struct measured measured_begin(int dir, const struct measured_places *places, int64_t wanted_gb,
                               const struct log *log, int64_t *ret_offer_gb);

/* Whether it was kept of the disk that `disk` is on; `data_dir` is where this agent's own folder
 * is. */
bool measured_is_of(const struct measured *kept, const char *disk, const char *data_dir);

struct measured_size {
    int64_t free_gb, whole_gb; /* -1: unknown */
};
struct measured_size measured_look(const char *disk);

/* How much of it can be rented out in all. What is rented is not free, and what was free once may
 * be again: so what was kept stays, and grows with the disk, and is never more than the disk.
 * `kept_gb` is 0 for a disk that was not looked at before. */
int64_t measured_capacity(int64_t kept_gb, struct measured_size now);

int64_t measured_offer(int64_t wanted_gb, int64_t capacity_gb, struct measured_size now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that can be held, can fail and can lose power, below SQLite.
 *
 * Between SQLite and the file system it counts every operation that changes a file: writes, cuts
 * and syncs. The n-th one can fail, or be the moment at which the power goes: from then on
 * nothing works any more, and what a disk might hold after that is left in another folder. There
 * each file is as it was at its last sync, with some of the writes since, in any order, some of
 * them in part. */

#ifndef BERTH_TEST_STORE_SUPPORT_VFS_H
#define BERTH_TEST_STORE_SUPPORT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum vfs_fault { VFS_FAULT_IO, VFS_FAULT_FULL, VFS_FAULT_POWER };

struct vfs_plan {
    int64_t fault_at; /* the operation with this number, from 1; 0: none */
    enum vfs_fault fault;
    bool is_lasting;                    /* all that follow fail, too */
    uint64_t seed;                      /* of what a power loss leaves */
    const char *wreck;                  /* the folder for that, which exists */
    void (*before_sync)(void *context); /* may wait; NULL: none */
    void *context;
};

/* Below every database that is opened from now on, until vfs_remove(). A power loss that was
 * planned for later than that happens then. */
void vfs_install(const struct vfs_plan *plan);
void vfs_remove(void);

/* The power goes now, unless it has gone before. What uses the disk must still be closed. */
void vfs_cut_power(void);

/* The n-th operation from now on, from 1, fails like that; with `is_lasting` all that follow do,
 * until vfs_mend(), which also takes back what has not come yet. A power loss is not mended. */
void vfs_fault_next(int64_t n, enum vfs_fault fault, bool is_lasting);
void vfs_mend(void);
bool vfs_has_power(void);

/* Since the installation. */
int64_t vfs_operations(void);
int64_t vfs_syncs(void);

#endif

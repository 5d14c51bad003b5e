/* SPDX-License-Identifier: Apache-2.0 */
/* A disk in memory, below SQLite: the same bytes without a system call for each.
 *
 * Of the whole process, and of those forked from it afterwards. Files are kept until they are
 * deleted, whoever has them open; what is synced is there anyway. Troubles are another layer
 * (store/support_vfs.h), which goes on top. */

#ifndef BERTH_TEST_SIM_DISK_H
#define BERTH_TEST_SIM_DISK_H

#include "sys/crypto.h"

/* Below every database that is opened from now on. */
void sim_disk_install(void);

/* One file as another, which is then the same and apart. `from` exists. */
void sim_disk_copy(const char *from, const char *to);

/* A file of the real disk as it is, under the same name. */
void sim_disk_load(const char *path);

/* Of all files: two disks with the same one hold the same. */
struct hash sim_disk_hash(void);

/* As if everybody who has a file open had been killed: what was written stays. They never come
 * back, which is so in a process that was forked from theirs. */
void sim_disk_break(void);

/* As if what is below that folder had never been. Nobody has it open. */
void sim_disk_clear(const char *folder);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A disk in memory, below SQLite: the same bytes without a system call for each.
 *
 * Of the whole process, and of those forked from it afterwards. Files are kept until they are
 * deleted, whoever has them open; what is synced is there anyway. Troubles are another layer
 * (store/support_vfs.h), which goes on top. */

#ifndef BERTH_TEST_SIM_DISK_H
#define BERTH_TEST_SIM_DISK_H

/* Below every database that is opened from now on. */
void sim_disk_install(void);

/* One file as another, which is then the same and apart. `from` exists. */
void sim_disk_copy(const char *from, const char *to);

/* As if what is below that folder had never been. Nobody has it open. */
void sim_disk_clear(const char *folder);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypted workspaces: an instance's own file system, whose files are encrypted by the kernel.
 *
 *   DIR/ID.img     ext4 of the size that was rented, sparse
 *   DIR/ID/        where that is mounted, while the instance runs
 *   DIR/ID/files/  encrypted by fscrypt: what the container has at /workspace
 *
 * The key is the server's (proto/desired.h) and goes into the kernel's keyring of that file system
 * when it is opened, and out of it when it is closed: no file of this host ever has it. Closed, and
 * without the key, contents and names of files are ciphertext; how many there are, how long they
 * are and when they changed can be seen. While it is open, root of this host reads all of it.
 *
 * Every call may be repeated, and goes on where one that was killed left off. */

#ifndef BERTH_AGENT_WORKSPACE_H
#define BERTH_AGENT_WORKSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "proto/desired.h"

enum { WORKSPACE_PATH_SIZE = 1200, WORKSPACES_MAX = DESIRED_INSTANCES_MAX };

/* Where it lies. */
struct workspace {
    const char *dir; /* absolute; made where it is not there */
    int64_t id;      /* the instance's */
};

/* Make it where there is none yet, mount it, and unlock it. ERROR_UNAVAILABLE: this host cannot.
 * ERROR_CONFLICT: it was made with another key. */
NODISCARD bool workspace_open(const struct workspace *workspace, int64_t size_gb,
                              const uint8_t key[static WORKSPACE_KEY_SIZE], struct error *err);

/* Take the key out of the kernel, and unmount it. ERROR_CONFLICT: something has files of it open;
 * all others are locked. */
NODISCARD bool workspace_close(const struct workspace *workspace, struct error *err);

/* Close it and delete it; one that is not there is gone. */
NODISCARD bool workspace_remove(const struct workspace *workspace, struct error *err);

/* Whether it is mounted. */
bool workspace_is_open(const struct workspace *workspace);

/* What it takes of the disk, MB of 2^20 bytes; 0: it is not there. */
int64_t workspace_used_mb(const struct workspace *workspace);

/* What a container mounts. It is not there unless the workspace is open, so that nothing is ever
 * written beside it. */
char *workspace_files(const struct workspace *workspace, char path[static WORKSPACE_PATH_SIZE]);

/* Those that are mounted below `dir`. */
size_t workspace_list(const char *dir, int64_t ids[static WORKSPACES_MAX]);

/* Whether this host can: a small one is made, opened, written to, closed and removed. */
NODISCARD bool workspace_try(const char *dir, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What SFTP says of a file, and what it changes about one. */

#ifndef BERTH_GUEST_SFTP_STAT_H
#define BERTH_GUEST_SFTP_STAT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "guest/sftp_wire.h"

enum { SFTP_LONG_NAME_SIZE = NAME_MAX + 128 };

struct sftp_attributes sftp_attributes_of(const struct stat *found);

/* The line that "ls -l" would print. Returns `line`. */
const char *sftp_long_name(const char *name, const struct stat *found,
                           char line[static SFTP_LONG_NAME_SIZE]);

/* 0, or -1 with errno where one of them could not be set; the others were tried. */
int sftp_apply_fd(int fd, const struct sftp_attributes *attributes);
int sftp_apply_path(const char *path, bool follows, const struct sftp_attributes *attributes);

/* The absolute path, without links and dots; its last part need not exist. `has_home`: "~" in
 * front is our home. False with errno. */
bool sftp_resolve(const char *path, bool has_home, char ret_path[static PATH_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, read with a limit and written so that a crash leaves the old or the new. */

#ifndef BERTH_SYS_FILE_H
#define BERTH_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Append the file `path`, below directory `dir` (or AT_FDCWD), to `content`. ERROR_NOT_FOUND:
 * no such file. ERROR_OUT_OF_RANGE: it passes the buffer's limit. */
NODISCARD bool file_read(int dir, const char *path, struct buf *content, struct error *err);

/* Replace the file: written beside it, synced, renamed over it, directory synced. */
NODISCARD bool file_replace(int dir, const char *path, mode_t mode, const void *bytes,
                            size_t length, struct error *err);

/* The same without syncing anything, for one that may be lost: until file_sync(), a power
 * cut may leave it empty or gone. */
NODISCARD bool file_place(int dir, const char *path, mode_t mode, const void *bytes, size_t length,
                          struct error *err);

/* Sync the file, and the directory that it is in. */
NODISCARD bool file_sync(int dir, const char *path, struct error *err);

/* Make the directory and those above it; one that is there already is fine. */
NODISCARD bool file_make_dir(const char *path, mode_t mode, struct error *err);

/* A new file without a name in that folder, to write and read; `flags` are O_DIRECT or 0. It is
 * gone when its descriptor is, whatever ends us. -1: error. */
int file_scratch(const char *folder, int flags, struct error *err);

/* Write all of it, over short writes and signals. */
NODISCARD bool file_write_all(int fd, const void *bytes, size_t length, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does for a copy between an instance and a cloud store: rclone(1) copies, confined
 * (agent/cloud_jail.h), from one to the other. The instance's files it reaches by SFTP, through the
 * SSH front and so in the container alone, with a key that is good for that (agent/copies.h). What
 * it takes to get into the store it learns from its environment, which nobody but root can read: it
 * is in no file and in no list of arguments, and gone when rclone is. */

#ifndef BERTH_AGENT_CLOUD_WORK_H
#define BERTH_AGENT_CLOUD_WORK_H

#include "agent/copy_work.h"

enum { CLOUD_LINE_MAX = 64 * 1024, CLOUD_TEXT_SIZE = 400, CLOUD_FILES_SHOWN = 200 };

/* For job_start(), as copy_work_run() is; `context` is a struct copy_work. */
NODISCARD bool cloud_work_run(void *context, const struct job_report *report, struct buf *result,
                              struct error *err);

/* rclone on this host; NULL: there is none. */
const char *cloud_program(void);

/* What rclone says, line by line. */
struct cloud_said {
    int64_t bytes, total_bytes, files, total_files, speed, errors;
    bool has_stats;              /* of the above something is known */
    char error[CLOUD_TEXT_SIZE]; /* the last one; "" */
    struct buf files_skipped;    /* of --dry-run: what would be copied, a line each */
    int64_t skipped_count;
};

/* One line of rclone's log in JSON. */
void cloud_said_take(struct cloud_said *said, const char *line, size_t length);

/* "42 %, 1 of 2 files, 12.7 of 30.0 MB, 12.8 MB/s" */
void cloud_said_write(const struct cloud_said *said, char text[static CLOUD_TEXT_SIZE]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Telling an instance that others get its GPUs.
 *
 * Its main process gets SIGTERM, and /run/berth/preempt.json in the container says why, by when,
 * who wins and what would have kept it:
 *
 *     {"reason":"outbid","deadline":"2026-11-22T14:03:32Z","winner_class":"bid",
 *      "price_to_keep":0.232}
 *
 * The same is at http://169.254.169.254/berth/preempt.json from inside (agent/metadata.h). The file
 * is written by a process that has stepped into the container's own view of files, so that a link
 * which a guest lays there leads nowhere but into that container; it is gone at the next start. */

#ifndef BERTH_AGENT_PREEMPT_H
#define BERTH_AGENT_PREEMPT_H

#include <sys/types.h>

#include "agent/docker.h"
#include "base/buf.h"
#include "base/instant.h"
#include "proto/desired.h"

#define PREEMPT_DIR  "/run/berth"
#define PREEMPT_FILE "preempt.json"

enum { PREEMPT_TEXT_MAX = 1024 };

void preempt_encode(struct buf *out, const struct desired_notice *notice, struct instant deadline);

/* Write it into the running container; then signal its main process. A container without room
 * for the file is signalled all the same. */
NODISCARD bool preempt_tell(struct docker *docker, const char *container, const char *text,
                            struct error *err);

/* Take the file out of a container that does not run. One that is not there is fine, and so is
 * storage that does not show it. */
void preempt_clear(struct docker *docker, const char *container);

#endif

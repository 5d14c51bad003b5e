/* SPDX-License-Identifier: Apache-2.0 */
/* Where the engine has a container's files, by its name or id. */

#ifndef BERTH_AGENT_FILES_H
#define BERTH_AGENT_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/docker.h"
#include "base/error.h"

/* The full id; and whether the engine says that it runs. */
NODISCARD bool files_identify(struct docker *docker, const char *container,
                              char ret_id[static DOCKER_ID_SIZE], bool *ret_is_running,
                              struct error *err);

/* The folder of what the container has written, with overlay2; ERROR_UNAVAILABLE with others. */
NODISCARD bool files_upper_dir(struct docker *docker, const char *container, char *path,
                               size_t size, struct error *err);

/* Whether that folder is there: it may have been moved to a successor. */
NODISCARD bool files_are_in(struct docker *docker, const char *container, bool *ret,
                            struct error *err);

/* What the old one said is the successor's to show. Without it, only that is lost. */
void files_keep_log(struct docker *docker, const char *old, const char *next);

#endif

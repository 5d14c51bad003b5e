/* SPDX-License-Identifier: Apache-2.0 */
/* --schedule: a request about an instance that the market sends again and again in its owner's
 * name. The options are rows of schedule_options.def. */

#ifndef BERTH_CLI_SCHEDULE_OPTIONS_H
#define BERTH_CLI_SCHEDULE_OPTIONS_H

#include "cli/command.h"

/* `path` is the request's, a PUT, and `body` its JSON object. Where the instance has such a job, it
 * becomes this one. Prints what came of it. */
NODISCARD bool schedule_add(struct cli *cli, long long instance_id, const char *path,
                            const struct buf *body, struct error *err);

#endif

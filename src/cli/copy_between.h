/* SPDX-License-Identifier: Apache-2.0 */
/* A copy from one instance to another, which their hosts make: asked for, and followed to its end.
 */

#ifndef BERTH_CLI_COPY_BETWEEN_H
#define BERTH_CLI_COPY_BETWEEN_H

#include "cli/command.h"

struct copy_side {
    long long id;
    const char *path;
};

/* False: it was refused, or it failed; `err` has the host's words. */
NODISCARD bool copy_between_hosts(struct cli *cli, const struct copy_side *from,
                                  const struct copy_side *to, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The command table as scripts that complete it in a shell: commands, options, and the ids of what
 * one has, for which the script asks the market through `berth` itself.
 *
 * All scripts have one shape, and a shell is a row of how that is spelled. Where nothing is known
 * of a word it may be the name of a file. */

#ifndef BERTH_CLI_COMPLETION_H
#define BERTH_CLI_COMPLETION_H

#include "base/buf.h"
#include "cli/command.h"

/* False: no shell is called that, and nothing is written. */
bool completion_write(const char *shell, struct buf *out);

bool cmd_completion(struct cli *cli, struct error *err);

#endif

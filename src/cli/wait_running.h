/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until an instance runs, with a line on standard error of what goes on meanwhile. */

#ifndef BERTH_CLI_WAIT_RUNNING_H
#define BERTH_CLI_WAIT_RUNNING_H

#include <stdint.h>

#include "cli/command.h"

/* Until it runs and has an address. ERROR_CONFLICT: nobody wants it to run; ERROR_TIMEOUT: it does
 * not yet. The caller owns `*ret_instance`. */
NODISCARD bool instance_wait_running(struct cli *cli, long long id, int64_t timeout_us,
                                     json_t **ret_instance, struct error *err);

#endif

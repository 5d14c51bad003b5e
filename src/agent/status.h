/* SPDX-License-Identifier: Apache-2.0 */
/* berth-host status: who this host is and what it keeps, read from its folder alone. */

#ifndef BERTH_AGENT_STATUS_H
#define BERTH_AGENT_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

NODISCARD bool status_print(FILE *out, const char *data_dir, struct error *err);

#endif

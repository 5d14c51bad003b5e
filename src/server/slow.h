/* SPDX-License-Identifier: Apache-2.0 */
/* From how long on requests, batches of timers and statements are logged as slow: the operator's to
 * say. */

#ifndef BERTH_SERVER_SLOW_H
#define BERTH_SERVER_SLOW_H

#include <stdint.h>

#include "base/error.h"
#include "server/options.h"

struct slow {
    int64_t request_us, job_us, query_us; /* 0: none is */
};

NODISCARD bool slow_read(const struct options *options, struct slow *ret, struct error *err);

#endif

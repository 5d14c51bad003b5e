/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own job for GPUs that nobody rents: its price is the floor of bids, and it makes way
 * for any renter. A dummy, an image of a distribution with nothing but a shell to run, is such a
 * floor alone: it would end at once, so it is never started. */

#ifndef BERTH_MARKET_IDLE_JOB_H
#define BERTH_MARKET_IDLE_JOB_H

#include <stdbool.h>
#include <stdint.h>

enum { IDLE_JOB_DISK_GB = 10 };

/* `args`: the command, without which the image's own is run. */
bool idle_job_is_dummy(const char *image, const char *const *args, int64_t arg_count);

#endif

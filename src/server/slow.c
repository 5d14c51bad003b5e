/* SPDX-License-Identifier: Apache-2.0 */
#include "server/slow.h"

#include "base/instant.h"
#include "base/parse.h"

enum { REQUEST_MS = 1000, JOB_MS = 1000, QUERY_MS = 250, SLOW_MS_MAX = 3600000 };

static bool read_ms(const struct options *options, const char *name, int64_t default_ms,
                    int64_t *ret_us, struct error *err)
{
    const char *text = options_get(options, name);
    uint64_t ms = (uint64_t)default_ms;

    if (text != NULL && (!parse_u64(text, &ms) || ms > SLOW_MS_MAX))
        return error_set(err, ERROR_INVALID, "--%s is a number of milliseconds up to %d", name,
                         SLOW_MS_MAX);
    *ret_us = (int64_t)ms * US_PER_MS;
    return true;
}

bool slow_read(const struct options *options, struct slow *ret, struct error *err)
{
    return read_ms(options, "slow-request-ms", REQUEST_MS, &ret->request_us, err) &&
           read_ms(options, "slow-job-ms", JOB_MS, &ret->job_us, err) &&
           read_ms(options, "slow-query-ms", QUERY_MS, &ret->query_us, err);
}

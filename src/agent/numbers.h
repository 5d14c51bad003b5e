/* SPDX-License-Identifier: Apache-2.0 */
/* What a host says of itself to Prometheus: a heartbeat's content as numbers, and how its line to
 * the server stands. Labels are ids and uuids, so there are as many lines as instances and GPUs;
 * nothing in it is a renter's: no names, commands or images. */

#ifndef BERTH_AGENT_NUMBERS_H
#define BERTH_AGENT_NUMBERS_H

#include "agent/agent.h"
#include "agent/gpu_nvml.h"
#include "base/buf.h"
#include "proto/heartbeat.h"

struct numbers {
    const char *version;
    int64_t up_us;       /* since the agent started */
    int64_t contact_us;  /* since the server has answered last */
    int64_t key_age_us;  /* how old the machine's key is */
    bool is_connected;   /* a session is open */
    int64_t desired_rev; /* of what it works on */
    int64_t resident_bytes;
    const struct update_numbers *updates; /* NULL: it stays what it is */
    const struct heartbeat *heartbeat;
    const struct gpu_gauge *gpus;
    size_t gpu_count;
};

void numbers_write(const struct numbers *numbers, struct buf *out);

/* Serve them where the agent's options say. Where that cannot be, it is logged: a host without
 * numbers is a host. */
void numbers_open(struct agent *agent);

#endif

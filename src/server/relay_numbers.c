/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_numbers.h"

#include <string.h>

#include "sys/resident.h"

void relay_numbers_list(const struct relay *from, struct metrics_gauge ret[static RELAY_GAUGES])
{
    struct relay_counts relay = from != NULL ? relay_counts(from) : (struct relay_counts){ 0 };
    const struct metrics_gauge gauges[RELAY_GAUGES] = {
        { "berth_relay_agents", "gauge", "Hosts that have dialled the relay in this process.",
          relay.agents, 0 },
        { "berth_relay_calls", "gauge", "Connections to instances through it.", relay.calls, 0 },
        { "berth_relay_waiting", "gauge", "Of those, the ones whose host has not answered yet.",
          relay.waiting, 0 },
        { "berth_relay_served_total", "counter", "Connections that went through and have ended.",
          (int64_t)relay.served, 0 },
        { "berth_relay_refused_total", "counter",
          "Connections turned away: no host, no answer, or too many.", (int64_t)relay.refused, 0 },
        { "berth_relay_up_bytes_total", "counter", "Carried from instances.",
          (int64_t)relay.bytes_up, 0 },
        { "berth_relay_down_bytes_total", "counter", "Carried to instances.",
          (int64_t)relay.bytes_down, 0 },
    };

    memcpy(ret, gauges, sizeof gauges);
}

void relay_numbers_write(void *relay, struct buf *out)
{
    struct metrics_gauge gauges[RELAY_GAUGES + 1] = {
        { "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes(), 0 },
    };

    relay_numbers_list(relay, gauges + 1);
    metrics_write_gauges(gauges, RELAY_GAUGES + 1, out);
}

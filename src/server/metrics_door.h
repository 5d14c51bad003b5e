/* SPDX-License-Identifier: Apache-2.0 */
/* An address that serves one page for Prometheus at /metrics and nothing else, to whoever can reach
 * it: a server's (server/metrics_page.h), or that of a relay by itself (server/relay_numbers.h). */

#ifndef BERTH_SERVER_METRICS_DOOR_H
#define BERTH_SERVER_METRICS_DOOR_H

#include "base/buf.h"
#include "server/http.h"

#define METRICS_TYPE "text/plain; version=0.0.4"

/* Lives until the door is closed. */
struct metrics_door {
    void (*write)(void *context, struct buf *out); /* by one thread of the door's own */
    void *context;
    struct http *http; /* NULL: closed */
};

/* At `listen`, ADDR:PORT. */
NODISCARD bool metrics_door_open(struct metrics_door *door, const char *listen,
                                 const struct log *log, struct error *err);

/* Nothing where it is closed. No page is being written when it returns. */
void metrics_door_close(struct metrics_door *door);

#endif

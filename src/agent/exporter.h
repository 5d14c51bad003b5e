/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of this host, for Prometheus: GET /metrics at an address of the host's own, by
 * default of its loopback. Nobody is asked who they are, so it says nothing that is anybody's
 * secret (agent/numbers.h), and it takes no more than it has to: few calls at once, a request up to
 * a limit, a few seconds each. */

#ifndef BERTH_AGENT_EXPORTER_H
#define BERTH_AGENT_EXPORTER_H

#include <stdbool.h>

#include "agent/loop.h"
#include "base/buf.h"
#include "base/error.h"
#include "sys/log.h"

#define EXPORTER_DEFAULT "127.0.0.1:9101"

enum {
    EXPORTER_CALLS_MAX = 4, /* at once; one more is closed unheard */
    EXPORTER_CALL_MS = 5000,
    EXPORTER_REQUEST_MAX = 4096,
    EXPORTER_PAGE_MAX = 8 << 20,
};

struct exporter;

/* Writes the page. */
typedef void exporter_write(void *context, struct buf *out);

struct exporter_options {
    const char *listen; /* "ADDRESS:PORT"; port 0: any */
    exporter_write *write;
    void *context;
};

NODISCARD bool exporter_open(struct loop *loop, const struct exporter_options *options,
                             struct exporter **ret_exporter, struct error *err);
void exporter_close(struct exporter **exporter);

/* Where it listens: "127.0.0.1:9101". */
const char *exporter_address(const struct exporter *exporter);

#endif

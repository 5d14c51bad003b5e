/* SPDX-License-Identifier: Apache-2.0 */
/* Reads how much a rental's network interface has carried. */

#ifndef BERTH_AGENT_NETCOUNT_H
#define BERTH_AGENT_NETCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

/* Totals since the interface came up, as its own end sees them. For a container,
 * read the host's end of its veth pair and mind that it is a mirror: what the
 * container sends, the host's end receives. */
struct netcount {
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

/* Read the counters of `interface` below `net_dir`, a descriptor of
 * /sys/class/net or, in a test, of a directory that looks like it. The caller
 * keeps `net_dir`.
 *
 * ERROR_INVALID: that cannot be an interface's name. ERROR_NOT_FOUND: there is none
 * of that name. ERROR_IO, ERROR_CORRUPT: the counters could not be read. */
NODISCARD bool netcount_read(int net_dir, const char *interface, struct netcount *ret_count,
                             struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads how much a rental's network interface has carried.
 *
 * From the kernel's table of interfaces, /proc/self/net/dev, which is that of the namespace we are
 * in; what is mounted at /sys may belong to another one. */

#ifndef BERTH_AGENT_NETCOUNT_H
#define BERTH_AGENT_NETCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"

enum { NETCOUNT_TABLE_MAX = 4 << 20 };

/* Totals since the interface came up, as its own end sees them. For a container,
 * read the host's end of its network and mind that it is a mirror: what the
 * container sends, the host's end receives. */
struct netcount {
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

/* Append the table as it is now. */
NODISCARD bool netcount_table(struct buf *table, struct error *err);

/* The counters of `interface` in such a table.
 *
 * ERROR_INVALID: that cannot be an interface's name. ERROR_NOT_FOUND: there is none
 * of that name. ERROR_CORRUPT: its line is not understood. */
NODISCARD bool netcount_find(const char *table, const char *interface, struct netcount *ret_count,
                             struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that the kernel gives to this machine's own connections: a relay that listens there finds
 * them taken, now and then (ip(7): ip_local_port_range, ip_local_reserved_ports). */

#ifndef BERTH_SERVER_LOCAL_PORTS_H
#define BERTH_SERVER_LOCAL_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether it gives away one of first..last. `range`: "32768\t60999", and what the kernel begins
 * with where it is NULL or no range; `reserved`: "8080,21000-21099", or NULL. */
bool local_ports_overlap(const char *range, const char *reserved, int64_t first, int64_t last);

/* The same, as this machine is set; where a service may not read that, as the kernel begins. */
bool local_ports_take(int64_t first, int64_t last);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Names as the container sees them: its own /etc/hosts and resolver. */

#ifndef BERTH_GUEST_RESOLVE_H
#define BERTH_GUEST_RESOLVE_H

/* Print the addresses of `name`, one a line, at most 16. Returns the exit status. */
int resolve_main(const char *name);

#endif

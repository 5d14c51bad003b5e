/* SPDX-License-Identifier: Apache-2.0 */
/* What a program says to the service manager that started it: sd_notify(3), without its library. */

#ifndef BERTH_SYS_SERVICE_H
#define BERTH_SYS_SERVICE_H

/* "READY=1", "STOPPING=1". Nobody listens unless NOTIFY_SOCKET names a socket: then nothing
 * happens, and nothing does when it cannot be reached. */
void service_say(const char *state);

#endif

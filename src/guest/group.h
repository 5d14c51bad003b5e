/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of one terminal session (setsid), found in /proc. */

#ifndef BERTH_GUEST_GROUP_H
#define BERTH_GUEST_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

/* Send `number` to every process of the session that `leader` began. SIGKILL spares those that
 * ignore SIGHUP: whoever said nohup meant it. */
void group_signal(pid_t leader, int number);

/* The session's number in the text of /proc/PID/stat, or -1. */
pid_t group_session(const char *stat);

/* Whether the text of /proc/PID/status says that SIGHUP is ignored. */
bool group_ignores_hangup(const char *status);

#endif

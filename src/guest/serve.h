/* SPDX-License-Identifier: Apache-2.0 */
/* The helper that stays: starts processes for SSH sessions, inside the container and therefore
 * under its limits, and hands their terminals and pipes out to the host.
 *
 *     berth-guest serve NAME        one a container, started by the broker as an exec
 *       +- conductor                one a connection: guest/wire.h over its socket
 *            +- shell, command, sftp, ...
 *
 * NAME is a socket in the abstract namespace, which belongs to the container's network. Whoever
 * connects gets a root shell, so only those are let in who are outside the container: they have no
 * process id that we could see. When a connection ends, so do its processes: they get SIGHUP, and
 * those that do not ignore it SIGKILL a little later. What a user detached (setsid, nohup) is left
 * alone. */

#ifndef BERTH_GUEST_SERVE_H
#define BERTH_GUEST_SERVE_H

/* Returns the exit status. */
int serve_main(const char *name);

/* Serve one connection until it ends. */
void serve_connection(int connection);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Channels that lead to a port as the container sees it (ssh -L, -D), and ports in the container
 * that lead to channels (ssh -R). */

#ifndef BERTH_AGENT_ACCESS_FORWARD_H
#define BERTH_AGENT_ACCESS_FORWARD_H

#include "agent/access_session.h"

/* The client wants a connection; takes the message over. */
void forward_open(struct session *session, ssh_message message);

/* There is a helper, and with it a network: go on. */
void forward_start(struct session *session, struct channel *channel);

/* The broker has a socket for it, which is taken over; or none. */
void forward_granted(struct session *session, struct channel *channel, int fd);
void forward_refused(struct session *session, struct channel *channel);

/* Its socket is connected, or is not going to be. */
void forward_connected(struct session *session, struct channel *channel);

/* Go on opening a channel that we asked the client for. */
void forward_reverse(struct session *session, struct channel *channel);

/* The name that it leads to is being looked up in the container: there are addresses, or there
 * is nothing more to come. */
void resolve_read(struct session *session, struct channel *channel);
void resolve_done(struct session *session, struct channel *channel);

/* The client wants a port, or no longer; takes the message over. */
void listener_request(struct session *session, ssh_message message);
void listener_start(struct session *session, size_t index);

/* The broker has it, and takes nothing back; or has not. */
void listener_granted(struct session *session, size_t index, uint16_t port, int fd);
void listener_refused(struct session *session, size_t index);

/* Somebody connects to it. */
void listener_accept(struct session *session, size_t index);

#endif

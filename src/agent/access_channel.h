/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: a client's on one side, the streams of a process or of a connection on the other.
 *
 * What the client sends stays in libssh, and closes the client's window, until it is taken; then
 * all of it is. What a process writes stays in its pipe until the client's window has room. So a
 * channel holds no more than a window's worth of its own one way and SESSION_CHUNK the other, and
 * one that stands still does not hold up others. */

#ifndef BERTH_AGENT_ACCESS_CHANNEL_H
#define BERTH_AGENT_ACCESS_CHANNEL_H

#include "agent/access_session.h"

/* A free one, or NULL. */
struct channel *channel_take(struct session *session, enum channel_kind kind);
size_t channel_index(const struct session *session, const struct channel *channel);

/* Close all it has, answer what it was asked, and free it. */
void channel_drop(struct session *session, struct channel *channel);

/* The client's side is there. */
void channel_attach(struct channel *channel, ssh_channel ssh);

/* The other side is there: it owns the descriptors, and is open. */
void channel_set_streams(struct channel *channel, int in, int out, int err);

/* Move what can be moved, and end what has ended: the channel may be free afterwards. */
void channel_pump(struct session *session, struct channel *channel);

/* The loop has news of a stream. */
void channel_ready(struct session *session, struct channel *channel, int stream);

#endif

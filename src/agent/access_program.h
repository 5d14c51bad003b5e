/* SPDX-License-Identifier: Apache-2.0 */
/* Channels that run something: a shell, a command, SFTP. */

#ifndef BERTH_AGENT_ACCESS_PROGRAM_H
#define BERTH_AGENT_ACCESS_PROGRAM_H

#include "agent/access_session.h"

/* The client wants such a channel; it asks for something on it. */
void program_open(struct session *session, ssh_message message);
void program_request(struct session *session, ssh_message message);

/* Whether it moves files, and nothing else: rsync, scp or sftp. */
bool program_is_copy(const struct session *session, const struct channel *channel);

/* There is a helper: have it run. Where the helper has no room the channel goes on waiting. */
void program_start(struct session *session, struct channel *channel);

/* It runs, for somebody whose key is good for that alone: say who we are, in front of all else. */
void program_greet(struct session *session, struct channel *channel);

/* It does not run, or no longer, because of `why`. */
void program_refused(struct channel *channel, const char *why);

/* The last words: how it ended. */
void program_end(struct channel *channel);

/* Say something about it to the helper, if there is anything to say it about. */
void program_tell(struct session *session, const struct channel *channel, enum wire_type type,
                  uint32_t number);

/* libssh: the client sends a signal. */
void program_signalled(ssh_session ssh, ssh_channel ssh_channel, const char *name, void *context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in: root, with a key that the broker knows. */

#ifndef BERTH_AGENT_ACCESS_LOGIN_H
#define BERTH_AGENT_ACCESS_LOGIN_H

#include "agent/access_session.h"

/* A request for a service, or an attempt to log in. */
void login_handle(struct session *session, ssh_message message);

#endif

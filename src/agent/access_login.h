/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in: root, or a client that copies files, with a key that the broker knows. */

#ifndef BERTH_AGENT_ACCESS_LOGIN_H
#define BERTH_AGENT_ACCESS_LOGIN_H

#include "agent/access_session.h"

#define LOGIN_COPY_USER "vastai_kaalia" /* as the vendor's clients call it (api.md 2.9) */

/* A request for a service, or an attempt to log in. */
void login_handle(struct session *session, ssh_message message);

#endif

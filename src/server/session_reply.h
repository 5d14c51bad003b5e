/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of logging in, as browsers and programs get it. */

#ifndef BERTH_SERVER_SESSION_REPLY_H
#define BERTH_SERVER_SESSION_REPLY_H

#include "flow/login.h"
#include "server/routes.h"

/* Set the cookie; NULL: take it away. Secure, and for this host alone, where people come by HTTPS.
 */
void session_set_cookie(struct call *call, const char *session);

/* False, and the call is answered: another site's page asks for a cookie. */
bool session_check_page(struct call *call, bool wants_cookie);

/* Answer with a session, or with what half of one is for. */
void session_reply(struct call *call, const struct login_reply *login, bool wants_cookie);

#endif

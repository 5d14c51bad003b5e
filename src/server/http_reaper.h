/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that looks after sockets the HTTP library does not look at: those of clients that are
 * too slow, those of clients that wait for an answer, and those that were refused.
 *
 * Too slow: a connection past its deadline is told 408 where it may still be told anything, and
 * shut down. Waiting: the library does not poll the socket of a suspended connection, so a client
 * that hangs up is noticed here, and what was held for it is let go at once. Refused: a socket that
 * is closed while bytes lie unread in it resets the connection, and the client may never see why it
 * was refused; so such a socket is read empty for a moment first. */

#ifndef BERTH_SERVER_HTTP_REAPER_H
#define BERTH_SERVER_HTTP_REAPER_H

#include "server/http_inside.h"

NODISCARD bool reaper_start(struct http *http, struct error *err);

/* Its thread ends, and sockets that linger are closed. What the library closes after that does not
 * linger; when it has closed everything, reaper_free(). */
void reaper_stop(struct http *http);
void reaper_free(struct http *http);

/* Notice when this connection's client hangs up, from now until it has. Under the lock of the
 * exchange or stream that is suspended, which keeps the connection open. */
void reaper_watch(const struct http_connection *connection);

/* The library closes a connection that it has not answered: say so to a client that is still there
 * and has sent something. */
void reaper_last_word(struct http_connection *connection);

/* Keep the socket that the library is about to close for as long as the client needs to read. Under
 * the server's lock. */
void reaper_linger(const struct http_connection *connection);

/* Tell the client that it is refused, past the library, which has sent nothing yet. Only for who
 * has taken the connection to PHASE_CUT. */
void reaper_say(struct http_connection *connection, int status, const char *code, const char *text);

#endif

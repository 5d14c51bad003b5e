/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in with email and password, and the sessions that come of it.
 *
 * A session is a token of 256 random bits, of which the database has the hash. It ends by itself
 * after LOGIN_LIFETIME_SECONDS, or when it was not used for LOGIN_IDLE_SECONDS, and when it is
 * revoked. Where the account has a second factor, the password alone gives half a session: a token
 * that is good for nothing but showing that factor (flow/tfa.h). Sensitive acts want the factor to
 * have been shown within LOGIN_STEP_SECONDS.
 *
 * Whether an email has an account shows neither in the answer nor in how long it takes. */

#ifndef BERTH_FLOW_LOGIN_H
#define BERTH_FLOW_LOGIN_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/login_session.h"

enum {
    LOGIN_LIFETIME_SECONDS = 30 * 24 * 3600,
    LOGIN_IDLE_SECONDS = 24 * 3600,
    LOGIN_HALF_SECONDS = 600,
    LOGIN_STEP_SECONDS = 1800,
    LOGIN_TOUCH_SECONDS = 300, /* how exactly is known when a session was last used */
    LOGIN_SESSIONS_MAX = 32,   /* of an account; one more ends the oldest */
    LOGIN_AGENT_MAX = 200,     /* bytes that are kept of what a client calls itself */
};

/* Where somebody comes from. */
struct login_client {
    const char *address, *agent;
};

enum login_outcome {
    LOGIN_DONE,
    LOGIN_NEEDS_FACTOR, /* the token is half a session */
    LOGIN_FAILED,       /* no such account, or not its password */
    LOGIN_UNVERIFIED,   /* right, but mail never arrived at the email: another code is sent */
    LOGIN_THROTTLED,
    LOGIN_BUSY, /* too many passwords are being checked */
};

struct login_reply {
    enum login_outcome outcome;
    int64_t user_id, session_id, wait_us;
    struct instant expires;
    char token[TOKEN_TEXT_SIZE];
};

NODISCARD bool flow_login(const struct flow *flow, const char *email, const char *password,
                          const struct login_client *client, struct login_reply *ret,
                          struct error *err);

/* Within a transaction: a session for the user, or half of one. Fills all of `ret` but its outcome.
 */
struct login_opening {
    int64_t user_id;
    enum login_kind kind;
    bool is_stepped;
    struct instant now;
    const struct login_client *client;
};
NODISCARD bool login_open(struct db *db, const struct login_opening *opening,
                          struct login_reply *ret, struct error *err);

/* Who has the session with that hash. */
NODISCARD bool login_caller(struct db *db, const struct hash *token, struct instant now,
                            struct caller *ret, bool *ret_is_known, struct error *err);

/* Write down that it is in use, if that was long ago; without waiting for it. */
void login_touch(const struct flow *flow, const struct caller *caller, struct instant now);

/* The caller's own, newest first. */
NODISCARD bool flow_login_list(const struct flow *flow, const struct caller *caller,
                               struct arena *arena, struct login_session_row **ret,
                               size_t *ret_count, struct error *err);

/* End one of the caller's; or with id 0 all but the one that calls. `*ret_count`: how many ended.
 */
NODISCARD bool flow_logout(const struct flow *flow, const struct caller *caller, int64_t id,
                           int64_t *ret_count, struct error *err);

/* Drop what has run out: sessions, codes, and counts of guesses. */
NODISCARD bool flow_login_forget(const struct flow *flow, struct error *err);

#endif

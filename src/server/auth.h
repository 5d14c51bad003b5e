/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling, and may they: decided here from the route's row, never in a handler.
 *
 * A key is looked for in three places, the first that has one counts (api.md 1.2): the header
 * `Authorization: Bearer`, the query's api_key, the JSON body's api_key. It is hashed at once;
 * the text is neither kept nor logged. */

#ifndef BERTH_SERVER_AUTH_H
#define BERTH_SERVER_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "flow/account.h"
#include "flow/caller.h"
#include "server/http.h"
#include "sys/crypto.h"

/* How the outer world proves itself. `find_key` fills the caller of a key: false with
 * ERROR_NOT_FOUND if there is no such key, else with what went wrong. It runs on whichever
 * thread the route's handler runs on. `check_agent` verifies an agent's signed request, body
 * included, and takes its sequence number: ERROR_UNAUTHORIZED, ERROR_CONFLICT for an old epoch. */
struct call; /* server/routes.h */

struct authority {
    void *context;
    bool (*find_key)(void *context, const struct hash *key, struct caller *ret, struct error *err);
    /* The permission objects that narrow categories, as JSON, in the arena: all must allow. */
    bool (*find_rights)(void *context, const struct caller *caller, struct arena *arena,
                        struct key_rights *ret, struct error *err);
    /* A wrong key came from there. `*ret_wait_us` above 0: too many have, come back then. Blocks.
     */
    bool (*count_wrong)(void *context, const char *address, int64_t *ret_wait_us,
                        struct error *err);
    /* What is about to change something is written down; NULL: nowhere. Does not wait. */
    void (*write_down)(void *context, const struct call *call);
    bool (*check_agent)(void *context, const struct http_request *request, struct caller *ret,
                        struct error *err);
    /* Who is logged in acts for a team. ERROR_NOT_FOUND: they are no member of it. */
    bool (*act_for_team)(void *context, int64_t team_id, struct caller *caller, struct error *err);
};

/* The key that the request carries, or NULL. `body` may be NULL. Borrowed from the request. */
const char *auth_key(const struct http_request *request, const json_t *body);

/* The session in the request's cookie, or NULL: browsers alone send one. */
#define AUTH_COOKIE        "berth_session"
#define AUTH_COOKIE_SECURE "__Host-berth"
const char *auth_cookie(const struct http_request *request);

/* The value of a cookie in such a header, in the arena; NULL: it is not there, or is no token. */
const char *auth_cookie_value(const char *header, const char *name, struct arena *arena);

/* What a page must send along in Berth-Csrf, with whatever changes something, to prove that it
 * could read it: other sites' pages cannot. */
enum { AUTH_CSRF_SIZE = 33 };
char *auth_csrf(const char *session, char text[static AUTH_CSRF_SIZE]);

/* Whether the page that sends this is of this server: the browser says where it comes from. Who is
 * no browser says nothing. `public_url` may be NULL. */
bool auth_is_own_page(const struct http_request *request, const char *public_url);

enum auth_outcome {
    AUTH_OK,
    AUTH_NARROWED,  /* a good key that may do some of this: its rights decide (rights.h) */
    AUTH_MISSING,   /* 401: no key on a route that needs one */
    AUTH_FORBIDDEN, /* 403: a good key that may not do this */
};

/* Whether `caller` (zero: without a key) may call a route for `callers` that needs `scope`. */
enum auth_outcome auth_decide(const struct caller *caller, uint32_t callers, enum scope scope);

/* "instance_read", ...; NULL for none. */
const char *scope_name(enum scope scope);

#endif

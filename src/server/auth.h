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
#include "server/http.h"
#include "sys/crypto.h"

/* Permission categories of a key (api.md 2.11), as bits. */
enum scope {
    SCOPE_NONE = 0, /* the route asks for none */
    SCOPE_INSTANCE_READ = 1 << 0,
    SCOPE_INSTANCE_WRITE = 1 << 1,
    SCOPE_USER_READ = 1 << 2,
    SCOPE_USER_WRITE = 1 << 3,
    SCOPE_BILLING_READ = 1 << 4,
    SCOPE_BILLING_WRITE = 1 << 5,
    SCOPE_MACHINE_READ = 1 << 6,
    SCOPE_MACHINE_WRITE = 1 << 7,
    SCOPE_MISC = 1 << 8,
    SCOPE_TEAM_READ = 1 << 9,
    SCOPE_TEAM_WRITE = 1 << 10,
    SCOPE_ALL = (1 << 11) - 1,
};

/* Who may call a route, as bits. */
enum caller_kind {
    CALLER_ANYONE = 1 << 0,   /* no key needed; one that is given must be good */
    CALLER_USER = 1 << 1,     /* renters and hosts: everybody with an account */
    CALLER_INSTANCE = 1 << 2, /* an instance's own key, for its own instance only */
    CALLER_ADMIN = 1 << 3,
    CALLER_AGENT = 1 << 4, /* a machine, by its signature */
};

/* The proven caller. All zero: nobody in particular. */
struct caller {
    enum caller_kind kind; /* one bit */
    int64_t user_id;       /* 0 for nobody and for agents */
    int64_t key_id;
    uint32_t scopes;     /* of the key: a set of enum scope */
    bool is_admin;       /* an operator: may call what users may, too */
    int64_t instance_id; /* of an instance key; else 0 */
    int64_t machine_id;  /* of an agent; else 0 */
    int64_t session_epoch;
};

/* How the outer world proves itself. `find_key` fills the caller of a key: false with
 * ERROR_NOT_FOUND if there is no such key, else with what went wrong. It runs on whichever
 * thread the route's handler runs on. `check_agent` verifies an agent's signed request, body
 * included, and takes its sequence number: ERROR_UNAUTHORIZED, ERROR_CONFLICT for an old epoch. */
struct authority {
    void *context;
    bool (*find_key)(void *context, const struct hash *key, struct caller *ret, struct error *err);
    bool (*check_agent)(void *context, const struct http_request *request, struct caller *ret,
                        struct error *err);
};

/* The key that the request carries, or NULL. `body` may be NULL. Borrowed from the request. */
const char *auth_key(const struct http_request *request, const json_t *body);

enum auth_outcome {
    AUTH_OK,
    AUTH_MISSING,   /* 401: no key on a route that needs one */
    AUTH_UNKNOWN,   /* 401: a key that nobody has */
    AUTH_FORBIDDEN, /* 403: a good key that may not do this */
};

/* Whether `caller` (zero: without a key) may call a route for `callers` that needs `scope`. */
enum auth_outcome auth_decide(const struct caller *caller, uint32_t callers, enum scope scope);

/* "instance_read", ...; NULL for none. */
const char *scope_name(enum scope scope);

#endif

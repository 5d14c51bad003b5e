/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its handler: one table, made by tools/api_gen.py from the files in api/.
 *
 * A row says method, path, who may call, with which permission, how often, whether it may
 * block, and which function answers. Matching, 404, 405, rate limits, authorisation and the
 * parsing of the body are done here, in this order, before the handler is called; so a handler
 * starts with a caller who may call it and a body that is a JSON object or absent, and decides
 * only what depends on the object: whose it is. What belongs to someone else is answered like
 * what does not exist. */

#ifndef BERTH_SERVER_ROUTES_H
#define BERTH_SERVER_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "server/auth.h"
#include "server/http.h"
#include "server/ratelimit.h"
#include "server/recovery_watch.h"
#include "sys/clock.h"

enum {
    ROUTE_PARAMS_MAX = 3,
    ROUTE_SEGMENTS_MAX = 8,
};

struct app; /* what handlers work with: server/app.h */
struct call;

/* Must end the call: one of the reply_...() of reply.h, http_hold(), or http_stream(). */
typedef void route_handler(struct call *call);

enum route_param {
    PARAM_ID,   /* an integer above 0 */
    PARAM_USER, /* a user's id, or "me" */
    PARAM_TEXT, /* one segment, as it is */
};

/* Where it runs: on the thread that parses, or on a worker. */
enum route_blocking {
    BLOCKS_NEVER,
    BLOCKS_REMOTE, /* reads a row or two: a worker only where the database is another process */
    BLOCKS,
};

struct route {
    enum http_method method;
    const char *name;    /* "api.instances.show": for keys' permissions, logs and metrics */
    const char *pattern; /* "/api/v0/instances/{id}" */
    size_t param_count;
    enum route_param params[ROUTE_PARAMS_MAX];
    uint32_t callers; /* a set of enum caller_kind */
    enum scope scope;
    enum rate_class rate;
    enum route_blocking blocks;
    bool needs_step; /* an account with a second factor must have shown it lately */
    route_handler *handler;
};

/* The generated table. */
extern const struct route route_table[];
extern const size_t route_count;

/* The OpenAPI document, made from the same files. */
extern const char openapi_text[];
extern const size_t openapi_length;

/* One parameter of the path: `id` for PARAM_ID and PARAM_USER ("me" is the caller's own, and
 * nobody's is 0), `text` for all. */
struct route_value {
    int64_t id;
    const char *text;
};

/* One request on its way through a handler. Lives on the stack of whoever runs the handler. */
struct call {
    struct app *app;
    const struct log *log;
    const struct route *route;
    struct http_exchange *exchange;
    const struct http_request *request; /* its arena is the handler's to use */
    struct caller caller;
    const char *cookie; /* the session, where a browser's cookie proved the caller; else NULL */
    struct route_value params[ROUTE_PARAMS_MAX];
    const json_t *body; /* an object, or NULL where the request has no body */
};

struct routes; /* a table with what it needs to judge requests */

struct routes_options {
    struct app *app;
    struct authority authority;
    const struct clock *clock;
    const struct log *log;
    struct rate_limits limits;
    const char *public_url;          /* or NULL */
    struct recovery_watch *recovery; /* while one is open nobody changes anything; NULL: none is */
    bool has_local_store;            /* the database is in this process: see BLOCKS_REMOTE */
    const struct route *table;       /* route_table outside of tests */
    size_t count;
    route_handler *fallback; /* GET of a path outside /api/ and /agent/: the console; or NULL */
};

/* Everything in the options is borrowed for as long as the routes live. */
struct routes *routes_open(const struct routes_options *options);
void routes_close(struct routes **routes);

/* An http_handler; its context is the struct routes. Exchanges are tagged with the number of
 * their row (http_set_tag()), those without one stay untagged. */
void routes_handle(void *routes, struct http_exchange *exchange);

/* Whether the caller has that scope whole, and what it takes a second factor for: for a member that
 * asks for more than its route. Else the call is answered. */
NODISCARD bool routes_may_also(struct call *call, enum scope scope);

#endif

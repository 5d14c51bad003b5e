/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "flow/login.h"
#include "server/not_offered.h"
#include "server/reply.h"
#include "server/rights.h"

struct segment {
    const char *text; /* without its slash; a parameter begins with "{" */
    size_t length;
};

struct path {
    size_t count;
    struct segment segments[ROUTE_SEGMENTS_MAX];
};

struct routes {
    struct routes_options options;
    struct ratelimit *ratelimit;
    /* The table's rows by how many segments they have, in the table's order: those with `n` of them
     * are rows[first[n]] up to rows[first[n + 1]]. */
    size_t first[ROUTE_SEGMENTS_MAX + 2];
    size_t *rows;           /* owned */
    struct path patterns[]; /* of the table's rows */
};

/* A request whose row is known. Lives in the request's arena until its handler has run. */
struct visit {
    struct routes *routes;
    const struct route *route;
    struct route_value params[ROUTE_PARAMS_MAX];
};

/* False: it has more segments than any route. */
static bool split_path(const char *text, struct path *ret_path)
{
    ret_path->count = 0;
    while (*text == '/') {
        size_t length = strcspn(++text, "/");

        if (ret_path->count == ROUTE_SEGMENTS_MAX)
            return false;
        ret_path->segments[ret_path->count++] = (struct segment){ text, length };
        text += length;
    }
    return true;
}

static void sort_rows(struct routes *routes)
{
    size_t count = 0;

    routes->rows = calloc(routes->options.count + 1, sizeof routes->rows[0]);
    if (routes->rows == NULL)
        abort();
    for (size_t segments = 0; segments <= ROUTE_SEGMENTS_MAX; segments++) {
        routes->first[segments] = count;
        for (size_t i = 0; i < routes->options.count; i++) {
            if (routes->patterns[i].count == segments)
                routes->rows[count++] = i;
        }
    }
    routes->first[ROUTE_SEGMENTS_MAX + 1] = count;
}

struct routes *routes_open(const struct routes_options *options)
{
    struct routes *routes = calloc(1, sizeof *routes + options->count * sizeof routes->patterns[0]);

    if (routes == NULL)
        abort();
    routes->options = *options;
    routes->ratelimit = ratelimit_open(&options->limits);
    for (size_t i = 0; i < options->count; i++) {
        bool is_short = split_path(options->table[i].pattern, &routes->patterns[i]);

        assert(is_short);
    }
    sort_rows(routes);
    return routes;
}

void routes_close(struct routes **routes)
{
    if (*routes == NULL)
        return;
    ratelimit_close(&(*routes)->ratelimit);
    free((*routes)->rows);
    free(*routes);
    *routes = NULL;
}

static bool is_same(const struct segment *a, const struct segment *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool read_param(enum route_param kind, const struct segment *segment, struct arena *arena,
                       struct route_value *ret_value)
{
    char *text = arena_copy(arena, segment->text, segment->length);
    uint64_t number = 0;

    if (text == NULL || segment->length == 0)
        return false;
    bool is_me = kind == PARAM_USER && strcmp(text, "me") == 0;
    if (kind != PARAM_TEXT && !is_me &&
        (!parse_u64(text, &number) || number == 0 || number > INT64_MAX))
        return false;
    *ret_value = (struct route_value){ .id = (int64_t)number, .text = text };
    return true;
}

/* Both have as many segments. From the back: in front they are mostly the same. */
static bool matches(const struct path *pattern, const struct path *path)
{
    for (size_t i = path->count; i-- > 0;) {
        if (pattern->segments[i].text[0] != '{' &&
            !is_same(&pattern->segments[i], &path->segments[i]))
            return false;
    }
    return true;
}

static bool read_params(const struct route *route, const struct path *pattern,
                        const struct path *path, struct arena *arena,
                        struct route_value values[static ROUTE_PARAMS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < path->count; i++) {
        if (pattern->segments[i].text[0] != '{')
            continue;
        assert(count < route->param_count);
        if (!read_param(route->params[count], &path->segments[i], arena, &values[count]))
            return false;
        count++;
    }
    return true;
}

/* Every method that the path has, for a 405. */
struct allowed {
    char text[64];
    size_t length;
};

static void allow(struct allowed *allowed, enum http_method method)
{
    int added = snprintf(allowed->text + allowed->length, sizeof allowed->text - allowed->length,
                         "%s%s", allowed->length > 0 ? ", " : "", http_method_name(method));

    /* Five methods with their commas are shorter than the text. */
    assert(added > 0 && allowed->length + (size_t)added < sizeof allowed->text);
    allowed->length += (size_t)added;
}

/* The row for this request, or NULL; then `allowed` names the methods of the same path. The table
 * is in order: literal segments before parameters. */
static const struct route *find(const struct routes *routes, const struct http_request *request,
                                struct visit *visit, struct allowed *allowed)
{
    enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    struct path path;

    if (!split_path(request->path, &path))
        return NULL;
    for (size_t at = routes->first[path.count]; at < routes->first[path.count + 1]; at++) {
        const struct route *route = &routes->options.table[routes->rows[at]];
        const struct path *pattern = &routes->patterns[routes->rows[at]];

        if (!matches(pattern, &path) ||
            !read_params(route, pattern, &path, request->arena, visit->params))
            continue;
        if (route->method == method)
            return route;
        allow(allowed, route->method);
    }
    return NULL;
}

static bool is_ours(const char *path)
{
    return strncmp(path, "/api/", 5) == 0 || strncmp(path, "/agent/", 7) == 0;
}

static void answer_unknown(struct routes *routes, struct http_exchange *exchange,
                           const struct allowed *allowed)
{
    const struct http_request *request = http_request_of(exchange);
    struct call call = {
        .app = routes->options.app,
        .log = routes->options.log,
        .exchange = exchange,
        .request = request,
    };
    bool is_read = request->method == HTTP_GET || request->method == HTTP_HEAD;

    if (allowed->length > 0) {
        http_set_header(exchange, "Allow", allowed->text);
        reply_refuse(&call, 405, "method_not_allowed", "This address answers %s only.",
                     allowed->text);
    } else if (routes->options.fallback != NULL && is_read && !is_ours(request->path)) {
        routes->options.fallback(&call);
    } else {
        const char *what = not_offered(request->path);

        if (what != NULL)
            reply_refuse(&call, 404, "not_found", "Berth offers no %s.", what);
        else
            reply_refuse(&call, 404, "not_found", "There is nothing at this address.");
    }
}

/* Whom the rate limit counts a call for: the key; else the address, and for agents, of which many
 * may sit behind one address, the machine that it says it is. */
static struct hash rate_name(const struct call *call, const char *key)
{
    const char *machine = http_header(call->request, "Berth-Machine");
    char text[HTTP_ADDRESS_SIZE + 24];

    if (key != NULL)
        return crypto_sha256(key, strlen(key));
    bool is_agents = (call->route->callers & CALLER_AGENT) != 0 && machine != NULL;
    int length =
        snprintf(text, sizeof text, "%s %.20s", call->request->client, is_agents ? machine : "");
    assert(length > 0 && (size_t)length < sizeof text);
    return crypto_sha256(text, (size_t)length);
}

static bool take_token(struct call *call, struct routes *routes, const struct hash *name,
                       enum rate_class rate)
{
    int64_t wait_us = 0;

    if (ratelimit_take(routes->ratelimit, name, rate, clock_boot_us(routes->options.clock),
                       &wait_us))
        return true;
    reply_wait(call, wait_us);
    return false;
}

/* On a worker: counting writes. */
static void refuse_key(void *context, struct http_exchange *exchange)
{
    struct visit *visit = context;
    const struct routes_options *options = &visit->routes->options;
    struct call call = { .app = options->app,
                         .log = options->log,
                         .route = visit->route,
                         .exchange = exchange,
                         .request = http_request_of(exchange) };
    int64_t wait_us = 0;
    struct error err;

    if (options->authority.count_wrong != NULL &&
        !options->authority.count_wrong(options->authority.context, call.request->client, &wait_us,
                                        &err))
        return reply_error(&call, &err);
    if (wait_us > 0)
        return reply_wait(&call, wait_us);
    reply_refuse(&call, 401, "auth_error", "Invalid user key");
}

/* Wrong keys count against the address: who guesses has a new key each time. A browser's session
 * that is over is nobody's, and goes. */
static bool refuse_wrong(struct call *call, struct visit *visit)
{
    struct hash name = rate_name(call, NULL);

    if (!take_token(call, visit->routes, &name, RATE_SECRET))
        return false;
    if (call->cookie == NULL) {
        http_work(call->exchange, refuse_key, visit);
        return false;
    }
    call->caller = (struct caller){ 0 };
    call->cookie = NULL;
    return true;
}

/* `name` is what the rate limit knows a key by: its hash. */
static bool identify(struct call *call, struct visit *visit, const char *key,
                     const struct hash *name)
{
    const struct authority *authority = &visit->routes->options.authority;
    struct error err;

    if (call->route->callers & CALLER_AGENT) {
        if (authority->check_agent(authority->context, call->request, &call->caller, &err))
            return true;
        reply_error(call, &err);
        return false;
    }
    if (key == NULL)
        return true;
    bool is_known = authority->find_key(authority->context, name, &call->caller, &err);
    if (is_known && (call->cookie == NULL || call->caller.login_id != 0))
        return true;
    if (is_known || err.code == ERROR_NOT_FOUND)
        return refuse_wrong(call, visit);
    reply_error(call, &err);
    return false;
}

/* A cookie is sent along by the browser whichever page asks: what changes something needs the proof
 * that one of ours does. Without it, a call that needs nobody is nobody's. */
static bool check_page(struct call *call, const struct routes_options *options)
{
    const struct http_request *request = call->request;
    const char *given = http_header(request, "Berth-Csrf");
    char wanted[AUTH_CSRF_SIZE];

    if (call->cookie == NULL || request->method == HTTP_GET || request->method == HTTP_HEAD)
        return true;
    (void)auth_csrf(call->cookie, wanted);
    if (given != NULL && strlen(given) == sizeof wanted - 1 &&
        crypto_equal(given, wanted, sizeof wanted - 1) &&
        auth_is_own_page(request, options->public_url))
        return true;
    if (call->route->callers & CALLER_ANYONE) {
        call->caller = (struct caller){ 0 };
        call->cookie = NULL;
        return true;
    }
    reply_refuse(call, 403, "csrf_failed",
                 "This needs the header Berth-Csrf, with what logging in has answered.");
    return false;
}

/* A session is its owner's; with the header Berth-Team it acts for a team of theirs. Keys belong to
 * an account each, and say so by themselves. */
static bool choose_account(struct call *call, const struct authority *authority)
{
    const char *text = http_header(call->request, "Berth-Team");
    struct error err;
    uint64_t id;

    if (text == NULL || call->caller.kind != CALLER_USER)
        return true;
    if (call->caller.login_id == 0 || !parse_u64(text, &id) || id == 0 || id > INT64_MAX) {
        reply_refuse(
            call, 400, "invalid_request",
            "Berth-Team is a team's number, and goes with a session that was logged in to.");
        return false;
    }
    if (authority->act_for_team(authority->context, (int64_t)id, &call->caller, &err))
        return true;
    if (err.code == ERROR_NOT_FOUND)
        reply_refuse(call, 403, "not_authorized", "You are a member of no team %s.", text);
    else
        reply_error(call, &err);
    return false;
}

static bool check_text(const struct call *call, const char *text, struct error *err)
{
    auto_json json_t *rights = NULL;

    return text[0] == '\0' ||
           (json_parse(text, strlen(text), &rights, err) && rights_allow(rights, call, err));
}

/* Past the category: which calls of it a narrowed key may make. */
static bool check_rights(struct call *call, const struct authority *authority)
{
    struct key_rights rights;
    struct error err;

    if (authority->find_rights(authority->context, &call->caller, call->request->arena, &rights,
                               &err) &&
        check_text(call, rights.key, &err) && check_text(call, rights.role, &err))
        return true;
    reply_error(call, &err);
    return false;
}

/* Else the call is answered. */
static bool has_stepped(struct call *call)
{
    if (!call->caller.has_tfa || call->caller.is_stepped)
        return true;
    reply_refuse(call, 401, "auth_error",
                 "This needs Two Factor Authentication within the last %d minutes.",
                 LOGIN_STEP_SECONDS / 60);
    return false;
}

bool routes_may_also(struct call *call, enum scope scope)
{
    if ((call->caller.scopes & ~call->caller.narrowed & scope) != scope) {
        reply_refuse(call, 403, "not_authorized", "This needs the permission %s.",
                     scope_name(scope));
        return false;
    }
    return has_stepped(call);
}

/* Whether the caller may call this; `*ret_is_narrowed` where that depends on the parameters. */
static bool authorise(struct call *call, bool *ret_is_narrowed)
{
    const struct route *route = call->route;
    const char *scope = scope_name(route->scope);

    enum auth_outcome outcome = auth_decide(&call->caller, route->callers, route->scope);

    *ret_is_narrowed = outcome == AUTH_NARROWED;
    switch (outcome) {
    case AUTH_OK:
    case AUTH_NARROWED:
        return !route->needs_step || has_stepped(call);
    case AUTH_MISSING:
        reply_refuse(call, 401, "auth_error", "This needs an API key, and there was none.");
        return false;
    case AUTH_FORBIDDEN:
        if (scope != NULL && (call->caller.scopes & route->scope) == 0)
            reply_refuse(call, 403, "not_authorized", "This needs the permission %s.", scope);
        else
            reply_refuse(call, 403, "not_authorized", "This key may not do this.");
        return false;
    }
    return false;
}

/* The body as an object. Clients send "{}" where they have nothing to say, and some nothing. */
static bool read_body(struct call *call, json_t **ret_body)
{
    const struct http_request *request = call->request;
    struct error err;

    if (request->body_length == 0)
        return true;
    if (!json_parse(request->body, request->body_length, ret_body, &err)) {
        reply_refuse(call, 400, "invalid_request", "The body is not JSON: %s.", err.text);
        return false;
    }
    if (!json_is_object(*ret_body)) {
        reply_refuse(call, 400, "invalid_request", "The body is not a JSON object.");
        return false;
    }
    call->body = *ret_body;
    return true;
}

/* Before the handler runs: afterwards the request is gone. So what is refused later is in there,
 * too.
 */
static void write_down(const struct call *call, const struct authority *authority)
{
    bool is_change = call->route->method != HTTP_GET &&
                     (call->route->rate == RATE_WRITE || call->route->rate == RATE_SECRET);

    if (is_change && call->caller.user_id != 0 && authority->write_down != NULL)
        authority->write_down(authority->context, call);
}

/* Agents go on speaking, and everybody may read, search and log in. */
static bool check_recovery(struct call *call, const struct recovery_watch *recovery)
{
    const uint32_t writes = SCOPE_INSTANCE_WRITE | SCOPE_USER_WRITE | SCOPE_BILLING_WRITE |
                            SCOPE_MACHINE_WRITE | SCOPE_TEAM_WRITE;
    bool is_change = call->route->method != HTTP_GET && (call->route->scope & writes) != 0;

    if (!is_change || !recovery_watch_is_open(recovery))
        return true;
    reply_refuse(call, 503, "unavailable",
                 "The market recovers from a backup: nothing can be changed until it is compared "
                 "with its machines. What runs goes on.");
    return false;
}

/* Runs where the handler may run: on the server's thread, or on a worker. */
static void run(void *context, struct http_exchange *exchange)
{
    struct visit *visit = context;
    const struct routes_options *options = &visit->routes->options;
    const struct http_request *request = http_request_of(exchange);
    struct call call = {
        .app = options->app,
        .log = options->log,
        .route = visit->route,
        .exchange = exchange,
        .request = request,
    };
    auto_json json_t *body = NULL;
    bool is_agents = (visit->route->callers & CALLER_AGENT) != 0, is_narrowed;

    memcpy(call.params, visit->params, sizeof call.params);
    /* The body is read before its sender is known only where it may hold the key. */
    const char *key = is_agents ? NULL : auth_key(request, NULL);
    if (key == NULL && !is_agents)
        key = call.cookie = auth_cookie(request);
    bool is_read_first = key == NULL && !is_agents;
    if (is_read_first) {
        if (!read_body(&call, &body))
            return;
        key = auth_key(request, body);
    }
    struct hash name = rate_name(&call, key);
    if (!take_token(&call, visit->routes, &name, visit->route->rate) ||
        !identify(&call, visit, key, &name) || !check_page(&call, options) ||
        !choose_account(&call, &options->authority) || !authorise(&call, &is_narrowed))
        return;
    if (!is_read_first && !read_body(&call, &body))
        return;
    if ((is_narrowed && !check_rights(&call, &options->authority)) ||
        !check_recovery(&call, options->recovery))
        return;
    write_down(&call, &options->authority);
    visit->route->handler(&call);
}

void routes_handle(void *context, struct http_exchange *exchange)
{
    struct routes *routes = context;
    const struct http_request *request = http_request_of(exchange);
    struct visit *visit = arena_alloc(request->arena, 1, sizeof *visit);
    struct allowed allowed = { .length = 0 };

    if (visit == NULL) {
        reply_refuse_exchange(exchange, 413, "too_large", "The request is too large.");
        return;
    }
    visit->routes = routes;
    visit->route = find(routes, request, visit, &allowed);
    if (visit->route == NULL) {
        answer_unknown(routes, exchange, &allowed);
        return;
    }
    http_set_tag(exchange, (int)(visit->route - routes->options.table));
    enum route_blocking limit = routes->options.has_local_store ? BLOCKS : BLOCKS_REMOTE;
    if (visit->route->blocks >= limit)
        http_work(exchange, run, visit);
    else
        run(visit, exchange);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { KEY_LENGTH_MAX = 256 };

static const char bearer[] = "Bearer ";

const char *auth_key(const struct http_request *request, const json_t *body)
{
    const char *header = http_header(request, "Authorization");
    const char *query = http_query(request, "api_key");
    const char *member = NULL;

    if (header != NULL && strncasecmp(header, bearer, sizeof bearer - 1) == 0) {
        header += sizeof bearer - 1;
        return header + strspn(header, " ");
    }
    if (query != NULL && query[0] != '\0')
        return query;
    const json_t *value = json_member(body, "api_key");
    if (value != NULL && json_is_string(value) && json_string_length(value) <= KEY_LENGTH_MAX)
        member = json_string_value(value);
    return member;
}

const char *auth_cookie_value(const char *header, const char *name, struct arena *arena)
{
    size_t name_length = strlen(name);

    for (const char *at = header; *at != '\0';) {
        at += strspn(at, "; \t");
        size_t length = strcspn(at, ";");

        if (length == name_length + 1 + 2 * TOKEN_BYTES && strncmp(at, name, name_length) == 0 &&
            at[name_length] == '=') {
            const char *value = at + name_length + 1;

            return strspn(value, "0123456789abcdef") == 2 * TOKEN_BYTES
                       ? arena_copy(arena, value, 2 * TOKEN_BYTES)
                       : NULL;
        }
        at += length;
    }
    return NULL;
}

const char *auth_cookie(const struct http_request *request)
{
    const char *header = http_header(request, "Cookie");

    if (header == NULL)
        return NULL;
    const char *value = auth_cookie_value(header, AUTH_COOKIE_SECURE, request->arena);
    return value != NULL ? value : auth_cookie_value(header, AUTH_COOKIE, request->arena);
}

char *auth_csrf(const char *session, char text[static AUTH_CSRF_SIZE])
{
    static const char about[] = "berth-csrf";
    struct hash hash = crypto_hmac(session, strlen(session), about, sizeof about - 1);

    return hex_format(hash.bytes, (AUTH_CSRF_SIZE - 1) / 2, text);
}

bool auth_is_own_page(const struct http_request *request, const char *public_url)
{
    const char *origin = http_header(request, "Origin"), *host = http_header(request, "Host");
    const char *name = origin != NULL ? strstr(origin, "://") : NULL;

    if (origin == NULL || (public_url != NULL && strcasecmp(origin, public_url) == 0))
        return true;
    return name != NULL && host != NULL && strcasecmp(name + 3, host) == 0;
}

enum auth_outcome auth_decide(const struct caller *caller, uint32_t callers, enum scope scope)
{
    uint32_t kinds = caller->kind;

    if (callers & CALLER_ANYONE)
        return AUTH_OK;
    if (kinds == 0)
        return AUTH_MISSING;
    /* Operators are users, too. */
    if (caller->kind == CALLER_USER && caller->is_admin)
        kinds |= CALLER_ADMIN;
    if ((callers & kinds) == 0)
        return AUTH_FORBIDDEN;
    if (scope != SCOPE_NONE && (caller->scopes & scope) == 0)
        return (caller->narrowed & scope) != 0 ? AUTH_NARROWED : AUTH_FORBIDDEN;
    return AUTH_OK;
}

const char *scope_name(enum scope scope)
{
    static const struct {
        enum scope scope;
        const char *name;
    } rows[] = {
        { SCOPE_INSTANCE_READ, "instance_read" },
        { SCOPE_INSTANCE_WRITE, "instance_write" },
        { SCOPE_USER_READ, "user_read" },
        { SCOPE_USER_WRITE, "user_write" },
        { SCOPE_BILLING_READ, "billing_read" },
        { SCOPE_BILLING_WRITE, "billing_write" },
        { SCOPE_MACHINE_READ, "machine_read" },
        { SCOPE_MACHINE_WRITE, "machine_write" },
        { SCOPE_MISC, "misc" },
        { SCOPE_TEAM_READ, "team_read" },
        { SCOPE_TEAM_WRITE, "team_write" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].scope == scope)
            return rows[i].name;
    }
    return NULL;
}

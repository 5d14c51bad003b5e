/* SPDX-License-Identifier: Apache-2.0 */
#include "server/result_url.h"

#include <string.h>

enum { HOST_LENGTH_MAX = 255 };

/* Names and addresses with a port: all that may stand in a Host header. */
static bool is_host(const char *host)
{
    size_t length = strlen(host);

    return length > 0 && length <= HOST_LENGTH_MAX &&
           strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]") ==
               length;
}

static const char *base_url(struct call *call)
{
    const char *host = http_header(call->request, "Host");

    if (call->app->public_url != NULL)
        return call->app->public_url;
    if (host == NULL || !is_host(host))
        return NULL;
    return arena_printf(call->request->arena, "http://%s", host);
}

const char *result_url(struct call *call, const char *token)
{
    const char *base = base_url(call);

    return base == NULL ? NULL
                        : arena_printf(call->request->arena, "%s/api/v0/blob/%s/", base, token);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Releases of the agent, for hosts that were told to take them (server/release.h). They are no
 * secret, and worth nothing without their signature: anybody may have them. */
#include <stdio.h>
#include <string.h>

#include "server/app.h"
#include "server/handlers.h"
#include "server/release.h"
#include "server/reply.h"

_Static_assert((int)RELEASE_FILE_MAX <= (int)HTTP_REPLY_MAX, "a file fits into a reply");

/* The query's member, or "". */
static const char *query(const struct call *call, const char *name)
{
    const char *text = http_query(call->request, name);

    return text != NULL ? text : "";
}

/* Where they are. False: the call is answered. */
static bool find_releases(struct call *call, const char **ret)
{
    *ret = options_get(call->app->options, "agent-releases");
    if (*ret == NULL)
        reply_refuse(call, 404, "not_found", "This market has no releases of the agent.");
    return *ret != NULL;
}

/* What of it is wrong on disk is logged; that there is none is an answer. */
static void refuse(struct call *call, const struct error *err)
{
    if (err->code == ERROR_NOT_FOUND)
        reply_refuse(call, 404, "not_found", "There is no such release.");
    else
        reply_error(call, err);
}

void handle_agent_release(struct call *call)
{
    auto_buf struct buf manifest = buf_of(RELEASE_MANIFEST_MAX), body = buf_of(HTTP_REPLY_MAX);
    struct release_offer offer;
    const char *dir;
    struct error err;

    if (!find_releases(call, &dir))
        return;
    if (!release_newest(dir, query(call, "target"), &manifest, offer.signature, &err))
        return refuse(call, &err);
    offer.manifest = manifest.length > 0 ? manifest.bytes : "";
    release_offer_encode(&body, &offer);
    reply_json(call, &body);
}

void handle_agent_release_file(struct call *call)
{
    auto_buf struct buf content = buf_of(RELEASE_FILE_MAX);
    struct release which = { 0 };
    const char *dir;
    struct error err;

    if (!find_releases(call, &dir))
        return;
    (void)snprintf(which.target, sizeof which.target, "%s", query(call, "target"));
    (void)snprintf(which.version, sizeof which.version, "%s", query(call, "version"));
    if (!release_file(dir, &which, query(call, "name"), &content, &err))
        return refuse(call, &err);
    reply_text(call, "application/octet-stream", &content);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/handlers.h"
#include "server/reply.h"

void handle_openapi(struct call *call)
{
    http_reply_static(call->exchange, 200, "application/json", openapi_text, openapi_length);
}

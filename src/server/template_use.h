/* SPDX-License-Identifier: Apache-2.0 */
/* A template in a request for an instance (api.md 2.4.4). */

#ifndef BERTH_SERVER_TEMPLATE_USE_H
#define BERTH_SERVER_TEMPLATE_USE_H

#include "base/json.h"
#include "server/routes.h"

/* Where the body names a template, `*ret_body` is the body completed by it, owned by the caller,
 * and `*ret_id` the template; NULL and 0 where it names none. False, and the call is answered:
 * there is no such template for this caller, or the two do not go together. */
NODISCARD bool template_complete(struct call *call, json_t **ret_body, int64_t *ret_id);

#endif

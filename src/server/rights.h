/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may do where it has not all of a category: the permission object of api.md 2.11.
 *
 *     {"api": {"misc": {}, "instance_read": {"api.instance.request_logs":
 *                                            {"constraints": {"id": {"lte": 7999}}}}}}
 *
 * `{}` grants the whole category; else the routes that are named, and of a route the calls whose
 * parameters are within the bounds: `eq`, `lte`, `gte`. A parameter is looked for in the path, in
 * the query and in the body, under that name; a bounded one must be given, and wherever it is
 * given, and of a list each, it must be within. A bound that is a text "$NAME" stands for the
 * member NAME of key_params, and is replaced by it when the key is made. */

#ifndef BERTH_SERVER_RIGHTS_H
#define BERTH_SERVER_RIGHTS_H

#include "server/routes.h"

/* The object as it is to be kept, or ERROR_INVALID with what is wrong with it. `params` may be
 * NULL. The caller owns `*ret_rights`. */
NODISCARD bool rights_read(const json_t *permissions, const json_t *params,
                           const struct route *table, size_t count, json_t **ret_rights,
                           struct error *err);

/* Whether they grant this call, whose category they narrow. ERROR_FORBIDDEN says why not. */
NODISCARD bool rights_allow(const json_t *rights, const struct call *call, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An instance as clients see it: the object of api.md 2.5.3, every member of it, every time. */

#ifndef BERTH_SERVER_INSTANCE_JSON_H
#define BERTH_SERVER_INSTANCE_JSON_H

#include "base/encode.h"
#include "flow/instance.h"

/* Clients connect as soon as they read "running": it is not said before the address is known. The
 * text is a literal; NULL is JSON's null. */
const char *instance_actual_status(const struct instance_view *view);

void instance_encode(struct encoder *json, const struct instance_view *view, struct instant now);

/* Where SSH leads to it: its host's own port, or where that has none that is open, a relay's.
 * False: nowhere. */
bool instance_ssh_place(const struct instance_view *view, const char **ret_host, int64_t *ret_port);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What agents dial: hellos, control connections, connections back. Inside the relay's engine. */

#ifndef BERTH_SERVER_RELAY_LINKS_H
#define BERTH_SERVER_RELAY_LINKS_H

#include "server/relay_inside.h"

void links_accept(struct relay_engine *engine);
void link_handle(struct relay_engine *engine, struct relay_link *link, uint32_t events);
void link_send(struct relay_engine *engine, struct relay_link *link,
               const struct relay_frame *frame);
void link_end(struct relay_engine *engine, struct relay_link *link, const char *why);
void links_tend(struct relay_engine *engine);
void links_recheck(struct relay_engine *engine); /* the routes are new */
void link_free(struct relay_link *link);

#endif

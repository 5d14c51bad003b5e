/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to a relay. Inside the tunnel's process. */

#ifndef BERTH_AGENT_TUNNEL_CONTROL_H
#define BERTH_AGENT_TUNNEL_CONTROL_H

#include "agent/tunnel_inside.h"

void control_handle(struct tunnel_process *tunnel, struct control *control);
void control_tend(struct tunnel_process *tunnel, struct control *control);
void control_send(struct tunnel_process *tunnel, struct control *control,
                  const struct relay_frame *frame);
void control_signed(struct tunnel_process *tunnel, const struct tunnel_message *message);
void control_close(struct tunnel_process *tunnel, struct control *control); /* and rest */
void controls_named(struct tunnel_process *tunnel); /* a resolver has written */
struct control *control_find(const struct tunnel_process *tunnel, int64_t id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The connections for callers. Inside the tunnel's process. */

#ifndef BERTH_AGENT_TUNNEL_BACK_H
#define BERTH_AGENT_TUNNEL_BACK_H

#include "agent/tunnel_inside.h"

/* By instance and port inside, for qsort(3) and bsearch(3) over the table's ports. */
int tunnel_compare_ports(const void *left, const void *right);

void back_begin(struct tunnel_process *tunnel, struct control *control,
                const struct relay_frame *frame);
void back_handle(struct tunnel_process *tunnel, struct back *back, int end, uint32_t events);
void backs_tend(struct tunnel_process *tunnel);
void backs_run_ready(struct tunnel_process *tunnel);
void backs_bury(struct tunnel_process *tunnel);

#endif

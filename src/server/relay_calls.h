/* SPDX-License-Identifier: Apache-2.0 */
/* What callers dial: waiting for the connection back, and then bytes. Inside the relay's engine. */

#ifndef BERTH_SERVER_RELAY_CALLS_H
#define BERTH_SERVER_RELAY_CALLS_H

#include "server/relay_inside.h"

void calls_accept(struct relay_engine *engine, struct relay_port *port);

/* For the flows of the port, whose end of a stream `fd` is; taken over. False: not now. */
NODISCARD bool calls_begin(struct relay_engine *engine, struct relay_port *port, int fd);
void call_handle(struct relay_engine *engine, struct relay_call *call, int end, uint32_t events);

/* The connection back: takes the socket over where it returns true. */
NODISCARD bool call_answer(struct relay_engine *engine, const uint8_t *token, int fd,
                           struct tls **tls);
void call_refuse(struct relay_engine *engine, const struct relay_machine *machine,
                 const uint8_t *token);
void call_end(struct relay_engine *engine, struct relay_call *call, bool is_failed);
void calls_ask(struct relay_engine *engine, struct relay_machine *machine); /* it is here again */
void calls_end_of(struct relay_engine *engine, const struct relay_port *port);
void calls_tend(struct relay_engine *engine);
void calls_run_ready(struct relay_engine *engine);
void call_free(struct relay_call *call);

#endif

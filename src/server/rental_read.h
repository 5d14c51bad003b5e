/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a rental request (api.md 2.4): what the client asks for, but for the offer. Read when
 * somebody rents, and when a standing order does. In handle_create.c. */

#ifndef BERTH_SERVER_RENTAL_READ_H
#define BERTH_SERVER_RENTAL_READ_H

#include "base/arena.h"
#include "base/json.h"
#include "flow/rent.h"

/* Fills `request->spec` and the rest but offer_id; texts are the body's or in the arena. */
NODISCARD bool rental_read(const json_t *body, struct arena *arena, struct rental_request *request,
                           struct error *err);

#endif

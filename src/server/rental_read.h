/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a rental request (api.md 2.4): what the client asks for, but for the offer. Read when
 * somebody rents one offer, several, or the first that is found, and when a standing order does. In
 * handle_create.c. */

#ifndef BERTH_SERVER_RENTAL_READ_H
#define BERTH_SERVER_RENTAL_READ_H

#include "base/arena.h"
#include "base/json.h"
#include "flow/rent.h"
#include "server/routes.h"

/* Fills `request->spec` and the rest but offer_id; texts are the body's or in the arena. */
NODISCARD bool rental_read(const json_t *body, struct arena *arena, struct rental_request *request,
                           struct error *err);

/* All of the body of a call, a template and a bid included, but for the offer. `*ret_body` owns
 * what the request then points at, beside the call's own body; NULL where that is all. False, and
 * the call is answered: it cannot be read. */
NODISCARD bool rental_request_read(struct call *call, struct rental_request *ret,
                                   json_t **ret_body);

/* flow_rent(), told to the log. */
NODISCARD bool rental_rent(struct call *call, const struct rental_request *request,
                           struct rental_reply *ret_done, struct error *err);

/* There is an instance of it, now or from the same request a moment ago. */
static inline bool rental_is_made(const struct rental_reply *done)
{
    return done->outcome == RENTAL_MADE || done->outcome == RENTAL_REPEATED;
}

/* Answers the call: why there is none. */
void rental_reply_refusal(struct call *call, int64_t offer_id, const struct rental_reply *done);

/* What the body says of a bid: `is_bid` where it has a price. */
NODISCARD bool rental_read_bid(const json_t *body, struct rental_request *request,
                               struct error *err);

#endif

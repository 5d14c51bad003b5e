/* SPDX-License-Identifier: Apache-2.0 */
/* What requests that make instances share with those about volumes. */

#ifndef BERTH_SERVER_VOLUME_READ_H
#define BERTH_SERVER_VOLUME_READ_H

#include "base/json.h"
#include "market/rent.h"
#include "server/routes.h"

/* GB, upwards to the next whole one; VOLUME_GB_DEFAULT where there is no such member. */
NODISCARD bool volume_read_size(const json_t *body, const char *name, int64_t *ret_gb,
                                struct error *err);

/* Answers the call: why there is no volume of that offer. */
void volume_refuse(struct call *call, int64_t offer_id, enum rent_outcome outcome);

#endif

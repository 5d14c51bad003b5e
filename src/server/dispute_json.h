/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered to a dispute, as members of an object: the same for the API and `berthd admin`,
 * which write times each in their own way. */

#ifndef BERTH_SERVER_DISPUTE_JSON_H
#define BERTH_SERVER_DISPUTE_JSON_H

#include "base/encode.h"
#include "store/dispute_answer.h"

typedef void dispute_time(struct encoder *json, const char *key, struct instant at);

/* The whole object. */
void dispute_answer_encode(struct encoder *json, const struct dispute_answer_row *answer,
                           dispute_time *encode_time);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The trial balance as an object: the same for the API and `berthd admin`. */

#ifndef BERTH_SERVER_TRIAL_JSON_H
#define BERTH_SERVER_TRIAL_JSON_H

#include "base/encode.h"
#include "flow/trial_balance.h"

void trial_encode(struct encoder *json, const struct trial_balance *trial);

#endif

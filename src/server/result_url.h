/* SPDX-License-Identifier: Apache-2.0 */
/* Where the result of an operation will be: an address that cannot be guessed. */

#ifndef BERTH_SERVER_RESULT_URL_H
#define BERTH_SERVER_RESULT_URL_H

#include "server/app.h"

/* Absolute, as this client reaches us, since clients fetch what they are given; in the request's
 * arena. NULL where neither the operator nor the request says how that is. */
const char *result_url(struct call *call, const char *token);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a server may start with the keys in its folder (flow/keys_fit.h). */

#ifndef BERTH_SERVER_MARKET_KEYS_H
#define BERTH_SERVER_MARKET_KEYS_H

#include <stdbool.h>

#include "base/error.h"
#include "flow/flow.h"

/* ERROR_CONFLICT: they are not the market's, and the text says which file, and what to do. Accepted
 * they are so from now on. */
NODISCARD bool market_keys_check(const struct flow *flow, const char *folder, bool is_accepted,
                                 struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/market_keys.h"

#include "flow/keys_fit.h"

bool market_keys_check(const struct flow *flow, const char *folder, bool is_accepted,
                       struct error *err)
{
    enum keys_fit fit;

    if (!flow_keys_fit(flow, is_accepted, &fit, err))
        return false;
    switch (fit) {
    case KEYS_FIT:
        return true;
    case KEYS_FIT_OTHER_SERVER:
        return error_set(err, ERROR_CONFLICT,
                         "%.96s/server.key is not what this market's hosts know: put a copy of "
                         "theirs there (--accept-keys: they all have to join anew)",
                         folder);
    case KEYS_FIT_OTHER_MASTER:
        return error_set(err, ERROR_CONFLICT,
                         "%.96s/master.key does not open this market's secrets: put a copy of the "
                         "right one there (--accept-keys: they are lost)",
                         folder);
    }
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/twins.h"

bool twins_boot(struct twins *twins, bool is_back, struct instant now)
{
    if (twins->turns > 0 && instant_until(twins->since, now) > TWINS_WITHIN_US)
        twins->turns = 0;
    if (!is_back)
        return false;
    if (twins->turns == 0)
        twins->since = now;
    if (twins->turns < TWINS_TURNS)
        twins->turns++;
    return twins->turns == TWINS_TURNS;
}

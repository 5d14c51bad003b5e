/* SPDX-License-Identifier: Apache-2.0 */
#include "market/reclaim.h"

#include <assert.h>

#include "market/auction.h"

static struct instant later(struct instant a, struct instant b)
{
    return instant_compare(a, b) > 0 ? a : b;
}

struct instant reclaim_earliest(struct instant now, bool has_firm)
{
    return has_firm ? instant_add(now, RECLAIM_WINDOW_US) : now;
}

struct instant reclaim_end(struct instant end, struct instant now, struct instant due,
                           int64_t grace_s)
{
    assert(grace_s >= 0 && grace_s <= AUCTION_GRACE_S_MAX);
    struct instant last = later(due, instant_add(now, grace_s * US_PER_SECOND));
    return instant_compare(end, last) < 0 ? end : last;
}

bool reclaim_covers(struct instant at, struct instant due, struct instant end)
{
    struct instant last = later(due, instant_add(at, AUCTION_GRACE_S_MAX * US_PER_SECOND));

    return instant_compare(end, due) >= 0 && instant_compare(end, last) <= 0;
}

int64_t reclaim_missed_us(struct instant end, struct instant due)
{
    struct instant day = instant_add(due, 24 * US_PER_HOUR);

    if (instant_compare(end, due) <= 0)
        return 0;
    return instant_until(due, instant_compare(end, day) < 0 ? end : day);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From an interface's byte counter, which can restart, to bytes that may be charged
 * (money.md 1.5).
 *
 * The charge depends on the newest counter alone, so repeated, reordered and lost reports are
 * harmless. A counter that went back without saying so, and bytes beyond what the host's link can
 * carry, are not charged, and are told. */

#ifndef BERTH_MARKET_TRAFFIC_H
#define BERTH_MARKET_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

/* Where nobody has measured the link: 10 Gbit/s. */
#define TRAFFIC_LINK_UNKNOWN INT64_C(1250000000)

struct traffic_counter {
    int64_t epoch; /* rises when the counter begins at zero again */
    int64_t bytes;
};

struct traffic_step {
    int64_t charged; /* bytes */
    int64_t over;    /* beyond the link: not charged */
    bool is_rewound; /* an old epoch, or a lower count in the same one: nothing was taken over */
    struct traffic_counter next;
};

/* Neither negative. `cap` from below. */
struct traffic_step traffic_read(struct traffic_counter last, struct traffic_counter reading,
                                 int64_t cap);

/* What the link can carry in that time, and a quarter more. A link of 0 is unknown. */
int64_t traffic_cap(int64_t link_bytes_per_second, int64_t elapsed_us);

#endif

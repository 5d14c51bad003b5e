/* SPDX-License-Identifier: Apache-2.0 */
/* Time for books: it passes as fast as CLOCK_BOOTTIME does, whatever somebody sets the wall clock
 * to.
 *
 * It begins with the wall clock, and follows it as a time daemon slews it: by at most one part
 * in CLOCK_SLEW_PART. A wall clock that is further away than CLOCK_APART_US was set; it is
 * not followed, so that nobody is charged for an hour that did not pass (control.md 4.7). It
 * never runs backwards. Any thread may ask what time it is; one looks after it. */

#ifndef BERTH_SYS_CLOCK_STEADY_H
#define BERTH_SYS_CLOCK_STEADY_H

#include <stdatomic.h>
#include <stdint.h>

#include "sys/clock.h"

enum { CLOCK_SLEW_PART = 2000, CLOCK_APART_US = 2000000 };

struct clock_steady {
    struct clock clock;         /* for whoever asks; first, as it finds the rest by its address */
    const struct clock *source; /* borrowed; the system's */
    atomic_int_least64_t offset_us; /* from the source's boot_us() to our time */
    int64_t looked_us;              /* boot_us() of the last look */
    bool is_apart;
};

void clock_steady_open(struct clock_steady *steady, const struct clock *source);

enum clock_news { CLOCK_NO_NEWS, CLOCK_WAS_SET, CLOCK_AGREES_AGAIN };

/* Compare with the wall clock, about once a second. *ret_apart_us is by how much that is ahead of
 * us. Tells news once. */
enum clock_news clock_steady_look(struct clock_steady *steady, int64_t *ret_apart_us);

#endif

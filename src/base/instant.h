/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time, in microseconds since 1970-01-01 UTC.
 *
 * A struct, so that the compiler keeps instants apart from durations, which are plain
 * int64_t whose names end in their unit. Only the server's clock makes instants that
 * money depends on (control.md 4.7); durations, not instants, cross the wire to hosts. */

#ifndef BERTH_BASE_INSTANT_H
#define BERTH_BASE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define US_PER_MS     INT64_C(1000)
#define US_PER_SECOND INT64_C(1000000)
#define US_PER_HOUR   INT64_C(3600000000)

/* Later than anything that happens: "never" where a time is asked for. */
#define INSTANT_NEVER ((struct instant){ INT64_MAX })

struct instant {
    int64_t microseconds;
};

/* Room for "2026-11-22T14:03:22.123456Z" of any year up to 9999, with its NUL. */
enum { INSTANT_TEXT_SIZE = sizeof "2026-11-22T14:03:22.123456Z" };

/* Less than, equal to or greater than zero, as `a` is to `b`. */
int instant_compare(struct instant a, struct instant b);

struct instant instant_max(struct instant a, struct instant b);

/* `instant` moved by `duration_us`, which may be negative; stops at the ends of int64_t. */
struct instant instant_add(struct instant instant, int64_t duration_us);

/* Microseconds from `from` until `to`; negative if `to` came first. */
int64_t instant_until(struct instant from, struct instant to);

/* Write RFC 3339 in UTC with microseconds. Years outside 0001 to 9999 are clamped.
 * Returns `text`. */
char *instant_format(struct instant instant, char text[static INSTANT_TEXT_SIZE]);

#endif

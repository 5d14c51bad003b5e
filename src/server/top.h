/* SPDX-License-Identifier: Apache-2.0 */
/* `berthd top`: what servers are at, from their own numbers (--metrics-listen), as a table that is
 * written anew every few seconds. What only grows is shown by the second, from two looks. Several
 * servers are one market: their numbers are added up, but for what each knows of the whole. */

#ifndef BERTH_SERVER_TOP_H
#define BERTH_SERVER_TOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "server/options.h"

extern const struct option_row top_options[];

NODISCARD bool top_run(const struct options *options, struct buf *out, struct error *err);

enum { TOP_BUCKETS_MAX = 32, TOP_NUMBERS = 27 };

/* One look: the numbers of top.c's table, and how many requests were answered within how long. */
struct top_look {
    int64_t at_us; /* of a steady clock */
    double numbers[TOP_NUMBERS];
    size_t bucket_count;
    double edges[TOP_BUCKETS_MAX]; /* seconds, from small to large; the last may be infinite */
    double within[TOP_BUCKETS_MAX];
};

/* Add a page, as Prometheus reads it, to a look. ERROR_INVALID: it is none. */
NODISCARD bool top_take(struct top_look *look, const char *page, struct error *err);

/* From the one to the other, as a table and as an object of JSON. */
void top_write_table(const struct top_look *before, const struct top_look *after, struct buf *out);
void top_write_json(const struct top_look *before, const struct top_look *after, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What usage came to, by contract, day, component and price: the lines of every bill.
 *
 * They are written in the transactions that post, so they always add up to the meters and the
 * journals; reading a month of them never touches a journal. */

#ifndef BERTH_STORE_USAGE_LINE_H
#define BERTH_STORE_USAGE_LINE_H

#include "base/arena.h"
#include "market/meter.h"
#include "store/db.h"

/* Stored in usage_line.kind. */
enum usage_kind {
    USAGE_USED = 1,
    USAGE_REFUNDED = 2,  /* all amounts below zero */
    USAGE_DOWNTIME = 3,  /* given by the host; the same */
    USAGE_FORFEITED = 4, /* of a deposit: the discount that was had, its rental ended early */
};

struct usage_line {
    int64_t contract_id, owner_id, host_id, machine_id;
    int64_t day; /* market/billing.h */
    enum component component;
    enum usage_kind kind;
    struct money rate;
    int64_t quantity;
    int64_t used; /* microseconds or bytes; of what was taken back, that */
    struct money gross, host;
    struct money accrued; /* of `host`, what went to or came from the host's accrued earnings */
    struct instant from, until;
};

/* Add to the day's row. */
NODISCARD bool usage_line_add(struct db *db, const struct usage_line *line, struct error *err);

/* The same for several, each of a row of its own: no two are of the same contract, day, component,
 * kind and price. */
enum { USAGE_LINES_MAX = 64 };
NODISCARD bool usage_line_add_all(struct db *db, const struct usage_line *lines, size_t count,
                                  struct error *err);

struct usage_range {
    int64_t user_id;
    int64_t from_day, until_day; /* the last is included */
};

/* A renter's, by contract, component, kind, day and price; as a host's, by machine first. */
NODISCARD bool usage_line_of_renter(struct db *db, const struct usage_range *range,
                                    struct arena *arena, struct usage_line **ret, size_t *ret_count,
                                    struct error *err);

/* Sums of a host's lines, by machine, component and kind. With `by_day`, by day first. */
struct usage_sum {
    int64_t host_id; /* of usage_line_sum_hosts(); else 0 */
    int64_t day;     /* 0 without by_day */
    int64_t machine_id;
    enum component component;
    enum usage_kind kind;
    int64_t used;
    struct money gross, host, accrued;
};
NODISCARD bool usage_line_sum_host(struct db *db, const struct usage_range *range, bool by_day,
                                   struct arena *arena, struct usage_sum **ret, size_t *ret_count,
                                   struct error *err);

/* The same of all hosts from `first` to `last`, whose usage from that day on is not invoiced; by
 * host first. */
struct usage_hosts {
    int64_t first, last;
    int64_t from_day, until_day;
};
NODISCARD bool usage_line_sum_hosts(struct db *db, const struct usage_hosts *range,
                                    struct arena *arena, struct usage_sum **ret, size_t *ret_count,
                                    struct error *err);

/* What a contract was charged for one component, refunds taken off, at each price; dearest first.
 */
struct usage_rate {
    struct money rate;
    int64_t quantity, used;
};
NODISCARD bool usage_line_rates(struct db *db, int64_t contract_id, enum component component,
                                struct arena *arena, struct usage_rate **ret, size_t *ret_count,
                                struct error *err);

/* What went to a host's accrued earnings from that day on. */
NODISCARD bool usage_line_accrued(struct db *db, int64_t host_id, int64_t from_day,
                                  struct money *ret, struct error *err);

#endif

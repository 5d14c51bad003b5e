/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts' weekly invoices, the numbers of bills, and who is due for one. */

#ifndef BERTH_STORE_HOST_INVOICE_H
#define BERTH_STORE_HOST_INVOICE_H

#include "base/arena.h"
#include "store/db.h"
#include "store/usage_line.h"

enum { BILL_NUMBER_SIZE = 40 };

struct host_invoice_row {
    int64_t id, host_id;
    const char *number;
    struct instant from, until; /* the cut: one for a host and cut */
    struct money gross;         /* what renters paid */
    struct money total;         /* the host's share, as the lines add up */
    struct money drawn;   /* from accrued earnings: total, less what was taken back otherwise */
    struct money settled; /* of which against what the host owed */
    struct instant made;
};

/* The next number of a series, "INV-2026-000123": without gaps, for the row stays locked. */
NODISCARD bool bill_number(struct db *db, const char *series, int64_t year,
                           char ret[static BILL_NUMBER_SIZE], struct error *err);

/* So many at once, from `*ret_first` on; and how one is written. */
struct bill_series {
    const char *name;
    int64_t year;
};
NODISCARD bool bill_number_take(struct db *db, const struct bill_series *series, int64_t count,
                                int64_t *ret_first, struct error *err);
NODISCARD bool bill_number_write(const struct bill_series *series, int64_t number,
                                 char ret[static BILL_NUMBER_SIZE], struct error *err);

/* Hosts with a machine that is billed up to before `cut`: the first `max` of a span, by id. And the
 * span that all of them are in; without any, it is of nobody. */
struct bill_span {
    int64_t first, last;
};
NODISCARD bool host_invoice_due(struct db *db, struct instant cut, const struct bill_span *span,
                                int64_t *ret_ids, size_t max, size_t *ret_count, struct error *err);
NODISCARD bool host_invoice_due_span(struct db *db, struct instant cut, struct bill_span *ret,
                                     struct error *err);
/* The id comes with db_settle(). */
NODISCARD bool host_invoice_insert_later(struct db *db, const struct host_invoice_row *invoice,
                                         int64_t *ret_id, struct error *err);
NODISCARD bool host_invoice_add_line(struct db *db, int64_t invoice_id,
                                     const struct usage_sum *line, struct error *err);

/* The hosts' machines are billed up to `cut`: of HOST_INVOICE_SET_MAX hosts on PostgreSQL with one
 * statement. */
enum { HOST_INVOICE_SET_MAX = 256 };
NODISCARD bool host_invoice_set_billed(struct db *db, const int64_t *host_ids, size_t count,
                                       struct instant cut, struct error *err);

/* A host's, newest first; those made in [from, until]. And one with its lines. */
NODISCARD bool host_invoice_list(struct db *db, int64_t host_id, struct instant from,
                                 struct instant until, struct arena *arena,
                                 struct host_invoice_row **ret, size_t *ret_count,
                                 struct error *err);
NODISCARD bool host_invoice_load(struct db *db, int64_t id, struct arena *arena,
                                 struct host_invoice_row *ret, bool *ret_has, struct error *err);
NODISCARD bool host_invoice_lines(struct db *db, int64_t invoice_id, struct arena *arena,
                                  struct usage_sum **ret, size_t *ret_count, struct error *err);

#endif

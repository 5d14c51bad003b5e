/* SPDX-License-Identifier: Apache-2.0 */
/* What an account was charged, what came in and went out, and what a host earned. Reads only. */

#ifndef BERTH_FLOW_STATEMENT_H
#define BERTH_FLOW_STATEMENT_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "market/billing.h"
#include "store/host_invoice.h"
#include "store/payout.h"
#include "store/renter_invoice.h"
#include "store/usage_line.h"
#include "store/wallet.h"

/* One position of a bill: a contract, a component, a price. */
struct statement_item {
    enum component component;
    enum usage_kind kind;
    struct money rate;
    int64_t quantity, used;
    struct money gross;
    struct instant from, until;
};

/* All positions of one contract. */
struct statement_group {
    int64_t contract_id;
    const char *label; /* NULL: none */
    bool is_volume;    /* else an instance */
    struct money gross;
    struct instant from, until;
    size_t item_count;
    struct statement_item *items;
};

struct statement {
    size_t group_count;
    struct statement_group *groups; /* by contract */
    struct money gross;
    const char *number; /* "INV-2026-000123"; NULL: of days, or of a month that is not settled */
};

/* What the caller was charged on the days from the one to the other. */
NODISCARD bool flow_statement(const struct flow *flow, const struct caller *caller,
                              int64_t from_day, int64_t until_day, struct arena *arena,
                              struct statement *ret, struct error *err);

/* The same of a month (market/billing.h), with its number. */
NODISCARD bool flow_month_statement(const struct flow *flow, const struct caller *caller,
                                    int64_t month, struct arena *arena, struct statement *ret,
                                    struct error *err);

/* The caller's numbered statements, newest month first. */
NODISCARD bool flow_statements(const struct flow *flow, const struct caller *caller,
                               struct arena *arena, struct renter_invoice_row **ret,
                               size_t *ret_count, struct error *err);

/* An entry, and what a payout or an invoice says besides. */
struct wallet_view {
    struct wallet_entry entry;
    const char *source;    /* "bank", "promo", "instance-7001", "payout-3" */
    const char *service;   /* "manual", "promo", "transfer", "refund", ... */
    const char *reference; /* the provider's name for it; "" */
    enum payout_state state;
    struct money gross; /* of a host's invoice: what renters paid; else the amount */
};

NODISCARD bool flow_wallet(const struct flow *flow, const struct caller *caller,
                           struct instant from, struct instant until, struct arena *arena,
                           struct wallet_view **ret, size_t *ret_count, struct error *err);

/* A host's share by day, machine, component and kind. */
NODISCARD bool flow_earnings(const struct flow *flow, const struct caller *caller, int64_t from_day,
                             int64_t until_day, struct arena *arena, struct usage_sum **ret,
                             size_t *ret_count, struct error *err);

/* Which of those contracts are the caller's and have that label, ended ones included; in order, at
 * most as many as were asked for. */
NODISCARD bool flow_contracts_labelled(const struct flow *flow, const struct caller *caller,
                                       const char *label, int64_t *ids, size_t *count,
                                       struct error *err);

#endif

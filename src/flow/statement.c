/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/statement.h"

#include <inttypes.h>
#include <string.h>

#include "flow/limits.h"
#include "store/contract.h"

struct statement_work {
    const struct caller *caller;
    struct usage_range range;
    int64_t month; /* 0: days that are not one */
    struct instant from, until;
    struct arena *arena;
    struct statement statement;
    struct wallet_view *views;
    struct usage_sum *sums;
    struct renter_invoice_row *invoices;
    size_t count;

    const char *label;
    int64_t *ids;
    size_t id_count;
};

static bool no_room(struct error *err)
{
    return error_set(err, ERROR_OUT_OF_RANGE, "the bill is too long for one reply");
}

static bool is_same_item(const struct statement_item *item, const struct usage_line *line)
{
    return item->component == line->component && item->kind == line->kind &&
           money_compare(item->rate, line->rate) == 0 && item->quantity == line->quantity;
}

static struct instant earlier(struct instant a, struct instant b)
{
    return instant_compare(a, b) < 0 ? a : b;
}

/* A day's line goes to its position, which may be a new one. */
static bool add_line(struct statement_group *group, const struct usage_line *line)
{
    struct statement_item *item = group->items;
    struct statement_item *end = group->items + group->item_count;

    while (item < end && !is_same_item(item, line))
        item++;
    if (item == end) {
        *item = (struct statement_item){ .component = line->component,
                                         .kind = line->kind,
                                         .rate = line->rate,
                                         .quantity = line->quantity,
                                         .from = line->from };
        group->item_count++;
    }
    item->used += line->used;
    item->from = earlier(item->from, line->from);
    item->until = instant_max(item->until, line->until);
    group->from = earlier(group->from, line->from);
    group->until = instant_max(group->until, line->until);
    return money_add(item->gross, line->gross, &item->gross) &&
           money_add(group->gross, line->gross, &group->gross);
}

static bool load_label(struct db *db, struct statement_group *group, struct arena *arena,
                       struct error *err)
{
    struct contract_row contract;
    bool has;

    if (!contract_load(db, group->contract_id, arena, &contract, &has, err))
        return false;
    group->label = has ? contract.label : NULL;
    group->is_volume = has && contract.kind == KIND_VOLUME;
    return true;
}

/* Lines come by contract. A group has at most as many positions as lines. */
static bool group_lines(struct db *db, struct statement_work *work, const struct usage_line *lines,
                        size_t count, struct error *err)
{
    struct statement *statement = &work->statement;

    *statement = (struct statement){ 0 };
    statement->groups = arena_alloc(work->arena, count, sizeof *statement->groups);
    struct statement_item *items = arena_alloc(work->arena, count, sizeof *items);
    if (statement->groups == NULL || items == NULL)
        return no_room(err);
    struct statement_group *group = NULL;
    for (size_t i = 0; i < count; i++) {
        if (group == NULL || group->contract_id != lines[i].contract_id) {
            group = &statement->groups[statement->group_count++];
            *group = (struct statement_group){ .contract_id = lines[i].contract_id,
                                               .from = lines[i].from,
                                               .items = &items[i] };
            if (!load_label(db, group, work->arena, err))
                return false;
        }
        if (!add_line(group, &lines[i]) ||
            !money_add(statement->gross, lines[i].gross, &statement->gross))
            return error_set(err, ERROR_OUT_OF_RANGE, "a bill is too large");
    }
    return true;
}

static bool statement_work(struct db *db, void *context, struct error *err)
{
    struct statement_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct renter_invoice_row invoice;
    struct usage_line *lines;
    size_t count;
    bool has;

    if (!usage_line_of_renter(db, &work->range, &arena, &lines, &count, err) ||
        !group_lines(db, work, lines, count, err))
        return false;
    if (work->month == 0)
        return true;
    if (!renter_invoice_load(db, work->caller->user_id, work->month, work->arena, &invoice, &has,
                             err))
        return false;
    work->statement.number = has ? invoice.number : NULL;
    return true;
}

bool flow_statement(const struct flow *flow, const struct caller *caller, int64_t from_day,
                    int64_t until_day, struct arena *arena, struct statement *ret,
                    struct error *err)
{
    struct statement_work work = { .caller = caller,
                                   .range = { caller->user_id, from_day, until_day },
                                   .arena = arena };

    if (!store_read(flow->store, statement_work, &work, err))
        return error_context(err, "what user %lld was charged", (long long)caller->user_id);
    *ret = work.statement;
    return true;
}

bool flow_month_statement(const struct flow *flow, const struct caller *caller, int64_t month,
                          struct arena *arena, struct statement *ret, struct error *err)
{
    struct statement_work work = {
        .caller = caller,
        .range = { caller->user_id, billing_month_start(month),
                   billing_month_start(month + 1) - 1 },
        .month = month,
        .arena = arena,
    };

    if (!store_read(flow->store, statement_work, &work, err))
        return error_context(err, "a month of user %lld", (long long)caller->user_id);
    *ret = work.statement;
    return true;
}

static bool statements_work(struct db *db, void *context, struct error *err)
{
    struct statement_work *work = context;

    return renter_invoice_list(db, work->caller->user_id, work->arena, &work->invoices,
                               &work->count, err);
}

bool flow_statements(const struct flow *flow, const struct caller *caller, struct arena *arena,
                     struct renter_invoice_row **ret, size_t *ret_count, struct error *err)
{
    struct statement_work work = { .caller = caller, .arena = arena };

    if (!store_read(flow->store, statements_work, &work, err))
        return error_context(err, "the statements of user %lld", (long long)caller->user_id);
    *ret = work.invoices;
    *ret_count = work.count;
    return true;
}

static bool describe_payout(struct db *db, struct wallet_view *view, struct arena *arena,
                            struct error *err)
{
    struct payout_row payout;
    bool has;

    if (!payout_load(db, view->entry.ref_id, arena, &payout, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a journal without its payout");
    view->source = arena_printf(arena, "payout-%" PRId64, payout.id);
    view->service = payout.provider;
    view->reference = payout.reference;
    view->state = payout.state;
    return view->source != NULL || no_room(err);
}

static bool describe_invoice(struct db *db, struct wallet_view *view, struct arena *arena,
                             struct error *err)
{
    struct host_invoice_row invoice;
    bool has;

    if (!host_invoice_load(db, view->entry.ref_id, arena, &invoice, &has, err))
        return false;
    if (!has)
        return error_set(err, ERROR_CORRUPT, "a journal without its invoice");
    view->source = invoice.number;
    view->service = "earnings";
    view->gross = invoice.gross;
    return true;
}

static bool describe(struct db *db, struct wallet_view *view, struct arena *arena,
                     struct error *err)
{
    view->reference = "";
    view->gross = view->entry.amount;
    switch (view->entry.kind) {
    case JOURNAL_PAYOUT:
        return describe_payout(db, view, arena, err);
    case JOURNAL_HOST_INVOICE:
        return describe_invoice(db, view, arena, err);
    case JOURNAL_DEPOSIT:
        view->source = "bank";
        view->service = "bank";
        return true;
    case JOURNAL_CORRECTION:
        view->source = arena_printf(arena, "instance-%" PRId64, view->entry.ref_id);
        view->service = "refund";
        return view->source != NULL || no_room(err);
    case JOURNAL_ADJUSTMENT:
        view->source = "transfer";
        view->service = "transfer";
        return true;
    case JOURNAL_HOLD:
        view->source = "hold";
        view->service = "refund";
        return true;
    case JOURNAL_RESERVATION:
        view->source = arena_printf(arena, "instance-%" PRId64, view->entry.ref_id);
        view->service = "instance_prepay";
        return view->source != NULL || no_room(err);
    case JOURNAL_REFUND:
        view->source = "card";
        view->service = "refund";
        return true;
    case JOURNAL_USAGE:
    case JOURNAL_PROMO:
    case JOURNAL_PROMO_EXPIRY:
    case JOURNAL_DISPUTE:
    case JOURNAL_PROVIDER:
        break;
    }
    view->source = "promo";
    view->service = "promo";
    return true;
}

static bool wallet_work(struct db *db, void *context, struct error *err)
{
    struct statement_work *work = context;
    auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
    struct wallet_entry *entries;

    if (!wallet_list(db, work->caller->user_id, work->from, work->until, &arena, &entries,
                     &work->count, err))
        return false;
    work->views = arena_alloc(work->arena, work->count, sizeof *work->views);
    if (work->views == NULL)
        return no_room(err);
    for (size_t i = 0; i < work->count; i++) {
        work->views[i] = (struct wallet_view){ .entry = entries[i] };
        if (!describe(db, &work->views[i], work->arena, err))
            return false;
    }
    return true;
}

bool flow_wallet(const struct flow *flow, const struct caller *caller, struct instant from,
                 struct instant until, struct arena *arena, struct wallet_view **ret,
                 size_t *ret_count, struct error *err)
{
    struct statement_work work = { .caller = caller, .from = from, .until = until, .arena = arena };

    if (!store_read(flow->store, wallet_work, &work, err))
        return error_context(err, "the wallet of user %lld", (long long)caller->user_id);
    *ret = work.views;
    *ret_count = work.count;
    return true;
}

static bool earnings_work(struct db *db, void *context, struct error *err)
{
    struct statement_work *work = context;

    return usage_line_sum_host(db, &work->range, true, work->arena, &work->sums, &work->count, err);
}

bool flow_earnings(const struct flow *flow, const struct caller *caller, int64_t from_day,
                   int64_t until_day, struct arena *arena, struct usage_sum **ret,
                   size_t *ret_count, struct error *err)
{
    struct statement_work work = { .range = { caller->user_id, from_day, until_day },
                                   .arena = arena };

    if (!store_read(flow->store, earnings_work, &work, err))
        return error_context(err, "the earnings of user %lld", (long long)caller->user_id);
    *ret = work.sums;
    *ret_count = work.count;
    return true;
}

static bool labelled_work(struct db *db, void *context, struct error *err)
{
    struct statement_work *work = context;

    work->count = 0;
    for (size_t i = 0; i < work->id_count; i++) {
        auto_arena struct arena arena = arena_of(FLOW_ARENA_MAX);
        struct contract_row contract;
        bool has;

        if (!contract_load(db, work->ids[i], &arena, &contract, &has, err))
            return false;
        if (has && contract.owner_id == work->caller->user_id && contract.label != NULL &&
            strcmp(contract.label, work->label) == 0)
            work->ids[work->count++] = work->ids[i];
    }
    return true;
}

bool flow_contracts_labelled(const struct flow *flow, const struct caller *caller,
                             const char *label, int64_t *ids, size_t *count, struct error *err)
{
    struct statement_work work = {
        .caller = caller, .label = label, .ids = ids, .id_count = *count
    };

    if (!store_read(flow->store, labelled_work, &work, err))
        return error_context(err, "look for contracts by label");
    *count = work.count;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/catalog_lookup.h"
#include "market/catalog_plan.h"
#include "market/catalog_scan.h"

enum {
    ROWS_AHEAD = 12,
    FRESH_MAX = 16, /* candidates that wait to be put among the best */
};

/* One of the best so far. */
struct candidate {
    double key; /* lower is better; what is not known is infinite */
    int64_t total, id;
    const struct offer *offer;
};

/* A block that may hold something, and the best number it may hold; lower is better. */
struct prospect {
    int64_t bound;
    size_t block;
};

struct search {
    const struct catalog *catalog;
    const struct query *query;
    const struct query_caller *caller;
    struct candidate *best; /* the best first */
    size_t count, fresh_count;
    struct candidate fresh[FRESH_MAX]; /* likewise, and not yet among them */
    bool is_bid;
    struct catalog_effort effort;
    struct catalog_plan plan;
};

static void *must(void *memory)
{
    if (memory == NULL)
        abort(); /* As base/buf.h says. */
    return memory;
}

static struct query_subject subject_of(const struct search *search, const struct offer *offer,
                                       struct quote *quote)
{
    *quote = offer_quote(offer, &search->query->ask);
    return (struct query_subject){ offer, quote };
}

/* Where the first keys are equal, all of them decide. */
static int compare_fully(const struct search *search, const struct candidate *a,
                         const struct candidate *b)
{
    struct quote quote_a, quote_b;
    struct query_subject first = subject_of(search, a->offer, &quote_a);
    struct query_subject second = subject_of(search, b->offer, &quote_b);

    return query_compare(search->query, &first, &second, search->caller);
}

/* Where the first keys are equal. */
static bool is_worse_tied(const struct search *search, const struct candidate *a,
                          const struct candidate *b)
{
    if (search->plan.key == PLAN_KEY_ANY || search->query->order_count > 1)
        return compare_fully(search, a, b) > 0;
    if (a->total != b->total)
        return a->total > b->total;
    return a->id > b->id;
}

static inline bool is_worse(const struct search *search, const struct candidate *a,
                            const struct candidate *b)
{
    if (a->key != b->key)
        return a->key > b->key;
    return is_worse_tied(search, a, b);
}

static bool is_full(const struct search *search)
{
    return search->count == search->query->limit;
}

/* The last of the best: what is worse does not enter. */
static const struct candidate *last_of(const struct search *search)
{
    return &search->best[search->count - 1];
}

static bool would_enter(const struct search *search, const struct candidate *candidate)
{
    return !is_full(search) || is_worse(search, last_of(search), candidate);
}

/* The fresh ones take their places; the worst of all go. */
static void settle(struct search *search)
{
    size_t old = search->count, fresh = search->fresh_count;
    struct candidate *best = search->best;

    while (old + fresh > search->query->limit) {
        if (old == 0 || (fresh > 0 && is_worse(search, &search->fresh[fresh - 1], &best[old - 1])))
            fresh--;
        else
            old--;
    }
    search->count = old + fresh;
    search->fresh_count = 0;
    for (size_t at = search->count; fresh > 0; at--) {
        if (old > 0 && is_worse(search, &best[old - 1], &search->fresh[fresh - 1]))
            best[at - 1] = best[--old];
        else
            best[at - 1] = search->fresh[--fresh];
    }
}

static void enter(struct search *search, const struct candidate *candidate)
{
    size_t at = search->fresh_count++;

    for (; at > 0 && is_worse(search, &search->fresh[at - 1], candidate); at--)
        search->fresh[at] = search->fresh[at - 1];
    search->fresh[at] = *candidate;
    if (search->fresh_count == FRESH_MAX)
        settle(search);
}

/* The field of the first order, turned so that lower is better. */
static double key_of(const struct search *search, const struct query_value *value)
{
    if (value->kind == QUERY_VALUE_NULL)
        return INFINITY;
    return search->query->order[0].is_descending ? -value->number : value->number;
}

/* As offer_quote() does it, from the line alone where that has what the key needs. */
static struct candidate price(const struct search *search, const struct catalog_block *block,
                              size_t at)
{
    const struct catalog_line *line = &block->lines[at];
    const struct offer_ask *ask = &search->query->ask;
    struct money base = { line->base[search->is_bid ? 1 : 0] }, total;
    struct money storage =
        offer_storage_hour((struct money){ line->disk_month }, ask->disk_milligb);
    struct candidate candidate = { .id = line->id, .offer = line->offer };
    struct query_value value = { .kind = QUERY_VALUE_NUMBER };
    struct quote quote;

    total = offer_total(base, storage);
    candidate.total = total.nanodollars;
    switch (search->plan.key) {
    case PLAN_KEY_TOTAL:
        value.number = offer_dollars(total);
        break;
    case PLAN_KEY_SCORE:
        value.number = ask->duration_us > 0 ? offer_quote(line->offer, ask).score
                                            : offer_score(line->worth, 1, total, line->traffic);
        break;
    case PLAN_KEY_VALUE:
        value.number = offer_per_dollar(line->dlperf, total);
        if (!(value.number > 0))
            value.kind = QUERY_VALUE_NULL;
        break;
    case PLAN_KEY_COLUMN:
        value = catalog_plan_key(&search->plan,
                                 column_get(&block->columns[search->plan.key_column], at));
        break;
    case PLAN_KEY_QUOTED: {
        const struct query_subject subject = subject_of(search, line->offer, &quote);

        value = query_field_value(search->query->order[0].field, &subject, search->caller);
        break;
    }
    case PLAN_KEY_ANY:
        return candidate; /* All have the same key: they are compared fully. */
    }
    candidate.key = key_of(search, &value);
    return candidate;
}

/* What columns could not tell. */
static bool is_verified(const struct search *search, const struct offer *offer, uint64_t to_verify)
{
    const struct query *query = search->query;
    struct quote quote;
    struct query_subject subject;

    if (search->plan.checks_disk && offer->renter_id == 0 &&
        offer_disk_gb(offer) < (query->ask.disk_milligb + 999) / 1000)
        return false;
    if (to_verify == 0)
        return true;
    subject = subject_of(search, offer, &quote);
    for (; to_verify != 0; to_verify &= to_verify - 1) {
        const struct query_condition *condition = &query->conditions[__builtin_ctzll(to_verify)];
        struct query_value value = query_field_value(condition->field, &subject, search->caller);

        if (!query_condition_holds(condition, &value))
            return false;
    }
    return true;
}

/* What the block's bounds leave open, a row's own numbers mostly decide: conditions for which the
 * offer itself must be looked at. */
static uint64_t left_open(const struct search *search, const struct catalog_block *block, size_t at,
                          uint64_t to_verify)
{
    const struct catalog_plan *plan = &search->plan;
    uint64_t open = to_verify & plan->to_verify;

    for (size_t i = 0; open != to_verify && i < plan->test_count; i++) {
        const struct plan_test *test = &plan->tests[i];

        if (test->to_verify == PLAN_NO_CONDITION)
            continue;
        int64_t number = column_get(&block->columns[test->column], at);

        if (number < test->sure[0] || number > test->sure[1])
            open |= UINT64_C(1) << test->to_verify;
    }
    return open & to_verify;
}

/* Offers that are looked up, not scanned for. */
static void consider_whole(struct search *search, uint32_t row)
{
    const struct catalog_block *block = catalog_block_of(search->catalog, row);
    const struct candidate candidate = price(search, block, row % COLUMN_ROWS);
    struct quote quote;
    struct query_subject subject = subject_of(search, candidate.offer, &quote);

    if (query_matches(search->query, &subject, search->caller) && would_enter(search, &candidate))
        enter(search, &candidate);
}

static bool has_bounds(const struct search *search)
{
    return search->plan.key != PLAN_KEY_ANY && search->plan.key != PLAN_KEY_QUOTED;
}

/* Rules out what cannot come before the worst that we have; false: nothing is ruled out yet. */
static bool find_limit(const struct search *search, int64_t ret_range[static 2])
{
    if (!is_full(search) || !has_bounds(search) || isinf(last_of(search)->key))
        return false;
    double key = last_of(search)->key;

    if (search->plan.key == PLAN_KEY_TOTAL) {
        ret_range[0] = INT64_MIN;
        ret_range[1] = last_of(search)->total;
        return true;
    }
    catalog_plan_bound(&search->plan, search->query->order[0].is_descending ? -key : key,
                       ret_range);
    return true;
}

/* Rows that passed all tests on columns. */
static void consider_rows(struct search *search, size_t index, const struct catalog_left *left)
{
    const struct catalog_block *block = search->catalog->blocks[index];
    const struct column *bound = &block->columns[search->plan.key_column];
    bool is_limited = false, has_extras = search->query->extra_count > 0;
    const uint16_t *rows = left->rows;
    size_t count = left->count;
    int64_t range[2];

    for (size_t i = 0; i < count; i++) {
        if (i + ROWS_AHEAD < count)
            __builtin_prefetch(&block->lines[rows[i + ROWS_AHEAD]]);
        if (is_limited) {
            int64_t number = column_get(bound, rows[i]);

            if (number < range[0] || number > range[1])
                continue;
        }
        const struct candidate candidate = price(search, block, rows[i]);

        search->effort.offers_priced++;
        if (!would_enter(search, &candidate) ||
            !is_verified(search, candidate.offer,
                         left_open(search, block, rows[i], left->to_verify)) ||
            (has_extras && query_has_extra(search->query, candidate.id)))
            continue;
        enter(search, &candidate);
        /* The limit is another one now; a key that is in its column is as fast to compare. */
        if (search->fresh_count == 0 && search->plan.key != PLAN_KEY_COLUMN)
            is_limited = find_limit(search, range);
    }
    settle(search);
}

/* Whether so many are left while not enough are found that most of them would enter in vain. */
static bool are_many(const struct search *search, const struct catalog_left *left)
{
    return left->has_map && has_bounds(search) &&
           left->count >= 2 * (search->query->limit - search->count);
}

/* Those first that promise most, about as many as there is room for: of the others, few can come
 * before them. */
static void consider_front(struct search *search, size_t index, struct catalog_left *left)
{
    size_t room = search->query->limit - search->count;
    int64_t front[2], limit[2];

    catalog_left_front(left, search->query->order[0].is_descending, room, front);
    catalog_left_narrow(left, front, NULL);
    consider_rows(search, index, left);
    catalog_left_narrow(left, find_limit(search, limit) ? limit : NULL, front);
}

static void search_block(struct search *search, size_t index)
{
    struct catalog_left left;
    int64_t limit[2];
    bool is_limited = find_limit(search, limit);

    catalog_scan(search->catalog, &search->plan, index, is_limited ? limit : NULL, &left);
    search->effort.blocks_scanned++;
    if (!is_full(search) && are_many(search, &left))
        consider_front(search, index, &left);
    if (left.count > 0)
        consider_rows(search, index, &left);
    search->effort.bytes_scanned += left.bytes_scanned;
}

/* The best that the key column may have in a block; what is not known counts as the best too. */
static int64_t bound_of(const struct search *search, size_t index)
{
    const struct catalog_plan *plan = &search->plan;

    if (!has_bounds(search))
        return 0;
    const struct catalog_zone *zone = &search->catalog->zones[plan->key_column][index];

    return search->query->order[0].is_descending ? ~zone->max : zone->min;
}

/* A heap with the best first, of which only as many are taken out as are looked at. */
static void sift_prospect(struct prospect *prospects, size_t count, size_t at)
{
    struct prospect moved = prospects[at];

    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && prospects[child + 1].bound < prospects[child].bound)
            child++;
        if (prospects[child].bound >= moved.bound)
            break;
        prospects[at] = prospects[child];
        at = child;
    }
    prospects[at] = moved;
}

/* Whether nothing with this bound or a worse one can enter. */
static bool is_over(const struct search *search, int64_t bound)
{
    int64_t range[2];

    if (!find_limit(search, range))
        return false;
    return search->query->order[0].is_descending ? ~bound < range[0] : bound > range[1];
}

static void search_blocks(struct search *search)
{
    size_t count = 0;
    auto_free struct prospect *prospects =
        must(malloc((search->catalog->block_count + 1) * sizeof *prospects));

    for (size_t i = 0; i < search->catalog->block_count; i++) {
        if (catalog_scan_may(search->catalog, &search->plan, i))
            prospects[count++] = (struct prospect){ bound_of(search, i), i };
    }
    for (size_t i = count / 2; i > 0; i--)
        sift_prospect(prospects, count, i - 1);
    while (count > 0 && !is_over(search, prospects[0].bound)) {
        size_t index = prospects[0].block;

        prospects[0] = prospects[--count];
        if (count > 0)
            sift_prospect(prospects, count, 0);
        search_block(search, index);
    }
}

/* False: not asked for by ids, or too many. */
static bool search_ids(struct search *search)
{
    struct catalog_rows rows;

    if (search->plan.key_condition == PLAN_NO_CONDITION ||
        !catalog_lookup(search->catalog, search->query, (size_t)search->plan.key_condition, &rows))
        return false;
    for (size_t i = 0; i < rows.count; i++)
        consider_whole(search, rows.rows[i]);
    settle(search);
    return true;
}

/* Extra offers are looked up; the same one asked for twice is one. */
static void search_extras(struct search *search)
{
    const int64_t *ids = search->query->extra_ids;

    for (size_t i = 0; i < search->query->extra_count; i++) {
        uint32_t row = idmap_find(&search->catalog->offers, ids[i]);
        bool is_repeated = false;

        for (size_t j = 0; j < i && !is_repeated; j++)
            is_repeated = ids[j] == ids[i];
        if (row != IDMAP_NONE && !is_repeated)
            consider_whole(search, row);
    }
    settle(search);
}

static void run(struct search *search)
{
    catalog_plan(search->catalog, search->query, search->caller, &search->plan);
    if (search_ids(search))
        return;
    search_extras(search);
    if (!search->plan.is_impossible)
        search_blocks(search);
}

size_t catalog_search(const struct catalog *catalog, const struct query *query,
                      const struct query_caller *caller, struct catalog_hit *hits)
{
    struct search search;

    assert(query->limit >= 1 && query->limit <= QUERY_LIMIT_MAX);
    auto_free struct candidate *best = must(malloc(query->limit * sizeof *best));
    search.catalog = catalog;
    search.query = query;
    search.caller = caller;
    search.best = best;
    search.count = search.fresh_count = 0;
    search.is_bid = query->ask.type == OFFER_BID;
    search.effort = (struct catalog_effort){ .blocks_scanned = 0 };
    run(&search);
    for (size_t i = 0; i < search.count; i++)
        hits[i] = (struct catalog_hit){ best[i].offer, best[i].id, { best[i].total } };
    return search.count;
}

/* What a scan of all of a column would read. */
static size_t bytes_of_column(const struct catalog *catalog, enum catalog_column column)
{
    size_t bytes = 0;

    for (size_t i = 0; i < catalog->block_count; i++)
        bytes += column_size(&catalog->blocks[i]->columns[column]);
    return bytes;
}

struct catalog_effort catalog_search_effort(const struct catalog *catalog,
                                            const struct query *query,
                                            const struct query_caller *caller)
{
    bool is_read[COLUMN_COUNT] = { false };
    struct search search = {
        .catalog = catalog, .query = query, .caller = caller, .is_bid = query->ask.type == OFFER_BID
    };

    search.best = must(malloc(query->limit * sizeof *search.best));
    run(&search);
    free(search.best);
    for (size_t i = 0; i < search.plan.test_count; i++)
        is_read[search.plan.tests[i].column] = true;
    if (search.plan.key != PLAN_KEY_ANY)
        is_read[search.plan.key_column] = true;
    search.effort.column_bytes = catalog->block_count * sizeof catalog->blocks[0]->flags;
    for (int i = 0; i < COLUMN_COUNT; i++)
        search.effort.column_bytes +=
            is_read[i] ? bytes_of_column(catalog, (enum catalog_column)i) : 0;
    return search.effort;
}

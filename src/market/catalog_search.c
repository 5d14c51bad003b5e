/* SPDX-License-Identifier: Apache-2.0 */
#include "market/catalog_search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "market/catalog_lookup.h"
#include "market/catalog_plan.h"

enum { CACHE_LINE = 64, ROWS_AHEAD = 12 };

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
    struct candidate *best; /* a heap, the worst first */
    size_t count;
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

/* From `at` up to where it belongs. */
static void sift_up(struct search *search, size_t at, const struct candidate *moved)
{
    while (at > 0 && is_worse(search, moved, &search->best[(at - 1) / 2])) {
        search->best[at] = search->best[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    search->best[at] = *moved;
}

/* Puts `moved` where the first of `count` was: a gap goes all the way down, and what is moved,
 * which mostly belongs there, a little way up. */
static void sift_down(struct search *search, size_t count, const struct candidate *moved)
{
    struct candidate *best = search->best;
    size_t at = 0;

    for (size_t child = 2; child < count; child = 2 * at + 2) {
        child -= is_worse(search, &best[child - 1], &best[child]) ? 1 : 0;
        best[at] = best[child];
        at = child;
    }
    if (2 * at + 2 == count) {
        best[at] = best[2 * at + 1];
        at = 2 * at + 1;
    }
    sift_up(search, at, moved);
}

static bool is_full(const struct search *search)
{
    return search->count == search->query->limit;
}

static bool would_enter(const struct search *search, const struct candidate *candidate)
{
    return !is_full(search) || is_worse(search, &search->best[0], candidate);
}

static void enter(struct search *search, const struct candidate *candidate)
{
    if (is_full(search)) {
        sift_down(search, search->count, candidate);
    } else {
        sift_up(search, search->count, candidate);
        search->count++;
    }
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

    if (to_verify == 0 && !search->plan.checks_disk)
        return true;
    if (search->plan.checks_disk && offer->renter_id == 0 &&
        offer_disk_gb(offer) < (query->ask.disk_milligb + 999) / 1000)
        return false;
    subject = subject_of(search, offer, &quote);
    for (; to_verify != 0; to_verify &= to_verify - 1) {
        const struct query_condition *condition = &query->conditions[__builtin_ctzll(to_verify)];
        struct query_value value = query_field_value(condition->field, &subject, search->caller);

        if (!query_condition_holds(condition, &value))
            return false;
    }
    return true;
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

enum answer { ANSWER_NONE, ANSWER_SOME, ANSWER_ALL };

/* What a zone says of a test. */
static enum answer ask_zone(const struct catalog_plan *plan, const struct plan_test *test,
                            const struct catalog_zone *zone)
{
    bool is_touched = false;

    for (size_t i = 0; i < test->range_count; i++) {
        const int64_t *range = plan->ranges[test->range_first + i];

        if (range[0] <= zone->min && zone->max <= range[1])
            return test->is_inside ? ANSWER_ALL : ANSWER_NONE;
        is_touched = is_touched || (range[0] <= zone->max && zone->min <= range[1]);
    }
    if (is_touched)
        return ANSWER_SOME;
    return test->is_inside ? ANSWER_NONE : ANSWER_ALL;
}

static bool is_sure(const struct plan_test *test, const struct catalog_zone *zone)
{
    return test->sure[0] <= zone->min && zone->max <= test->sure[1];
}

/* Leaves the rows for which a test holds. */
static void scan_test(struct search *search, size_t index, const struct plan_test *test,
                      uint8_t *keep)
{
    const struct column *column = &search->catalog->blocks[index]->columns[test->column];
    const struct catalog_zone *zone = &search->catalog->zones[test->column][index];
    const struct column_scan *scan = search->catalog->scan;
    const int64_t *ranges[PLAN_RANGES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < test->range_count; i++) {
        const int64_t *range = search->plan.ranges[test->range_first + i];

        if (range[0] <= zone->max && zone->min <= range[1])
            ranges[count++] = range;
    }
    search->effort.bytes_scanned += count * column_size(column);
    if (test->is_inside && count > 1) {
        uint8_t mark[COLUMN_ROWS] = { 0 };

        for (size_t i = 0; i < count; i++)
            column_scan(scan, column, COLUMN_MARK, ranges[i], mark);
        scan->both(keep, mark);
        return;
    }
    for (size_t i = 0; i < count; i++)
        column_scan(scan, column, test->is_inside ? COLUMN_INSIDE : COLUMN_OUTSIDE, ranges[i],
                    keep);
}

/* Rules out what cannot come before the worst that we have; false: nothing is ruled out yet. */
static bool find_limit(const struct search *search, int64_t ret_range[static 2])
{
    if (!is_full(search) || search->plan.key == PLAN_KEY_ANY || isinf(search->best[0].key))
        return false;
    double key = search->best[0].key;

    if (search->plan.key == PLAN_KEY_TOTAL) {
        ret_range[0] = INT64_MIN;
        ret_range[1] = search->best[0].total;
        return true;
    }
    catalog_plan_bound(&search->plan, search->query->order[0].is_descending ? -key : key,
                       ret_range);
    return true;
}

/* The numbers of the rows that are left. */
static size_t rows_left(const uint8_t *keep, uint16_t rows[static COLUMN_ROWS])
{
    size_t count = 0;

    for (size_t first = 0; first < COLUMN_ROWS; first += 8) {
        uint64_t eight;

        memcpy(&eight, keep + first, sizeof eight);
        for (; eight != 0; eight &= eight - 1)
            rows[count++] = (uint16_t)(first + (size_t)__builtin_ctzll(eight) / 8);
    }
    return count;
}

/* Rows that passed all tests on columns. */
static void consider_rows(struct search *search, size_t index, const uint8_t *keep,
                          uint64_t to_verify)
{
    const struct catalog_block *block = search->catalog->blocks[index];
    const struct column *bound = &block->columns[search->plan.key_column];
    bool is_limited = false, has_extras = search->query->extra_count > 0;
    uint16_t rows[COLUMN_ROWS];
    size_t count = rows_left(keep, rows);
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
        if (!would_enter(search, &candidate) || !is_verified(search, candidate.offer, to_verify) ||
            (has_extras && query_has_extra(search->query, candidate.id)))
            continue;
        enter(search, &candidate);
        /* A key that is in its column is as fast to compare as its bound. */
        is_limited = search->plan.key != PLAN_KEY_COLUMN && find_limit(search, range);
    }
}

static void scan_flags(struct search *search, size_t index, uint8_t *keep)
{
    const struct catalog *catalog = search->catalog;
    uint16_t mask = search->plan.flags_mask, want = search->plan.flags_want;

    if ((catalog->flags_all[index] & mask) == want && (catalog->flags_any[index] & mask) == want) {
        memset(keep, 1, COLUMN_ROWS);
    } else {
        catalog->scan->flags(catalog->blocks[index]->flags, mask, want, keep);
        search->effort.bytes_scanned += sizeof catalog->blocks[index]->flags;
    }
}

static void search_block(struct search *search, size_t index)
{
    const struct catalog *catalog = search->catalog;
    const struct catalog_plan *plan = &search->plan;
    uint64_t to_verify = plan->to_verify;
    uint8_t keep[COLUMN_ROWS];
    int64_t limit[2];

    search->effort.blocks_scanned++;
    scan_flags(search, index, keep);
    for (size_t i = 0; i < plan->test_count; i++) {
        const struct plan_test *test = &plan->tests[i];
        const struct catalog_zone *zone = &catalog->zones[test->column][index];

        if (test->to_verify != PLAN_NO_CONDITION && !is_sure(test, zone))
            to_verify |= UINT64_C(1) << test->to_verify;
        if (ask_zone(plan, test, zone) == ANSWER_ALL)
            continue;
        scan_test(search, index, test, keep);
        if (catalog->scan->count(keep) == 0)
            return;
    }
    if (find_limit(search, limit)) {
        const struct column *column = &catalog->blocks[index]->columns[plan->key_column];

        column_scan(catalog->scan, column, COLUMN_INSIDE, limit, keep);
        search->effort.bytes_scanned += column_size(column);
    }
    consider_rows(search, index, keep, to_verify);
}

/* Whether zones leave it possible that the block has something. */
static bool is_prospect(const struct search *search, size_t index)
{
    const struct catalog *catalog = search->catalog;
    const struct catalog_plan *plan = &search->plan;
    uint16_t want = plan->flags_want, unwanted = (uint16_t)(plan->flags_mask & ~plan->flags_want);

    if ((catalog->flags_any[index] & want) != want || (catalog->flags_all[index] & unwanted) != 0)
        return false;
    for (size_t i = 0; i < plan->test_count; i++) {
        const struct plan_test *test = &plan->tests[i];

        if (ask_zone(plan, test, &catalog->zones[test->column][index]) == ANSWER_NONE)
            return false;
    }
    return true;
}

/* The best that the key column may have in a block; what is not known counts as the best too. */
static int64_t bound_of(const struct search *search, size_t index)
{
    const struct catalog_plan *plan = &search->plan;

    if (plan->key == PLAN_KEY_ANY)
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
        if (is_prospect(search, i))
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

/* The offers themselves are looked at here for the first time, and lie all over memory: their cache
 * lines are asked for at once, not one after the other. */
static void fetch_ahead(const struct candidate *best, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < sizeof *best[i].offer; at += CACHE_LINE)
            __builtin_prefetch((const char *)best[i].offer + at);
    }
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&best[i].offer->machine->dlperf_milli);
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
    search.count = 0;
    search.is_bid = query->ask.type == OFFER_BID;
    search.effort = (struct catalog_effort){ .blocks_scanned = 0 };
    run(&search);
    /* The worst of what is left goes to the end, until they stand best first. */
    for (size_t left = search.count; left > 1; left--) {
        const struct candidate worst = search.best[0], last = search.best[left - 1];

        sift_down(&search, left - 1, &last);
        search.best[left - 1] = worst;
    }
    fetch_ahead(best, search.count);
    for (size_t i = 0; i < search.count; i++)
        hits[i] = (struct catalog_hit){ search.best[i].offer,
                                        offer_quote(search.best[i].offer, &query->ask) };
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

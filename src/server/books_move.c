/* SPDX-License-Identifier: Apache-2.0 */
#include "server/books_move.h"

#include <stdio.h>
#include <string.h>

#include "flow/check.h"
#include "flow/trial_balance.h"
#include "server/data_dir.h"
#include "store/move.h"
#include "sys/clock.h"

const struct option_row move_options[] = {
    { "data", "DIR", "the server's folder, whose berthd has been stopped (needed)" },
    { "store", "URL", "postgres://..., a database with nothing in it (needed)" },
    { NULL, NULL, NULL },
};

/* What both sides must say. */
struct books {
    uint64_t violations;
    char first[256];
    struct check_counts counts;
    struct trial_balance trial;
};

static void note_finding(void *context, const char *rule, const char *text)
{
    struct books *books = context;

    if (books->violations++ == 0)
        (void)snprintf(books->first, sizeof books->first, "%s: %s", rule, text);
}

/* Recomputes every invariant, the chain of seals among them. Opening brings a database to this
 * program's schema. */
static bool read_books(const char *location, struct books *ret, struct error *err)
{
    struct log log = log_standard();
    struct flow flow = { .clock = &clock_system, .log = &log };
    struct store *store = NULL;

    *ret = (struct books){ .violations = 0 };
    if (!store_open(location, &log, &store, err))
        return false;
    flow.store = store;
    bool is_read = flow_check(store, note_finding, ret, &ret->counts, err) &&
                   flow_trial_balance(&flow, &ret->trial, err);
    store_close(&store);
    if (!is_read)
        return false;
    if (ret->violations > 0)
        return error_set(err, ERROR_CORRUPT, "%llu violations; the first: %s",
                         (unsigned long long)ret->violations, ret->first);
    return ret->trial.is_balanced || error_set(err, ERROR_CORRUPT, "the trial balance is off");
}

static bool are_same_trials(const struct trial_balance *a, const struct trial_balance *b)
{
    if (a->line_count != b->line_count)
        return false;
    for (size_t i = 0; i < a->line_count; i++) {
        const struct trial_line *of_a = &a->lines[i], *of_b = &b->lines[i];
        if (of_a->account != of_b->account ||
            of_a->debits.nanodollars != of_b->debits.nanodollars ||
            of_a->credits.nanodollars != of_b->credits.nanodollars)
            return false;
    }
    return true;
}

static bool compare(const struct books *from, const struct books *to, struct error *err)
{
    if (from->counts.journals != to->counts.journals ||
        from->counts.transfers != to->counts.transfers ||
        from->counts.accounts != to->counts.accounts ||
        from->counts.contracts != to->counts.contracts)
        return error_set(err, ERROR_CORRUPT, "the two sides count differently");
    if (from->counts.seals != to->counts.seals || strcmp(from->counts.head, to->counts.head) != 0)
        return error_set(err, ERROR_CORRUPT, "the chains of seals differ");
    return are_same_trials(&from->trial, &to->trial) ||
           error_set(err, ERROR_CORRUPT, "the trial balances differ");
}

bool move_run(const struct options *options, struct buf *out, struct error *err)
{
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    const char *data = options_get(options, "data"), *url = options_get(options, "store");
    static struct books from, to; /* large */
    struct move_counts counts;
    struct log log = log_standard();
    struct store *target = NULL;

    if (data == NULL || url == NULL)
        return error_set(err, ERROR_INVALID, "--data and --store are needed");
    if (!store_is_url(url))
        return error_set(err, ERROR_INVALID, "--store takes postgres://..., not '%.64s'", url);
    /* Nobody serves from the folder meanwhile. */
    if (!data_dir_find(data, &dir, err) || !store_find(data, err) || !data_dir_lock(&dir, err))
        return false;
    if (!read_books(data, &from, err))
        return error_context(err, "the books in %s", data);
    if (!store_open(url, &log, &target, err)) /* the schema */
        return false;
    store_close(&target);
    if (!move_to_postgres(data, url, &counts, err))
        return false;
    if (!read_books(url, &to, err) || !compare(&from, &to, err))
        return error_context(err, "after the move (the books in %s are as they were)", data);
    if (!move_retire(data, err))
        return error_context(err, "all is moved, but the old books are still called so");
    buf_printf(out,
               "moved: %lld rows of %lld tables; both sides are sound: %llu journals, %llu "
               "contracts, the same chain of %llu seals and the same trial balance\n"
               "Start berthd with --store; the old books are %s/berth.sqlite.moved.",
               (long long)counts.rows, (long long)counts.tables,
               (unsigned long long)to.counts.journals, (unsigned long long)to.counts.contracts,
               (unsigned long long)to.counts.seals, data);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/books_recovery.h"

#include <signal.h>
#include <string.h>

#include "flow/recovery.h"
#include "server/data_dir.h"
#include "server/whereabouts.h"

enum { RECOVERY_ARENA_MAX = 64 << 20 };

const struct option_row recovery_options[] = {
    { "data", "DIR", "the server's folder" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { "without-silent", NULL, "end: although machines have not reported" },
    { NULL, NULL, NULL },
};

static void describe_instances(const char *what, const struct recovery_instance *instances,
                               size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s: instance %lld on machine %lld\n", what,
                   (long long)instances[i].instance_id, (long long)instances[i].machine_id);
}

static void describe_recovery(const struct recovery_view *view, struct buf *out)
{
    char began[INSTANT_TEXT_SIZE], end[INSTANT_TEXT_SIZE];

    if (!view->is_open) {
        buf_printf(out, "no recovery is open\n");
        return;
    }
    buf_printf(out,
               "recovery since %s; the books end at %s, %lld s before\n"
               "machines: %lld, of which %lld have reported\n"
               "instances that books and machines know: %lld\n",
               instant_format(view->began, began), instant_format(view->books_end, end),
               (long long)(instant_until(view->books_end, view->began) / US_PER_SECOND),
               (long long)view->counts.machines, (long long)view->counts.reported,
               (long long)view->counts.matched);
    describe_instances("runs, and is in no book (made in the gap; stopped and kept at the end)",
                       view->unknown, view->unknown_count, out);
    describe_instances(
        "in the books, and not on its machine (destroyed in the gap, or not made yet)",
        view->missing, view->missing_count, out);
    for (size_t i = 0; i < view->silent_count; i++)
        buf_printf(out, "not reported: machine %lld\n", (long long)view->silent[i]);
}

static bool end_recovery(const struct flow *flow, const struct options *options, struct buf *out,
                         struct error *err)
{
    enum recovery_outcome outcome;

    if (!flow_recovery_end(flow, options_has(options, "without-silent"), &outcome, err))
        return false;
    switch (outcome) {
    case RECOVERY_ENDED:
        buf_printf(out, "the market goes on\n");
        return true;
    case RECOVERY_NONE:
        return error_set(err, ERROR_CONFLICT, "no recovery is open");
    case RECOVERY_WAITING:
        return error_set(err, ERROR_CONFLICT,
                         "machines have not reported (berthd recovery show): wait, or say "
                         "--without-silent");
    }
    return false;
}

static bool run_recovery(const struct flow *flow, const struct options *options, struct buf *out,
                         struct error *err)
{
    const char *verb = options->word_count == 1 ? options->words[0] : "";
    auto_arena struct arena arena = arena_of(RECOVERY_ARENA_MAX);
    struct recovery_view view;

    if (strcmp(verb, "begin") == 0) {
        buf_printf(out, "the market is in recovery: wait until machines have reported (berthd "
                        "recovery show), then berthd recovery end");
        return flow_recovery_begin(flow, err);
    }
    if (strcmp(verb, "end") == 0)
        return end_recovery(flow, options, out, err);
    if (strcmp(verb, "show") != 0)
        return error_set(err, ERROR_INVALID, "begin, show or end?");
    if (!flow_recovery_show(flow, &arena, &view, err))
        return false;
    describe_recovery(&view, out);
    return true;
}

/* A server on this folder's file hears of it at once; others look by themselves. */
static void tell_server(const char *data)
{
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    struct error ignored;

    pid_t server = data != NULL && data_dir_find(data, &dir, &ignored) ? data_dir_server(&dir) : 0;
    if (server > 0)
        (void)kill(server, SIGHUP);
}

bool recovery_run(const struct options *options, struct buf *out, struct error *err)
{
    const char *data = options_get(options, "data"), *location;
    struct log log = log_standard();
    struct flow flow = { .clock = &clock_system, .log = &log };
    struct store *store = NULL;

    if (!whereabouts_find(options, &location, err) ||
        !store_open_beside(location, &log, &store, err))
        return false;
    flow.store = store;
    bool is_done = run_recovery(&flow, options, out, err);
    store_close(&store);
    if (is_done)
        tell_server(data);
    return is_done;
}

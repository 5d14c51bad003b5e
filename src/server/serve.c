/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/parse.h"
#include "flow/account.h"
#include "flow/liveness.h"
#include "flow/pay_card.h"
#include "flow/throttle.h"
#include "market/billing.h"
#include "server/agents.h"
#include "server/app.h"
#include "server/audit_args.h"
#include "server/catalog_feed.h"
#include "server/data_dir.h"
#include "server/deliver.h"
#include "server/events.h"
#include "server/jobs.h"
#include "server/market_keys.h"
#include "server/market_stats.h"
#include "server/metrics_page.h"
#include "server/offer_pages.h"
#include "server/orders.h"
#include "server/payments.h"
#include "server/predictor_wire.h"
#include "server/relay.h"
#include "server/reply.h"
#include "server/site.h"
#include "server/terms.h"
#include "server/timekeeper.h"
#include "server/whereabouts.h"
#include "sys/file.h"
#include "sys/password.h"
#include "sys/service.h"

enum {
    /* Twice WRITER_COMPANY of the store: who waits for company leaves as many for the others. */
    WORKERS = 32,
    STOP_DEADLINE_MS = 6000,
    TRUSTED_PROXIES_MAX = 16,
    OPTIONS_ARENA_MAX = 64 * 1024,
};

const struct option_row serve_options[] = {
    { "data", "DIR", "where keys, the lock and SQLite are kept (needed)" },
    { "listen", "ADDR:PORT", "where to answer; port 0 takes a free one (127.0.0.1:8080)" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { "public-url", "URL", "how clients reach this server (what they send as Host)" },
    { "trusted-proxies", "A,B", "addresses whose X-Forwarded-For is believed (none)" },
    { "metrics-listen", "ADDR:PORT", "serve /metrics there too, without a key (nowhere)" },
    { "slow-request-ms", "N", "log requests that take longer; 0: none (1000)" },
    { "slow-job-ms", "N", "log batches of timers that take longer; 0: none (1000)" },
    { "slow-query-ms", "N", "log statements of the database that take longer; 0: none (250)" },
    { "rate-factor", "N", "let callers call N times as often as by default; 0: without limit (1)" },
    { "web", "DIR", "the web console's files (../web, or /usr/share/berth/web, if there)" },
    { "agent-releases", "DIR",
      "offer what `berthd release sign` made to hosts that update themselves" },
    { "config", "FILE", "more options, one a line, without dashes" },
    { "auto-verify", NULL, "count every machine as verified" },
    { "allow-simulated", NULL, "let machines with simulated GPUs join" },
    { "allow-local-webhooks", NULL, "let webhooks go by http and to any address, to try things" },
    { "accept-keys", NULL,
      "the keys in --data are this market's from now on, although it had others" },
    { "accept-clock", NULL, "this machine's clock is right, although it does not fit the books" },
    TERMS_OPTION_ROWS,
    { "payout-min", "10.00", "pay hosts from this many dollars on; less waits a week (10.00)" },
    { "spend-cap", "5.00", "dollars an hour for a new account; grows by itself (no limit)" },
    { "stripe-keys", "FILE",
      "take cards by Stripe, with the keys in this file (docs/payments.md)" },
    { "paypal-keys", "FILE",
      "client ID, secret and webhook of PayPal, which pays hosts outside of the US" },
    { "paypal-url", "URL", "where PayPal is, to try things (https://api-m.paypal.com)" },
    { "stripe-url", "URL", "where Stripe is, to try things (https://api.stripe.com)" },
    { "test-credit", "1.00", "for a verified email with a card, once; 0: none (1.00)" },
    { "smtp", "URL", "send mail there: smtps://host:465 or smtp://host:587 (files in DIR/outbox)" },
    { "smtp-user", "NAME", "log in to the mail server as this" },
    { "smtp-password-file", "FILE", "whose first line is its password" },
    { "smtp-ca", "FILE", "certificates to trust for the mail server (the system's)" },
    { "mail-from", "ADDRESS", "the sender of mails (needed with --smtp)" },
    { "storage-when-offline", "RULE",
      "storage on a host out of contact: charge (72 hours at most) or skip (charge)" },
    { "runs", "FILE", "more runs of tasks, to learn their speeds from (data/runs.csv)" },
    { "predictor", "RULE",
      "on: speeds are as learned where that errs less; off: by the formula (on)" },
    { "downtime-credit", "PERCENT", "of its price a host gives back for time out of contact (0)" },
    RELAY_OPTION_ROWS,
    { NULL, NULL, NULL },
};

/* An instance's secrets and the server's key pass through this memory: it is not dumped, and not
 * readable for others of the same user. */
static void forbid_dumps(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
    (void)prctl(PR_SET_DUMPABLE, 0);
}

static void name_process(char name[static SERVER_PROC_SIZE])
{
    char host[32] = "";
    uint32_t random;

    /* Cut short, a long host name still tells people where to look. */
    (void)gethostname(host, sizeof host - 1);
    crypto_random(&random, sizeof random);
    (void)snprintf(name, SERVER_PROC_SIZE, "%s.%d.%08x", host, (int)getpid(), (unsigned)random);
}

static bool find_key(void *context, const struct hash *key, struct caller *ret, struct error *err)
{
    struct app *app = context;
    bool is_known;

    if (!flow_authenticate(&app->flow, key, ret, &is_known, err))
        return false;
    if (!is_known)
        return error_set(err, ERROR_NOT_FOUND, "nobody has this key");
    ret->kind = ret->instance_id != 0 ? CALLER_INSTANCE : CALLER_USER;
    /* An instance's own key is shown to nobody. */
    if (ret->key_id != 0 && ret->instance_id == 0)
        key_uses_note(app->key_uses, ret->key_id, clock_now(app->clock));
    return true;
}

static bool act_for_team(void *context, int64_t team_id, struct caller *caller, struct error *err)
{
    struct app *app = context;
    bool is_member;

    return flow_act_for_team(&app->flow, team_id, caller, &is_member, err) &&
           (is_member || error_set(err, ERROR_NOT_FOUND, "you are a member of no team %lld",
                                   (long long)team_id));
}

static bool find_rights(void *context, const struct caller *caller, struct arena *arena,
                        struct key_rights *ret, struct error *err)
{
    struct app *app = context;

    return flow_key_rights(&app->flow, caller, arena, ret, err);
}

static bool count_wrong(void *context, const char *address, int64_t *ret_wait_us, struct error *err)
{
    struct app *app = context;
    const struct guess guess = { THROTTLE_ADDRESS, NULL, address };

    return flow_guess(&app->flow, &guess, ret_wait_us, err);
}

static void write_down(void *context, const struct call *call)
{
    struct app *app = context;

    audit_args_write(&app->flow, call);
}

/* From the store, after a commit: tell whoever keeps a view of what changed. */
static void hear(void *context, enum db_topic topic, int64_t id)
{
    struct app *app = context;

    switch (topic) {
    case TOPIC_MACHINE:
        if (id == STORE_ID_ANY)
            hub_wake_all(app->hub);
        else
            hub_wake(app->hub, id);
        catalog_feed_touch(app->catalog, id);
        orders_touch(app->orders, topic, id);
        break;
    case TOPIC_ORDER:
        orders_touch(app->orders, topic, id);
        break;
    case TOPIC_CONTRACT:
    case TOPIC_USER:
        events_touch(app->events, topic, id);
        break;
    case TOPIC_OUTBOX:
        deliver_wake(app->deliver);
        deliver_wake(app->slow_deliver);
        payments_wake(app->payments);
        break;
    case TOPIC_RELAY:
        relay_touch(app->relay);
        break;
    }
    if (topic != TOPIC_OUTBOX)
        jobs_hint(app->jobs);
}

/* And what changed before, since each read what it keeps. */
static void listen_to_changes(struct app *app)
{
    store_subscribe(app->store, hear, app);
    catalog_feed_touch(app->catalog, STORE_ID_ANY);
    orders_touch(app->orders, TOPIC_ORDER, STORE_ID_ANY);
    jobs_hint(app->jobs);
}

/* Another process changed the database behind our back: `berthd admin`, which signals us. */
static void look_at_everything(struct app *app)
{
    struct error err;

    if (!recovery_watch_look(&app->recovery, &err))
        log_failure(&app->log, "recovery", &err);
    hear(app, TOPIC_MACHINE, STORE_ID_ANY);
    hear(app, TOPIC_USER, STORE_ID_ANY);
    hear(app, TOPIC_OUTBOX, STORE_ID_ANY);
    jobs_wake(app->jobs);
}

/* A held poll and a stream are meant to take long. */
static void hear_answer(void *context, const struct http_answered *answered)
{
    struct app *app = context;
    bool is_known = answered->tag >= 0;
    const struct route *route = is_known ? &route_table[answered->tag] : NULL;

    metrics_request(app->metrics, is_known ? (size_t)answered->tag : route_count, answered->status,
                    answered->duration_us);
    if (app->slow.request_us == 0 || answered->was_held ||
        answered->duration_us < app->slow.request_us)
        return;
    metrics_add(app->metrics, METRICS_REQUESTS_SLOW, 1);
    log_write(&app->log, LOG_WARNING, "slow request", "%s: %d after %lld ms, request %s",
              is_known ? route->name : "no route", answered->status,
              (long long)(answered->duration_us / US_PER_MS), answered->request_id);
}

static bool read_billing(const struct options *options, struct flow *flow, struct error *err)
{
    const char *minimum = options_get(options, "payout-min");
    const char *downtime = options_get(options, "downtime-credit");
    const char *cap = options_get(options, "spend-cap");
    const char *offline = options_get(options, "storage-when-offline");
    uint64_t percent = 0;

    flow->skips_disk_offline = offline != NULL && strcmp(offline, "skip") == 0;
    if (offline != NULL && !flow->skips_disk_offline && strcmp(offline, "charge") != 0)
        return error_set(err, ERROR_INVALID, "--storage-when-offline is charge or skip");
    if (cap != NULL &&
        (!money_parse(cap, &flow->spend_cap, err) || flow->spend_cap.nanodollars < 0))
        return error_set(err, ERROR_INVALID, "--spend-cap must be dollars, 0 or more");
    flow->payout_min = (struct money){ BILLING_PAYOUT_MIN };
    if (minimum != NULL && (!money_parse(minimum, &flow->payout_min, err) ||
                            flow->payout_min.nanodollars < BILLING_CENT))
        return error_set(err, ERROR_INVALID, "--payout-min must be dollars, 0.01 or more");
    if (downtime != NULL && (!parse_u64(downtime, &percent) || percent > 100))
        return error_set(err, ERROR_INVALID, "--downtime-credit must be 0 to 100");
    flow->downtime_bps = (int64_t)percent * 100;
    return true;
}

static bool read_rate_factor(const struct options *options, uint32_t *ret, struct error *err)
{
    const char *text = options_get(options, "rate-factor");
    uint64_t factor = 1;

    if (text != NULL && (!parse_u64(text, &factor) || factor > RATE_FACTOR_MAX))
        return error_set(err, ERROR_INVALID, "--rate-factor is a number up to %d", RATE_FACTOR_MAX);
    *ret = (uint32_t)factor;
    return true;
}

/* Who pays by card, if anybody does. */
static bool read_payments(struct app *app, const struct options *options, struct error *err)
{
    const char *credit = options_get(options, "test-credit");

    app->pay.test_credit = (struct money){ TEST_CREDIT_DEFAULT };
    if (credit != NULL &&
        (!money_parse(credit, &app->pay.test_credit, err) || app->pay.test_credit.nanodollars < 0))
        return error_set(err, ERROR_INVALID, "--test-credit must be dollars, 0 or more");
    if (!stripe_wire_read(options, &app->stripe, &app->pay.has_stripe, err) ||
        !paypal_wire_read(options, &app->paypal, &app->pay.has_paypal, err))
        return false;
    if (!app->pay.has_stripe && !app->pay.has_paypal)
        return true;
    app->pay.site = app->public_url;
    app->pay.is_live = app->stripe.is_live;
    app->flow.pay = &app->pay;
    return flow_installation(app->store, app->pay.installation, err);
}

static bool open_payments(struct app *app, struct error *err)
{
    const struct payments_options payments = { &app->flow, app->metrics, app->server_proc,
                                               app->pay.has_stripe ? &app->stripe : NULL,
                                               app->pay.has_paypal ? &app->paypal : NULL };

    return app->flow.pay == NULL || payments_open(&payments, &app->payments, err);
}

/* Before the store tells it of changes, and before anybody rents. */
static bool open_relay(struct app *app, const struct options *options, struct error *err)
{
    struct relay_options relay = relay_options_of(options);

    if (relay.ports == NULL)
        return true;
    relay.flow = &app->flow;
    relay.public_url = app->public_url;
    return relay_open(&relay, &app->relay, err);
}

static bool open_market(struct app *app, const struct options *options, const struct data_dir *dir,
                        struct error *err)
{
    const char *location;

    if (!whereabouts_of(options, &location, err) ||
        !store_open(location, &app->log, &app->store, err))
        return false;
    app->flow = (struct flow){ .store = app->store,
                               .clock = app->clock,
                               .log = &app->log,
                               .server_keys = &app->keys,
                               .vault = &app->vault,
                               .passwords = app->passwords,
                               .auto_verifies = options_has(options, "auto-verify"),
                               .allows_simulated = options_has(options, "allow-simulated") };
    if (!market_keys_check(&app->flow, dir->path, options_has(options, "accept-keys"), err) ||
        !read_billing(options, &app->flow, err) || !terms_read(options, &app->flow, err) ||
        !read_rate_factor(options, &app->flow.guess_factor, err) ||
        !slow_read(options, &app->slow, err) ||
        !mailer_read(options, dir->path, &app->mailer, err) || !read_payments(app, options, err) ||
        !predictor_wire_read(options, &app->runs, &app->flow.uses_formula, err))
        return false;
    app->flow.runs = app->runs;
    store_watch(app->store, app->slow.query_us);
    app->mailer.flow = &app->flow;
    app->mailer.url = app->public_url;
    if (options_has(options, "accept-clock") ? !flow_accept_clock(&app->flow, err)
                                             : !timekeeper_check(&app->flow, err))
        return false;
    app->metrics = metrics_open(route_count);
    app->hub = hub_open(app->clock, agents_release);
    app->webhooks = (struct webhooks){ &app->flow, app->public_url,
                                       options_has(options, "allow-local-webhooks") };
    app->slow_providers[0] =
        (struct deliver_provider){ OUTBOX_WEBHOOK, webhooks_send, &app->webhooks };
    app->providers[0] = (struct deliver_provider){ "mail", mailer_send, &app->mailer };
    const struct deliver_options deliver = { .flow = &app->flow,
                                             .metrics = app->metrics,
                                             .server_proc = app->server_proc,
                                             .providers = app->providers,
                                             .provider_count = 1 };
    struct deliver_options slow = deliver;

    slow.lane = OUTBOX_SLOW;
    slow.providers = app->slow_providers;
    struct jobs_options jobs = { .flow = &app->flow,
                                 .metrics = app->metrics,
                                 .server_proc = app->server_proc,
                                 .slow_us = app->slow.job_us,
                                 .recovery = &app->recovery };
    recovery_watch_init(&app->recovery, &app->flow, app->hub);
    if (!recovery_watch_look(&app->recovery, err) ||
        !catalog_feed_open(&app->flow, &app->catalog, err))
        return false;
    app->market_stats = market_stats_open(&app->flow, app->catalog);
    jobs.market_stats = app->market_stats;
    jobs.key_uses = app->key_uses = key_uses_open();
    if (!orders_open(&app->flow, app->catalog, &app->orders, err) ||
        !events_open(&app->flow, app->metrics, &app->events, err) ||
        !deliver_open(&deliver, &app->deliver, err) ||
        !deliver_open(&slow, &app->slow_deliver, err) || !jobs_open(&jobs, &app->jobs, err))
        return false;
    app->offer_pages = offer_pages_open();
    if (!open_payments(app, err) || !open_relay(app, options, err))
        return false;
    listen_to_changes(app);
    return true;
}

/* "10.0.0.1,10.0.0.2" into a NULL-terminated list of its parts. */
static bool split_proxies(const char *text, struct arena *arena,
                          const char *ret[static TRUSTED_PROXIES_MAX + 1], struct error *err)
{
    size_t count = 0;

    for (size_t length; text != NULL && *text != '\0'; text += length + (text[length] == ',')) {
        length = strcspn(text, ",");
        if (count == TRUSTED_PROXIES_MAX)
            return error_set(err, ERROR_INVALID, "--trusted-proxies takes at most %d",
                             TRUSTED_PROXIES_MAX);
        ret[count] = arena_copy(arena, text, length);
        if (ret[count++] == NULL)
            return error_set(err, ERROR_OUT_OF_RANGE, "--trusted-proxies is too long");
    }
    ret[count] = NULL;
    return true;
}

/* What no route is at: the console's. */
static void answer_page(struct call *call)
{
    if (!site_answer(call->app->site, call->exchange))
        reply_refuse(call, 404, "not_found", "There is nothing at this address.");
}

static bool open_doors(struct app *app, const struct options *options, const char *const *proxies,
                       struct error *err)
{
    struct http_options http = http_options_default();
    const struct routes_options routes = { .app = app,
                                           .authority = { app, find_key, find_rights, count_wrong,
                                                          write_down, agents_check, act_for_team },
                                           .clock = app->clock,
                                           .log = &app->log,
                                           .limits = rate_limits_times(app->flow.guess_factor),
                                           .public_url = app->public_url,
                                           .has_local_store = store_is_local(app->store),
                                           .recovery = &app->recovery,
                                           .fallback = answer_page,
                                           .table = route_table,
                                           .count = route_count };
    const char *listen = options_get(options, "listen");

    if (!site_open(options_get(options, "web"), &app->site, err))
        return false;
    app->routes = routes_open(&routes);
    http.listen = listen != NULL ? listen : "127.0.0.1:8080";
    http.trusted_proxies = proxies;
    http.workers = WORKERS;
    http.handler = routes_handle;
    http.context = app->routes;
    http.observer = hear_answer;
    http.observer_context = app;
    const char *metrics = options_get(options, "metrics-listen");
    app->metrics_door = (struct metrics_door){ .write = metrics_page_write, .context = app };
    return http_open(&http, &app->log, &app->http, err) &&
           (metrics == NULL || metrics_door_open(&app->metrics_door, metrics, &app->log, err));
}

/* From the bottom up what open_market() and open_doors() opened; any of it may be missing. Threads
 * end before what they use goes, and the store's listener before whom it tells. */
static void close_app(struct app *app)
{
    struct error err;

    metrics_door_close(&app->metrics_door); /* its page asks all of the others */
    if (app->jobs != NULL)
        jobs_stop(app->jobs);
    if (app->hub != NULL)
        hub_stop(app->hub);
    http_close(&app->http, STOP_DEADLINE_MS);
    routes_close(&app->routes);
    site_close(&app->site);
    relay_stop(app->relay);
    deliver_stop(app->deliver);
    deliver_stop(app->slow_deliver);
    payments_stop(app->payments);
    events_stop(app->events);
    orders_stop(app->orders);
    if (app->catalog != NULL)
        catalog_feed_stop(app->catalog);
    if (app->key_uses != NULL && !key_uses_write_all(app->key_uses, &app->flow, &err))
        log_failure(&app->log, "uses of keys", &err);
    store_close(&app->store);
    relay_close(&app->relay);
    jobs_close(&app->jobs);
    deliver_close(&app->deliver);
    deliver_close(&app->slow_deliver);
    payments_close(&app->payments);
    events_close(&app->events);
    orders_close(&app->orders);
    market_stats_close(&app->market_stats);
    key_uses_close(&app->key_uses);
    offer_pages_close(&app->offer_pages);
    catalog_feed_close(&app->catalog);
    hub_close(&app->hub);
    metrics_close(&app->metrics);
    free(app->runs);
    timekeeper_close(&app->timekeeper);
    crypto_wipe(&app->keys, sizeof app->keys);
    crypto_wipe(&app->vault, sizeof app->vault);
    crypto_wipe(app->mailer.password, sizeof app->mailer.password);
    crypto_wipe(&app->stripe, sizeof app->stripe);
}

/* Signals come to whoever waits for them: blocked before the first thread is made. */
static sigset_t block_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return set;
}

static void wait_for_the_end(struct app *app, const sigset_t *signals)
{
    for (;;) {
        int number = 0;
        if (sigwait(signals, &number) != 0)
            continue;
        if (number != SIGHUP) {
            log_write(&app->log, LOG_INFO, "stopping", "%s", strsignal(number));
            return;
        }
        look_at_everything(app);
    }
}

/* Keys that are in files beside the database, and in none of its backups. */
static bool read_keys(struct app *app, const struct data_dir *dir, struct error *err)
{
    return data_dir_keys(dir, &app->keys, err) && data_dir_vault(dir, &app->vault, err);
}

static bool serve(struct app *app, const struct options *options, const char *const *proxies,
                  struct error *err)
{
    auto_data_dir struct data_dir dir = { .fd = -1, .lock_fd = -1 };
    sigset_t signals = block_signals();

    if (!timekeeper_open(&clock_system, &app->log, &app->timekeeper, err))
        return false;
    app->clock = timekeeper_clock(app->timekeeper);
    app->started = clock_now(app->clock);
    int64_t begin_us = clock_boot_us(app->clock);
    if (!data_dir_open(options_get(options, "data"), &dir, err) || !data_dir_lock(&dir, err) ||
        !read_keys(app, &dir, err)) {
        timekeeper_close(&app->timekeeper);
        return false;
    }
    bool is_open = open_market(app, options, &dir, err) && open_doors(app, options, proxies, err);
    if (is_open) {
        atomic_store(&app->start_us, clock_boot_us(app->clock) - begin_us);
        if (app->metrics_door.http != NULL)
            (void)fprintf(stderr, "berthd: metrics on http://%s\n",
                          http_address(app->metrics_door.http));
        if (app->relay != NULL)
            (void)fprintf(stderr, "berthd: relay at %s\n", relay_text(app->relay));
        (void)fprintf(stderr, "berthd: ready on http://%s\n", http_address(app->http));
        service_say("READY=1");
        wait_for_the_end(app, &signals);
        service_say("STOPPING=1");
    }
    close_app(app);
    return is_open;
}

static bool read_config(struct options *options, struct arena *arena, struct error *err)
{
    const char *path = options_get(options, "config");
    auto_buf struct buf text = buf_of(OPTIONS_ARENA_MAX / 2);

    if (path == NULL)
        return true;
    if (!file_read(AT_FDCWD, path, &text, err) ||
        !options_add_file(options, text.length > 0 ? text.bytes : "", arena, err))
        return error_context(err, "%s", path);
    return true;
}

bool serve_run(const struct options *given, const char *version, struct error *err)
{
    auto_arena struct arena arena = arena_of(OPTIONS_ARENA_MAX);
    const char *proxies[TRUSTED_PROXIES_MAX + 1];
    struct options options = *given;
    struct app app = { .version = version, .options = &options };

    if (!read_config(&options, &arena, err))
        return false;
    if (!options_has(&options, "data"))
        return error_set(err, ERROR_INVALID, "--data DIR is needed");
    if (!split_proxies(options_get(&options, "trusted-proxies"), &arena, proxies, err))
        return false;
    forbid_dumps();
    app.log = log_standard();
    app.passwords = password_gate_open(PASSWORD_COST_FULL);
    app.public_url = options_get(&options, "public-url");
    name_process(app.server_proc);
    bool is_served = serve(&app, &options, proxies, err);
    password_gate_close(&app.passwords);
    return is_served;
}

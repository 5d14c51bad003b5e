/* SPDX-License-Identifier: Apache-2.0 */
/* What a serving berthd is made of. Handlers get it with every call and own none of it; serve.c
 * opens it from top to bottom and closes it from bottom to top. */

#ifndef BERTH_SERVER_APP_H
#define BERTH_SERVER_APP_H

#include "flow/pay.h"
#include "flow/vault.h"
#include "server/hub.h"
#include "server/key_uses.h"
#include "server/mailer.h"
#include "server/metrics.h"
#include "server/metrics_door.h"
#include "server/options.h"
#include "server/paypal_wire.h"
#include "server/recovery_watch.h"
#include "server/routes.h"
#include "server/slow.h"
#include "server/stripe_wire.h"
#include "server/webhooks.h"
#include "sys/clock.h"
#include "sys/log.h"

enum { SERVER_PROC_SIZE = 64 };

struct app {
    const char *version;
    const struct options *options; /* what the server was told, its configuration file included */
    const char *public_url;        /* without a slash behind; NULL: what the request's Host says */
    char server_proc[SERVER_PROC_SIZE]; /* names this process among servers */
    struct instant started;
    _Atomic int64_t start_us; /* how long starting took; 0: it is not over */
    struct slow slow;

    struct log log;
    const struct clock *clock; /* the timekeeper's */
    struct timekeeper *timekeeper;
    struct key_pair keys;
    struct vault vault;
    struct password_gate *passwords;
    struct mailer mailer;
    struct webhooks webhooks;
    struct stripe_wire stripe;
    struct paypal_wire paypal;
    struct pay_settings pay;
    struct run_list *runs; /* of --runs, or NULL */
    struct deliver_provider providers[1], slow_providers[1];
    struct store *store;
    struct flow flow;
    struct metrics *metrics;
    struct hub *hub;
    struct catalog_feed *catalog;
    struct offer_pages *offer_pages;
    struct orders *orders;
    struct market_stats *market_stats;
    struct key_uses *key_uses;
    struct events *events;
    struct deliver *deliver, *slow_deliver; /* a lane each: store/outbox.h */
    struct payments *payments;              /* of --stripe-keys and --paypal-keys, or NULL */
    struct recovery_watch recovery;
    struct jobs *jobs;
    struct relay *relay; /* of --relay-ports, or NULL */
    struct site *site;   /* the web console's files */
    struct routes *routes;
    struct http *http;
    struct metrics_door metrics_door; /* of --metrics-listen, or closed */
};

#endif

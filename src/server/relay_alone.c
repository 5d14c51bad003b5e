/* SPDX-License-Identifier: Apache-2.0 */
#include "server/relay_alone.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/metrics_door.h"
#include "server/relay_numbers.h"
#include "store/store.h"

const struct option_row relay_alone_options[] = {
    { "data", "DIR", "the server's folder, where it is on this machine" },
    { "store", "WHERE", "sqlite, or postgres://... (sqlite)" },
    { "metrics-listen", "ADDR:PORT", "serve /metrics there, without a key (nowhere)" },
    RELAY_OPTION_ROWS,
    { NULL, NULL, NULL },
};

static void hear(void *context, enum db_topic topic, int64_t id)
{
    struct relay *const *relay = context;

    (void)id;
    if (topic == TOPIC_RELAY)
        relay_touch(*relay);
}

bool relay_alone_run(const struct options *options, const char *location, struct error *err)
{
    struct log log = log_standard();
    struct relay_options asked = relay_options_of(options);
    const char *metrics = options_get(options, "metrics-listen");
    struct metrics_door door = { .write = relay_numbers_write };
    struct relay *relay = NULL;
    struct store *store = NULL;
    sigset_t ends;
    int number = 0;

    if (asked.ports == NULL)
        return error_set(err, ERROR_INVALID, "--relay-ports A-B is needed");
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!store_open(location, &log, &store, err))
        return false;
    const struct flow flow = { .store = store, .clock = &clock_system, .log = &log };
    asked.flow = &flow;
    bool is_open = relay_open(&asked, &relay, err);
    door.context = relay;
    is_open = is_open && (metrics == NULL || metrics_door_open(&door, metrics, &log, err));
    if (is_open) {
        store_subscribe(store, hear, &relay);
        if (metrics != NULL)
            (void)fprintf(stderr, "berthd: metrics on http://%s\n", http_address(door.http));
        (void)fprintf(stderr, "berthd: relay at %s\n", relay_text(relay));
        while (sigwait(&ends, &number) != 0)
            continue;
        log_write(&log, LOG_INFO, "stopping", "%s", strsignal(number));
    }
    metrics_door_close(&door); /* its page asks the relay */
    relay_stop(relay);
    store_close(&store);
    relay_close(&relay);
    return is_open;
}

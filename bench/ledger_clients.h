/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BERTH_BENCH_LEDGER_CLIENTS_H
#define BERTH_BENCH_LEDGER_CLIENTS_H

#include <pthread.h>

#include "market/journal.h"
#include "store/store.h"

enum { ONE_HOUSE = 1 };

struct client {
    struct store *store;
    pthread_t thread;
    uint64_t random;
    int64_t house, posted; /* house 0: everybody's */
    double until;
    struct journal journal;
};

/* A store whose accounts are all there. */
struct store *clients_open_store(const char *location, const struct log *log);

/* For ROUND_MS, with so many houses between them: journals a second, and how many, which is added
 * to
 * `*posted_by_us`. */
double clients_run(struct store *store, struct client *clients, size_t client_count,
                   int64_t house_count, int64_t *posted_by_us);

/* What it says is posted must be there. Takes the store, which it closes. */
void clients_check_rows(struct store *store, int64_t posted);

#endif

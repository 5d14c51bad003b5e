/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of bench-ledger: clients who post by store_write(), through the ledger. */
#include "ledger_clients.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "ledger_peers.h"
#include "store/ledger.h"

/* splitmix64, a state a thread. */
static uint64_t draw(uint64_t *state, uint64_t limit)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

static atomic_int_fast64_t charges_made;

struct charge next_charge(uint64_t *random)
{
    return (struct charge){ (int64_t)draw(random, RENTERS), (int64_t)draw(random, HOSTS),
                            ++charges_made };
}

/* Where the client has a house of its own, its turnover and fees go there. */
static void move_house(struct ledger_key *key, int64_t house)
{
    if (key->owner_id == 0)
        key->owner_id = house;
}

static bool post_work(struct db *db, void *context, struct error *err)
{
    struct client *client = context;
    enum ledger_outcome outcome;

    return ledger_post(db, &client->journal, (struct instant){ 1790000000000000 }, &outcome, err);
}

static void *run_client(void *context)
{
    static const struct renter_funds rich = { .prepaid = { 1000000000000000 } };
    struct client *client = context;
    struct renter_funds after;
    struct error err;

    while (now() < client->until) {
        struct charge charge = next_charge(&client->random);
        struct journal_usage usage = {
            .contract_id = FIRST_USER + charge.renter,
            .renter_id = FIRST_USER + charge.renter,
            .host_id = FIRST_HOST + charge.host,
            .number = charge.number,
            .occurred = { 1790000000000000 },
            .charges = { { { 1000003 }, { 750002 }, { 250001 } } },
        };

        if (journal_usage(&usage, &rich, &client->journal, &after) != JOURNAL_BUILT)
            fail("post", "no journal");
        for (size_t i = 0; i < client->journal.leg_count; i++) {
            move_house(&client->journal.legs[i].debit, client->house);
            move_house(&client->journal.legs[i].credit, client->house);
        }
        if (!store_write(client->store, post_work, client, &err))
            fail("post", err.text);
        client->posted++;
    }
    return NULL;
}

static bool deposit_work(struct db *db, void *context, struct error *err)
{
    struct renter_funds none = { .promo = { 0 } }, after;
    struct journal journal;
    enum ledger_outcome outcome;
    char key[32];

    (void)context;
    for (int64_t renter = FIRST_USER; renter < FIRST_USER + RENTERS; renter++) {
        struct journal_credit credit = { .key = key,
                                         .renter_id = renter,
                                         .ref_id = renter,
                                         .ref_kind = JOURNAL_REF_DEPOSIT,
                                         .amount = { 1000000000000000 },
                                         .from = LEDGER_STRIPE };

        (void)snprintf(key, sizeof key, "dep:%" PRId64, renter);
        if (journal_deposit(&credit, &none, &journal, &after) != JOURNAL_BUILT ||
            !ledger_post(db, &journal, (struct instant){ 1 }, &outcome, err))
            return false;
    }
    /* So that the host and house accounts are there for the peers, which look nothing up. */
    for (int64_t host = 0; host < HOSTS; host++) {
        struct journal_usage usage = { .contract_id = 1,
                                       .renter_id = FIRST_USER,
                                       .host_id = FIRST_HOST + host,
                                       .number = host + 1,
                                       .charges = { { { 4 }, { 3 }, { 1 } } } };
        struct renter_funds rich = { .prepaid = { 1000000000000000 } };

        if (journal_usage(&usage, &rich, &journal, &after) != JOURNAL_BUILT ||
            !ledger_post(db, &journal, (struct instant){ 1 }, &outcome, err))
            return false;
    }
    return true;
}

struct store *clients_open_store(const char *location, const struct log *log)
{
    struct store *store;
    struct error err;

    if (!store_open(location, log, &store, &err) || !store_write(store, deposit_work, NULL, &err))
        fail(location, err.text);
    return store;
}

static bool count_work(struct db *db, void *context, struct error *err)
{
    int64_t *counts = context;
    auto_db_rows struct db_rows rows = db_query(
        db, "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM transfer)", DB_NO_ARGS);

    if (!db_next(&rows, err))
        return false;
    counts[0] = db_column_int(&rows, 0);
    counts[1] = db_column_int(&rows, 1);
    return true;
}

void clients_check_rows(struct store *store, int64_t posted)
{
    int64_t prepared = RENTERS + HOSTS, counts[2];
    struct error err;

    if (!store_read(store, count_work, counts, &err))
        fail("count", err.text);
    if (counts[0] != prepared + posted || counts[1] != 2 * RENTERS + 3 * (HOSTS + posted))
        fail("count", "there are not as many rows as were counted");
    store_close(&store);
}

double clients_run(struct store *store, struct client *clients, size_t client_count,
                   int64_t house_count, int64_t *posted_by_us)
{
    double begin = now();
    int64_t posted = 0;

    for (size_t i = 0; i < client_count; i++) {
        clients[i].store = store;
        clients[i].house = house_count == ONE_HOUSE ? 0 : 1 + (int64_t)i % house_count;
        clients[i].random += i;
        clients[i].posted = 0;
        clients[i].until = begin + ROUND_MS / 1e3;
        if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) != 0)
            fail("thread", "cannot be started");
    }
    for (size_t i = 0; i < client_count; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        posted += clients[i].posted;
    }
    *posted_by_us += posted;
    return (double)posted / (now() - begin);
}

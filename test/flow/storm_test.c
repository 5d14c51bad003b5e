/* SPDX-License-Identifier: Apache-2.0 */
/* Two servers on one PostgreSQL, each with eight clients who rent, bid, stop, start and destroy as
 * fast as they can, on a few machines that all of them want. No refusal is a failure, every error
 * is; at the end nothing is held twice, nothing is lost, and the books are sound.
 *
 * STORM_OPS: how many operations in all (a few hundred; `make storm OPS=n`). */
#include <inttypes.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/parse.h"
#include "flow/bid.h"
#include "flow/decide_due.h"
#include "flow/desired.h"
#include "flow/instance_change.h"
#include "flow/lifetime.h"
#include "flow/liveness.h"
#include "flow/no_credit.h"
#include "flow/offers.h"
#include "flow/support.h"
#include "market/auction.h"
#include "sys/crypto.h"

enum { SERVERS = 2, CLIENTS = 8, USERS = SERVERS * CLIENTS, MACHINES = 3, KEPT = 12, OPS = 600 };

extern char **environ;

/* A client of one server */

struct server {
    struct flow flow;
    int64_t first_user, first_machine, ops;
};

struct client {
    struct server *server;
    struct caller caller;
    uint64_t random;
    int64_t contracts[KEPT];
    int64_t made;
    pthread_t thread;
};

static uint64_t draw(struct client *client, uint64_t limit)
{
    client->random = client->random * 6364136223846793005U + 1442695040888963407U;
    return (client->random >> 33) % limit;
}

/* An error that a client would see ends the program: there is to be none. */
static void need(bool is_ok, const char *what, const struct error *err)
{
    if (is_ok)
        return;
    (void)fprintf(stderr, "storm: %s: %s\n", what, err->text);
    exit(1);
}

static void storm_rent(struct client *client)
{
    const struct flow *flow = &client->server->flow;
    int64_t machine = client->server->first_machine + (int64_t)draw(client, MACHINES);
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct offer *offers;
    struct rental_reply reply;
    struct error err;
    size_t count;
    char label[32];

    need(flow_offers_of_machine(flow, machine, &arena, &offers, &count, &err), "offers", &err);
    if (count == 0)
        return;
    (void)snprintf(label, sizeof label, "%" PRId64, client->made);
    const struct offer *offer = &offers[draw(client, count)];
    struct rental_request request = {
        .offer_id = offer->id,
        .spec = { .image = "ubuntu:24.04", .runtype = "ssh", .disk_gb = 1 },
        .label = label, /* the same once more would be taken for the same rental */
        .is_bid = draw(client, 3) > 0,
        .price = auction_price(90 + (int64_t)draw(client, 20), offer->terms.num_gpus),
        .grace_s = (int64_t)draw(client, 3),
    };
    need(flow_rent(flow, &client->caller, &request, &reply, &err), "rent", &err);
    if (reply.outcome == RENTAL_MADE)
        client->contracts[client->made++ % KEPT] = reply.instance_id;
}

static void storm_bid(struct client *client, int64_t id)
{
    struct bid_request request = { .instance_id = id,
                                   .has_price = true,
                                   .price = auction_price(90 + (int64_t)draw(client, 20), 1) };
    struct bid_reply reply;
    struct error err;

    need(flow_bid_change(&client->server->flow, &client->caller, &request, &reply, &err), "bid",
         &err);
}

typedef bool change_flow(const struct flow *flow, const struct caller *caller, int64_t id,
                         enum change_outcome *ret, struct error *err);

static void *be_client(void *context)
{
    static change_flow *const changes[] = { flow_stop, flow_start, flow_reboot, flow_destroy };
    struct client *client = context;

    for (int64_t i = 0; i < client->server->ops; i++) {
        uint64_t kind = draw(client, 10);
        int64_t id = client->contracts[draw(client, KEPT)];
        enum change_outcome outcome;
        struct error err;

        if (kind < 5 || id == 0)
            storm_rent(client);
        else if (kind == 5)
            storm_bid(client, id);
        else
            need(changes[kind - 6](&client->server->flow, &client->caller, id, &outcome, &err),
                 "change", &err);
    }
    return NULL;
}

/* storm_test server LOCATION FIRST_USER FIRST_MACHINE OPS SEED */
static int be_server(char **argv)
{
    static struct client clients[CLIENTS];
    struct log log = log_silent();
    struct key_pair keys = crypto_key_pair();
    struct vault vault = vault_of((const uint8_t[SEAL_KEY_SIZE]){ 7 });
    struct store *store;
    struct error err;
    uint64_t numbers[4];

    for (int i = 0; i < 4; i++)
        if (!parse_u64(argv[3 + i], &numbers[i]))
            return 2;
    need(store_open(argv[2], &log, &store, &err), "store", &err);
    struct server server = { .flow = { .store = store,
                                       .clock = &clock_system,
                                       .log = &log,
                                       .server_keys = &keys,
                                       .vault = &vault },
                             .first_user = (int64_t)numbers[0],
                             .first_machine = (int64_t)numbers[1],
                             .ops = (int64_t)numbers[2] };
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .server = &server,
                                      .caller = { .kind = CALLER_USER,
                                                  .user_id = server.first_user + i,
                                                  .scopes = SCOPE_ALL },
                                      .random = numbers[3] * CLIENTS + (uint64_t)i };
        if (pthread_create(&clients[i].thread, NULL, be_client, &clients[i]) != 0)
            abort();
    }
    for (int i = 0; i < CLIENTS; i++)
        (void)pthread_join(clients[i].thread, NULL);
    store_close(&store);
    return 0;
}

/* The hosts */

/* A host that has always done already what it was just told. */
static void beat(struct world *world, struct world_machine *machine)
{
    auto_arena struct arena arena = arena_of(WORLD_ARENA);
    struct desired desired;
    struct error err;
    bool has;

    CHECK_OK(flow_desired(&world->flow, machine->id, &arena, &desired, &has, &err), &err);
    struct heartbeat heartbeat = { .session_epoch = machine->epoch,
                                   .seq = ++machine->seq,
                                   .boot_id = "boot",
                                   .agent_incarnation = 1,
                                   .applied_rev = desired.desired_rev,
                                   .is_engine_ok = true,
                                   .engine_message = "",
                                   .instance_count = desired.instance_count,
                                   .disk_free_gb = 900 };
    heartbeat.instances =
        arena_alloc(&arena, (size_t)desired.instance_count, sizeof *heartbeat.instances);
    for (int64_t i = 0; i < desired.instance_count; i++) {
        const struct desired_instance *instance = &desired.instances[i];
        bool runs = instance->state == DESIRED_RUNNING;

        heartbeat.instances[i] = (struct instance_report){
            .id = instance->id,
            .gen = instance->gen,
            .phase = runs                                 ? PHASE_RUNNING
                     : instance->state == DESIRED_STOPPED ? PHASE_STOPPED
                                                          : PHASE_ABSENT,
            .start_token = runs ? arena_printf(&arena, "%" PRId64 "-%" PRId64, instance->id,
                                               instance->restart_nonce)
                                : "",
            .restart_nonce = instance->restart_nonce,
            .exit_code = -1,
            .disk_used_mb = -1,
            .cpu_permille = -1,
            .ram_used_mb = -1,
            .gpu_permille = -1,
            .message = "",
        };
    }
    CHECK_INT(world_send(world, machine, &heartbeat), TAKE_DONE);
}

static void let_time_work(struct world *world)
{
    struct error err;
    size_t count;

    CHECK_OK(flow_liveness(&world->flow, "storm", &err), &err);
    CHECK_OK(flow_no_credit(&world->flow, &count, &err), &err);
    CHECK_OK(flow_lifetime(&world->flow, &count, &err), &err);
    CHECK_OK(flow_funded(&world->flow, &count, &err), &err);
    CHECK_OK(flow_decide_due(&world->flow, &count, &err), &err);
}

static int64_t wanted_ops(void)
{
    const char *text = getenv("STORM_OPS");
    uint64_t ops = OPS;

    CHECK(text == NULL || parse_u64(text, &ops));
    return (int64_t)ops / USERS;
}

static pid_t start_server(const struct support *support, int64_t user, int64_t machine, int seed)
{
    char numbers[4][32];
    char name[] = "storm_test", role[] = "server";
    char *argv[] = { name,       role,       (char *)support->location,
                     numbers[0], numbers[1], numbers[2],
                     numbers[3], NULL };
    pid_t child;

    (void)snprintf(numbers[0], sizeof numbers[0], "%" PRId64, user);
    (void)snprintf(numbers[1], sizeof numbers[1], "%" PRId64, machine);
    (void)snprintf(numbers[2], sizeof numbers[2], "%" PRId64, wanted_ops());
    (void)snprintf(numbers[3], sizeof numbers[3], "%d", seed);
    CHECK(posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, environ) == 0);
    return child;
}

static void test_two_servers_one_database(void **state)
{
    static struct world_machine machines[MACHINES];
    static const int64_t gpus[MACHINES] = { 1, 4, 8 };
    struct support *support = *state;
    struct caller users[USERS];
    struct world world;
    pid_t servers[SERVERS];
    int alive = SERVERS;

    world_open(&world, support);
    world.clock = clock_system;
    for (int i = 0; i < MACHINES; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "m%d", i);
        machines[i] = (struct world_machine){ 0 };
        world_host(&world, &machines[i], name, gpus[i]);
    }
    for (int i = 0; i < USERS; i++) {
        char email[32];

        (void)snprintf(email, sizeof email, "client-%d@berth.test", i);
        users[i] = world_user(&world, email, i % 4 == 0 ? 1 : 10000);
        CHECK_INT(users[i].user_id, users[0].user_id + i);
    }
    for (int i = 0; i < SERVERS; i++)
        servers[i] = start_server(support, users[i * CLIENTS].user_id, machines[0].id, i);
    while (alive > 0) {
        for (int i = 0; i < MACHINES; i++)
            beat(&world, &machines[i]);
        let_time_work(&world);
        for (int i = 0; i < SERVERS; i++) {
            int status;

            if (servers[i] == 0 || waitpid(servers[i], &status, WNOHANG) != servers[i])
                continue;
            CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            servers[i] = 0;
            alive--;
        }
    }
    /* Whatever was on its way arrives. */
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < MACHINES; i++)
            beat(&world, &machines[i]);
    world_check(&world);
    CHECK(world_number(&world, "SELECT COUNT(*) FROM contract WHERE kind = 1") > 0);
    CHECK(world_number(&world, "SELECT COUNT(*) FROM contract WHERE kind = 2") > 0);
    CHECK_INT(world_number(&world, "SELECT COUNT(*) FROM contract WHERE state IN (6, 8, 10)"), 0);
    print_message("%" PRId64 " rentals, %" PRId64 " journals, %" PRId64 " decisions\n",
                  world_number(&world, "SELECT COUNT(*) FROM contract"),
                  world_number(&world, "SELECT COUNT(*) FROM journal"),
                  world_number(&world, "SELECT COUNT(*) FROM decision"));
    world_close(&world);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_servers_one_database),
    };

    if (argc == 7 && strcmp(argv[1], "server") == 0) {
        crypto_start();
        return be_server(argv);
    }
    return SUPPORT_RUN_ON(SUPPORT_POSTGRES, tests);
}

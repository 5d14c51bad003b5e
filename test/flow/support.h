/* SPDX-License-Identifier: Apache-2.0 */
/* A market to try flows in: a clock that is held, people with credit, hosts with machines, and
 * an agent that does what it is told. On a real database of either kind. */

#ifndef BERTH_TEST_FLOW_SUPPORT_H
#define BERTH_TEST_FLOW_SUPPORT_H

#include "flow/caller.h"
#include "flow/flow.h"
#include "flow/heartbeat.h"
#include "flow/instance.h"
#include "flow/rent.h"
#include "flow/vault.h"
#include "proto/desired.h"
#include "proto/heartbeat.h"
#include "proto/hello.h"
#include "store/contract.h"
#include "store/support.h"

#define KEY_ED25519                                                                                \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@berth"
#define KEY_ED25519_OTHER                                                                          \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKu0AE2NOHYe9nUnFdl5yJvMgOzqbW8FPoEJdnzLq0sV bob@berth"

enum { WORLD_ARENA = 64 << 20, WORLD_CONTAINERS = 64 };

/* Starts on a Sunday afternoon of 2026. */
#define WORLD_START ((struct instant){ INT64_C(1795356000000000) })

struct world {
    struct support *support;
    struct clock clock;
    struct log log;
    struct key_pair server_keys;
    struct vault vault;
    struct flow flow;
    struct arena arena; /* for what a test looks at */
};

struct world_container {
    int64_t id, starts, run_since_us, nonce, bytes_up, bytes_down;
    bool is_running, has_failed, has_exited;
    bool clings; /* where it has notice, it runs until its deadline */
};

/* A machine and its agent. What the agent remembers is in here. */
struct world_machine {
    struct caller host;
    struct key_pair keys;
    struct machine_facts facts;
    int64_t id, epoch, seq, boot;
    uint8_t fingerprint[32];
    struct world_container containers[WORLD_CONTAINERS];
};

void world_open(struct world *world, struct support *support);
void world_close(struct world *world);

/* Let time pass, with a server alive in it. */
void world_pass(struct world *world, int64_t duration_us);

/* Let time pass while no server is there. */
void world_silence(struct world *world, int64_t duration_us);

/* So many statements of flows work, and the next one fails as where a disk does
 * (store/support_failing.h), until all are to work again. */
void world_fail_after(struct world *world, int statements);
void world_fail_none(struct world *world);

/* An account with that many dollars of credit, and its key. */
struct caller world_user(struct world *world, const char *email, int64_t dollars);

/* Facts of a machine with so many GPUs, whose uuids begin with `name`. */
struct machine_facts world_facts(const char *name, int64_t gpu_count);

/* Enrolled, and with a session; not yet heard of. */
void world_machine(struct world *world, struct world_machine *machine, struct caller host,
                   const char *name, int64_t gpu_count);
void world_session(struct world *world, struct world_machine *machine);

/* What comes of asking for a session by that key, and with that nonce or, where it is NULL, with a
 * new one. Where it is open the machine's epoch is that of it. */
struct session_open_reply world_open_by(struct world *world, struct world_machine *machine,
                                        const struct key_pair *keys, const uint8_t *nonce);

/* What its agent knows of an instance. */
struct world_container *world_container(struct world_machine *machine, int64_t instance_id);

/* One heartbeat of an agent that has done all it was told. Returns what came of it. */
enum take_outcome world_beat(struct world *world, struct world_machine *machine);

/* The same in two steps: what an obedient agent would send, for a test to change, and sending it.
 */
struct heartbeat world_obey(struct world *world, struct world_machine *machine,
                            struct arena *arena);
enum take_outcome world_send(struct world *world, struct world_machine *machine,
                             const struct heartbeat *heartbeat);

/* Heartbeats every five seconds for so long. */
void world_run(struct world *world, struct world_machine *machine, int64_t duration_us);

/* Listed at $0.36 an hour and GPU, $0.15 a GB and month, traffic at $20 and $10 a TB. */
void world_list(struct world *world, const struct world_machine *machine);

/* The offer of that size; 0: none. */
int64_t world_offer(struct world *world, int64_t machine_id, int64_t num_gpus);

/* The rental of an offer, with 10 GB. */
struct rental_reply world_rent(struct world *world, struct caller renter, int64_t offer_id);

/* A bid for an offer, in ticks for a GPU and hour, with 10 GB and 10 s of notice. */
struct rental_request world_bid_request(int64_t offer_id, int64_t num_gpus, int64_t ticks);
struct rental_reply world_bid(struct world *world, struct caller renter, int64_t machine_id,
                              int64_t num_gpus, int64_t ticks);

/* One rented on a machine that is listed and online, and heard of as running. Returns its id. */
int64_t world_running(struct world *world, struct world_machine *machine, struct caller renter,
                      int64_t num_gpus);

/* A host with a machine of so many GPUs that is listed and online. */
void world_host(struct world *world, struct world_machine *machine, const char *name,
                int64_t gpu_count);

/* The row of a contract, whatever became of it. */
struct contract_row world_contract(struct world *world, int64_t id);

/* What the market wants of a machine, as its agent is told. */
struct desired world_desired(struct world *world, int64_t machine_id);

/* What the renter sees. */
struct instance_view world_instance(struct world *world, struct caller renter, int64_t id);

/* An account's credit now, in nanodollars. */
int64_t world_credit(struct world *world, struct caller caller);

/* What an instance has been charged up to now, in nanodollars. */
int64_t world_charged(struct world *world, struct caller renter, int64_t instance_id);

/* One number from the database; `sql` is a literal. 0 where there is no row. */
int64_t world_number(struct world *world, const char *sql);
int64_t world_number_of(struct world *world, const char *sql, int64_t parameter);

/* Every row of every table, as one hash: whether anything at all has changed. */
struct hash world_dump(struct world *world);
#define CHECK_UNCHANGED(world, before)                                                             \
    check_true(world_is_unchanged(world, before), "nothing was written", __FILE__, __LINE__)
bool world_is_unchanged(struct world *world, struct hash before);

/* What must hold at every moment, in SQL. Fails the test. */
void world_check(struct world *world);

#endif

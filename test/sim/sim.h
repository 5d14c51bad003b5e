/* SPDX-License-Identifier: Apache-2.0 */
/* A market from a seed: renters, hosts and servers who do what they please, on a clock that is
 * held.
 *
 * The flows and the database are the real ones; what is played is the world around them. Hosts
 * have agents of their own (sim_host.c), which keep what was desired on disk, carry it out late,
 * lose, repeat and delay what they say, vanish, reboot and now and then lie. Servers go down for
 * seconds or days and come back. Beside what the market believes, the simulator writes down
 * what was true: which container ran when, which heartbeats were accepted, when a server was
 * there. The laws (sim_laws.c) hold the one against the other. */

#ifndef BERTH_TEST_SIM_H
#define BERTH_TEST_SIM_H

#include "../flow/support.h"
#include "market/connected.h"

enum {
    SIM_HOSTS_MAX = 4,
    SIM_USERS_MAX = 4,
    SIM_CONTAINERS_MAX = 512,
    SIM_CONTRACTS_MAX = 1024,
    SIM_RUNS_MAX = 16384,
    SIM_BEATS_MAX = 65536,
    SIM_OUTAGES_MAX = 4096,
    SIM_MESSAGES_MAX = 4,
};

/* From a container's start until its end: INT64_MAX while it runs. */
struct sim_run {
    int64_t contract_id, from_us, until_us;
};

/* What the agent has on disk of the last desired state that it heard of. */
struct sim_want {
    int64_t id, gen, nonce;
    enum desired_state state;
    int64_t stop_at_us; /* by its own clock: credit or lifetime ends; INT64_MAX: never */
    uint64_t gpus;      /* a bit for each */
    bool is_signed;     /* the leave to delete holds */
};

struct sim_container {
    int64_t id, gen, nonce, starts, counter_epoch, bytes_up, bytes_down, ready_at_us;
    enum instance_phase phase;
    uint64_t gpus;
    size_t run; /* in sim->runs, while it runs */
};

/* A heartbeat on its way, with all that it points to. */
struct sim_message {
    bool is_used;
    struct arena arena;
    struct heartbeat heartbeat;
};

struct sim_host {
    struct world_machine machine; /* its keys, facts and session; the rest is ours */
    bool is_up, is_linked, is_gpu, is_liar, has_session;
    int64_t next_us, silent_since_us, silent_max_us, accepted_seq;
    size_t want_count, container_count;
    struct sim_want wants[SIM_CONTAINERS_MAX];
    struct sim_container containers[SIM_CONTAINERS_MAX];
    size_t beat_count;
    int64_t beats_us[SIM_BEATS_MAX]; /* accepted heartbeats, in order */
    struct sim_message late[SIM_MESSAGES_MAX], last;
};

struct sim_user {
    struct caller caller;
    size_t contract_count;
    int64_t contracts[SIM_CONTRACTS_MAX];
    int64_t grants;
    bool has_limit; /* it was allowed to owe at some time */
};

struct sim {
    struct world world;
    struct support support;
    bool is_traced, is_server_up;
    int64_t server_starts;
    char server_proc[32];
    int64_t down_since_us;
    size_t host_count, user_count, run_count, outage_count;
    struct sim_host hosts[SIM_HOSTS_MAX];
    struct sim_user users[SIM_USERS_MAX];
    struct sim_run runs[SIM_RUNS_MAX];
    struct span outages[SIM_OUTAGES_MAX]; /* of the server, that are over */
    int64_t step, beats, rentals, posted_event_id;
};

int64_t sim_now(const struct sim *sim);
bool sim_chance(uint64_t in); /* one in so many */
int64_t sim_between(int64_t low, int64_t high);
void sim_trace(const struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);

/* sim_time.c: the clock and the servers. */
void sim_server_start(struct sim *sim);
void sim_server_stop(struct sim *sim);
void sim_pass(struct sim *sim, int64_t duration_us); /* hosts and jobs act in it */
void sim_leap(struct sim *sim, int64_t duration_us); /* one jump: only the clock */
void sim_jobs(struct sim *sim);

/* sim_host.c: machines and their agents. */
void sim_host_join(struct sim *sim, struct sim_host *host, const char *name, int64_t gpu_count);
void sim_host_act(struct sim *sim, struct sim_host *host);
void sim_host_reboot(struct sim *sim, struct sim_host *host);
void sim_host_power_off(struct sim *sim, struct sim_host *host);
void sim_host_replay(struct sim *sim, struct sim_host *host);
void sim_host_release(struct sim_host *host);

/* sim_people.c: what renters, hosts and the operator do. */
void sim_people_act(struct sim *sim);

/* sim_laws.c: what must be true. Each ends the program where it is not. */
void sim_laws_soon(struct sim *sim); /* cheap: after every step */
void sim_laws_all(struct sim *sim);

#endif

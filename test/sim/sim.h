/* SPDX-License-Identifier: Apache-2.0 */
/* A market from a seed: renters, hosts and servers who do what they please, on a clock that is
 * held.
 *
 * The flows, the database and the agents' plans are the real ones; what is played is the world
 * around them. Hosts have a container engine (sim_agent.c) whose work takes its time, fails and is
 * cut short; their agents die and come back with what they had on disk; what they say is lost,
 * repeated and delayed (sim_host.c); hosts vanish, reboot and now and then lie. Servers go down for
 * seconds or days and come back, their disks fill up and fail, and somebody sets their clocks. Each
 * seed leaves some of these troubles out and has others more often. Beside what the market
 * believes, the simulator writes down what was true: which container ran when, which heartbeats
 * were accepted, when a server was there. The laws (sim_laws.c) hold the one against the other. */

#ifndef BERTH_TEST_SIM_H
#define BERTH_TEST_SIM_H

#include "../flow/support.h"
#include "agent/plan.h"
#include "market/connected.h"
#include "market/rental.h"
#include "sys/clock_steady.h"

enum {
    SIM_HOSTS_MAX = 4,
    SIM_USERS_MAX = 4,
    SIM_INSTANCES_MAX = 512,
    SIM_CONTRACTS_MAX = 1024,
    SIM_RUNS_MAX = 16384,
    SIM_BEATS_MAX = 65536,
    SIM_OUTAGES_MAX = 4096,
    SIM_ERAS_MAX = 65536,
    SIM_MESSAGES_MAX = 4,
    SIM_WALKS_MAX = 8192,
    SIM_PATH_MAX = 256,
};

/* What a process ends with where a mark does not say enough: see sim_mark.c. */
enum { SIM_PLAY_AGAIN = 3 };

#define SIM_TEMPLATE "template" /* in the folder above that of a seed: a new database */

/* The books run ahead of true time by so much, from then on. */
struct sim_era {
    int64_t from_us, ahead_us;
};

/* From a container's start until its end: INT64_MAX while it runs. */
struct sim_run {
    int64_t contract_id, from_us, until_us;
};

/* Troubles. Each comes once in so many occasions, or in some seeds never. */
enum sim_fault {
    FAULT_BEAT_LOST,
    FAULT_BEAT_LATE,
    FAULT_BEAT_TWICE,
    FAULT_POLL_LOST,
    FAULT_STEP_FAILS,  /* the engine refuses */
    FAULT_STEP_SLOW,   /* it takes minutes */
    FAULT_EXIT,        /* a container ends by itself */
    FAULT_AGENT_DIES,  /* and begins again, in the middle of whatever it does */
    FAULT_ENGINE_DIES, /* containers go on or go down with it */
    FAULT_HOST,        /* reboots, loses its power, its net, its session */
    FAULT_SERVER,      /* goes down */
    FAULT_POWER,       /* and what its disk had not synced is lost, in part */
    FAULT_DISK,        /* its disk is full, fails, or loses power in the middle of a write */
    FAULT_CLOCK,       /* somebody sets its wall clock */
    FAULT_DRIFT,       /* a host's clock is slow or fast */
    FAULT_LIAR,        /* a host claims that what has ended runs */
    FAULT_COUNT,
};

/* A container of the fake engine. */
struct sim_container {
    bool is_there;
    struct seen seen;
    int64_t starts;
    size_t run; /* in sim->runs, while it runs */
};

/* All that one host has of an instance: its agent's memory, its disk, its engine. */
struct sim_instance {
    int64_t id;
    const struct desired_instance *desired; /* on disk, as it came; NULL: not desired */
    bool may_destroy;
    char spec[SEEN_SPEC_SIZE], gpus[SEEN_GPUS_SIZE];
    int64_t stop_due_us, lifetime_due_us, notice_due_us;
    bool has_record;
    struct record record; /* on disk */
    bool is_prepared, was_cut;
    struct plan_failure failure;
    enum plan_step under_way;
    int64_t step_ends_us;
    struct plan_verdict verdict;
    struct sim_container container, next;
    int64_t counter_epoch, bytes_up, bytes_down, run_ms;
};

/* A heartbeat on its way, with all that it points to. */
struct sim_message {
    bool is_used;
    struct arena arena;
    struct heartbeat heartbeat;
};

struct sim_host {
    struct world_machine machine; /* its keys, facts and session; the rest is ours */
    bool is_up, is_linked, is_gpu, is_liar, has_session, has_desired, is_engine_ok;
    int64_t made; /* containers, so far */
    int64_t next_us, looked_us, last_contact_us, silent_since_us, silent_max_us, accepted_seq,
        incarnation, rev; /* of what is desired, as it was last asked for */
    char boot_id[RECORD_BOOT_SIZE];
    struct arena wants; /* what was desired last */
    size_t instance_count;
    struct sim_instance *instances[SIM_INSTANCES_MAX]; /* owned */
    size_t beat_count;
    int64_t beats_us[SIM_BEATS_MAX]; /* accepted heartbeats, in order, by the books */
    int64_t unsure_us, unsure_seq;   /* one that nobody answered, by the books; 0: none */
    int64_t drift_ppm;               /* of its clock */
    struct sim_message late[SIM_MESSAGES_MAX], last;
};

/* The database, as it was at some moment. */
struct sim_mark {
    const struct db *connection; /* that has looked */
    int64_t version;             /* as it counts them */
    bool has_rows;
    struct hash rows;
};

/* Where a contract has come on its way through the states. */
struct sim_walk {
    int64_t contract_id;
    bool has_begun;
    enum rental_state state;
};

struct sim_user {
    struct caller caller;
    size_t contract_count;
    int64_t contracts[SIM_CONTRACTS_MAX];
    int64_t grants;
    bool has_limit; /* it was allowed to owe at some time */
    bool is_poor;   /* its credit ends again and again */
};

struct sim {
    struct world world;
    struct support support;
    bool is_traced, is_server_up, has_lost_power;
    uint64_t seed;
    bool reads_rows;        /* at each mark */
    bool has_trouble;       /* the disk, now */
    struct sim_mark before; /* while it has: when it last did something */
    struct clock wall;
    struct clock_steady books; /* the server's */
    int64_t book_last_us;      /* when a server was last there */
    size_t era_count;
    struct sim_era eras[SIM_ERAS_MAX];
    int64_t disks;                /* that the server has had so far */
    char wreck[SIM_PATH_MAX];     /* the next, as a loss of power leaves it */
    uint64_t faults[FAULT_COUNT]; /* once in so many; 0: never */
    uint64_t hurry;               /* of a hundred turns, those that last seconds */
    int64_t server_starts;
    char server_proc[32];
    int64_t down_since_us, alive_until_us; /* as its last sign of life has it */
    size_t host_count, user_count, run_count, outage_count;
    struct sim_host hosts[SIM_HOSTS_MAX];
    struct sim_user users[SIM_USERS_MAX];
    struct sim_run runs[SIM_RUNS_MAX];
    struct span outages[SIM_OUTAGES_MAX]; /* of the server, that are over, by the books */
    int64_t beats, rentals, unsure_rentals;
    int64_t journal_id, event_id; /* the last that the laws have seen */
    size_t walk_count;
    struct sim_walk walks[SIM_WALKS_MAX];
};

int64_t sim_now(const struct sim *sim); /* true time; the books have their own */
bool sim_chance(uint64_t in);           /* one in so many */
bool sim_fault(const struct sim *sim, enum sim_fault fault);
int64_t sim_between(int64_t low, int64_t high);
int64_t sim_host_us(const struct sim_host *host, int64_t us); /* as its clock has it */
void sim_trace(const struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);

/* sim_time.c: the clock and the servers. */
bool sim_has_vfs(const struct sim *sim); /* its disk can have troubles */
void sim_server_open(struct sim *sim);
void sim_server_start(struct sim *sim);
void sim_server_stop(struct sim *sim);
void sim_pass(struct sim *sim, int64_t duration_us); /* hosts and jobs act in it */
void sim_leap(struct sim *sim, int64_t duration_us); /* one jump: only the clock */
void sim_jobs(struct sim *sim);

/* sim_trouble.c: the disk, and clocks. Whether a flow was done, or some of a batch: it has to be,
 * unless the disk has troubles; then it was not, and nothing has changed. Where the power went,
 * nobody knows. */
bool sim_did(struct sim *sim, bool is_ok, const struct error *err);
bool sim_did_some(struct sim *sim, bool is_ok, const struct error *err);
void sim_disk_trouble(struct sim *sim);
void sim_check_nothing_is_lost(struct sim *sim);
int64_t sim_book_now(const struct sim *sim);
/* What the books had for a moment; and what they had before it, if the clock was set just then. */
int64_t sim_book_of(const struct sim *sim, int64_t true_us);
int64_t sim_book_before(const struct sim *sim, int64_t true_us);
bool sim_books_open(struct sim *sim); /* false: no server starts by this clock */
void sim_set_clock(struct sim *sim);
void sim_clocks_advance(struct sim *sim, int64_t us);

/* sim_mark.c: nothing was stored. */
struct sim_mark sim_mark(struct sim *sim);
void sim_check_unchanged(struct sim *sim, const struct sim_mark *before);

/* sim_agent.c: an agent's memory, disk and engine. */
void sim_agent_desire(struct sim *sim, struct sim_host *host, const struct desired *desired);
void sim_agent_work(struct sim *sim, struct sim_host *host); /* all that is due by now */
void sim_agent_live(struct sim *sim, struct sim_host *host); /* containers, left alone till now */
void sim_agent_die(struct sim *sim, struct sim_host *host);  /* and begin again */
void sim_agent_cut(struct sim *sim, struct sim_host *host);  /* every container ends */
int64_t sim_agent_due_us(const struct sim *sim, const struct sim_host *host);
void sim_agent_release(struct sim_host *host);

/* sim_host.c: machines, and what they and the server say to each other. */
void sim_host_join(struct sim *sim, struct sim_host *host, const char *name, int64_t gpu_count);
void sim_host_act(struct sim *sim, struct sim_host *host);
void sim_host_reboot(struct sim *sim, struct sim_host *host);
void sim_host_power_off(struct sim *sim, struct sim_host *host);
void sim_host_engine(struct sim *sim, struct sim_host *host); /* it goes, or comes back */
void sim_host_replay(struct sim *sim, struct sim_host *host);
void sim_host_was_heard(struct sim *sim, struct sim_host *host, int64_t at_us, int64_t seq);
void sim_host_release(struct sim_host *host);

/* sim_people.c: what renters, hosts and the operator do. */
void sim_people_act(struct sim *sim);

/* sim_bids.c: bidders, and hosts about bids. */
void sim_bid_terms(const struct offer *offer, struct rental_request *request);
void sim_change_bid(struct sim *sim, struct sim_user *user, int64_t contract_id);
void sim_set_reserve(struct sim *sim, struct sim_host *host);
void sim_set_idle_job(struct sim *sim, struct sim_host *host);
void sim_reclaim(struct sim *sim, struct sim_host *host);

/* What must be true. Each ends the program where it is not. sim_soon.c: of what is new; sim_laws.c:
 * of everything; of what was charged only what is new since the last time, unless `is_whole`. */
void sim_laws_soon(struct sim *sim);
void sim_laws_all(struct sim *sim, bool is_whole);
void sim_laws_forget(void); /* the market that they have looked at */

#endif

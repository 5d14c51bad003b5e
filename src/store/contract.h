/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts: rentals, which renters see as instances under the same id, volumes (store/volume.h),
 * and the places of idle jobs, which nobody pays for and no renter sees.
 *
 * The first part is agreed at the making and never changes, but for a later end, the price of a
 * bid (store/bid.h), and how it is launched; the second is where it stands; the third is what the
 * host last reported, as evidence and for show. */

#ifndef BERTH_STORE_CONTRACT_H
#define BERTH_STORE_CONTRACT_H

#include "base/arena.h"
#include "market/automation.h"
#include "market/machine.h"
#include "market/offer.h"
#include "market/rental.h"
#include "store/db.h"
#include "store/rows.h"
#include "sys/crypto.h"

struct contract_row {
    int64_t id, owner_id, host_id, machine_id, offer_id;
    enum rental_kind kind;
    struct money list_hour;     /* the slice, on demand, at the making: nobody pays more */
    struct offer_terms terms;   /* start: its making; end: its lifetime is over then */
    struct machine_share share; /* disk_gb: as rented */
    int64_t fee_bps;
    int64_t disk_offline_us;     /* so long its disk is charged while its host is out of contact */
    int64_t discount_max_ppm;    /* for paying ahead (market/reserved.h), as its offer said */
    int64_t discount_ppm;        /* of that what it has now: its GPUs' price is after it, the
                                  * disk's before */
    const char *spec;            /* proto/desired.h, instance_spec without SSH keys, as JSON */
    const char *image, *runtype; /* from the spec */
    struct hash request_hash;    /* of what was asked: the same again soon is the same rental */

    const char *label; /* NULL: none */
    enum rental_state state;
    enum rental_reason reason;
    const char *reason_detail; /* "" or what its sentence has a place for */
    struct instant state_at;   /* since when it is in that state */
    int64_t gen, restart_nonce;
    struct instant started;      /* has disk and meters since; 0: a bid that never ran */
    struct instant ran;          /* the present run runs since, its image pulled; 0: it does not */
    struct instant pause;        /* told to make way until then: nothing is charged past it; else
                                  * INSTANT_NEVER */
    struct instant destroyed;    /* when that was accepted; 0 while it exists */
    struct instant disk_metered; /* disk has been metered up to here */
    struct instant posted;       /* usage was last posted */
    int64_t usage_count;         /* journals of usage so far */
    struct automation automation;
    struct instant disk_warned; /* market/disk_watch.h; 0: nothing is the matter */
    struct instant warn; /* its renter is next warned that its lifetime ends; or INSTANT_NEVER */

    int64_t counter_epoch, bytes_up, bytes_down; /* last readings, at `counted` */
    struct instant counted;
    int64_t up_unmetered, down_unmetered; /* bytes to charge that no meter has yet */
    int64_t exit_code, nonce_done;
    int64_t disk_used_mb, cpu_permille, ram_used_mb, gpu_permille; /* -1 unknown; at `gauged` */
    struct instant gauged;
    const char *message;
    int64_t ssh_port;  /* 0: none */
    const char *ports; /* "8081/tcp:40001 53/udp:40002" */
};

/* There is, or may be, something of it on its host; and: what it uses is charged. */
bool contract_is_on_host(const struct contract_row *contract);
bool contract_is_metered(const struct contract_row *contract);

/* What a GB of its disk costs a month, and its disk an hour: for show, after the discount. */
struct money contract_disk_month(const struct contract_row *contract);
struct money contract_disk_hour(const struct contract_row *contract);

NODISCARD bool contract_insert(struct db *db, const struct contract_row *contract, int64_t *ret_id,
                               struct error *err);

/* Instances of one renter; destroyed ones are not found, nor are idle jobs and volumes. */
NODISCARD bool contract_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                                   struct contract_row *ret, bool *ret_has, struct error *err);
/* Whose it is, whatever has become of it. */
NODISCARD bool contract_find_owner(struct db *db, int64_t id, int64_t *ret_owner_id, bool *ret_has,
                                   struct error *err);
NODISCARD bool contract_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                                   struct contract_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool contract_count_owned(struct db *db, int64_t owner_id, int64_t *ret_count,
                                    struct error *err);

/* The same with volumes: whatever is charged to the renter. */
NODISCARD bool contract_list_charged(struct db *db, int64_t owner_id, struct arena *arena,
                                     struct contract_row **ret, size_t *ret_count,
                                     struct error *err);

/* What an hour of GPU time will cost of those that have GPUs and do not run yet, and of those that
 * wait for GPUs: what is reserved, nothing. */
struct contract_hours {
    struct money starting, waiting;
};
NODISCARD bool contract_coming_hours(struct db *db, int64_t owner_id, struct contract_hours *ret,
                                     struct error *err);

/* Those that should run on the renter's credit: not what is reserved; and the machines of all that
 * should run, in order. */
NODISCARD bool contract_count_running(struct db *db, int64_t owner_id, int64_t *ret_count,
                                      struct error *err);
NODISCARD bool contract_machines_of(struct db *db, int64_t owner_id, struct arena *arena,
                                    int64_t **ret, size_t *ret_count, struct error *err);

/* A rental of the same request by that renter, made after `since`. */
NODISCARD bool contract_find_request(struct db *db, int64_t owner_id, const struct hash *hash,
                                     struct instant since, int64_t *ret_id, bool *ret_has,
                                     struct error *err);

/* Those on one machine that its agent still has to hear of; that of the host's own view. */
NODISCARD bool contract_list_on(struct db *db, int64_t machine_id, struct arena *arena,
                                struct contract_row **ret, size_t *ret_count, struct error *err);

/* The same, and bids for it that have never run. */
NODISCARD bool contract_list_for(struct db *db, int64_t machine_id, struct arena *arena,
                                 struct contract_row **ret, size_t *ret_count, struct error *err);

/* GB of the machine's disk that contracts have, those not confirmed as gone included. */
NODISCARD bool contract_disk_on(struct db *db, int64_t machine_id, int64_t *ret_disk_gb,
                                struct error *err);

/* Set where it stands (the second part, but for what is metered), its end and the price of its
 * GPUs, if the row still has generation `gen_before`; else ERROR_CONFLICT. */
NODISCARD bool contract_update(struct db *db, const struct contract_row *contract,
                               int64_t gen_before, struct error *err);

/* Set since when its GPUs do nothing. */
NODISCARD bool contract_idle(struct db *db, const struct contract_row *contract, struct error *err);

/* Set when it was warned of its disk. */
/* Its share of the disk. */
NODISCARD bool contract_resize(struct db *db, const struct contract_row *contract,
                               struct error *err);
NODISCARD bool contract_disk_warned(struct db *db, const struct contract_row *contract,
                                    struct error *err);

/* Set how it is launched: spec, image and runtype. */
NODISCARD bool contract_respec(struct db *db, const struct contract_row *contract,
                               struct error *err);

/* Set what was reported (the third part). */
NODISCARD bool contract_report(struct db *db, const struct contract_row *contract,
                               struct error *err);

/* Set what was metered and posted: disk_metered, posted, usage_count and the unmetered bytes. */
NODISCARD bool contract_meter(struct db *db, const struct contract_row *contract,
                              struct error *err);

/* Existing ones whose usage was last posted at or before `running` while in a running interval, or
 * at or before `stopped` otherwise; longest ago first. */
NODISCARD bool contract_unposted(struct db *db, struct instant running, struct instant stopped,
                                 int64_t *ret_ids, size_t max, size_t *ret_count,
                                 struct error *err);

/* Existing ones whose lifetime is over and that want to run. */
NODISCARD bool contract_overdue(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                                size_t *ret_count, struct error *err);

/* Existing ones that are to be destroyed for having been stopped so long; and those whose renter is
 * to be warned. */
NODISCARD bool contract_stopped_long(struct db *db, struct instant now, int64_t *ret_ids,
                                     size_t max, size_t *ret_count, struct error *err);
NODISCARD bool contract_to_warn(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                                size_t *ret_count, struct error *err);

/* Bids that want of credit has stopped, that resume by themselves, and whose owner has some: in
 * order of id, above `after`. */
NODISCARD bool contract_unfunded(struct db *db, int64_t after, int64_t *ret_ids, size_t max,
                                 size_t *ret_count, struct error *err);

/* For what the market itself does to one: any renter's. */
NODISCARD bool contract_load(struct db *db, int64_t id, struct arena *arena,
                             struct contract_row *ret, bool *ret_has, struct error *err);

/* For others that read whole rows. */
#define CONTRACT_COLUMNS                                                                           \
    "id, owner_id, host_id, machine_id, offer_id, num_gpus, gpu_hour, min_bid_hour, disk_month, "  \
    "up_tb, down_tb, offer_disk_gb, created_us, end_us, cpu_millis, ram_mb, disk_gb, fee_bps, "    \
    "spec, image, runtype, request_hash, label, state, reason, reason_detail, state_us, gen, "     \
    "restart_nonce, destroyed_us, disk_metered_us, posted_us, counter_epoch, bytes_up, "           \
    "bytes_down, counted_us, exit_code, nonce_done, disk_used_mb, cpu_permille, ram_used_mb, "     \
    "gpu_permille, message, ssh_port, ports, usage_count, up_unmetered, down_unmetered, "          \
    "gauged_us, kind, list_hour, started_us, ran_us, pause_us, idle_stop_s, idle_since_us, "       \
    "destroy_after_s, destroy_due_us, warn_us, disk_offline_us, disk_warned_us, "                  \
    "traffic_cap_bytes, moved_bytes, limit_up_mbit, limit_down_mbit, discount_max_ppm, "           \
    "discount_ppm"
extern const struct rows_reader contract_reader;

#endif

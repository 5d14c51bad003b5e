/* SPDX-License-Identifier: Apache-2.0 */
/* Contracts: rentals, which renters see as instances under the same id.
 *
 * The first part is agreed at the making and never changes; the second is what should be; the
 * third is what the host last reported, as evidence. */

#ifndef BERTH_STORE_CONTRACT_H
#define BERTH_STORE_CONTRACT_H

#include "base/arena.h"
#include "store/db.h"
#include "store/machine.h"

enum contract_intent { CONTRACT_RUNNING = 1, CONTRACT_STOPPED = 2, CONTRACT_DESTROYED = 3 };

/* The numbers of proto/heartbeat.h, enum instance_phase, and one for before any report. */
enum { CONTRACT_UNREPORTED = -1 };

struct contract_row {
    int64_t id, owner_id, host_id, machine_id, offer_id;
    int64_t gpu_count; /* 0: a whole machine without GPUs */
    int64_t disk_gb;
    int64_t cpu_millis, ram_mb; /* its share of the machine */
    struct terms terms;         /* per GPU, as in the offer */
    int64_t fee_bps;
    struct instant created, end; /* end: INSTANT_NEVER, or when its lifetime is over */
    const char *spec;            /* proto/desired.h, instance_spec without its keys, as JSON */
    const char *image, *runtype; /* from the spec */

    const char *label; /* NULL: none */
    enum contract_intent intent;
    bool is_waiting; /* should run, and its GPUs are taken */
    int64_t reason;  /* why it is not running: a code of market/rental.h; 0 where it should */
    struct instant reason_at;
    const char *reason_detail; /* "" or words of the one who caused it */
    int64_t gen, restart_nonce;
    struct instant destroyed;    /* 0 while it exists */
    struct instant disk_metered; /* disk has been metered up to here */

    int64_t phase, phase_gen;
    struct instant phase_at;                     /* when it came to be in that phase */
    int64_t counter_epoch, bytes_up, bytes_down; /* last readings */
    struct instant counted_at;
    int64_t exit_code, nonce_done, disk_used_mb, cpu_permille, ram_used_mb, gpu_permille;
    const char *message;
    int64_t ssh_port;
    const char *ports; /* "8081/tcp:40001 53/udp:40002", as reported */
    bool is_gone;      /* destroyed, and confirmed to be absent from the host */
};

NODISCARD bool contract_insert(struct db *db, const struct contract_row *contract, int64_t *ret_id,
                               struct error *err);

/* Those of one renter; destroyed ones are not found. */
NODISCARD bool contract_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                                   struct contract_row *ret, bool *ret_has, struct error *err);
NODISCARD bool contract_list_owned(struct db *db, int64_t owner_id, struct arena *arena,
                                   struct contract_row **ret, size_t *ret_count, struct error *err);

/* Those on one machine that are not gone, destroyed ones too: its agent has to hear of them. */
NODISCARD bool contract_list_on(struct db *db, int64_t machine_id, struct arena *arena,
                                struct contract_row **ret, size_t *ret_count, struct error *err);

/* Set what should be (label, intent, waiting, reason, gen, nonce, destroyed, disk_metered), if the
 * row still has generation `gen_before`; else ERROR_CONFLICT. */
NODISCARD bool contract_update(struct db *db, const struct contract_row *contract,
                               int64_t gen_before, struct error *err);

/* Set what was reported (the third part). */
NODISCARD bool contract_report(struct db *db, const struct contract_row *contract,
                               struct error *err);

#endif

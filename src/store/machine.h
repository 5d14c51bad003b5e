/* SPDX-License-Identifier: Apache-2.0 */
/* Machines as rows: what their agents measured, and what their hosts ask for them. */

#ifndef BERTH_STORE_MACHINE_H
#define BERTH_STORE_MACHINE_H

#include "base/arena.h"
#include "market/audit.h"
#include "market/offer.h"
#include "store/db.h"

struct machine_row {
    int64_t id, owner_id;
    uint8_t public_key[32];
    const char *facts; /* proto/hello.h, machine_facts, as JSON */
    const char *hostname;
    int64_t inet_up_kbps, inet_down_kbps; /* as in the facts: what its link carries; 0 unknown */
    const char *geolocation;              /* "Gothenburg, SE", or "" */
    enum verification verification;
    bool is_verification_set;      /* by an operator */
    struct instant failed;         /* when a line was bad last that keeps it off the market */
    struct instant look_at;        /* when what is asked of it is looked at next */
    struct instant hardware_since; /* what it is now */
    bool is_simulated;
    bool is_quarantined;
    struct instant created;
    struct instant key_since;   /* it has its key; 0: since it was enrolled */
    struct instant key_revoked; /* by an operator: no key of it is good; 0: they are */
    int64_t desired_rev;        /* of what should run on it; only grows */
    bool is_listed;
    struct listing listing;       /* the present one, or the last */
    bool is_online;               /* its agent holds a lease */
    struct instant offline_since; /* the last accepted heartbeat before it went offline */
    bool is_engine_ok;
    const char *engine_message;
    int64_t disk_free_gb;
    int64_t quarantined_count; /* containers of Berth's that no contract accounts for */
    struct instant changed;    /* when something on it last changed: time goes on from there */
    int64_t promised;          /* GPUs that on-demand rentals get once others have let go of them */
    struct instant
        decide; /* who runs is decided anew then; INSTANT_NEVER: when something happens */
    int64_t predecessor_id; /* what the same hardware was before; 0: nothing that is known */
    struct instant removed; /* by its host, for good; 0: it is there */
    struct machine_bench bench;
    struct instant audit_at;        /* when it is asked for a proof next */
    int64_t audit_id;               /* the newest that it was asked */
    struct audit_standing standing; /* its `now` is not stored: that is verification */
    int64_t rtt_us;                 /* the least round trip of a month, and when it was; 0: none */
    struct instant rtt_at;
    struct machine_shown shown;
    struct reliability
        reliability; /* what was seen of it; while it is online, it has been up since */
};

NODISCARD bool machine_insert(struct db *db, const struct machine_row *machine, int64_t *ret_id,
                              struct error *err);

/* Of one owner; and of any, for what the machine's own agent or the market does. One that was
 * removed is found by its id and its keys alone, for the sake of its past. */
NODISCARD bool machine_load_owned(struct db *db, int64_t owner_id, int64_t id, struct arena *arena,
                                  struct machine_row *ret, bool *ret_has, struct error *err);
NODISCARD bool machine_load(struct db *db, int64_t id, struct arena *arena, struct machine_row *ret,
                            bool *ret_has, struct error *err);
/* By its key, or the one before it. */
NODISCARD bool machine_find(struct db *db, const uint8_t public_key[static 32], struct arena *arena,
                            struct machine_row *ret, bool *ret_has, struct error *err);
/* It speaks with `key` from `since` on, and with the one that it had until `former_until`, too. */
struct machine_turn {
    int64_t machine_id;
    uint8_t key[32];
    struct instant since, former_until;
};
NODISCARD bool machine_turn_key(struct db *db, const struct machine_turn *turn, struct error *err);

/* 0: its keys are good again. */
NODISCARD bool machine_set_key_revoked(struct db *db, int64_t id, struct instant revoked,
                                       struct error *err);

NODISCARD bool machine_list(struct db *db, int64_t owner_id, struct arena *arena,
                            struct machine_row **ret, size_t *ret_count, struct error *err);
NODISCARD bool machine_has_any(struct db *db, int64_t owner_id, bool *ret, struct error *err);

/* In order of id, above `after`. */
NODISCARD bool machine_list_all(struct db *db, int64_t after, size_t max, struct arena *arena,
                                struct machine_row **ret, size_t *ret_count, struct error *err);

/* Take the machine's row for this transaction: whoever claims its GPUs, cuts its offers or
 * changes what should run on it holds this first. */
NODISCARD bool machine_lock(struct db *db, int64_t id, struct error *err);

NODISCARD bool machine_set_changed(struct db *db, int64_t id, struct instant now,
                                   struct error *err);

/* Its desired state has changed: raise desired_rev, and wake its agent. */
/* Whether a machine is online and well, exactly as `told` says, and has no contract that is not
 * long gone: then a heartbeat that says the same changes nothing. `*ret_rev` is its desired
 * revision. */
NODISCARD bool machine_is_quiet(struct db *db, const struct machine_row *told, int64_t *ret_rev,
                                bool *ret_is_quiet, struct error *err);

NODISCARD bool machine_bump(struct db *db, int64_t id, struct error *err);
NODISCARD bool machine_rev(struct db *db, int64_t id, int64_t *ret_rev, bool *ret_has,
                           struct error *err);
/* facts, hostname and link, of `machine->id`. */
NODISCARD bool machine_set_facts(struct db *db, const struct machine_row *machine,
                                 struct error *err);
NODISCARD bool machine_set_listing(struct db *db, int64_t owner_id, int64_t id, bool is_listed,
                                   const struct listing *listing, int64_t *ret_count,
                                   struct error *err);

/* A rolling end moves a day at a time. */
#define LISTING_ROLL_US (24 * US_PER_HOUR)

/* Listed ones whose listing is over, or whose rolling end was moved a day ago or before. */
NODISCARD bool machine_listings_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                                    size_t *ret_count, struct error *err);
NODISCARD bool machine_set_unlisted(struct db *db, int64_t id, struct error *err);
NODISCARD bool machine_set_removed(struct db *db, int64_t id, struct instant now,
                                   struct error *err);
NODISCARD bool machine_set_verification(struct db *db, int64_t id, enum verification verification,
                                        int64_t *ret_count, struct error *err);
NODISCARD bool machine_set_geolocation(struct db *db, int64_t id, const char *geolocation,
                                       int64_t *ret_count, struct error *err);
/* audit_at, audit_id, standing, round trip and what was shown of `machine->id`. */
NODISCARD bool machine_set_audit(struct db *db, const struct machine_row *machine,
                                 struct error *err);

/* Those online whose audit_at has come. */
NODISCARD bool machine_audits_due(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                                  size_t *ret_count, struct error *err);

/* Machines that are heard of and whose GPUs exist, from behind `after` on. */
NODISCARD bool machine_audits_idle(struct db *db, int64_t after, int64_t *ret_ids, size_t max,
                                   size_t *ret_count, struct error *err);

/* `machine->id`'s measurements. */
NODISCARD bool machine_set_bench(struct db *db, const struct machine_row *machine,
                                 struct error *err);

/* `machine->id`'s reliability. */
NODISCARD bool machine_set_reliability(struct db *db, const struct machine_row *machine,
                                       struct error *err);

/* Machines' hosts: those that are there or were after `since`. */
NODISCARD bool machine_count_hosts(struct db *db, struct instant since, int64_t *ret_count,
                                   struct error *err);

NODISCARD bool machine_set_online(struct db *db, int64_t id, struct error *err);
NODISCARD bool machine_set_offline(struct db *db, int64_t id, struct instant since,
                                   struct error *err);
NODISCARD bool machine_set_quarantined(struct db *db, int64_t id, bool is_quarantined,
                                       struct error *err);

/* promised and decide. */
NODISCARD bool machine_set_decided(struct db *db, const struct machine_row *machine,
                                   struct error *err);

/* Who runs on it is to be decided anew then. */
NODISCARD bool machine_decide_at(struct db *db, int64_t id, struct instant at, struct error *err);

/* Those to decide about by now, longest ago first. */
NODISCARD bool machine_undecided(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                                 size_t *ret_count, struct error *err);

/* What a heartbeat says of the machine itself. */
NODISCARD bool machine_set_health(struct db *db, const struct machine_row *health,
                                  struct error *err);

#endif

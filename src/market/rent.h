/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an offer can be rented, on demand or by a bid, and the contract that comes of it.
 *
 * A host may rent its own machine on demand: it pays its price as anyone does, and receives its
 * share. It may not bid on it: its lever is the idle job, which everybody sees. A bid takes no
 * GPUs here: it waits, and the decision (market/auction.h) says whether it runs. Nor does a rental
 * on demand whose GPUs others have to let go of first. All refusals come before anything is
 * written. */

#ifndef BERTH_MARKET_RENT_H
#define BERTH_MARKET_RENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/instant.h"
#include "market/credit.h"
#include "market/machine.h"
#include "market/meter.h"
#include "market/offer.h"
#include "market/rental.h"

enum {
    RENT_DISK_GB_DEFAULT = 10,
    RENT_CONTRACTS_MAX = 1000, /* of one account, not destroyed */
};

#define RENT_LIFETIME_MIN_US INT64_C(60000000) /* less than a minute is no rental */

struct rent_gpu {
    int64_t gpu_id;
    int64_t holder_id; /* a contract; 0: free */
};

struct rent_request {
    int64_t disk_gb;      /* whole GB, as asked */
    int64_t workspace_gb; /* of that, encrypted; 0: none */
    bool is_stopped;      /* target_state "stopped": no GPUs are claimed */
    bool is_bid;
    struct money price; /* of a bid: the slice, by the hour */
};

struct rent_facts {
    struct instant now;
    bool has_offer;         /* an offer with that id exists */
    struct offer offer;     /* with its machine: connected, free disk, verification */
    bool is_listed;         /* the machine is on the market */
    bool is_barred;         /* the account may not rent */
    bool is_machine_held;   /* a CPU machine: another contract has it */
    bool is_own;            /* the renter's own machine */
    int64_t lowest_bid;     /* that is taken on it, in ticks */
    int64_t contract_count; /* the account's, not destroyed */
    struct credit credit;   /* the account's, as of `now` */
    struct money spend_cap; /* what it may burn in an hour; 0: any */
    struct money starting;  /* what an hour of what has GPUs and does not run yet will cost */
    struct money waiting;   /* and of what waits for GPUs */
    int64_t fee_bps;
    size_t gpu_count; /* all of the machine's, in order of preference */
    const struct rent_gpu *gpus;
};

enum rent_outcome {
    RENT_OK,
    RENT_NO_SUCH_OFFER,
    RENT_OFFER_TAKEN, /* rented, or its GPUs are */
    RENT_OFFER_OVER,  /* its end is less than a minute away, or the machine is not listed */
    RENT_MACHINE_OFFLINE,
    RENT_MACHINE_DEVERIFIED,
    RENT_ACCOUNT_BARRED,
    RENT_TOO_MANY_CONTRACTS,
    RENT_BAD_DISK,       /* less than 1 GB */
    RENT_DISK_TOO_LARGE, /* more than the offer, or what is free */
    RENT_NO_CREDIT,
    RENT_SPEND_CAP,
    RENT_OWN_MACHINE,    /* a bid */
    RENT_BID_TOO_LOW,    /* less than facts.lowest_bid */
    RENT_BID_TOO_HIGH,   /* on demand costs no more */
    RENT_BID_WOULD_WAIT, /* and it was asked not to */
    RENT_OTHER_RULES,    /* decided by another version of them than the renter expects */
    RENT_UNREACHABLE,    /* no open ports, and no relay with ports left */
    RENT_NO_ENCRYPTION,  /* a workspace is to be encrypted, and the host cannot */
    RENT_BAD_WORKSPACE,  /* not less than the disk that it is a part of */
};

/* What to write. Meters at component - 1; all run from `now` where their state says so. */
struct rent_plan {
    enum rental_kind kind;
    int64_t ticks;           /* of a bid, for a GPU and hour */
    enum rental_state state; /* CREATED, STOPPED, or SCHEDULING: for the decision to go on with */
    enum rental_reason reason;
    struct offer_terms terms; /* gpu_hour: of a bid, its own */
    struct money list_hour;
    struct machine_share share; /* disk_gb: as asked */
    struct instant end;
    struct meter meters[COMPONENT_COUNT];
    bool claims_machine; /* a CPU machine, whole */
    size_t gpu_count;
    int64_t gpu_ids[GPUS_MAX];
};

/* Only RENT_OK sets `*ret_plan`. */
NODISCARD enum rent_outcome rent_decide(const struct rent_request *request,
                                        const struct rent_facts *facts, struct rent_plan *ret_plan);

/* The four meters of a contract, at its terms. Meters at component - 1. */
void rent_meters(const struct offer_terms *terms, int64_t disk_gb, int64_t fee_bps,
                 struct meter ret[static COMPONENT_COUNT]);

/* GPUs for a contract that starts: `count` free ones, those it had before first. Returns whether
 * there were enough; sets `ret_ids` only then. */
NODISCARD bool rent_place(const struct rent_gpu *gpus, size_t gpu_count, size_t count,
                          int64_t contract_id, int64_t ret_ids[static GPUS_MAX]);

/* A sentence for the renter. */
const char *rent_outcome_sentence(enum rent_outcome outcome);

#endif

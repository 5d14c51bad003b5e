/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a contract: every state, every event, every legal arrow between them, in one table.
 *
 * A state joins what the renter wants (run, stop, destroy) with what the host has shown. Events
 * are decisions (start, stop, credit ends) and reports (the host's, in the contract's present
 * generation). A decision without an arrow is refused; a report without one says nothing new and is
 * ignored. An arrow also says what has to happen in the same transaction. A report that a restart
 * was asked of counts only once its restart nonce says that it was carried out.
 *
 * A host out of contact changes no state: it ends the charging (market/connected.h) and shows as
 * "offline" (rental_view). Every arrow into a stop carries a reason, which is stored, shown, and
 * told by `berth why`. */

#ifndef BERTH_MARKET_RENTAL_H
#define BERTH_MARKET_RENTAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"

/* Stored in contract.kind: the classes that compete for GPUs (market/auction.h), and volumes. */
enum rental_kind {
    KIND_ON_DEMAND = 1,
    KIND_BID,      /* runs while its bid is among the best */
    KIND_RESERVED, /* as on demand, paid ahead */
    KIND_IDLE,     /* the host's own job on a GPU that nobody rents: free of charge */
    KIND_VOLUME,   /* disk space alone: stopped all its life, mounted by instances */
};

enum rental_intent { RENTAL_RUN, RENTAL_STOP, RENTAL_DESTROY };

/* Stored in contract.state. */
enum rental_state {
#define RENTAL_STATE(name, number, text, intent, claim, meaning) RENTAL_##name = (number),
#include "market/rental_states.def"
#undef RENTAL_STATE
};

/* Stored in contract.reason. */
enum rental_reason {
#define RENTAL_REASON(name, number, code, sentence) REASON_##name = (number),
#include "market/rental_reasons.def"
#undef RENTAL_REASON
};

enum rental_event {
    /* The renter. */
    RENTAL_START,       /* and the GPUs are granted in the same transaction */
    RENTAL_START_WAITS, /* and they are taken */
    RENTAL_STOP_ASKED,
    RENTAL_REBOOT_ASKED,
    RENTAL_DESTROY_ASKED,
    /* The market. */
    RENTAL_GPUS_GRANTED, /* to one that waited */
    RENTAL_OUTBID,       /* a bid has to make way for others */
    RENTAL_OUTRANKED,    /* a bid has to make way for an on-demand rental */
    RENTAL_YIELDS,       /* an idle job has to make way */
    RENTAL_BID_WAITS,    /* a bid wants to run, and others hold the GPUs */
    RENTAL_GPU_IDLE,     /* for as long as its owner allows */
    RENTAL_DISK_FULL,    /* it has taken more than it rented */
    RENTAL_TRAFFIC_CAP,  /* it has moved all that its owner allows */
    RENTAL_STOPPED_TOO_LONG,
    RENTAL_CLEANED_UP, /* by its host, once its data need not be kept any more */
    RENTAL_CREDIT_ENDED,
    RENTAL_LIFETIME_ENDED,
    RENTAL_RECLAIMED, /* by its host, who took the machine back */
    RENTAL_OPERATOR_STOPS,
    RENTAL_OPERATOR_DESTROYS,
    RENTAL_MACHINE_REMOVED, /* with everything on it: no confirmation will come */
    /* The host, about the present generation. */
    RENTAL_REPORTED_LOADING,
    RENTAL_REPORTED_RUNNING,
    RENTAL_REPORTED_STOPPED, /* there, and not running: also not started yet */
    RENTAL_REPORTED_EXITED,
    RENTAL_REPORTED_FAILED,
    RENTAL_REPORTED_ABSENT, /* nothing of it on the host */
    RENTAL_EVENT_COUNT,
};

/* What has to happen with the change. */
enum rental_effects {
    RENTAL_CUTS_CHARGE = 1,   /* GPU time ends now: connected_cut() */
    RENTAL_CLOSES_METERS = 2, /* the last posting: nothing is charged afterwards */
    RENTAL_TAKES_GPUS = 4,    /* claim them */
    RENTAL_FREES_GPUS = 8,    /* release the claim, and see who waits */
    RENTAL_TELLS_HOST = 16,   /* a new generation */
    RENTAL_RESTARTS = 32,     /* a new restart nonce */
    RENTAL_FREES_DISK = 64,
    RENTAL_CLEARS_REASON = 128,
};

struct rental_arrow {
    enum rental_state from;
    enum rental_event event;
    enum rental_state to;
    unsigned effects;          /* of enum rental_effects */
    enum rental_reason reason; /* to store; REASON_NONE: keep what is stored, or clear it */
};

/* NULL where there is none. */
const struct rental_arrow *rental_arrow(enum rental_state from, enum rental_event event);
const struct rental_arrow *rental_arrows(size_t *ret_count);

bool rental_kind_is_valid(int64_t number);
bool rental_state_is_valid(int64_t number);
const char *rental_state_name(enum rental_state state); /* "running" */
enum rental_intent rental_intent(enum rental_state state);
/* Between being ended and gone, it may. */
bool rental_must_hold_gpus(enum rental_state state);
bool rental_may_hold_gpus(enum rental_state state);
const char *rental_state_meaning(enum rental_state state);
const char *rental_event_name(enum rental_event event); /* "credit ended" */

bool rental_reason_is_valid(int64_t number);
const char *rental_reason_code(enum rental_reason reason); /* "no_credit" */
/* The class of those who took its GPUs: "bid", "on-demand", "renter"; "" where nobody did. */
const char *rental_winner(enum rental_reason reason);
/* The sentence, with the detail in its place. */
void rental_reason_explain(struct buf *out, enum rental_reason reason, const char *detail);

/* What a renter who wants it to run is told. */
struct rental_start_facts {
    enum rental_state state;
    bool has_credit;    /* credit_admits() with it running */
    bool has_lifetime;  /* its end is ahead */
    bool is_admissible; /* account and machine may run things */
    bool has_gpus;      /* enough are free, or it still holds its own */
};
enum rental_start_outcome {
    RENTAL_STARTS,       /* RENTAL_START, or nothing to do where it runs already */
    RENTAL_START_QUEUES, /* RENTAL_START_WAITS */
    RENTAL_START_NO_CREDIT,
    RENTAL_START_LIFETIME_EXPIRED,
    RENTAL_START_BARRED,
    RENTAL_START_GONE, /* destroyed */
};
enum rental_start_outcome rental_start(const struct rental_start_facts *facts);

/* The fields of api.md 2.5.3 and 2.5.4. NULL is JSON null. */
struct rental_view {
    const char *actual_status, *intended_status, *cur_state, *next_state;
};
struct rental_view rental_view(enum rental_state state, enum rental_reason reason,
                               bool is_connected);

#endif

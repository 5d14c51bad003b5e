/* SPDX-License-Identifier: Apache-2.0 */
/* Space for volumes, as hosts offer it. */

#ifndef BERTH_FLOW_VOLUME_OFFER_H
#define BERTH_FLOW_VOLUME_OFFER_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/change.h"
#include "flow/flow.h"
#include "market/volume.h"
#include "store/offer.h"

/* A host's offer of space on a machine replaces the one before; volumes of the machine that cost no
 * more last as long as the new one. */
enum volume_offer_outcome {
    VOLUME_OFFER_DONE,
    VOLUME_OFFER_NO_MACHINE,
    VOLUME_OFFER_NONE,      /* there is none to take back */
    VOLUME_OFFER_BAD_PRICE, /* not a valid rate */
    VOLUME_OFFER_BAD_SIZE,  /* not from 1 GB to what the machine's disk has free */
    VOLUME_OFFER_BAD_END,   /* in the past */
    VOLUME_OFFER_QUARANTINED,
};
struct volume_offer_request {
    int64_t machine_id, size_gb;
    struct money disk_month;
    struct instant end; /* INSTANT_NEVER: none */
};
struct volume_offer_reply {
    enum volume_offer_outcome outcome;
    int64_t offer_id, free_gb;
    int64_t extended; /* volumes */
};
NODISCARD bool flow_volume_offer(const struct flow *flow, const struct caller *caller,
                                 const struct volume_offer_request *request,
                                 struct volume_offer_reply *ret, struct error *err);
NODISCARD bool flow_volume_unlist(const struct flow *flow, const struct caller *caller,
                                  int64_t offer_id, enum volume_offer_outcome *ret,
                                  struct error *err);

/* What hosts offer, each as an offer of no GPUs whose disk is what is left: at most `max` of those
 * with something left. Everything lives in the arena. */
NODISCARD bool flow_volume_offers(const struct flow *flow, size_t max, struct arena *arena,
                                  struct offer **ret, size_t *ret_count, struct error *err);

/* Inside src/flow: what a listing of the machine says of volumes. NULL: it rolls on. */
struct volume_wish {
    bool has_size, has_month;
    int64_t size_gb; /* 0: none */
    struct money month;
};
NODISCARD bool volume_offer_follow(struct change *change, const struct listing *listing,
                                   const struct volume_wish *wish, enum volume_offer_outcome *ret,
                                   struct error *err);

#endif

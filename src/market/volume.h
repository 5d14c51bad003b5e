/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a volume can be made, what it costs, and where an instance may mount one.
 *
 * A host offers so much space at a price for a GB and month; each volume takes a part of it, until
 * all is taken. A volume is charged for existing, from its making until it is deleted, whether or
 * not anything mounts it: its disk meter is that of any contract (market/meter.h), its other three
 * never move. */

#ifndef BERTH_MARKET_VOLUME_H
#define BERTH_MARKET_VOLUME_H

#include "market/rent.h"

enum {
    VOLUME_COUNT_MAX = 1000, /* of one account, not deleted */
    VOLUME_GB_DEFAULT = 15,
    VOLUME_GB_MAX = 1 << 20,
    VOLUME_PATH_MAX = 255,
    VOLUME_ID_DIGITS_MAX = 18,
};

struct volume_facts {
    struct instant now;
    bool has_offer;
    struct offer_terms terms; /* of the offer: disk_month, disk_gb in all, end */
    int64_t sold_gb;          /* of it */
    int64_t free_gb;          /* of the machine's disk, that no contract has */
    bool is_connected, is_deverified;
    bool is_barred;                 /* the account may not rent */
    int64_t volume_count;           /* the account's, not deleted */
    struct credit credit;           /* the account's, as of `now`, and of what comes with it */
    struct money spend_cap;         /* what it may burn in an hour; 0: any */
    struct money starting, waiting; /* as in struct rent_facts */
    int64_t fee_bps;
};

/* What to write. Meters at component - 1, all running from `now`. */
struct volume_plan {
    struct offer_terms terms; /* no GPUs, and nothing for traffic */
    struct meter meters[COMPONENT_COUNT];
};

/* How much of it is left to sell. */
int64_t volume_left_gb(const struct volume_facts *facts);

/* Only RENT_OK sets `*ret_plan`. RENT_TOO_MANY_CONTRACTS counts volumes. */
NODISCARD enum rent_outcome volume_decide(int64_t size_gb, const struct volume_facts *facts,
                                          struct volume_plan *ret_plan);

/* A sentence for the renter, where the thing is a volume. */
const char *volume_outcome_sentence(enum rent_outcome outcome);

/* Whether a volume may be mounted there: an absolute path without "." and "..", not what the system
 * or our helper needs. */
bool volume_path_is_good(const char *path);

/* "V.8101:/data", as clients mount one. */
struct volume_word {
    int64_t id;
    const char *path; /* borrowed */
};
bool volume_word_parse(const char *text, struct volume_word *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What time alone brings about: find those whose turn has come, and deal with each of them in a
 * transaction of its own. Inside src/flow/.
 *
 * The look takes no lock. So whoever deals with one takes it first, looks again, and does nothing
 * where somebody else was quicker. */

#ifndef BERTH_FLOW_EACH_DUE_H
#define BERTH_FLOW_EACH_DUE_H

#include "flow/flow.h"

enum { EACH_DUE_MAX = 100 }; /* in one go */

/* Ids of those that are due at `now`. */
typedef bool due_find(struct db *db, struct instant now, int64_t *ret_ids, size_t max,
                      size_t *ret_count, struct error *err);

/* Ids above `after`, in their order, of those of whom some can be dealt with. */
typedef bool due_walk(struct db *db, int64_t after, int64_t *ret_ids, size_t max, size_t *ret_count,
                      struct error *err);

typedef bool due_deal(struct db *db, int64_t id, struct instant now, bool *ret_is_done,
                      struct error *err);

struct due_job {
    const char *seeks, *deed; /* for errors: "contracts that are over", "end contract" */
    due_find *find;           /* some of those that are due; the next call finds more */
    due_walk *walk;           /* in its place: all that there are, `max` at a time */
    due_deal *deal;
    /* A failure of `deal` that leaves nothing behind and is none: it was not dealt with. Or
     * ERROR_NONE. */
    enum error_code lets_be;
    size_t max; /* from 1 to EACH_DUE_MAX */
};

/* `*ret_count`: how many were found; of a walk, how many were dealt with. */
NODISCARD bool each_due(const struct flow *flow, const struct due_job *job, size_t *ret_count,
                        struct error *err);

#endif

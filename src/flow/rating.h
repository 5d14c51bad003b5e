/* SPDX-License-Identifier: Apache-2.0 */
/* What renters think of their hosts, for everybody to read; and what hosts answer to reports. */

#ifndef BERTH_FLOW_RATING_H
#define BERTH_FLOW_RATING_H

#include "base/arena.h"
#include "flow/caller.h"
#include "flow/flow.h"
#include "store/machine_report.h"
#include "store/rating.h"

enum {
    RATING_MESSAGE_MAX = 1000,
    RATING_LIST_MAX = 200,
    RATING_POOR = 2, /* who gets no more stars is asked for a proof soon, as who is reported */
};

struct rating_request {
    int64_t instance_id;
    int64_t stars;       /* 1 to 5 */
    const char *message; /* "" none */
};

enum rating_outcome {
    RATING_DONE,
    RATING_NO_INSTANCE, /* that the caller rents or rented */
    RATING_NEVER_RAN,   /* or is a volume: nobody knows what it is like */
    RATING_OWN,         /* on the caller's own machine */
    RATING_TWICE,
    RATING_BAD,       /* stars, or the message */
    RATING_NO_REPORT, /* of a machine of the caller's */
};

/* Once for each contract, while it lasts or after. */
NODISCARD bool flow_rate(const struct flow *flow, const struct caller *caller,
                         const struct rating_request *request, enum rating_outcome *ret,
                         struct error *err);

struct rating_page {
    int64_t count, stars;       /* of all; their sum */
    struct rating_row *ratings; /* newest first */
    size_t rating_count;
    int64_t machines; /* that the host has */
    bool has_host;    /* it has or had a machine */
};
NODISCARD bool flow_host_ratings(const struct flow *flow, int64_t host_id, struct arena *arena,
                                 struct rating_page *ret, struct error *err);

/* By the host of the machine; a later answer takes the place of an earlier one. */
NODISCARD bool flow_reply_report(const struct flow *flow, const struct caller *caller,
                                 int64_t report_id, const char *reply, enum rating_outcome *ret,
                                 struct error *err);

/* What the caller has reported, newest first. */
NODISCARD bool flow_own_reports(const struct flow *flow, const struct caller *caller,
                                struct arena *arena, struct machine_report_row **ret,
                                size_t *ret_count, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Violations, planted one by one in a market that lived, each to be found and mended. */

#ifndef BERTH_TEST_FLOW_SUPPORT_CHECK_H
#define BERTH_TEST_FLOW_SUPPORT_CHECK_H

#include "flow/check.h"
#include "flow/support.h"

struct findings {
    int count;
    char rules[4096]; /* "I-2 I-4 " */
    char texts[8192];
};

/* What flow_check() says, and that it can. */
struct check_counts check_market(struct support *support, struct findings *findings);
void check_is_clean(struct support *support);

/* A market with everything in it: instances that run, are stopped, have ended, have followed one
 * another on the same GPUs. */
void check_live(struct world *world);

/* Let what was posted grow old enough, and close it. Returns how many journals that were. */
int64_t check_seal(struct world *world);

struct plant {
    const char *rule, *harm, *mend; /* SQL, in the language of schema files */
};

/* Where to plant. The first charge of GPU time that was posted; contracts by what they are. */
#define FIRST_CHARGE "WHERE journal_id = (SELECT leg FROM spot) AND code = 11;"
#define ENDED        "(SELECT ended FROM spot)"
#define RUNNING      "(SELECT running FROM spot)"
#define STOPPED      "(SELECT stopped FROM spot)"

/* Plant each, see its rule among what is found, mend it, see that all is well again. */
void check_plants(struct support *support, const struct plant *plants, size_t count);

/* The same in a market that is there already. */
void check_plants_in(struct support *support, const struct plant *plants, size_t count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* When a machine has to prove its compute, and what comes of it. A machine that gives a wrong
 * answer is not rented out until it has given several right ones; one that is slow, or does not
 * answer, is only asked again. */

#ifndef BERTH_MARKET_AUDIT_H
#define BERTH_MARKET_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "market/machine.h"

/* Stored in machine_proof.state. */
enum audit_state {
    AUDIT_ASKED = 1,
    AUDIT_SENT, /* the clock runs */
    AUDIT_COMMITTED,
    AUDIT_GOOD,
    AUDIT_BAD,        /* an opening that is not what was committed to, or no product */
    AUDIT_UNANSWERED, /* within AUDIT_PATIENCE_US */
};

#define AUDIT_PATIENCE_US (10 * 60 * US_PER_SECOND)
#define AUDIT_MEAN_US     (6 * US_PER_HOUR)         /* between two, of a machine in good standing */
#define AUDIT_DEBT_US     (10 * 60 * US_PER_SECOND) /* and of one that has to make up for something */

enum { AUDIT_DEBT = 3 }; /* right answers that make up for a wrong one */

/* A machine's standing, as stored. */
struct audit_standing {
    int64_t debt; /* right answers that it owes */
    enum verification before, now;
};

/* Another answer: what the standing is then. */
struct audit_standing audit_judge(struct audit_standing standing, bool is_good);

/* How long until the next one, for a random number: nobody can foresee it. Never below a minute. */
int64_t audit_wait_us(uint64_t random, int64_t debt);

bool audit_state_is_valid(int64_t number);
const char *audit_state_name(enum audit_state state); /* "asked" */

#endif

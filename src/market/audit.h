/* SPDX-License-Identifier: Apache-2.0 */
/* When a machine has to prove what it has, and what comes of it. A machine that gives a wrong
 * answer is not rented out until it has given several right ones; one that is slow is only asked
 * again.
 *
 * Some answers are right and yet odd (market/timing.h, market/identity.h). What looks odd once may
 * be noise: it makes the next question come soon. The same twice running is as good as a wrong
 * answer. So is no answer, of who has answered before: who never did has no good standing to lose.
 * Measurements that are odd are no answer: they make questions come soon until memory, which no
 * other model has alike, has been shown. */

#ifndef BERTH_MARKET_AUDIT_H
#define BERTH_MARKET_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "market/machine.h"

/* Stored in machine_proof.kind. */
enum audit_kind { AUDIT_COMPUTE = 1, AUDIT_MEMORY, AUDIT_DISK, AUDIT_NETWORK };
enum { AUDIT_KINDS = 4 };

/* Of these the machine is asked as a whole, once in a while. */
bool audit_kind_is_trial(enum audit_kind kind);
const char *audit_kind_name(enum audit_kind kind); /* "compute" */
#define AUDIT_TRIAL_US (7 * 24 * US_PER_HOUR)

/* Stored in machine_proof.company: who else was asked in the same moment. */
enum audit_company {
    AUDIT_ALONE,    /* no other GPU of the machine */
    AUDIT_TOGETHER, /* all of the machine's */
    AUDIT_CENSUS,   /* all that were idle on the market */
};

/* Stored in machine_proof.state. */
enum audit_state {
    AUDIT_ASKED = 1,
    AUDIT_SENT, /* the clock runs */
    AUDIT_COMMITTED,
    AUDIT_GOOD,
    AUDIT_BAD,        /* an opening that is not what was committed to, or no product */
    AUDIT_UNANSWERED, /* within AUDIT_PATIENCE_US */
    AUDIT_UNOPENED,   /* committed in time, and that was all that was asked */
};

#define AUDIT_CENSUS_US (24 * US_PER_HOUR) /* one in each such span, at a moment nobody knows */

enum { AUDIT_CENSUS_OPENED_PERCENT = 5 };

#define AUDIT_PATIENCE_US (10 * 60 * US_PER_SECOND)
#define AUDIT_MEAN_US     (6 * US_PER_HOUR)         /* between two, of a machine in good standing */
#define AUDIT_DEBT_US     (10 * 60 * US_PER_SECOND) /* and of one that has to make up for something */

enum { AUDIT_DEBT = 3 }; /* right answers that make up for a wrong one */

/* What is odd about an answer; bits, as stored in machine.audit_suspicion, and from
 * AUDIT_CLAIM_FIRST on in machine.audit_claims. */
enum audit_suspicion {
    AUDIT_TOO_FAST = 1, /* faster than any such GPU */
    AUDIT_OTHER_MODEL = 2,
    AUDIT_SHARED = 4,        /* its GPUs do far less together than alone */
    AUDIT_ELSEWHERE = 8,     /* its memory is not the GPU's */
    AUDIT_SLOW_DISK = 16,    /* its disk is slower than it says */
    AUDIT_SLOW_NETWORK = 32, /* and its network */
    /* It is there, and nobody's, and leaves such a question without an answer. */
    AUDIT_SILENT_COMPUTE = 64,
    AUDIT_UNLIKE = 128, /* its measurements are not those of its model (market/peers.h) */
    AUDIT_SILENT_MEMORY = 256,
    AUDIT_SILENT_DISK = 512,
    AUDIT_SILENT_NETWORK = 1024,
    AUDIT_SUSPICIONS = 2047,
    AUDIT_CLAIM_FIRST = 16,
};

/* A machine's standing, as stored. */
struct audit_standing {
    int64_t debt;      /* right answers that it owes */
    int64_t suspicion; /* what the last test that could see it has seen */
    enum verification before, now;
};

/* An answer, and of what it could have shown what it has. */
struct audit_answer {
    bool is_good;
    int64_t tested, seen;
};

/* Another answer: what the standing is then. */
struct audit_standing audit_judge(struct audit_standing standing, struct audit_answer answer);

/* Whether it is to be asked sooner than others. */
bool audit_is_pressing(struct audit_standing standing);

/* What of an answer of that kind would have been seen if it were there. */
int64_t audit_tested(enum audit_kind kind);

/* No answer to that kind of question, as a bit: only an answer to one of that kind ends it, so
 * nobody answers what they can and leaves what they cannot. */
int64_t audit_silent(enum audit_kind kind);

/* No answer, though one was to be expected: audit_silent() of each kind that was left. */
struct audit_standing audit_judge_silence(struct audit_standing standing, int64_t silent);

/* Measurements that are those of its model, or not. */
struct audit_standing audit_judge_figures(struct audit_standing standing, bool is_unlike);

/* How long until the next one, for a random number: nobody can foresee it. Never below a minute. */
int64_t audit_wait_us(uint64_t random, bool is_pressing);

/* "too_fast", "other_model" ... of one bit. */
const char *audit_suspicion_name(enum audit_suspicion suspicion);

bool audit_state_is_valid(int64_t number);
const char *audit_state_name(enum audit_state state); /* "asked" */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a machine, line by line, and what comes of it: whether it may join, counts as
 * verified, and stays on the market.
 *
 * There is no lottery: a machine of which every line is good is verified, one that fails a line is
 * not, and which line it is, is for everybody to read. The host's own doctor and the market judge
 * by the same lines. What an operator has said of a machine stands, whatever the lines are. */

#ifndef BERTH_MARKET_REQUIREMENT_H
#define BERTH_MARKET_REQUIREMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "market/machine.h"

enum requirement {
#define REQUIREMENT(id, ...) REQUIREMENT_##id,
#include "market/requirements.def"
#undef REQUIREMENT
    REQUIREMENTS,
};

/* Where it is known from. */
enum requirement_source {
    REQUIREMENT_OF_FACTS,  /* what the machine is; the doctor knows it too */
    REQUIREMENT_OF_BENCH,  /* what was measured of it */
    REQUIREMENT_OF_MARKET, /* what the market has seen of it */
};

/* What it costs to fail it. */
enum requirement_cost {
    REQUIREMENT_COSTS_JOIN,  /* such a machine is not taken */
    REQUIREMENT_COSTS_BADGE, /* it is rented out, and not as verified */
    REQUIREMENT_COSTS_STAY,  /* verified, it is taken off the market until an hour after */
};

enum requirement_state {
    REQUIREMENT_GOOD,
    REQUIREMENT_BAD,
    REQUIREMENT_UNKNOWN,    /* not measured yet */
    REQUIREMENT_NOT_NEEDED, /* of a machine like this; or where it is not known */
};

enum { REQUIREMENT_TEXT_SIZE = 96 };

struct requirement_line {
    enum requirement_state state;
    char measured[REQUIREMENT_TEXT_SIZE], needed[REQUIREMENT_TEXT_SIZE];
    struct instant next; /* when it is measured or looked at next; 0: at no time that is known */
};

/* What the market has seen. */
struct requirement_record {
    struct reliability seen;          /* up to now */
    struct instant last_failed_start; /* that counted; 0: none */
    int64_t proofs_good;              /* since the last wrong one, and since its hardware changed */
    int64_t debt;                     /* market/audit.h */
    bool is_quarantined, is_engine_ok;
    const char *engine_message;
    enum requirement_state
        program; /* whether the operator knows it; not needed: there is no list */
};

struct requirement_subject {
    const struct machine_facts *facts;
    const struct machine_bench *bench;       /* NULL: the doctor does not know it */
    const struct requirement_record *record; /* likewise */
    struct instant now;
};

/* All lines. Facts need not have been checked. What the subject does not know is
 * REQUIREMENT_UNKNOWN. */
void requirement_judge(const struct requirement_subject *subject,
                       struct requirement_line lines[static REQUIREMENTS]);

/* A machine's standing, as stored. */
struct requirement_standing {
    enum verification now;
    bool is_set; /* by an operator: it stands */
    int64_t debt;
    struct instant failed; /* when a line was bad last that costs its stay; 0: none */
};

#define REQUIREMENT_RECOVER_US (US_PER_HOUR)             /* off the market after a line was bad */
#define REQUIREMENT_LOOK_US    (10 * 60 * US_PER_SECOND) /* from one look at a machine to the next */
#define REQUIREMENT_BENCH_US   (7 * 24 * US_PER_HOUR)    /* from one measurement to the next */

/* What the lines make of it. */
struct requirement_standing
requirement_apply(struct requirement_standing standing,
                  const struct requirement_line lines[static REQUIREMENTS], struct instant now);

/* When it will be back on the market if nothing else is bad; 0: it is there, or nobody knows. */
struct instant requirement_back(const struct requirement_standing *standing);

const char *requirement_name(enum requirement requirement);  /* "cpu_threads" */
const char *requirement_title(enum requirement requirement); /* "processor threads" */
const char *requirement_mend(enum requirement requirement);
enum requirement_source requirement_source(enum requirement requirement);
enum requirement_cost requirement_cost(enum requirement requirement);
const char *requirement_state_name(enum requirement_state state); /* "not needed" */
const char *requirement_cost_name(enum requirement_cost cost);    /* "badge" */

#endif

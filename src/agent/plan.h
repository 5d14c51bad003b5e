/* SPDX-License-Identifier: Apache-2.0 */
/* From what should be and what is to what to do: pure, level-triggered.
 *
 * It is asked after every change and answers from the whole picture, one step for each instance,
 * so that nothing depends on how the picture came about. While a step is under way for an
 * instance, nothing else is begun for it. Data is deleted for one reason only: the server says so,
 * under its signature. */

#ifndef BERTH_AGENT_PLAN_H
#define BERTH_AGENT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/record.h"
#include "agent/seen.h"
#include "proto/desired.h"
#include "proto/heartbeat.h"

/* How long instances run on without the server, unless the host says otherwise. */
#define PLAN_ALONE_MAX_US (24 * INT64_C(3600) * 1000000)

enum plan_step {
    PLAN_NOTHING,
    PLAN_PREPARE, /* get the image; begin a record */
    PLAN_CREATE,  /* make network and container, and start it */
    PLAN_START,
    PLAN_STOP,
    PLAN_NOTIFY, /* tell it that others get its GPUs, and by when */
    PLAN_KILL,   /* that time has come */
    PLAN_RESTART,
    PLAN_REBIND,  /* the same files in a container made anew: other GPUs, another spec */
    PLAN_CLEAR,   /* container, files and network: it is to be made from its image again */
    PLAN_DESTROY, /* container, files, network, record */
    PLAN_FORGET,  /* network and record of what has no container and is wanted by nobody */
    PLAN_CANCEL,  /* end the step under way: it is no longer wanted */
    PLAN_OPEN,    /* the files of one that is stopped, in a container that copies go through */
};

/* "prepare", "create", ... */
const char *plan_step_name(enum plan_step step);

enum { PLAN_TRIES_BEFORE_FAILED = 3 };

/* The last failure of a step, since the last success. */
struct plan_failure {
    int64_t count; /* 0: none */
    enum plan_step step;
    int64_t gen;      /* that it happened under */
    bool is_final;    /* trying again would not help */
    int64_t retry_us; /* not before */
};

/* All that is known of one instance. */
struct plan_instance {
    int64_t id;
    bool is_foreign;                        /* labelled by another machine: never ours to run */
    const struct desired_instance *desired; /* NULL: not desired */
    bool may_destroy;                       /* its destroy token verified */
    const char *spec;                       /* hash of what is desired; see agent/container.h */
    const char *gpus;                       /* as struct seen has them; of what is desired */
    int64_t stop_due_us, lifetime_due_us;   /* -1: never */
    int64_t notice_due_us;                  /* of the notice, where it has one */
    int64_t revival_us;                     /* to start it again, having ended; -1: not to */
    const struct record *record;            /* NULL: none */
    bool is_prepared;                       /* the image is here, for this spec */
    const struct seen *seen;                /* its container; NULL: none */
    const struct seen *next;                /* the one about to take its place; NULL: none */
    bool was_cut;                           /* it ended with the engine, not by itself */
    bool wants_copies;                      /* somebody is at its door, to copy */
    enum plan_step under_way;               /* PLAN_NOTHING: none */
    struct plan_failure failure;
};

struct plan_facts {
    int64_t now_us;          /* CLOCK_BOOTTIME */
    int64_t last_contact_us; /* with the server */
    int64_t alone_max_us;    /* how long after that they run on */
    const char *boot_id;
    bool has_desired;  /* the server has ever said what it wants */
    bool is_engine_ok; /* what is seen is what is */
};

/* What to do, and what to report meanwhile. */
struct plan_verdict {
    enum plan_step step;
    enum instance_phase phase;
    int64_t gen;         /* that the phase belongs to */
    const char *message; /* why, where it is not obvious; static; "" */
    bool wants_running;
};

/* One verdict for each instance. */
void plan_make(const struct plan_facts *facts, const struct plan_instance *instances, size_t count,
               struct plan_verdict *verdicts);

/* When the next deadline among them falls, on the clock of `facts`; -1: none. */
int64_t plan_next_us(const struct plan_facts *facts, const struct plan_instance *instances,
                     size_t count);

#endif

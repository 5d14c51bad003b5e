/* SPDX-License-Identifier: Apache-2.0 */
/* All instances that this host knows of, from whichever side: desired, recorded, or seen. */

#ifndef BERTH_AGENT_INSTANCE_H
#define BERTH_AGENT_INSTANCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/images.h"
#include "agent/job.h"
#include "agent/keep.h"
#include "agent/observe.h"
#include "agent/plan.h"
#include "agent/record.h"
#include "agent/revival.h"
#include "proto/hello.h"
#include "sys/log.h"

struct agent;

enum jupyter_state { JUPYTER_STARTING, JUPYTER_UP, JUPYTER_SILENT };

enum { INSTANCES_MAX = 8192, INSTANCE_MESSAGE_SIZE = REPORT_MESSAGE_MAX / 2 };

struct instance {
    struct agent *agent;
    int64_t machine_id, id;                 /* what it is known by */
    const struct desired_instance *desired; /* in keep's arena; NULL: not desired */
    bool may_destroy;
    char spec[SEEN_SPEC_SIZE];
    char *gpus; /* owned; as struct seen has them */
    bool has_record;
    struct record record;
    char prepared[IMAGE_REFERENCE_SIZE]; /* the image that is here, for it; "" none */
    char assumed[PULL_ID_SIZE];          /* its id, where that was remembered; "" asked for */
    struct plan_failure failure;
    enum plan_step under_way;
    int64_t begun_us; /* when that was begun */
    struct job *job;
    bool awaits_look;   /* its worker is done with it, and what became of it is not seen yet */
    int64_t up_session; /* of the engine in which it was last seen up */
    bool was_cut;
    bool wants_copies;     /* see agent/copies.h */
    size_t copy_end_count; /* of copies between instances that its SSH front knows */
    char copy_text[INSTANCE_MESSAGE_SIZE]; /* a copy to it from another, and how that goes */
    int64_t copy_ended_s;                  /* 0: it goes on */
    struct revival revival;
    char named[128];   /* the start token of the run that has its host name; see agent/hostname.h */
    char limited[128]; /* the run whose network has these limits; "" none */
    int64_t grown_gb;  /* what it has grown to as far as its file system knows */
    int64_t up_mbit, down_mbit;          /* of its own, beside the host's; 0: none */
    char message[INSTANCE_MESSAGE_SIZE]; /* progress, or why the last step failed */
    struct plan_verdict verdict;         /* the last one */
    char jupyter_run[128];               /* the start token of the run whose Jupyter is watched */
    enum jupyter_state jupyter;          /* of that run */
    struct job *jupyter_job;
    char addressed[128];    /* the start token of the run whose address is known */
    struct in_addr address; /* of its container in its network; 0: none is known */
};

struct instances {
    struct agent *agent;
    size_t count, capacity;
    struct instance **all; /* owned, each */
};

/* Those that have records. What is damaged is left aside, and logged. */
void instances_load(struct instances *instances, struct agent *agent);
void instances_close(struct instances *instances);

struct instance *instances_find(const struct instances *instances, int64_t machine_id, int64_t id);

/* After a change of what is desired: their pointers into the old state are void. */
void instances_desire(struct instances *instances, const struct keep *keep);

/* After a change of what is seen. Forgets instances that are in no sense there any more. */
void instances_observe(struct instances *instances);

/* One plan for all of them; fills each one's verdict. Sets when to look again without being told
 * to; -1: never. */
void instances_plan(struct instances *instances, int64_t *ret_next_us);

/* Records of all instances but one, for giving out ports. The caller frees. */
struct record *instances_records(const struct instances *instances, int64_t but_id,
                                 size_t *ret_count);

const struct seen *instance_seen(const struct instance *instance, bool is_next);

#endif

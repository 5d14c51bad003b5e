/* SPDX-License-Identifier: Apache-2.0 */
/* A container of ours, as the engine describes it. */

#ifndef BERTH_AGENT_SEEN_H
#define BERTH_AGENT_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/docker.h"
#include "base/error.h"
#include "base/json.h"
#include "market/machine.h"

#define SEEN_LABEL_MACHINE  "berth.machine"
#define SEEN_LABEL_HOST     "berth.host" /* of the key that the machine was enrolled with */
#define SEEN_LABEL_INSTANCE "berth.instance"
#define SEEN_LABEL_GEN      "berth.gen"
#define SEEN_LABEL_SPEC     "berth.spec"
#define SEEN_LABEL_GPUS     "berth.gpus"

/* In the place of a spec: its files alone, for copies while the instance is stopped. */
#define SEEN_SPEC_COPIES "copies"

enum { SEEN_MAX = 4096, SEEN_HOST_SIZE = 32 + 1, SEEN_SPEC_SIZE = 64 + 1, SEEN_GPUS_SIZE = 4096 };

enum seen_state {
    SEEN_CREATED, /* never started */
    SEEN_RUNNING, /* paused counts: it holds its GPUs */
    SEEN_EXITED,
    SEEN_BUSY, /* being removed, or beyond help */
};

struct seen {
    int64_t machine_id, instance_id, gen; /* by its labels; see seen_parse() */
    char id[DOCKER_ID_SIZE];
    char name[128];
    char spec[SEEN_SPEC_SIZE]; /* hash of what it was made from */
    char gpus[SEEN_GPUS_SIZE]; /* uuids with a comma behind each; "" */
    enum seen_state state;
    char started_at[40]; /* in the engine's words; "" before the first start */
    int64_t pid;         /* of its first process, on the host; 0 */
    int64_t exit_code;   /* -1: has not ended */
    bool is_oom;
    char reason[256]; /* the engine's, why it could not be started; "" */
    char image_id[128];
    int64_t disk_used_mb; /* -1 unknown */
};

/* From the answer of GET /containers/ID/json. ERROR_NOT_FOUND: it has no labels of ours.
 * ERROR_CORRUPT: they make no sense. One that was made by another enrolment than `host`, whose
 * numbers may be the same as ours, gets a negative machine id. */
NODISCARD bool seen_parse(const json_t *inspected, const char *host, struct seen *ret,
                          struct error *err);

/* The name of an instance's container; and of the one that is about to take its place. */
char *seen_name(int64_t instance_id, char name[static 64]);
char *seen_next_name(int64_t instance_id, char name[static 64]);

/* Where one that nobody wants is out of the way of an instance with its number. */
char *seen_kept_name(const char *container_id, char name[static 64]);
bool seen_is_kept(const struct seen *seen);
bool seen_is_next(const struct seen *seen);

/* Not the instance, but what copies of its files go through. */
bool seen_is_for_copies(const struct seen *seen);

/* Container id and start time: changes with every start. "" before the first. */
char *seen_start_token(const struct seen *seen, char token[static 128]);

/* Whether they hold a GPU in common. */
bool seen_gpus_overlap(const char *a, const char *b);

#endif

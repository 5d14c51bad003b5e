/* SPDX-License-Identifier: Apache-2.0 */
/* What is running, as evidence: running totals, never differences (control.md 4.3, 4.4).
 *
 *   POST /agent/v1/heartbeat -> {"desired_rev": N}      every 5 s, and at once on a change
 *   POST /agent/v1/op        {"op_id","status","output"} -> {}
 *
 * A repeated or late heartbeat changes nothing; a lost one loses nothing. */

#ifndef BERTH_PROTO_HEARTBEAT_H
#define BERTH_PROTO_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "market/gpu_gauge.h"
#include "proto/desired.h"
#include "proto/hello.h"

enum instance_phase {
    PHASE_ABSENT,   /* nothing of it on the host; after a destroy: done */
    PHASE_CREATING, /* pulling the image or making the container */
    PHASE_RUNNING,
    PHASE_STOPPED, /* by us, or not started yet */
    PHASE_EXITED,  /* its main process ended by itself: exit_code */
    PHASE_FAILED,  /* cannot be made or started: message says why */
};

enum {
    HEARTBEAT_INSTANCES_MAX = 2 * DESIRED_INSTANCES_MAX, /* desired, and quarantined */
    REPORT_MESSAGE_MAX = 1024,
    HEARTBEAT_IMAGES_MAX = 64,
    HOST_IMAGE_NAME_MAX = 1023,
};

/* Messages of an instance that runs, while its Jupyter is not there to be used. */
#define JUPYTER_STARTING_TEXT "Jupyter is starting"
#define JUPYTER_SILENT_TEXT   "Jupyter does not answer; its log may say why. SSH works"

/* How a copy to it from another instance goes, or how the last one ended, begins with this. */
#define COPY_TEXT_BEGINS  "copy from instance "
#define CLOUD_TEXT_BEGINS "copy with a cloud store: "

/* "absent", "creating", ... */
const char *instance_phase_name(enum instance_phase phase);

struct port_mapping {
    int64_t port; /* inside */
    bool is_udp;
    int64_t host_port;
};

struct instance_report {
    int64_t id, gen; /* gen: the one that the phase belongs to */
    enum instance_phase phase;
    const char *start_token; /* container id and start time: changes with every start; "" if none */
    int64_t run_ms;          /* running time since start_token began, by the host's clock */
    int64_t counter_epoch;
    int64_t bytes_up, bytes_down; /* within counter_epoch */
    int64_t exit_code;            /* -1: none */
    int64_t restart_nonce;        /* the last one that was carried out */
    int64_t disk_used_mb;         /* -1 unknown */
    int64_t cpu_permille;         /* of its share, -1 unknown */
    int64_t ram_used_mb;          /* -1 unknown */
    int64_t gpu_permille;         /* -1 unknown */
    const char *message;          /* for people: progress, or why it failed; "" */
    int64_t ssh_port;             /* on the host's public address; 0: none */
    int64_t port_count;
    struct port_mapping *ports;
};

struct host_image {
    const char *name;   /* in full, as image_name() writes it */
    int64_t pull_bytes; /* what pulling all of it fetched; -1: not known */
};

struct heartbeat {
    int64_t session_epoch, seq;
    const char *boot_id;
    int64_t agent_incarnation;
    int64_t mono_ms;     /* CLOCK_BOOTTIME */
    int64_t applied_rev; /* of the desired state that the agent is working on */
    bool is_engine_ok;
    const char *engine_message;
    int64_t instance_count;
    struct instance_report *instances; /* all that are on the host, quarantined ones too */
    int64_t quarantined_count;
    int64_t disk_free_gb;
    bool has_images;             /* only now and then: what follows; all else stands */
    int64_t pull_rate, start_ms; /* market/image_start.h; -1: not measured */
    int64_t image_count;
    struct host_image *images;
    bool has_gauges; /* only where they have changed: what follows; all else stands */
    int64_t gauge_count;
    struct gpu_gauge *gauges; /* at most GPUS_MAX */
};

struct heartbeat_reply {
    int64_t desired_rev;
};

enum op_status { OP_DONE, OP_FAILED, OP_UNKNOWN };

enum { OP_OUTPUT_MAX = 512 * 1024 };

struct op_result {
    const char *op_id;
    enum op_status status;
    const char *output; /* at most OP_OUTPUT_MAX bytes, UTF-8 */
    int64_t exit_code;  /* of a command that ended, 0 to 255; -1: none */
};

void heartbeat_encode(struct buf *out, const struct heartbeat *heartbeat);
NODISCARD bool heartbeat_decode(const json_t *root, struct arena *arena, struct heartbeat *ret,
                                struct error *err);
void heartbeat_reply_encode(struct buf *out, const struct heartbeat_reply *reply);
NODISCARD bool heartbeat_reply_decode(const json_t *root, struct heartbeat_reply *ret,
                                      struct error *err);
void op_result_encode(struct buf *out, const struct op_result *result);
NODISCARD bool op_result_decode(const json_t *root, struct op_result *ret, struct error *err);

#endif

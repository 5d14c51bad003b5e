/* SPDX-License-Identifier: Apache-2.0 */
/* What should be running on a machine: level-triggered, always the full state (control.md 4.3).
 *
 *   GET /agent/v1/desired?after=REV   held until desired_rev > REV, or 25 s: then 204
 *
 * The agent keeps the last one on disk and enforces it while disconnected. `gen` rises with
 * every change to an instance. An instance that is not listed is stopped and quarantined, never
 * deleted; only `absent` with a destroy token that verifies against the server key of the
 * enrolment deletes data. */

#ifndef BERTH_PROTO_DESIRED_H
#define BERTH_PROTO_DESIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

enum desired_state { DESIRED_RUNNING, DESIRED_STOPPED, DESIRED_ABSENT };

enum {
    DESIRED_INSTANCES_MAX = 1024,
    DESIRED_OPS_MAX = 64,
    DESIRED_RELAYS_MAX = 16,
    SPEC_ENV_MAX = 256,
    SPEC_ARGS_MAX = 256,
    DESIRED_GONE_MAX = 1024,
    SPEC_PORTS_MAX = 64,
    SPEC_VOLUMES_MAX = 16,
    SPEC_RELAYED_MAX = SPEC_PORTS_MAX + 4,
    SPEC_KEYS_MAX = 64,
    SPEC_TEXT_MAX = 128 * 1024, /* a variable's value, an argument, onstart */
    SPEC_KEY_MAX = 16 * 1024,
    OP_COMMAND_MAX = 16 * 1024,
    OP_ID_SIZE = 32 + 1,
    OP_PATH_MAX = 4096,
    COPY_KEY_SIZE = 32, /* Ed25519 */
    WORKSPACE_KEY_SIZE = 32,
    WORKSPACE_KEY_TEXT = 2 * WORKSPACE_KEY_SIZE, /* hexadecimal */
    DESIRED_COPIES_MAX = 16,
    DESIRED_MBIT_MAX = 100000,
    DESIRED_TAIL_MAX = 100000,
    DESIRED_BODY_MAX = 16 << 20,
    POLL_HOLD_MS = 25000,
    DESTROY_TOKEN_SIZE = 64,
};

struct spec_variable {
    const char *name, *value;
};

struct spec_port {
    int64_t port; /* inside the container; from 70000 up: identity mapping (api.md 2.4.3) */
    bool is_udp;
};

/* A relay's port that leads to one of the container's. */
struct spec_relayed {
    int64_t asked; /* as in struct spec_port: 70000 and up where both have the relay's number */
    bool is_udp;
    int64_t port; /* the relay's */
};

/* A volume that it mounts. One that is not there yet is made, empty, when the container is. */
struct spec_volume {
    int64_t id, size_gb;
    const char *path; /* in the container; market/volume.h */
};

#define WORKSPACE_PATH "/workspace"

/* How to make the container. Fixed for a generation. Texts live in the arena it was decoded
 * into. NULL: not given. */
struct instance_spec {
    const char *image;
    const char *registry_login; /* as api.md 2.4.1, image_login; secret */
    const char *runtype;        /* tokens of api.md 2.4.2 */
    const char *onstart;
    const char *user;
    const char *hostname;      /* NULL: C.<id> */
    const char *jupyter_token; /* where runtype has Jupyter; secret */
    const char *jupyter_dir;   /* the folder that it opens with; NULL: the user's own */
    const char *jupyter_app;   /* "lab", or "notebook" */
    int64_t arg_count;
    const char **args;
    int64_t env_count;
    struct spec_variable *env; /* secret */
    int64_t port_count;
    struct spec_port *ports;
    const char *public_host; /* of the relay, where it is reached by nothing else; NULL */
    int64_t relayed_count;
    struct spec_relayed *relayed; /* the ports there */
    int64_t volume_count;
    struct spec_volume *volumes;
    int64_t workspace_gb;      /* of disk_gb, encrypted, at WORKSPACE_PATH; 0: none */
    const char *workspace_key; /* hexadecimal; told while it is to run, kept by nobody; secret */
    int64_t ssh_key_count;
    const char **ssh_keys; /* authorized_keys lines without options */
    int64_t disk_gb;
    int64_t cpu_millis; /* thousandths of a hardware thread; 0: no limit */
    int64_t ram_mb;     /* 0: no limit */
    int64_t shm_mb;     /* 0: the agent's default */
    int64_t remake;     /* rises where its files are to go, and all is made from the image again */
};

/* That others get its GPUs: the state is "stopped", but it may run on until the deadline. */
struct desired_notice {
    int64_t after_ms;   /* from receipt: then what is left of it is killed */
    const char *reason; /* "outbid": rental_reason_code() */
    const char *winner; /* "bid": preempt_class_name() */
    int64_t keep_ticks; /* thousandths of a dollar a GPU-hour that would have kept it; -1 */
};

/* One end of a copy between two instances, which goes on as long as it is listed: who comes to the
 * instance's SSH with that key may do this, and nothing else. */
struct desired_copy {
    uint8_t public_key[COPY_KEY_SIZE];
    uint8_t greeting[COPY_KEY_SIZE]; /* said to who has come: proof that this is the instance */
    bool is_target;                  /* it takes `from` to `to`; else it gives `from` */
    int64_t expires_ms;              /* from receipt: then the key opens nothing; 0: not said */
    const char *from, *to;
};

enum { REQUEST_ID_LENGTH = 64 };

struct desired_instance {
    int64_t id, gen;
    const char *request_id; /* that the state came of, for the log; NULL: none */
    enum desired_state state;
    bool is_kept_running;      /* started again, after a pause, whenever it has ended by itself */
    int64_t restart_nonce;     /* restart when the one on disk is lower */
    int64_t stop_after_ms;     /* from receipt: credit ends; -1: never */
    int64_t lifetime_after_ms; /* from receipt: contract ends; -1: never */
    int64_t gpu_count;
    const char **gpus; /* uuids; none for a CPU machine */
    bool has_notice;
    struct desired_notice notice;
    bool has_destroy_token;
    uint8_t destroy_token[DESTROY_TOKEN_SIZE]; /* Ed25519 over destroy_signed() */
    struct instance_spec spec;                 /* empty where state is absent */
    int64_t grown_gb;           /* of disk, more than the spec's by now; 0: as there */
    int64_t up_mbit, down_mbit; /* the most that its network takes; 0: what the host allows */
    int64_t copy_count;
    struct desired_copy *copies;
};

/* A volume that was deleted: what is there of it goes, once no container mounts it. */
struct desired_gone {
    int64_t id, gen;
    uint8_t destroy_token[DESTROY_TOKEN_SIZE]; /* Ed25519 over destroy_signed() */
};

enum op_kind {
    OP_LOGS,
    OP_EXEC,
    OP_COPY,
    OP_SNAPSHOT,
    OP_CLONE,
    OP_CLOUD,
    OP_OTHER, /* of a newer server: never encoded, and to be answered as not known */
};

struct desired_op {
    const char *request_id; /* that it came of, for the log; NULL: none */
    const char *op_id; /* 32 hexadecimal digits: also the agent's key against running it twice */
    enum op_kind kind;
    int64_t instance_id, min_gen;
    int64_t expires_ms;
    const char *command; /* exec: for the guest's shell */
    const char *filter;  /* logs: lines that contain it; NULL: all */
    int64_t tail;        /* logs: last lines */
    bool is_daemon_log;  /* logs: the agent's own about this instance */
    const char *since;   /* logs: from then on, and every line with its time; NULL: neither */
    /* copy, to the instance; clone, to the volume that instance_id is then: goes on until it is
     * done, or no longer listed */
    int64_t source_id;
    const char *source_host; /* where the source's SSH is, for those who are not its host */
    int64_t source_port;
    const char *copy_secret; /* hexadecimal: sys/copy_secret.h */
    /* snapshot: its files as an image, pushed to where that name says */
    const char *image;
    const char *login; /* to there, as a spec's registry_login; or NULL */
    bool is_paused;    /* its processes stand still meanwhile */
    int64_t size_gb;   /* clone: what the volume has room for */
    /* cloud, between the instance and a store, by a key of copy_secret: goes on as a copy does */
    const char *cloud_kind;   /* market/cloud.h */
    const char *cloud_config; /* JSON; kept by nobody, and so NULL later; secret */
    const char *cloud_path, *instance_path;
    const char *cloud_flags; /* of rclone, with a blank between them */
    bool is_to_cloud;
};

enum { COPY_SECRET_SIZE = 2 * COPY_KEY_SIZE + 1 };

/* Where the agent dials, so that its instances are reached without open ports (proto/relay.h). */
struct desired_relay {
    int64_t id;
    const char *host; /* a name or an address */
    int64_t port;
    const char *pin; /* hash of its public key in hexadecimal; "": plain TCP */
};

struct desired {
    int64_t session_epoch, desired_rev, server_time_us;
    int64_t audit_id; /* the newest challenge to prove compute (proto/challenge.h); 0: none */
    int64_t instance_count;
    struct desired_instance *instances;
    int64_t op_count;
    struct desired_op *ops;
    int64_t gone_count;
    struct desired_gone *gone;
    int64_t relay_count;
    struct desired_relay *relays;
};

/* No span is longer: long enough for anyone, short enough that adding it to a clock in microseconds
 * never wraps. What ends later is sent as this, and anew before it has passed. */
#define DESIRED_SPAN_MS_MAX INT64_C(1000000000000)

/* The time that a line of a log begins with, as the engine has it: RFC 3339 in UTC with nine digits
 * behind the point; or DESIRED_SINCE_ALL. */
#define DESIRED_SINCE_ALL "0"
enum { DESIRED_SINCE_LENGTH = 30 };
NODISCARD bool desired_since_is_valid(const char *text);

/* 32 hexadecimal digits in lower case. */
NODISCARD bool op_id_is_valid(const char *text);

void desired_encode(struct buf *out, const struct desired *desired);

/* Everything decoded lives in `arena`. ERROR_OUT_OF_RANGE past a limit above. */
NODISCARD bool desired_decode(const json_t *root, struct arena *arena, struct desired *ret,
                              struct error *err);

/* The relay's port for what was asked for; 0: it is not reached through one. */
int64_t instance_spec_relayed(const struct instance_spec *spec, int64_t asked, bool is_udp);

/* A spec alone, as the server keeps it in a row. */
void instance_spec_encode(struct buf *out, const struct instance_spec *spec);
NODISCARD bool instance_spec_decode(const json_t *root, struct arena *arena,
                                    struct instance_spec *ret, struct error *err);

/* The bytes under a destroy token: domain, machine, instance, gen. */
void destroy_signed(struct buf *out, int64_t machine_id, int64_t instance_id, int64_t gen);

#endif

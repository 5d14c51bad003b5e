/* SPDX-License-Identifier: Apache-2.0 */
/* The Docker Engine, over its unix socket, API v1.41. For workers (agent/job.h): every call
 * blocks, with a deadline.
 *
 * What the engine refuses is an error in the engine's own words: 404 is ERROR_NOT_FOUND, 409
 * ERROR_CONFLICT, 400 ERROR_INVALID, anything else ERROR_IO. No engine is ERROR_UNREACHABLE. */

#ifndef BERTH_AGENT_DOCKER_H
#define BERTH_AGENT_DOCKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "sys/http_client.h"

#define DOCKER_URL "http://engine/v1.41"

enum {
    DOCKER_ID_SIZE = 64 + 1,
    DOCKER_REPLY_MAX = 16 << 20,
    DOCKER_URL_SIZE = 2048,
    DOCKER_CALL_MS = 60000,
};

struct docker {
    struct http_client *client; /* owned */
    int64_t busy_us;            /* spent waiting for the engine, over all calls */
};

#define auto_docker __attribute__((cleanup(docker_close)))
struct docker docker_open(const char *socket);
void docker_close(struct docker *docker);

struct docker_call {
    const char *method;
    const char *path;           /* behind DOCKER_URL, escaped */
    const char *body;           /* JSON, or NULL */
    size_t body_length;         /* 0: up to its NUL */
    const char *const *headers; /* or NULL */
    int64_t timeout_ms;         /* 0: DOCKER_CALL_MS */
};

/* `*ret_reply` is set to the reply, or to NULL where there is none; `ret_reply` may be NULL.
 * 304 (it is so already) counts as success. */
NODISCARD bool docker_call(struct docker *docker, const struct docker_call *call,
                           json_t **ret_reply, struct error *err);

/* What the engine says in a refusal of this status. */
bool docker_refused(int status, const char *body, size_t length, struct error *err);

/* Percent-encode `text` for a query. */
void docker_escape(struct buf *out, const char *text);

struct docker_info {
    char id[128];
    char version[32];
    char driver[32]; /* of storage: "overlay2" */
    char root[256];  /* its data folder */
    int64_t cpu_count;
    bool has_live_restore;
    bool maps_users; /* root of a container is nobody on the host */
    bool has_nvidia; /* knows a runtime for NVIDIA's GPUs */
};
NODISCARD bool docker_info(struct docker *docker, struct docker_info *ret, struct error *err);

/* Containers, by id or name. */
NODISCARD bool docker_inspect(struct docker *docker, const char *container, json_t **ret,
                              struct error *err);
NODISCARD bool docker_create(struct docker *docker, const char *name, const char *body,
                             char ret_id[static DOCKER_ID_SIZE], struct error *err);
NODISCARD bool docker_start(struct docker *docker, const char *container, struct error *err);
NODISCARD bool docker_stop(struct docker *docker, const char *container, int64_t grace_s,
                           struct error *err);
NODISCARD bool docker_rename(struct docker *docker, const char *container, const char *name,
                             struct error *err);

/* With its files. One that is not there is fine. */
NODISCARD bool docker_remove(struct docker *docker, const char *container, struct error *err);

/* A bridge network of that name, whose device on the host has the same. One that is there already
 * is fine. */
struct docker_network {
    const char *name;
    const char *subnet, *gateway;
    const char *labels; /* a JSON object */
};
NODISCARD bool docker_network_make(struct docker *docker, const struct docker_network *network,
                                   struct error *err);

/* One that is not there is fine. */
NODISCARD bool docker_network_remove(struct docker *docker, const char *name, struct error *err);

#endif

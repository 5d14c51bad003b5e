/* SPDX-License-Identifier: Apache-2.0 */
/* How an instance becomes a container: the whole create request, made by us from scratch.
 *
 * Guests are hostile. Nothing of what a renter writes reaches the engine but through the fields
 * of struct instance_spec: no privileged, no host namespaces, no mounts but of its renter's
 * volumes, no devices but the GPUs that were rented, no capabilities but a short list. */

#ifndef BERTH_AGENT_CONTAINER_H
#define BERTH_AGENT_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/isolate.h"
#include "agent/record.h"
#include "agent/scrub.h"
#include "agent/seen.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/error.h"
#include "proto/desired.h"

enum {
    CONTAINER_BODY_MAX = 48 << 20, /* 256 variables and 256 arguments of the longest */
    CONTAINER_STOP_SECONDS = 10,
    CONTAINER_HOSTNAME_SIZE = 63 + 1,
};

/* What goes for every container of this host. */
struct container_host {
    int64_t machine_id;
    char host[SEEN_HOST_SIZE];      /* see SEEN_LABEL_HOST */
    const char *public_ip;          /* "" unknown */
    const char *tools_dir;          /* mounted read-only at /opt/berth */
    const char *workspaces_dir;     /* agent/workspace.h */
    const char *private_registries; /* agent/registry.h; or NULL */
    int64_t cpu_count;              /* hardware threads of the engine's machine */
    bool is_simulated;              /* the GPUs do not exist: none are asked for */
    bool has_quota;                 /* the engine's storage can limit a container's size */
    bool has_volume_quota;          /* and that of a volume */
    const struct isolate *isolate;  /* the walls around guests; NULL: they have none */
    const struct scrub *scrub;      /* clears GPUs between tenants; NULL: nobody does */
};

struct container_wish {
    const struct container_host *host;
    const struct desired_instance *desired;
    const struct record *record;
    const char *image;  /* what to make it from: a reference or an id */
    bool is_for_copies; /* not the instance, but its files: nothing of the renter's is started */
};

/* The body of POST /containers/create. */
void container_encode(struct buf *out, const struct container_wish *wish);

/* What the container itself may take of the disk: without an encrypted workspace. */
int64_t container_disk_gb(const struct desired_instance *desired);

/* A hash of all of it that is fixed when the container is made, in hexadecimal; two wishes with
 * the same one make the same container. The image does not count: a container keeps its files. */
NODISCARD bool container_spec(const struct desired_instance *desired,
                              char spec[static SEEN_SPEC_SIZE], struct error *err);

/* The engine refused to make a container for a limit that its storage has none of: without it,
 * then. False: that was not why. */
bool container_without_limit(struct container_host *host, const char *refusal);

/* "C.7001", or what the renter chose. */
char *container_hostname(const struct desired_instance *desired,
                         char hostname[static CONTAINER_HOSTNAME_SIZE]);

/* Whether it starts through our helper, which can wait for its host name; else by the image's own
 * entrypoint. */
bool container_has_launcher(const struct instance_spec *spec);

/* "Dns": [...], for whatever gets a network of its own. */
void container_resolvers(struct encoder *json);

/* GPU uuids with a comma behind each. */
char *container_gpus(const struct desired_instance *desired, char gpus[static SEEN_GPUS_SIZE]);

/* The labels of a container or a network, as a JSON object. */
void container_labels(struct encoder *json, const struct container_wish *wish);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot: an instance's files as an image, in a registry of its renter's choice.
 *
 * The image is what the instance was made from, with the changed files on top. What Berth put into
 * the container is none of it: its variables (keys, tokens, the account's secrets), its labels and
 * what it is started by. So the image starts as the first one did, here and anywhere else.
 *
 * It never gets a name on this host, under which somebody else's instance would be made from it:
 * the engine commits it without one, skopeo(1) pushes it by its number, over TLS alone, and then it
 * is removed. */

#ifndef BERTH_AGENT_SNAPSHOT_H
#define BERTH_AGENT_SNAPSHOT_H

#include <stdbool.h>

#include "agent/docker.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "proto/desired.h"

struct snapshot_work {
    const char *engine_socket;
    const char *private_path; /* a folder of the agent's own: the login lies there meanwhile */
    const struct desired_op *op;
    const char *private_registries; /* see agent/registry.h */
};

/* `out` takes what there is to show. Blocks until it is pushed. */
NODISCARD bool snapshot_run(const struct snapshot_work *work, struct docker *docker,
                            struct buf *out, struct error *err);

/* The settings of the image, for the engine to commit, from what it says of the container and of
 * the image that this was made from. */
void snapshot_encode(struct buf *out, const json_t *container, const json_t *image);

/* The file that has the login for the registry at `host` ("": the default one). ERROR_INVALID: it
 * is none. */
NODISCARD bool snapshot_login(struct buf *out, const char *login, const char *host,
                              struct error *err);

#endif

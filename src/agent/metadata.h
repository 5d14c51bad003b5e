/* SPDX-License-Identifier: Apache-2.0 */
/* What an instance can ask about itself, at http://169.254.169.254/ from inside:
 *
 *     GET /berth/instance       {"id":38250,"label":"C.38250"}
 *     GET /berth/preempt.json   what /run/berth/preempt.json says; 404 while there is no notice
 *
 * The address is one of the container's own loopback device, and the socket is made in its network:
 * nobody outside reaches it, and nothing has to tell instances apart. It is made anew at each
 * start. Guests are hostile: a request is read up to a limit, answered, and the connection closed;
 * an instance has few of them at once, and not for long. */

#ifndef BERTH_AGENT_METADATA_H
#define BERTH_AGENT_METADATA_H

#include <stddef.h>
#include <stdint.h>

#include "agent/loop.h"
#include "agent/seen.h"
#include "sys/log.h"

#define METADATA_ADDRESS "169.254.169.254"

enum {
    METADATA_PORT = 80,
    METADATA_INSTANCES_MAX = 512,
    METADATA_CALLS_MAX = 4, /* at once, of one instance */
    METADATA_CALLS_ALL_MAX = 128,
    METADATA_CALL_MS = 2000,
    METADATA_REQUEST_MAX = 2048,
};

/* One that runs. */
struct metadata_entry {
    int64_t instance_id;
    int64_t pid; /* of its first process */
    const char *container_id;
    const char *token;  /* of this start */
    const char *notice; /* preempt_encode(); "" none */
};

struct metadata;

struct metadata *metadata_open(struct loop *loop, const struct log *log);
void metadata_close(struct metadata **metadata);

/* All of them; what is not among them any more is no longer served. Copies the texts. */
void metadata_update(struct metadata *metadata, const struct metadata_entry *entries, size_t count);

#endif

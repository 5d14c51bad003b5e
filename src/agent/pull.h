/* SPDX-License-Identifier: Apache-2.0 */
/* Getting an image onto the host, and what it says about itself.
 *
 * A pull is a stream of JSON lines. An error in the middle of it arrives in the last line of an
 * answer whose status was 200, so the stream is read to its end and never trusted before. */

#ifndef BERTH_AGENT_PULL_H
#define BERTH_AGENT_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/docker.h"
#include "agent/job.h"
#include "base/buf.h"
#include "base/error.h"

enum {
    PULL_LAYERS_MAX = 256,
    PULL_EXPOSED_MAX = 64,
    PULL_ID_SIZE = 128,
    PULL_SILENCE_MS = 300000,
};

struct pull_port {
    int64_t port;
    bool is_udp;
};

struct pull_image {
    char id[PULL_ID_SIZE]; /* "sha256:..." */
    int64_t port_count;
    struct pull_port ports[PULL_EXPOSED_MAX]; /* EXPOSE, sorted; those past the end are left out */
};

/* ERROR_NOT_FOUND: it is not here. */
NODISCARD bool pull_inspect(struct docker *docker, const char *image, struct pull_image *ret,
                            struct error *err);

/* Whether that image is the one with this id. ERROR_NOT_FOUND: it is another one by now, or gone.
 */
NODISCARD bool pull_expect(struct docker *docker, const char *image, const char *id,
                           struct error *err);

struct pull_request {
    const char *image;               /* as the renter wrote it */
    const char *login;               /* as api.md 2.4.1, image_login; or NULL. Secret */
    const struct job_report *report; /* progress goes here */
    const char *private_registries;  /* see agent/registry.h */
};

/* What a pull took. */
struct pull_measure {
    int64_t bytes, us; /* fetched; from its begin to its end */
    bool is_whole;     /* no layer of it was here before */
};

/* ERROR_FORBIDDEN: this host asks no such registry. ERROR_IO also where nothing has come for
 * PULL_SILENCE_MS. */
NODISCARD bool pull_run(struct docker *docker, const struct pull_request *request,
                        struct pull_measure *ret, struct error *err);

/* What the lines of a stream add up to. */
struct pull_layer {
    char id[16];
    int64_t done, total; /* bytes; of the download, then of unpacking */
    bool is_fetched, is_unpacked;
};

struct pull_state {
    int64_t layer_count;
    struct pull_layer layers[PULL_LAYERS_MAX];
    bool has_layers; /* some of them were here before */
    bool has_failed;
    struct error err; /* why */
};

/* Take one line. What is not understood is left aside. */
void pull_take(struct pull_state *state, const char *line, size_t length);

/* "3 of 8 layers, 120 of 803 MB". */
char *pull_format(const struct pull_state *state, char text[static 128]);

#endif

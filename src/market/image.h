/* SPDX-License-Identifier: Apache-2.0 */
/* References to container images, as renters write them: "ubuntu", "pytorch/pytorch:2.4.0",
 * "registry.example:5000/team/image@sha256:...".
 *
 * Parsed whole and strictly: what passes has no blanks, no control characters, no part of a path
 * that begins with '-' or '.', and can go into a path of the Engine API. */

#ifndef BERTH_MARKET_IMAGE_H
#define BERTH_MARKET_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"

enum {
    IMAGE_TEXT_SIZE = 1024, /* of a whole reference, in full */
    IMAGE_HOST_SIZE = 256,
    IMAGE_PATH_SIZE = 256,
    IMAGE_TAG_SIZE = 129,    /* 128 characters */
    IMAGE_DIGEST_SIZE = 136, /* sha512: and 128 digits */
};

struct image {
    char host[IMAGE_HOST_SIZE];     /* with its port; "" : the engine's default registry */
    char path[IMAGE_PATH_SIZE];     /* "pytorch/pytorch" */
    char tag[IMAGE_TAG_SIZE];       /* "" where none is given: "latest", unless a digest is */
    char digest[IMAGE_DIGEST_SIZE]; /* "sha256:..." or "" */
};

/* ERROR_INVALID says what is wrong with it. */
NODISCARD bool image_parse(const char *text, struct image *ret, struct error *err);

/* The reference in full: with ":latest" where neither tag nor digest was given. Returns `text`. */
char *image_format(const struct image *image, char text[static IMAGE_TEXT_SIZE]);

/* The same, and the same for every way to write one image of the default registry. */
char *image_name(const struct image *image, char text[static IMAGE_TEXT_SIZE]);

#endif

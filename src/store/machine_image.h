/* SPDX-License-Identifier: Apache-2.0 */
/* Which images machines hold, and what their pulls and starts took, as rows. */

#ifndef BERTH_STORE_MACHINE_IMAGE_H
#define BERTH_STORE_MACHINE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/db.h"

struct machine_image_row {
    const char *image;  /* its name in full */
    int64_t pull_bytes; /* -1: not known */
};

/* These in place of what the machine had; each name once. */
NODISCARD bool machine_images_put(struct db *db, int64_t machine_id,
                                  const struct machine_image_row *images, size_t count,
                                  struct error *err);

/* What it took there; -1: not measured. */
NODISCARD bool machine_start_put(struct db *db, int64_t machine_id, int64_t pull_rate,
                                 int64_t start_ms, struct error *err);

struct machine_start_row {
    int64_t pull_rate, start_ms; /* -1: not measured */
    bool has_image;
};

/* A machine that has said nothing has measured nothing. */
NODISCARD bool machine_start_load(struct db *db, int64_t machine_id, const char *image,
                                  struct machine_start_row *ret, struct error *err);

/* The most that a pull of all of it fetched anywhere; -1: not known. */
NODISCARD bool machine_image_bytes(struct db *db, const char *image, int64_t *ret,
                                   struct error *err);

#endif

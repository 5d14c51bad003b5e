/* SPDX-License-Identifier: Apache-2.0 */
/* Where an instance of an image starts soon: hosts say what they hold, and what pulls and starts
 * took them; whoever searches asks (market/image_start.h). */

#ifndef BERTH_FLOW_IMAGE_STARTS_H
#define BERTH_FLOW_IMAGE_STARTS_H

#include "flow/flow.h"
#include "proto/heartbeat.h"
#include "store/db.h"

enum { IMAGE_STARTS_MAX = 256 };

/* Inside a heartbeat that has some: in place of what its machine said before. */
NODISCARD bool image_starts_take(struct db *db, int64_t machine_id,
                                 const struct heartbeat *heartbeat, struct error *err);

struct image_start {
    int64_t machine_id;
    bool is_cached;
    int64_t ms; /* -1: not known */
};

enum image_starts_outcome { IMAGE_STARTS_FOUND, IMAGE_STARTS_BAD_IMAGE };

/* For `count` machines, at most IMAGE_STARTS_MAX, whose ids are in `starts`. Of an image whose name
 * makes no sense, `err` says why. */
NODISCARD bool flow_image_starts(const struct flow *flow, const char *image,
                                 struct image_start *starts, size_t count,
                                 enum image_starts_outcome *ret, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is a disk: made, mounted by a loop device, unmounted. */

#ifndef BERTH_AGENT_WORKSPACE_IMAGE_H
#define BERTH_AGENT_WORKSPACE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* An empty ext4 that can encrypt; what a maker that was killed left is made anew. `size` in bytes.
 * ERROR_UNAVAILABLE: mkfs.ext4 is not there, or refuses. */
NODISCARD bool workspace_image_make(const char *image, int64_t size, struct error *err);

/* Mount it at that folder, which is made. The same file is never mounted by two devices. */
NODISCARD bool workspace_image_mount(const char *image, const char *folder, struct error *err);

/* One that is not mounted is fine; the device goes with the last mount. */
NODISCARD bool workspace_image_unmount(const char *folder, struct error *err);

bool workspace_image_is_mounted(const char *folder);

#endif
